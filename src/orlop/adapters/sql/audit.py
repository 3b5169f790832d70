"""The audit log in the catalog's database, and the events that tell of what changed nothing."""

from collections.abc import Sequence

import msgspec

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.jobs import hold
from orlop.adapters.sql.records import each as in_one
from orlop.domain.audit import AuditEntry, Chained, Head, Segment, places
from orlop.domain.errors import Stale
from orlop.domain.events import Event
from orlop.domain.pages import fitting
from orlop.ports.audit import AUDIT, AuditKey, AuditStore, Batch, Filter, Tail
from orlop.ports.jobs import Lease

#: Positions of readers of the outbox; see ports.following for those of the log.
_OUTBOX = "outbox"

#: The columns of an entry, in the order of the statements; its hash comes behind them.
_FIELDS = AuditEntry.__struct_fields__


class SqlEventWriter:
    """See ports.audit.EventWriter."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def write(self, events: Sequence[Event]) -> None:
        if not events:
            return
        rows = [
            (
                event.at,
                event.kind.value,
                event.actor,
                event.repository,
                event.digest,
                event.tag,
                event.origin.credential,
                event.origin.address,
                event.origin.request,
                event.subject,
                event.detail,
                event.count,
                event.first_at,
                place,
            )
            for place, event in enumerate(events)
        ]

        async def script(tx: Session) -> None:
            await tx.many("event_told", rows)

        await self._engine.write(script, durable=False, changes=False)


class SqlReaders:
    """See ports.audit.Readers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def register(self, name: str) -> int:
        async def script(tx: Session) -> int:
            await tx.run("reader_register", _OUTBOX, name)
            return await _position(tx, _OUTBOX, name)

        return await self._engine.write(script, changes=False)

    async def forget(self, name: str) -> None:
        async def script(tx: Session) -> None:
            await tx.run("reader_forget", _OUTBOX, name)

        await self._engine.write(script, changes=False)

    async def trim(self, *, keep: int, limit: int) -> int:
        async def script(tx: Session) -> int:
            read = await tx.one("outbox_read")
            kept = await tx.one("outbox_kept", max(keep, 1))
            if read is None or read[0] is None or kept is None or kept[0] is None:
                return 0
            gone = [number for (number,) in await tx.all("outbox_trim", read[0], kept[0], limit)]
            if gone:
                await tx.all("outbox_trimmed", max(gone))
            return len(gone)

        return await self._engine.write(script, durable=False, changes=False)


class SqlAuditLog:
    """See ports.audit.AuditLog."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def tail(self) -> Tail:
        return await _tail(self._engine.reader)

    async def append(self, batch: Batch, lease: Lease) -> None:
        async def script(tx: Session) -> None:
            await _append(tx, batch, lease)

        await self._engine.write(script, changes=False)

    async def drop(self, through: int, at: int, batch: Batch, lease: Lease) -> None:
        async def script(tx: Session) -> None:
            await _append(tx, batch, lease)
            await tx.run("audit_drop", through, at)

        await self._engine.write(script, changes=False)

    async def sweep(self, limit: int) -> int:
        async def script(tx: Session) -> int:
            gone = [
                AuditEntry(
                    sequence=sequence,
                    event=0,
                    at=0,
                    kind=kind,
                    actor="",
                    repository=repository,
                    subject=subject,
                    detail=detail,
                )
                for sequence, kind, repository, subject, detail in await tx.all("audit_sweep_entries", limit)
            ]
            if gone:
                await tx.many("audit_sweep_place", _placed(gone))
                await tx.run("audit_sweep_heads", max(entry.sequence for entry in gone))
            return len(gone)

        return await self._engine.write(script, durable=False, changes=False)


class SqlAuditReader:
    """See ports.audit.AuditReader."""

    def __init__(self, reader: Session) -> None:
        self._reader = reader

    async def after(self, sequence: int, limit: int) -> tuple[Chained, ...]:
        return tuple(map(_chained, await self._entries(await self._reader.all("audit_after", sequence, limit))))

    async def before(
        self, sequence: int, limit: int, *, by: tuple[Filter, str] | None = None, least: int = 0
    ) -> tuple[Chained, ...]:
        if by is None:
            rows = await self._reader.all("audit_before", sequence, least, limit)
        elif by[0] is Filter.REFUSED:
            rows = await self._reader.all("audit_before_by_refused", sequence, least, limit)
        else:
            rows = await self._reader.all(f"audit_before_by_{by[0].value}", sequence, least, limit, by[1])
        return tuple(map(_chained, reversed(await self._entries(rows))))

    async def _entries(self, found: list[Row]) -> list[Row]:
        """As many of the entries that were found, each with its bytes, as may be held at once; oldest first."""
        if not found:
            return []
        fit = [number for number, _ in found[: fitting(held for _, held in found)]]
        return await self._reader.all("audit_entries", in_one(fit))

    async def segments(self) -> tuple[Segment, ...]:
        return tuple(map(_segment, await self._reader.all("audit_segments")))

    async def heads(self, after: int, limit: int) -> tuple[Head, ...]:
        return tuple(map(_head, await self._reader.all("audit_heads", after, limit)))


class SqlAuditKeys:
    """See ports.audit.AuditKeys."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def all(self) -> tuple[AuditKey, ...]:
        return tuple(AuditKey(*row) for row in await self._engine.reader.all("audit_key_list"))

    async def add(self, key: AuditKey, *, unless_any: bool) -> tuple[AuditKey, ...]:
        async def script(tx: Session) -> tuple[AuditKey, ...]:
            await tx.one("audit_keys_lock")
            known = [AuditKey(*row) for row in await tx.all("audit_key_list")]
            if unless_any and any(each.private for each in known):
                return tuple(known)
            await tx.run("audit_key_add", key.id, key.public, key.private, key.created_at)
            return tuple(AuditKey(*row) for row in await tx.all("audit_key_list"))

        return await self._engine.write(script, changes=False)


def audit_on(engine: Engine) -> AuditStore:
    """Every role of the audit log on one engine."""
    return AuditStore(
        SqlEventWriter(engine),
        SqlReaders(engine),
        SqlAuditLog(engine),
        SqlAuditReader(engine.reader),
        SqlAuditKeys(engine),
    )


async def _append(tx: Session, batch: Batch, lease: Lease) -> None:
    await hold(tx, lease)
    if await _tail(tx) != batch.after:
        raise Stale("somebody else appended to the audit log")
    if batch.entries:
        await tx.many("audit_insert", [_row(each) for each in batch.entries])
        await tx.many("audit_place", _placed([each.entry for each in batch.entries]))
    segment = batch.segment
    if segment is not None:
        await tx.run("audit_segment_put", *msgspec.structs.astuple(segment))
    if batch.heads:
        await tx.many("audit_head_add", [msgspec.structs.astuple(head) for head in batch.heads])
    await tx.run("reader_move", _OUTBOX, AUDIT, batch.position)


async def _tail(session: Session) -> Tail:
    segment = await session.one("audit_last_segment")
    head = await session.one("audit_last_head")
    position = await _position(session, _OUTBOX, AUDIT)
    return Tail(position, _segment(segment) if segment else None, _head(head) if head else None)


async def _position(session: Session, stream: str, name: str) -> int:
    row = await session.one("reader_get", stream, name)
    return int(row[0]) if row else 0


def _placed(entries: Sequence[AuditEntry]) -> list[Row]:
    return [(path, entry.sequence) for entry in entries for path in places(entry)]


def _row(chained: Chained) -> Row:
    entry = chained.entry
    return (*msgspec.structs.astuple(entry), chained.hash, int(entry.refused))


def _chained(row: Row) -> Chained:
    return Chained(AuditEntry(**dict(zip(_FIELDS, row, strict=False))), row[-1])


def _segment(row: Row) -> Segment:
    return Segment(**dict(zip(Segment.__struct_fields__, row, strict=True)))


def _head(row: Row) -> Head:
    return Head(**dict(zip(Head.__struct_fields__, row, strict=True)))
