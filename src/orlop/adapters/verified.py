"""Streams that verify themselves, for the adapters that keep content in local files. Not an adapter of a port."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from orlop.domain.digest import Digest, digest_from, new_hash
from orlop.domain.errors import ContentCorrupt, DigestInvalid, SizeInvalid

#: Bytes read or written at once.
PIECE = 1024 * 1024


async def reading(
    pieces: AsyncGenerator[bytes, None], digest: Digest, size: int, offset: int, what: str
) -> AsyncGenerator[bytes, None]:
    """Stored bytes from `offset` on; the last piece is let out only when size and, from 0, digest are right.

    Raises ContentCorrupt.
    """
    state = new_hash(digest.algorithm) if offset == 0 else None
    position = offset
    async with aclosing(pieces):
        async for piece in pieces:
            position += len(piece)
            if state is not None:
                state.update(piece)
            if position >= size:
                _check(position == size, state is None or digest_from(digest.algorithm, state) == digest, what)
            yield piece
    _check(position == size, size > 0 or state is None or digest_from(digest.algorithm, state) == digest, what)


def _check(right_size: bool, right_digest: bool, what: str) -> None:
    if not right_size:
        raise ContentCorrupt(f"{what} does not have the size it should have")
    if not right_digest:
        raise ContentCorrupt(f"{what} does not match its digest")


async def arriving(content: AsyncGenerator[bytes, None], digest: Digest, size: int) -> AsyncGenerator[bytes, None]:
    """Bytes that come to be stored, gathered into pieces worth a system call.

    Raises SizeInvalid as soon as there are too many, and SizeInvalid or DigestInvalid before the last piece, so that
    what is refused was never whole.
    """
    state = new_hash(digest.algorithm)
    gathered = bytearray()
    position = 0
    async with aclosing(content):
        async for piece in content:
            position += len(piece)
            if position > size:
                raise SizeInvalid(f"{digest} has more than the {size} bytes announced")
            state.update(piece)
            gathered += piece
            if len(gathered) > PIECE:
                yield bytes(gathered[:PIECE])
                del gathered[:PIECE]
    if position != size:
        raise SizeInvalid(f"{digest} has {position} bytes, not the {size} announced")
    if digest_from(digest.algorithm, state) != digest:
        raise DigestInvalid(f"the bytes that came for {digest} are {digest_from(digest.algorithm, state)}")
    if gathered:
        yield bytes(gathered)
