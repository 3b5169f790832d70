"""Reading one blob: goes on where a connection broke, and lets its last bytes out only once the whole is verified."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import aiohttp
import msgspec
from yarl import URL

from orlop.adapters.upstream.connection import Connection
from orlop.adapters.upstream.errors import error_of
from orlop.adapters.upstream.patience import RETRIED
from orlop.adapters.upstream.transport import SMALL, Answer, Broken, Call, Unreachable, read_bounded
from orlop.domain.digest import Digest, digest_from, new_hash
from orlop.domain.errors import BlobUnknown, ContentCorrupt
from orlop.ports.upstream import UpstreamError

_PIECE = 1024 * 1024


async def download(
    connection: Connection, url: URL, scopes: tuple[str, ...], digest: Digest, size: int, offset: int
) -> AsyncGenerator[bytes, None]:
    """The bytes of a blob from `offset`: see BlobReader.read_blob in the port.

    Only tries without progress count against the patience of the connection.
    """
    what = f"blob {digest} from {url.authority}"
    state = new_hash(digest.algorithm) if offset == 0 else None
    position, attempt = offset, 0
    while position < size or (size == 0 and attempt == 0):
        attempt += 1
        before = position
        headers = {"Range": f"bytes={position}-"} if position else {}
        try:
            async with connection.open(Call("GET", url, headers, scopes=scopes)) as response:
                if response.status in RETRIED:
                    answer = await _failed(connection, response)
                    if not await connection.wait_for(attempt, answer.retry_after):
                        raise error_of(answer, what, BlobUnknown)
                    continue
                await _check_start(connection, response, position, size, what)
                skip = position if response.status == 200 else 0
                async with aclosing(_pieces(response, skip)) as pieces:
                    async for piece in pieces:
                        position += len(piece)
                        if position > size:
                            raise ContentCorrupt(f"{what} has more than the {size} bytes announced")
                        if state is not None:
                            state.update(piece)
                            if position == size:
                                _verify(digest, digest_from(digest.algorithm, state), what)
                        yield piece
                        if position == size:
                            return
            if position < size:
                raise Broken(f"{what} ended after {position} of {size} bytes")
        except (Unreachable, Broken) as broken:
            attempt = 1 if position > before else attempt
            await connection.wait_after(attempt, broken)
    if state is not None:
        _verify(digest, digest_from(digest.algorithm, state), what)


async def _pieces(response: aiohttp.ClientResponse, skip: int) -> AsyncGenerator[bytes, None]:
    """The body without its first `skip` bytes, which a server that ignores Range sends again."""
    async for chunk in response.content.iter_any():
        if skip >= len(chunk):
            skip -= len(chunk)
            continue
        for start in range(skip, len(chunk), _PIECE):
            yield chunk[start : start + _PIECE] if start or len(chunk) > _PIECE else chunk
        skip = 0


async def _check_start(
    connection: Connection, response: aiohttp.ClientResponse, position: int, size: int, what: str
) -> None:
    """Whether the answer is the blob, or its part from `position`."""
    if response.status == 200:
        announced = response.content_length
        if announced is not None and announced != size:
            raise ContentCorrupt(f"{what} has {announced} bytes, not the {size} announced")
        return
    if response.status == 206 and position:
        first = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0].strip()
        if first != str(position):
            raise UpstreamError(f"{what}: asked for bytes from {position}, the answer begins elsewhere")
        return
    if response.status == 416:
        raise ContentCorrupt(f"{what} has fewer than the {size} bytes announced")
    answer = await _failed(connection, response)
    if response.status < 400:
        raise UpstreamError(f"{what}: unexpected answer {response.status}")
    raise error_of(answer, what, BlobUnknown)


async def _failed(connection: Connection, response: aiohttp.ClientResponse) -> Answer:
    body = await read_bounded(response, SMALL)
    answer = Answer(response.status, response.reason or "", {}, body, response.url)
    return msgspec.structs.replace(answer, retry_after=connection.retry_after(response))


def _verify(expected: Digest, actual: Digest, what: str) -> None:
    if expected != actual:
        raise ContentCorrupt(f"{what} does not match its digest; the bytes that came are {actual}")
