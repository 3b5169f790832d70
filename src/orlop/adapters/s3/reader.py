"""Reading copies: small ones at once when they are opened, large ones as a stream."""

from collections.abc import AsyncIterator

from orlop.adapters.s3.errors import FAILURES, code_of, is_missing, translated
from orlop.adapters.s3.session import S3Session
from orlop.adapters.s3.streams import reading
from orlop.domain.blob import Blob
from orlop.domain.errors import ContentCorrupt
from orlop.domain.ranges import Span
from orlop.ports.blobs import PIECE

#: Copies up to this size are read when they are opened, which spares a request; in bytes.
SMALL = 64 * 1024

_DOING = "reading the blob"


class S3Reader:
    """See ports.blobs.BlobReader."""

    def __init__(self, session: S3Session) -> None:
        self._session = session

    async def open(self, blob: Blob) -> "SmallContent | LargeContent":
        """See ports.blobs.BlobReader. One request."""
        key = self._session.keys.copy(blob.key)
        try:
            if blob.size <= SMALL:
                answer = await self._session.ask("get_object", Key=key, Range=f"bytes=0-{SMALL}")
                async with answer["Body"] as body:
                    content = await body.read()
                _check(blob, len(content))
                return SmallContent(content)
            _check(blob, await self._session.size(key))
        except FAILURES as failure:
            if code_of(failure) == "InvalidRange":  # "bytes=0-" of an object without a byte
                _check(blob, 0)
                return SmallContent(b"")
            with translated(_DOING):
                if is_missing(failure):
                    raise ContentCorrupt(f"the stored bytes of {blob.key.digest} are missing") from failure
                raise
        return LargeContent(self._session, blob)


def _check(blob: Blob, size: int) -> None:
    if size != blob.size:
        raise ContentCorrupt(f"{size} bytes are stored of {blob.key.digest}, which has {blob.size}")


class SmallContent:
    """See ports.blobs.BlobContent."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size = len(content)

    async def read(self) -> bytes:
        """See ports.blobs.BlobContent."""
        return self._content

    async def chunks(self, span: Span, most: int = PIECE) -> AsyncIterator[bytes]:
        """See ports.blobs.BlobContent."""
        for start in range(span.start, span.stop, most):
            yield self._content[start : min(start + most, span.stop)]

    def close(self) -> None:
        """Nothing is held."""


class LargeContent:
    """See ports.blobs.BlobContent. Nothing is open between two reads."""

    def __init__(self, session: S3Session, blob: Blob) -> None:
        self._session = session
        self._blob = blob
        self.size = blob.size

    async def read(self) -> bytes:
        """See ports.blobs.BlobContent."""
        return b"".join([piece async for piece in self.chunks(Span(0, self.size))])

    async def chunks(self, span: Span, most: int = PIECE) -> AsyncIterator[bytes]:
        """See ports.blobs.BlobContent."""
        key = self._session.keys.copy(self._blob.key)
        try:
            async for piece in reading(self._session, key, span, most):
                yield piece
        except FAILURES as failure:
            with translated(_DOING):
                if is_missing(failure) or code_of(failure) == "InvalidRange":
                    raise ContentCorrupt(f"the stored bytes of {self._blob.key.digest} end too early") from failure
                raise

    def close(self) -> None:
        """Nothing is held."""
