"""Responses as values."""

from collections.abc import AsyncIterator, Callable

import msgspec

from orlop.domain.ranges import Span
from orlop.ports.blobs import BlobContent

Header = tuple[bytes, bytes]
Headers = list[Header]

#: Copies up to this size are read and sent at once, in bytes; larger ones in pieces.
INLINE = 64 * 1024


def header(name: str, value: str) -> Header:
    """A header; the value must be free of line breaks, which everything that parsed is."""
    return name.encode("latin-1"), value.encode("latin-1")


def rendered(headers: Headers) -> bytes:
    """Fields as they are sent."""
    return b"".join([b"%b: %b\r\n" % each for each in headers])


class Response(msgspec.Struct, frozen=True):
    """An answer whose body is in memory, or is not sent because HEAD asked."""

    status: int
    headers: Headers
    body: bytes = b""
    length: int | None = None
    """Content-Length, where it is not that of `body`."""


class StreamResponse(msgspec.Struct, frozen=True):
    """An answer whose body is a part of an open copy, which is closed when it is sent; `leave` is called then."""

    status: int
    headers: Headers
    content: BlobContent
    span: Span
    leave: Callable[[], None] | None = None


class LiveResponse(msgspec.Struct, frozen=True):
    """An answer that goes on for as long as `parts` do, or until the client leaves; `leave` is called at its end."""

    status: int
    headers: Headers
    parts: AsyncIterator[bytes]
    leave: Callable[[], None]


AnyResponse = Response | StreamResponse
