"""What is said to the store: how objects are to be kept, where the bucket stands, and in whose name."""

import asyncio
import base64
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import SSLError

from orlop.adapters.s3 import S3Options, S3Session
from orlop.adapters.s3.promotion import promote
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.errors import BlobUploadUnknown, Unavailable
from tests.content import blob
from tests.receivers import Authority
from tests.unit.s3.recorder import Recorder, Seen, recorder

pytestmark = pytest.mark.slow

UPLOAD, COPY = "11111111-1111-1111-1111-111111111111", "1" * 32
KEPT = {"encryption": "aws:kms", "kms_key": "our-key", "storage_class": "STANDARD_IA"}
SAID = {
    "x-amz-server-side-encryption": "aws:kms",
    "x-amz-server-side-encryption-aws-kms-key-id": "our-key",
    "x-amz-storage-class": "STANDARD_IA",
}


@pytest.fixture(autouse=True)
def _nothing_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials or settings of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


async def put(server: Recorder, endpoint: str = "", **options: Any) -> Seen:
    """Write an object; the request that it takes."""
    endpoint = endpoint or f"http://127.0.0.1:{server.port}"
    session = S3Session(S3Options(bucket="bucket", prefix="p", endpoint=endpoint, **options))
    try:
        await session.put("p/key", b"content")
    finally:
        await session.close()
    return server.seen[-1]


def keys(access_key_id: str = "static") -> dict[str, str]:
    """Credentials in the settings."""
    return {"access_key_id": access_key_id, "secret_access_key": "secret"}


@pytest.mark.parametrize("parts", [1, 2])
async def test_every_object_is_made_as_the_settings_say(parts: int) -> None:
    part = 5 * 1024 * 1024
    large = blob("large", parts * part)
    async with recorder() as server:
        options = S3Options(bucket="bucket", prefix="p", endpoint=f"http://127.0.0.1:{server.port}", **KEPT, **keys())
        session = S3Session(options)
        place = f'[{part},[["writer",0,{parts}]],null]'
        with pytest.raises((Unavailable, BlobUploadUnknown)):  # nothing is there, as HEAD finds at last
            await promote(session, UPLOAD, Blob(BlobKey(large.digest, COPY), large.size), place)
        await session.put("p/key", b"content")
        await session.close()
    making = [seen for seen in server.seen if seen.method == "POST" and seen.query.startswith("uploads")]
    making += [seen for seen in server.seen if seen.method == "PUT" and "uploadId" not in seen.query]
    assert len(making) == 2
    for seen in making:
        assert {name: seen.headers.get(name) for name in SAID} == SAID


async def test_nothing_is_said_where_the_bucket_decides() -> None:
    async with recorder() as server:
        assert not SAID.keys() & (await put(server, **keys())).headers.keys()
        aes = await put(server, encryption="AES256", **keys())
        assert aes.headers["x-amz-server-side-encryption"] == "AES256"


async def test_the_store_is_told_the_sum_of_every_body() -> None:
    async with recorder() as server:
        told = (await put(server, **keys())).headers["content-md5"]
    assert base64.b64decode(told) == hashlib.md5(b"content").digest()


async def test_the_bucket_stands_in_the_path_or_in_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    async with recorder() as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.port}")  # which resolves no names
        path = await put(server, "http://store.example", addressing="path", **keys())
        assert (path.path, path.headers["host"]) == ("/bucket/p/key", "store.example")
        virtual = await put(server, "http://store.example", addressing="virtual", **keys())
        assert (virtual.path, virtual.headers["host"]) == ("/p/key", "bucket.store.example")


async def test_the_region_is_signed() -> None:
    async with recorder() as server:
        assert "/us-east-1/s3/" in (await put(server, **keys())).headers["authorization"]
        assert "/auto/s3/" in (await put(server, region="auto", **keys())).headers["authorization"]


async def test_credentials_of_the_settings_come_before_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "surrounding")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    async with recorder() as server:
        assert "Credential=static/" in (await put(server, **keys())).headers["authorization"]
        assert "Credential=surrounding/" in (await put(server)).headers["authorization"]


async def test_credentials_come_from_a_web_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "identity").write_text("a signed token")
    async with recorder() as server:
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "identity"))
        monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/registry")
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{server.port}")
        seen = await put(server)
    assert "Credential=from-identity/" in seen.headers["authorization"]
    assert seen.headers["x-amz-security-token"] == "from-identity-token"


async def test_credentials_come_from_the_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    async with recorder() as server:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{server.port}/")
        seen = await put(server)
    assert "Credential=from-instance/" in seen.headers["authorization"]
    assert seen.headers["x-amz-security-token"] == "from-instance-token"


async def test_without_any_credentials_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    async with recorder() as server:
        with pytest.raises(Exception, match="Unable to locate credentials"):
            await put(server)
        assert server.seen == []


async def test_a_certificate_that_is_not_trusted_is_looked_at_once(tmp_path: Path) -> None:
    context, looks = Authority().context(tmp_path), []
    context.sni_callback = lambda *_: looks.append(1)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        session = S3Session(S3Options(bucket="bucket", endpoint=f"https://localhost:{port}", **keys()))
        with pytest.raises(SSLError):
            await session.put("p/key", b"content")
        await session.close()
    assert looks == [1]
