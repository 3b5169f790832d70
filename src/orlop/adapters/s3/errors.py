"""What the store and the way to it answer, as one sentence each."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import aiohttp
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    SSLError,
)

from orlop.domain.errors import Unavailable

#: Everything that the driver raises.
FAILURES = (BotoCoreError, ClientError, aiohttp.ClientError, asyncio.TimeoutError)

_CODES = {
    "AccessDenied": "the store does not allow it to these credentials",
    "403": "the store does not allow it to these credentials",
    "InvalidAccessKeyId": "the store does not know the access key",
    "XAdminUserNotFound": "the store does not know the access key",
    "SignatureDoesNotMatch": "the secret access key is wrong",
    "ExpiredToken": "the credentials have expired",
    "InvalidToken": "the session token is not valid",
    "RequestTimeTooSkewed": "the clock of this machine and that of the store differ too much; set it",
    "NoSuchBucket": "the bucket does not exist",
    "PermanentRedirect": "the bucket is in another region; set blobs.region",
    "AuthorizationHeaderMalformed": "the bucket is in another region; set blobs.region",
    "SlowDown": "the store asks for fewer requests",
    "503": "the store is overloaded",
    "QuotaExceeded": "the bucket is full",
    "XMinioStorageFull": "the store is full",
    "InsufficientStorage": "the store is full",
}

#: What a store answers where a condition of the request does not hold, or may not.
_CONDITIONS = {"PreconditionFailed", "ConditionalRequestConflict"}


def code_of(failure: BaseException) -> str:
    """The store's own code of an error; empty when the store did not answer."""
    answer: dict[str, Any] = failure.response if isinstance(failure, ClientError) else {}
    return str(answer.get("Error", {}).get("Code", ""))


def is_missing(failure: BaseException) -> bool:
    """Whether an object is not there. HEAD has no body, so the code is then the status alone."""
    return code_of(failure) in {"NoSuchKey", "404", "NotFound"}


def is_conflict(failure: BaseException) -> bool:
    """Whether a request collided with another, so that the same request may go well next.

    Keys of ours are written once, so nobody is in the way for long: "OperationAborted" of S3, or a store that keeps
    objects in folders and removes the one that is empty while another object goes there. A condition is no collision.
    """
    if not isinstance(failure, ClientError) or code_of(failure) in _CONDITIONS:
        return False
    return bool(failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == HTTPStatus.CONFLICT)


def reason_of(failure: BaseException) -> str:
    """Why, in a few words."""
    code = code_of(failure)
    if code:
        return _CODES.get(code) or f"the store answers {code}"
    match failure:
        case SSLError():
            return "the certificate of the store is not trusted; name its authority in blobs.ca"
        case NoCredentialsError() | PartialCredentialsError():
            return (
                "there are no credentials; set blobs.access_key_id and blobs.secret_access_key, or the variables"
                " ORLOP_BLOBS_ACCESS_KEY_ID and so on, which begin with ORLOP_TO_ for a place to move to"
            )
        case EndpointConnectionError() | ConnectTimeoutError():
            return "the store cannot be reached"
    return "the connection to the store failed"


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn what the driver raises into Unavailable, cause kept; `doing` is as in "storing the upload"."""
    try:
        yield
    except FAILURES as cause:
        raise Unavailable(f"{doing} failed: {reason_of(cause)}; try again later") from cause
