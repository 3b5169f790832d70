"""What the store answers becomes one sentence, with the cause kept."""

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    SSLError,
)

from orlop.adapters.s3.errors import is_conflict, is_missing, translated
from orlop.domain.errors import Unavailable


def answered(code: str, status: int = 400) -> ClientError:
    """An error as the driver raises it."""
    error = {"Code": code, "Message": "as the store puts it"}
    return ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutObject")


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (answered("SignatureDoesNotMatch"), "the secret access key is wrong"),
        (answered("InvalidAccessKeyId"), "does not know the access key"),
        (answered("RequestTimeTooSkewed"), "the clock of this machine and that of the store differ too much"),
        (answered("NoSuchBucket"), "the bucket does not exist"),
        (answered("AccessDenied"), "does not allow it to these credentials"),
        (answered("SlowDown"), "asks for fewer requests"),
        (answered("SomethingNew"), "the store answers SomethingNew"),
        (SSLError(endpoint_url="https://store", error="self-signed"), "is not trusted; name its authority in blobs.ca"),
        (EndpointConnectionError(endpoint_url="https://store"), "cannot be reached"),
        (ConnectTimeoutError(endpoint_url="https://store"), "cannot be reached"),
        (
            NoCredentialsError(),
            "ORLOP_BLOBS_ACCESS_KEY_ID and so on, which begin with ORLOP_TO_ for a place to move to",
        ),
        (BotoCoreError(), "the connection to the store failed"),
        (TimeoutError(), "the connection to the store failed"),
    ],
)
def test_each_failure_says_what_to_do(failure: Exception, sentence: str) -> None:
    with pytest.raises(Unavailable) as refusal, translated("storing the upload"):
        raise failure
    assert refusal.value.message.startswith("storing the upload failed: ")
    assert sentence in refusal.value.message
    assert refusal.value.__cause__ is failure


def test_what_is_missing_has_three_names() -> None:
    assert all(is_missing(answered(code)) for code in ("NoSuchKey", "404", "NotFound"))
    assert not any(is_missing(failure) for failure in (answered("NoSuchBucket"), NoCredentialsError()))


def test_a_collision_is_told_from_a_condition_that_does_not_hold() -> None:
    assert all(is_conflict(answered(code, 409)) for code in ("OperationAborted", "ExistingObjectIsDirectory"))
    assert not is_conflict(answered("ConditionalRequestConflict", 409))
    assert not any(is_conflict(failure) for failure in (answered("AccessDenied", 403), TimeoutError()))
