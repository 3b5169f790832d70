"""What was pushed into quarantine: what waits there, how it is let out, and how it is refused."""

from collections.abc import Sequence

import msgspec

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.manifests import delete_manifest
from orlop.adapters.sql.parameters import spans_of
from orlop.adapters.sql.pointing import moved_tags, point_tag
from orlop.adapters.sql.quarantining import kept_tags, named
from orlop.adapters.sql.records import locked_repository
from orlop.domain.access.spans import NameSpan
from orlop.domain.digest import Digest
from orlop.domain.errors import Conflict, ManifestUnknown
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName
from orlop.ports.catalog import By, Terms
from orlop.ports.held import HeldPush, HeldState

#: Comes after every number of a row.
_LAST = 2**63 - 1


class SqlHeldPushes:
    """See ports.held.HeldPushes. `lists`: what pages are read by."""

    def __init__(self, engine: Engine, lists: Session) -> None:
        self._engine = engine
        self._lists = lists

    async def of(self, repository: RepositoryName, digest: Digest) -> HeldPush | None:
        row = await self._engine.reader.one("quarantined_of", repository, digest)
        return _held(row) if row else None

    async def released(self, repository: RepositoryName, digest: Digest) -> HeldPush | None:
        row = await self._engine.reader.one("quarantined_released", repository, digest)
        return _held(row) if row else None

    async def get(self, number: int) -> HeldPush | None:
        row = await self._engine.reader.one("quarantined_get", number)
        return _held(row) if row else None

    async def page(self, spans: Sequence[NameSpan], state: HeldState, before: int, limit: int) -> tuple[HeldPush, ...]:
        rows = await self._lists.all("quarantined_page", spans_of(spans), state.value, before or _LAST, limit)
        return tuple(map(_held, rows))

    async def depth(self) -> tuple[int, int]:
        row = await self._lists.one("quarantined_depth")
        return (int(row[0]), int(row[1])) if row else (0, 0)

    async def release(self, held: HeldPush, terms: Terms, by: By, reason: str = "") -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            row_id, manifest = await _decided(tx, held, HeldState.RELEASED, by, reason, ledger)
            children = [child for child in await named(tx, manifest) if child.waits]
            apart = next((child for child in children if child.tags), None)
            if apart is not None:
                raise Conflict(
                    f"it names {apart.digest}, which waits as {apart.id} for {', '.join(apart.tags)}: that comes first",
                    {"id": apart.id},
                )
            waited = msgspec.structs.replace(terms, expected=held.expected)
            for tag, previous in (await moved_tags(tx, row_id, held.tags, held.digest, waited)).items():
                await point_tag(tx, row_id, held.repository, manifest, held.digest, tag, previous, by, ledger)
            for child in children:
                await tx.one("quarantined_decide", child.id, HeldState.RELEASED.value, by.actor, by.at, reason, 1)
                ledger.event(EventKind.QUARANTINE_RELEASED, held.repository, child.digest, detail=reason)
            ledger.event(EventKind.QUARANTINE_RELEASED, held.repository, held.digest, held.first, detail=reason)

        await self._engine.write(recorded(by, steps), changes=held.repository, holding=terms.settings)

    async def refuse(self, held: HeldPush, terms: Terms, by: By, reason: str) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            row_id, manifest = await _decided(tx, held, HeldState.REFUSED, by, reason, ledger)
            children = [child for child in await named(tx, manifest) if child.waits and not child.tags]
            await delete_manifest(tx, row_id, held.repository, held.digest, by, terms, ledger)
            for child in children:
                if await tx.one("edge_from_index", row_id, child.digest) is None:
                    await tx.one("quarantined_decide", child.id, HeldState.REFUSED.value, by.actor, by.at, reason, 1)
                    await delete_manifest(tx, row_id, held.repository, child.digest, by, terms, ledger)
            ledger.event(EventKind.QUARANTINE_REFUSED, held.repository, held.digest, held.first, detail=reason)

        await self._engine.write(recorded(by, steps), changes=held.repository, holding=terms.settings)


async def _decided(
    tx: Session, held: HeldPush, state: HeldState, by: By, reason: str, ledger: Ledger
) -> tuple[int, int]:
    """Write down what becomes of it; the rows of its repository, which is locked, and of its manifest."""
    row_id = await locked_repository(tx, held.repository, ledger)
    known = await tx.one("manifest_row", row_id, held.digest) if row_id is not None else None
    if row_id is None or known is None:
        raise ManifestUnknown(f"{held.repository} holds no manifest {held.digest} any more", {"reference": held.digest})
    waiting = await tx.one("quarantined_row", known[0])
    if waiting is None or waiting[1] != HeldState.WAITING:
        raise Conflict(f"{held.id} does not wait in quarantine any more", {"id": held.id})
    if waiting[3] != held.pushed_at or kept_tags(waiting[2]) != held.expected:
        raise Conflict(f"what waits as {held.id} was pushed again meanwhile; look at it anew", {"id": held.id})
    await tx.one("quarantined_decide", held.id, state.value, by.actor, by.at, reason, 0)
    return row_id, int(known[0])


def _held(row: Row) -> HeldPush:
    number, repository, digest, tags, pushed_by, pushed_id, pushed_at, state, decided_by, decided_at, reason = row
    return HeldPush(
        id=number,
        repository=RepositoryName.stored(repository),
        digest=Digest.stored(digest),
        expected=kept_tags(tags),
        pushed_by=pushed_by,
        pushed_id=pushed_id,
        pushed_at=pushed_at,
        state=HeldState(state),
        decided_by=decided_by,
        decided_at=decided_at,
        reason=reason,
    )
