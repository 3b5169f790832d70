"""Reading one blob: finds its size, goes on where a connection broke, verifies it before its last bytes are let out."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

import aiohttp
from yarl import URL

from orlop.adapters.upstream.bodies import blob_body, is_zipped
from orlop.adapters.upstream.connection import Connection
from orlop.adapters.upstream.errors import error_of, words_of
from orlop.adapters.upstream.patience import RETRIED
from orlop.adapters.upstream.transport import SMALL, Answer, Broken, Call, Unreachable
from orlop.domain.digest import Digest, digest_from, new_hash
from orlop.domain.errors import BlobUnknown, ContentCorrupt, Unsupported
from orlop.ports.upstream import UpstreamError

_PIECE = 1024 * 1024

#: What a Content-Range says of the whole: `bytes 0-0/1234`, or `bytes */0` where there is no first byte.
_WHOLE = re.compile(r"bytes .*/([0-9]{1,19})", re.ASCII)


async def find_size(connection: Connection, url: URL, scopes: tuple[str, ...]) -> int | None:
    """The size of a blob: see BlobReader.stat_blob in the port.

    By HEAD, and where that is refused or does not tell, by a GET of its first byte: stores that registries redirect to
    sign an address for one method, and registries know the size of what is sent rather than of what they have.
    """
    what = f"blob {url.name} from {url.authority}"
    answer = await connection.read(Call("HEAD", url, scopes=scopes))
    if answer.status in RETRIED:
        raise error_of(answer, what, BlobUnknown)
    if answer.status != 404 and (answer.status != 200 or length_of(answer) is None):
        answer = await connection.read(Call("GET", url, {"Range": "bytes=0-0"}, scopes=scopes), 0)
    match answer.status:
        case 404:
            return None
        case 200:
            size = length_of(answer)
        case 206 | 416:
            whole = _WHOLE.fullmatch(answer.headers.get("content-range", "").strip())
            size = int(whole[1]) if whole else None
        case _:
            raise error_of(answer, what, BlobUnknown)
    if size is None:
        raise Unsupported(f"{what}: the registry does not say how large it is")
    return size


def length_of(answer: Answer) -> int | None:
    """The size of the content that an answer announces; None where it is that of a compressed form, or none."""
    length = answer.headers.get("content-length", "")
    if answer.headers.get("content-encoding", "identity").strip().lower() != "identity":
        return None
    return int(length) if length.isascii() and length.isdecimal() and len(length) < 20 else None


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
                    if not await connection.wait_for(attempt, answer.retry_after, words_of(answer)):
                        raise error_of(answer, what, BlobUnknown)
                    continue
                await _check_start(connection, response, position, size, what)
                skip = position if response.status == 200 else 0
                async with aclosing(_pieces(blob_body(response, digest, size), skip)) as pieces:
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


async def _pieces(body: AsyncGenerator[bytes, None], skip: int) -> AsyncGenerator[bytes, None]:
    """The body without its first `skip` bytes, which a server that ignores Range sends again."""
    async for chunk in body:
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
        if announced is not None and announced != size and not is_zipped(response):
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
    return await connection.answer(response, SMALL)


def _verify(expected: Digest, actual: Digest, what: str) -> None:
    if expected != actual:
        raise ContentCorrupt(f"{what} does not match its digest; the bytes that came are {actual}")
