"""Lists, history, events, pull times and sizes: everything that reads rather than changes content."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.records import each, existing_repository
from orlop.domain.access.spans import NameSpan, rest
from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.errors import StoreClosed, Unavailable
from orlop.domain.events import Event, EventKind, Origin
from orlop.domain.moving import MoveState
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import NAME_BYTES, Page, PageRequest, fitting, page_of
from orlop.ports.catalog import Pull, TagChange, Totals
from orlop.ports.tag_history import TagSetting

#: How many pulls one transaction records: pushes wait for their turn meanwhile.
_PULLS_TOGETHER = 500

_NOWHERE = Origin()

#: Above every number of a row.
_ENDLESS = (1 << 63) - 1

_annotations = msgspec.json.Decoder(dict[str, str])


class SqlBrowse:
    """See ports.catalog.Browse and TagHistory. `reader` may be one that lags behind: nothing is decided by a list."""

    def __init__(self, reader: Session) -> None:
        self._reader = reader

    async def repositories(self, page: PageRequest, within: Sequence[NameSpan] | None = None) -> Page[RepositoryName]:
        if within is None:
            rows = await self._reader.all("repository_page", page.after, page.size + 1)
        else:
            spans = msgspec.json.encode(rest(within, page.after)).decode()
            rows = await self._reader.all("repository_spans", spans, page.size + 1)
        return page_of((RepositoryName.stored(name) for (name,) in rows), page, largest=NAME_BYTES)

    async def tags(self, repository: RepositoryName, page: PageRequest) -> Page[Tag]:
        row_id = await existing_repository(self._reader, repository)
        rows = await self._reader.all("tag_page", row_id, page.after, page.size + 1)
        return page_of((Tag.stored(name) for (name,) in rows), page, largest=NAME_BYTES)

    async def referrers(
        self, repository: RepositoryName, subject: Digest, artifact_type: str | None, page: PageRequest
    ) -> Page[Descriptor]:
        row = await self._reader.one("repository_id", repository)
        if row is None:
            return Page(())
        # Annotations that would fit if all were of that size come at once, larger ones as far as they fit.
        keys = (row[0], subject, page.after, page.size + 1, page.bytes // (page.size + 1))
        if artifact_type is None:
            rows = await self._reader.all("referrer_page", *keys)
        else:
            rows = await self._reader.all("referrer_page_of_type", *keys, artifact_type)
        read = rows[: min(page.size, fitting((row[-2] for row in rows), page.bytes))]
        late = [row[0] for row in read if row[-1] is None]
        annotations: dict[int, str] = dict(await self._reader.all("manifest_annotations", each(late))) if late else {}
        descriptors = tuple(
            Descriptor(
                media_type=media_type,
                digest=Digest.stored(digest),
                size=size,
                artifact_type=kind,
                annotations=_annotations.decode(text or annotations[row_id]),
            )
            for row_id, digest, media_type, size, kind, _, text in read
            if text or row_id in annotations  # else it was deleted just now
        )
        if late and not descriptors:  # nothing of what was read is left, and others may follow
            return await self.referrers(repository, subject, artifact_type, page)
        return Page(descriptors, more=len(read) < len(rows))

    async def history(self, repository: RepositoryName, tag: Tag, limit: int, before: int = 0) -> tuple[TagChange, ...]:
        rows = await self._reader.all("tag_history_page", repository, tag, limit, before or _ENDLESS)
        return tuple(map(_change, rows))

    async def everything(self, repository: RepositoryName, limit: int, before: int = 0) -> tuple[TagChange, ...]:
        rows = await self._reader.all("tag_history_of_all", repository, limit, before or _ENDLESS)
        return tuple(msgspec.structs.replace(_change(row), tag=Tag.stored(tag)) for tag, *row in rows)

    async def were_set(self, changes: Collection[TagSetting]) -> frozenset[TagSetting]:
        if not changes:
            return frozenset()
        wanted = msgspec.json.encode([(str(repository), str(tag), at) for repository, tag, at in changes]).decode()
        return frozenset(TagSetting(*row) for row in await self._reader.all("tag_history_of", wanted))

    async def change_at(self, repository: RepositoryName, tag: Tag, at: int) -> TagChange | None:
        row = await self._reader.one("tag_history_at", repository, tag, at)
        return _change(row) if row is not None else None


def _change(row: Sequence[Any]) -> TagChange:
    at, actor, digest, previous, number, held, detail = row
    return TagChange(
        at,
        actor,
        Digest.stored(digest) if digest else None,
        Digest.stored(previous) if previous else None,
        number,
        bool(held),
        detail=detail,
    )


class SqlOutbox:
    """See ports.catalog.Outbox."""

    def __init__(self, engine: Engine) -> None:
        self._reader = engine.reader

    async def events(self, after: int, limit: int) -> tuple[Event, ...]:
        found = await self._reader.all("event_page", after, limit)
        if not found:
            return ()
        fit = [number for number, _ in found[: fitting(held for _, held in found)]]
        return tuple(map(_event, await self._reader.all("events", each(fit))))


def _event(row: Row) -> Event:
    row_id, at, kind, actor, repository, digest, tag, *origin, subject, detail, count, first_at = row
    return Event(
        id=row_id,
        at=at,
        kind=EventKind(kind),
        actor=actor,
        repository=repository,
        digest=digest,
        tag=tag,
        origin=Origin(*origin) if any(origin) else _NOWHERE,
        subject=subject,
        detail=detail,
        count=count,
        first_at=first_at,
    )


class SqlPullTimes:
    """See ports.catalog.PullTimes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def record(self, pulls: Sequence[tuple[Pull, int, int]]) -> None:
        ordered = await asyncio.to_thread(sorted, pulls, key=_order)  # there may be many, and requests do not wait
        for start in range(0, len(ordered), _PULLS_TOGETHER):
            together = ordered[start : start + _PULLS_TOGETHER]

            async def script(tx: Session, part: Sequence[tuple[Pull, int, int]] = together) -> None:
                await tx.many("repository_pulled", _by_repository(part))
                await tx.many(
                    "manifest_pulled", [(pull.row, pull.tag or "", times, last) for pull, times, last in part]
                )

            await self._engine.write(script, durable=False, changes=False)


def _order(pull: tuple[Pull, int, int]) -> tuple[int, str]:
    """The order of the rows: everybody locks them so, and many then lie on one page."""
    return pull[0].row, pull[0].tag or ""


def _by_repository(pulls: Sequence[tuple[Pull, int, int]]) -> list[Row]:
    """The pulls and the time of the last in each repository, in the order in which everybody locks them."""
    counted: dict[str, tuple[int, int]] = {}
    for pull, times, last in pulls:
        before, at = counted.get(pull.repository, (0, 0))
        counted[pull.repository] = before + times, max(at, last)
    return [(repository, *counted[repository]) for repository in sorted(counted)]


class SqlVitals:
    """See ports.catalog.Vitals."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def check(self) -> None:
        try:
            await self._engine.check()
        except StoreClosed as shut:
            # Pulls go on while it moves, and a load balancer shall let them; once it has moved, they belong elsewhere.
            row = await self._engine.reader.one("move_get")
            assert row is not None
            if row[0] != MoveState.CLOSED:
                raise Unavailable(f"the registry has moved to {row[3] or row[5]}") from shut

    async def totals(self) -> Totals:
        row = await self._engine.reader.one("totals")
        assert row is not None
        return Totals(*row)
