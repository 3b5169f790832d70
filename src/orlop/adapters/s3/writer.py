"""One writer of a stage: gathers a part while the one before is on its way to the store."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable

from orlop.adapters.s3.errors import translated
from orlop.adapters.s3.place import MAX_PARTS, Place
from orlop.adapters.s3.session import S3Session
from orlop.domain.digest import Hash, digest_from
from orlop.domain.errors import BlobUploadUnknown, TooLarge
from orlop.ports.blobs import Staged


class Writer:
    """See ports.blobs.StageWriter. `place` has no tail; `state` is the hash of what it holds, where that is known."""

    def __init__(
        self,
        session: S3Session,
        stage: str,
        name: str,
        place: Place,
        algorithm: str,
        state: Hash | None,
        left: Callable[[tuple[str, Hash] | None], None],
    ) -> None:
        self._session = session
        self._stage = stage
        self._name = name
        self._place = place
        self._algorithm = algorithm
        self._hash = state
        self._left = left
        self._pieces: list[bytes | memoryview] = []
        self._gathered = 0
        self._hashed = 0
        self._work: asyncio.Task[None] | None = None
        self._ended = False
        self._closed = False
        #: The last checkpoint's place and hash, as long as nothing was written since.
        self._known: tuple[str, Hash] | None = None

    @property
    def offset(self) -> int:
        """See ports.blobs.StageWriter."""
        return self._place.parts * self._place.part + self._gathered

    def resume(self, content: Iterable[bytes]) -> None:
        """Begin with what is the beginning of a part already, and in the hash."""
        self._pieces = list(content)
        self._gathered = self._hashed = sum(map(len, self._pieces))

    def place(self, size: int) -> str:
        """See ports.blobs.StageWriter."""
        place = self._place
        whole, rest = divmod(self._gathered + size, place.part)
        for _ in range(whole):
            place = place.with_part(self._name)
        return (place.with_tail(self._name, rest) if rest or not place.parts else place).text()

    async def write(self, piece: bytes) -> None:
        """See ports.blobs.StageWriter. Raises TooLarge beyond the most parts that a blob may have."""
        self._check()
        view = memoryview(piece)
        while view:
            self._known = None
            part = view[: self._place.part - self._gathered]
            view = view[len(part) :]
            self._pieces.append(part)
            self._gathered += len(part)
            if self._gathered == self._place.part:
                await self._settled()
                self._check()
                self._send()

    def _send(self) -> None:
        """A part is full: let it go its way."""
        number = self._place.parts
        if number >= MAX_PARTS:
            limit = MAX_PARTS * self._place.part
            raise TooLarge(f"a blob has at most {limit} bytes in this store", limit=limit)
        self._place = self._place.with_part(self._name)
        pieces, self._pieces = self._pieces, []
        hashed, self._hashed, self._gathered = self._hashed, 0, 0
        self._work = asyncio.ensure_future(self._put(f"{number:05}", pieces, hashed, self._hash))

    async def checkpoint(self) -> Staged:
        """See ports.blobs.StageWriter."""
        self._check()
        await self._settled()
        self._check()
        if self._known is None:
            state = self._hash
            place = self._place
            if self._gathered or not place.parts:
                state = self._hash.copy() if self._hash is not None else None
                place = place.with_tail(self._name, self._gathered)
                name = f"{place.parts:05}-{self._gathered}"
                self._work = asyncio.ensure_future(self._put(name, self._pieces, self._hashed, state))
                await self._settled()
                self._check()
            if state is None:
                return Staged(self.offset, None, place.text())
            self._known = place.text(), state
            self._hash, self._hashed = state, self._gathered
        place_text, known = self._known
        return Staged(self.offset, digest_from(self._algorithm, known), place_text)

    async def progress(self) -> Staged:
        """See ports.blobs.StageWriter. Whole parts are on their way in any case."""
        return await self.checkpoint()

    async def _put(self, name: str, pieces: list[bytes | memoryview], hashed: int, state: Hash | None) -> None:
        content, md5 = await asyncio.to_thread(_prepared, pieces, hashed, state)
        pieces = []
        with translated("storing the upload"):
            await self._session.put(f"{self._stage}{self._name}/{name}", content, md5)

    async def end(self) -> None:
        """Let nobody write any more; what is under way is dropped."""
        self._ended = True
        await self._idle()

    async def close(self) -> None:
        """See ports.blobs.StageWriter."""
        if self._closed:
            return
        self._closed = True
        self._pieces = []
        try:
            await self._idle()
        finally:
            self._left(None if self._ended else self._known)

    def _check(self) -> None:
        if self._closed or self._ended:
            raise BlobUploadUnknown("the upload has ended")

    async def _settled(self) -> None:
        """What the last work came to. It stays the last until another starts, so a failure is not forgotten."""
        if self._work is not None:
            await asyncio.shield(self._work)

    async def _idle(self) -> None:
        """Nobody waits for what is under way any more."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])
            if not self._work.cancelled():
                self._work.exception()


def _prepared(pieces: list[bytes | memoryview], hashed: int, state: Hash | None) -> tuple[bytes, bytes]:
    """The content of an object and its MD5; what comes after its first `hashed` bytes goes into the hash."""
    content = b"".join(pieces)
    if state is not None:
        state.update(memoryview(content)[hashed:])
    return content, hashlib.md5(content, usedforsecurity=False).digest()
