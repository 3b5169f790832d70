"""The settings of the blob store: what is read, what is refused, and what is never shown."""

import pytest

from orlop.config import ConfigurationInvalid
from orlop.config.sources import all_settings, load, value_of, value_text

BUCKET = {"ORLOP_BLOBS_URL": "s3://bucket/a/b"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://bucket", ("bucket", "")),
        ("s3://bucket/", ("bucket", "")),
        ("s3://bucket/a/b", ("bucket", "a/b")),
        ("s3://bucket/a/b/", ("bucket", "a/b")),
        ("file", None),
    ],
)
def test_a_bucket_and_its_prefix(url: str, expected: tuple[str, str] | None) -> None:
    assert load({}, {"ORLOP_BLOBS_URL": url}).settings.blobs.bucket == expected


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"ORLOP_BLOBS_URL": "tape"}, "'tape' is not file, memory or s3://bucket/prefix"),
        ({"ORLOP_BLOBS_URL": "s3://"}, "is not s3://bucket or s3://bucket/prefix"),
        ({"ORLOP_BLOBS_URL": "s3://b/a//b"}, "is not s3://bucket or s3://bucket/prefix"),
        ({"ORLOP_BLOBS_URL": "s3://bucket/../b?c"}, "is not s3://bucket or s3://bucket/prefix"),
        (BUCKET | {"ORLOP_BLOBS_ENDPOINT": "store.example"}, "is not a URL such as"),
        (BUCKET | {"ORLOP_BLOBS_ACCESS_KEY_ID": "key"}, "need each other"),
        (BUCKET | {"ORLOP_BLOBS_SECRET_ACCESS_KEY": "secret"}, "need each other"),
        (BUCKET | {"ORLOP_BLOBS_KMS_KEY": "key"}, "needs blobs.encryption = aws:kms"),
        (BUCKET | {"ORLOP_BLOBS_ENCRYPTION": "rot13"}, "is not none or AES256 or aws:kms"),
        (BUCKET | {"ORLOP_BLOBS_REDIRECT_NETWORKS": "10.0.0.1/8"}, "has host bits set; write them like 10.0.0.0/8"),
        ({"ORLOP_BLOBS_REDIRECT": "always"}, "only a store with s3://"),
        ({"ORLOP_BLOBS_CACHE_BYTES": "1GiB"}, "is for a store with s3://"),
        (BUCKET | {"ORLOP_BLOBS_CACHE_BYTES": "1023KiB"}, "is 0 or at least 1MiB"),
        (BUCKET | {"ORLOP_CATALOG_URL": "memory"}, "or neither"),
    ],
)
def test_what_is_wrong_is_named(environment: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refusal:
        load({}, environment)
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        (BUCKET, True),
        (BUCKET | {"ORLOP_BLOBS_ENDPOINT": "https://store.example:9000"}, True),
        (BUCKET | {"ORLOP_BLOBS_ENDPOINT": "http://127.0.0.1:9000"}, False),
        (BUCKET | {"ORLOP_BLOBS_ENDPOINT": "http://[::1]:9000"}, False),
        (BUCKET | {"ORLOP_BLOBS_ENDPOINT": "http://localhost:9000", "ORLOP_BLOBS_REDIRECT": "always"}, True),
        (BUCKET | {"ORLOP_BLOBS_REDIRECT": "never"}, False),
    ],
)
def test_clients_are_sent_to_a_store_that_they_may_reach(environment: dict[str, str], expected: bool) -> None:
    assert load({}, environment).settings.blobs.redirects is expected


def test_a_secret_is_not_shown() -> None:
    given = BUCKET | {"ORLOP_BLOBS_ACCESS_KEY_ID": "key", "ORLOP_BLOBS_SECRET_ACCESS_KEY": "hush"}
    settings = load({}, given).settings
    shown = [value_text(setting, value_of(settings, key)) for key, setting in all_settings().items()]
    assert settings.blobs.secret_access_key == "hush"
    assert "hush" not in " ".join(shown)
    assert "(set)" in shown
