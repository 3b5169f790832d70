"""Bodies of answers: bounded, and without the compression that some servers apply although `identity` was asked for."""

import zlib
from collections.abc import AsyncGenerator, AsyncIterable

import aiohttp

from orlop.adapters.upstream.transport import SMALL, Broken
from orlop.domain.digest import Digest, digest_of
from orlop.ports.upstream import UpstreamError

#: Codings that zlib undoes (RFC 9110, section 8.4.1).
_ZIPPED = frozenset({"gzip", "x-gzip", "deflate"})
#: Both of its headers, told apart by themselves.
_ANY_HEADER = zlib.MAX_WBITS | 32
_PIECE = 1024 * 1024


async def read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body of an answer; UpstreamError when it has more than `limit` bytes, Broken when it ends too early."""
    return await _gathered(_decoded(response), limit, response.url.authority)


async def blob_body(response: aiohttp.ClientResponse, digest: Digest, size: int) -> AsyncGenerator[bytes, None]:
    """The body of an answer that is a blob, or a part of one; not verified.

    Stores also say of a compressed layer that it is a compressed something. So a small blob is what has its digest,
    and a large one is unzipped only if the answer announces another size.
    """
    raw = response.content.iter_any()
    if not is_zipped(response) or response.status != 200:
        body: AsyncIterable[bytes] = raw
    elif size <= SMALL:
        whole = await _gathered(raw, 2 * SMALL, response.url.authority)
        same = digest_of(whole, digest.algorithm) == digest
        body = _once(whole) if same else _unzipped(_once(whole), response.url.authority)
    else:
        other = response.content_length not in (None, size)
        body = _unzipped(raw, response.url.authority) if other else raw
    async for piece in body:
        yield piece


def is_zipped(response: aiohttp.ClientResponse) -> bool:
    """Whether the body is compressed in a way that this module undoes."""
    return _coding(response) in _ZIPPED


async def _decoded(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    coding, where = _coding(response), response.url.authority
    if coding in _ZIPPED:
        async for piece in _unzipped(response.content.iter_any(), where):
            yield piece
        return
    async for piece in response.content.iter_any():
        if coding and response.status < 400:
            raise UpstreamError(f"{where} answered in the coding {coding[:40]!r}, which nobody asked for")
        yield piece


async def _unzipped(pieces: AsyncIterable[bytes], where: str) -> AsyncGenerator[bytes, None]:
    """In pieces of at most 1 MiB, however little they came as."""
    state = zlib.decompressobj(_ANY_HEADER)
    begun = False
    async for piece in pieces:
        begun, rest = True, piece
        while True:
            try:
                out = state.decompress(rest, _PIECE)
            except zlib.error as cause:
                raise UpstreamError(f"{where} answered with what it calls gzip and is not") from cause
            rest = state.unconsumed_tail
            if not out and not rest:
                break
            yield out
    # The answer to a HEAD has the header and no body.
    if begun and not state.eof:
        raise Broken(f"{where} broke off in the middle of what it compressed")


async def _gathered(pieces: AsyncIterable[bytes], limit: int, where: str) -> bytes:
    found: list[bytes] = []
    length = 0
    async for piece in pieces:
        length += len(piece)
        if length > limit:
            raise UpstreamError(f"{where} answered with more than {limit} bytes where a short answer belongs")
        found.append(piece)
    return b"".join(found)


async def _once(whole: bytes) -> AsyncGenerator[bytes, None]:
    yield whole


def _coding(response: aiohttp.ClientResponse) -> str:
    """The Content-Encoding in lower case; empty for none."""
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    return "" if coding == "identity" else coding
