"""The connection to the store: one client for a process, made when it is first needed."""

import asyncio
import hashlib
import io
import socket
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import msgspec
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import ClientError, ConnectTimeoutError, SSLError

from orlop.adapters.s3.errors import is_conflict
from orlop.adapters.s3.keys import Keys

#: Connections of a process to the store.
CONNECTIONS = 64

#: How long to wait for a connection, and for the next byte of an answer, in seconds.
_CONNECT, _READ = 3, 60
#: How long what was sent may go without a sign that it arrived, in seconds. Else the kernel would try for a quarter of
#: an hour, and a request whose body does not get out has no other limit.
_UNHEARD = 5

#: How often a request is sent at most; between two the driver waits longer and longer, up to 20 seconds.
_ATTEMPTS = 5
#: For how long a request is begun again, in seconds: attempts that each go unheard for their time add up to more than
#: any client waits.
_PATIENCE = 15.0
#: What is waited before a request is sent again that collided with another, in seconds: the driver does not do that.
_PAUSES = (0.05, 0.2, 0.8)


class S3Options(msgspec.Struct, frozen=True, kw_only=True):
    """Which bucket, where, and how. Empty texts leave a choice to the driver and its surroundings."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    access_key_id: str = ""
    secret_access_key: str = ""
    addressing: str = "auto"
    ca: str = ""
    encryption: str = "none"
    kms_key: str = ""
    storage_class: str = ""

    def __repr__(self) -> str:
        return f"S3Options(s3://{self.bucket}/{self.prefix})"

    @property
    def writing(self) -> dict[str, str]:
        """What every request that makes an object says of how it is to be kept."""
        said = {}
        if self.encryption != "none":
            said["ServerSideEncryption"] = self.encryption
        if self.kms_key:
            said["SSEKMSKeyId"] = self.kms_key
        if self.storage_class:
            said["StorageClass"] = self.storage_class
        return said


class S3Session:
    """The requests that everything else here is made of. They raise what the driver raises: see errors.py."""

    def __init__(self, options: S3Options) -> None:
        self.options = options
        self.keys = Keys(options.prefix)
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._client: Any = None

    async def client(self) -> Any:
        """The driver's client; its methods are named by the operations of the S3 API."""
        if self._client is None:
            async with self._opening:
                if self._client is None:
                    client = await self._stack.enter_async_context(_client(self.options))
                    client.meta.events.register("before-sign.s3.DeleteObjects", _summed)
                    client.meta.events.register("request-created.s3", _in_time)
                    client.meta.events.register_first("needs-retry.s3", _noted)
                    self._client = client
        return self._client

    async def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """One request about the bucket."""
        client = await self.client()
        for pause in (*_PAUSES, None):
            try:
                answer: dict[str, Any] = await getattr(client, operation)(Bucket=self.options.bucket, **parameters)
            except ClientError as failure:
                if pause is None or not is_conflict(failure):
                    raise
                if "Body" in parameters:
                    parameters["Body"].seek(0)
                await asyncio.sleep(pause)
            else:
                return answer
        raise AssertionError("unreachable")

    async def put(self, key: str, content: bytes, md5: bytes | None = None, **more: str) -> None:
        """Write an object. The store compares `md5` with what arrives, which every store can."""
        summed = md5 or hashlib.md5(content, usedforsecurity=False).digest()
        await self.ask(
            "put_object",
            Key=key,
            Body=io.BytesIO(content),
            ContentLength=len(content),
            ContentMD5=b64encode(summed).decode(),
            **self.options.writing,
            **more,
        )

    async def size(self, key: str) -> int:
        """The size of an object, in bytes."""
        return int((await self.ask("head_object", Key=key))["ContentLength"])

    async def list(self, operation: str, **parameters: Any) -> AsyncIterator[dict[str, Any]]:
        """The pages of a listing."""
        client = await self.client()
        pages = client.get_paginator(operation).paginate(Bucket=self.options.bucket, **parameters)
        async for page in pages:
            yield page

    async def close(self) -> None:
        """Close every connection."""
        await self._stack.aclose()


def _summed(request: Any, **_: Any) -> None:
    """The driver sends a newer checksum with this request, and several stores still ask for the older."""
    request.headers["Content-MD5"] = b64encode(hashlib.md5(request.body, usedforsecurity=False).digest()).decode()


def _in_time(request: Any, **_: Any) -> None:
    """Called before each attempt at a request; raises what ends them."""
    now = time.monotonic()
    if now - request.context.setdefault("orlop_began", now) > _PATIENCE:
        raise request.context.get("orlop_failed") or ConnectTimeoutError(endpoint_url=request.url)


def _noted(request_dict: Any, caught_exception: BaseException | None = None, **_: Any) -> None:
    """Called after each attempt: what became of it is what is said when there is no time for another.

    A certificate that is not trusted is not trusted next time either.
    """
    if isinstance(caught_exception, SSLError):
        raise caught_exception
    request_dict["context"]["orlop_failed"] = caught_exception


def _socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket on which a network that swallows everything is noticed, in the middle of a request and between two."""
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("KEEPIDLE", _UNHEARD // 2), ("KEEPINTVL", 1), ("USER_TIMEOUT", _UNHEARD * 1000)):
        if hasattr(socket, f"TCP_{option}"):  # what a system has of them differs
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, f"TCP_{option}"), value)
    return made


def _client(options: S3Options) -> Any:
    return get_session().create_client(
        "s3",
        endpoint_url=options.endpoint or None,
        # Stores beside AWS take any region, but a signature has to name one.
        region_name=options.region or ("us-east-1" if options.endpoint else None),
        aws_access_key_id=options.access_key_id or None,
        aws_secret_access_key=options.secret_access_key or None,
        verify=options.ca or None,
        config=AioConfig(
            connect_timeout=_CONNECT,
            read_timeout=_READ,
            max_pool_connections=CONNECTIONS,
            connector_args={"socket_factory": _socket},
            retries={"mode": "standard", "max_attempts": _ATTEMPTS},
            signature_version="s3v4",
            # Content-MD5 guards every body, so bodies are not hashed once more on the event loop for the signature;
            # newer checksums in trailers are what several stores refuse.
            s3={"addressing_style": options.addressing, "payload_signing_enabled": False},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
