"""VEX documents that refer to images, as rows."""

import zlib
from collections.abc import Collection, Mapping, Sequence

import msgspec

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.records import each
from orlop.domain.digest import Digest
from orlop.domain.inside.carriers import AROUND_BY_NAME, VEX_DOCUMENTS
from orlop.domain.inside.vex.statements import VexDocument
from orlop.domain.names import RepositoryName
from orlop.ports.events import KNOWN_OF_IMAGES
from orlop.ports.vex import AttachedVex, VexState, WaitingVex

_documents = msgspec.msgpack.Decoder(tuple[VexDocument, ...])


class SqlVexDocuments:
    """See ports.vex.VexDocuments."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def wait(self, referrers: Sequence[tuple[RepositoryName, Digest]], now: int) -> None:
        async def script(tx: Session) -> None:
            await tx.many("vex_wait", [(*names, now, b"") for names in referrers])

        if referrers:
            await self._engine.write(script, changes=False)

    async def find(self, after: int, limit: int) -> tuple[int, int] | None:
        rows = await self._reader.all("vex_window", after, limit, each(sorted(VEX_DOCUMENTS.types | AROUND_BY_NAME)))
        if not rows:
            return None
        missed = [(name, digest, 0, b"") for _, name, digest, is_missed in rows if is_missed]

        async def script(tx: Session) -> None:
            await tx.many("vex_wait", missed)

        if missed:
            await self._engine.write(script, changes=False)
        return rows[-1][0], len(missed)

    async def waiting(self, now: int, limit: int) -> tuple[WaitingVex, ...]:
        rows = await self._reader.all("vex_waiting", now, limit)
        return tuple(
            WaitingVex(row, RepositoryName.stored(name), Digest.stored(digest), tries)
            for row, name, digest, tries in rows
        )

    async def read(self, waiting: WaitingVex, found: Sequence[VexDocument], now: int) -> None:
        about = next((digest for document in found for digest in document.about), "")
        body = zlib.compress(msgspec.msgpack.encode(tuple(found)))

        async def script(tx: Session) -> None:
            if found:
                await tx.run("vex_read", waiting.row, now, body, about)
            else:
                await tx.run("vex_none", waiting.row)

        await self._engine.write(script, changes=KNOWN_OF_IMAGES)

    async def unread(self, waiting: WaitingVex, why: str, now: int, again_at: int = 0) -> None:
        state = VexState.WAITING if again_at else VexState.UNREAD

        async def script(tx: Session) -> None:
            await tx.run("vex_unread", waiting.row, state, again_at or now, why)

        await self._engine.write(script, changes=KNOWN_OF_IMAGES)

    async def of(self, repository: RepositoryName, images: Sequence[Digest], limit: int) -> tuple[AttachedVex, ...]:
        rows = [row for image in images for row in await self._reader.all("vex_of", repository, image, limit)]
        return tuple(
            AttachedVex(
                row=row, digest=Digest.stored(digest), pushed_by=pushed_by, state=VexState(state), unread=unread
            )
            for row, digest, pushed_by, state, unread in rows
        )

    async def referred(self, repository: RepositoryName, images: Collection[Digest]) -> frozenset[str]:
        rows = await self._reader.all("vex_referred", repository, each(sorted(images))) if images else []
        return frozenset(digest for (digest,) in rows)

    async def documents(self, rows: Sequence[int]) -> Mapping[int, tuple[VexDocument, ...]]:
        found = await self._reader.all("vex_bodies", each(rows))
        return {row: _documents.decode(zlib.decompress(body)) for row, body in found}
