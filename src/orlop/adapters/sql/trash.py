"""The trash: what lies there, and the way back."""

import asyncio

from orlop.adapters.sql import trash_plan
from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.leaving import come_back, leave_all
from orlop.adapters.sql.ledger import Ledger
from orlop.adapters.sql.records import each, made_namespace
from orlop.adapters.sql.trash_end import forget
from orlop.adapters.sql.trash_images import restore_image
from orlop.domain.access.spans import NameSpan
from orlop.domain.counts import counted
from orlop.domain.digest import Digest
from orlop.domain.errors import Conflict, PageInvalid
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import Page, PageRequest, page_of
from orlop.domain.quotas import Usage
from orlop.ports.catalog import FREELY, By, Terms
from orlop.ports.trash import Asked, Restored, Trashed, TrashEntry


class SqlTrash:
    """See ports.trash.Trash. `lists`: what pages are read by."""

    def __init__(self, engine: Engine, lists: Session) -> None:
        self._engine = engine
        self._lists = lists

    async def page(self, within: NameSpan, page: PageRequest) -> Page[TrashEntry]:
        rows = await self._lists.all("trash_page", *_start(within, page.after), within.high, page.size + 1)
        return page_of(await self._entries(rows), page)

    async def passed(self, within: NameSpan, after: str, entries: int) -> str:
        rows = await self._lists.all("trash_passed", *_start(within, after), within.high, entries)
        return ":".join(map(str, rows[-1])) if len(rows) == entries else ""

    async def get(self, number: int) -> TrashEntry | None:
        row = await self._lists.one("trash_get", number)
        return (await self._entries([row]))[0] if row is not None else None

    async def look(self, asked: Asked) -> Restored:
        reader = self._engine.reader
        entry = await trash_plan.whole(reader, asked)
        if entry is not None:
            tags = await reader.all("repository_tags", entry[4])
            return Restored(Trashed.REPOSITORY, (), {Tag.stored(tag): Digest.stored(digest) for tag, digest in tags})
        row = await reader.one("repository_id", asked.repository)
        return (await trash_plan.plan(reader, asked, row[0] if row else None, asyncio.sleep)).told()

    async def restore(self, asked: Asked, by: By, terms: Terms = FREELY, planned: Restored | None = None) -> Restored:
        entry = await trash_plan.whole(self._engine.reader, asked)
        if entry is not None:
            return await _restore_repository(self._engine, entry, by, terms)
        return await restore_image(self._engine, asked, by, terms, planned)

    async def _entries(self, rows: list[Row]) -> list[TrashEntry]:
        tags: dict[int, list[Tag]] = {}
        for entry, tag in await self._lists.all("trash_tags_of", each([row[0] for row in rows])) if rows else ():
            tags.setdefault(entry, []).append(Tag.stored(tag))
        return [_entry(row, tuple(tags.get(row[0], ()))) for row in rows]


def _start(within: NameSpan, after: str) -> tuple[str, int]:
    """Raises PageInvalid."""
    name, _, number = after.rpartition(":")
    if after and not (number.isascii() and number.isdecimal() and len(number) <= 18):
        raise PageInvalid("this list goes on after a name and a number", {"after": after[:64]})
    return max((within.low, 0), (name, int(number or 0)))


def _entry(row: Row, tags: tuple[Tag, ...]) -> TrashEntry:
    number, name, kind, digest, size, deleted_at, deleted_by, expires_at = row
    return TrashEntry(
        number=number,
        kind=Trashed(kind),
        name=name,
        digest=Digest.stored(digest) if digest else None,
        tags=tags,
        size=size,
        deleted_at=deleted_at,
        deleted_by=deleted_by,
        expires_at=expires_at,
    )


async def _restore_repository(engine: Engine, entry: Row, by: By, terms: Terms) -> Restored:
    number, text, _, _, holder, _, _, left_to = entry
    name, tags = RepositoryName.stored(text), dict[Tag, Digest]()

    async def check(tx: Session, _: Ledger) -> None:
        if await tx.one("repository_id", name) is not None:
            raise Conflict(
                f"there is a repository {name} again, and it is not overwritten; restore single images into it, by tag"
                " or digest, or remove it first",
                {"name": name},
            )
        if terms.create is not None:
            raise terms.create
        tags.clear()
        tags.update({Tag.stored(tag): Digest.stored(digest) for tag, digest in await tx.all("repository_tags", holder)})
        for tag, digest in tags.items():
            terms.sets(tag, None, digest)

    async def show(tx: Session, ledger: Ledger) -> None:
        sizes = await tx.one("repository_sizes", holder)
        assert sizes is not None
        await tx.run("repository_rename", holder, name, await made_namespace(tx, name.namespace, by))
        ledger.lies(holder, 1, Usage(tags=sizes[0], manifests=sizes[1], repositories=1))
        await forget(tx, number)
        ledger.add_totals(repositories=1, manifests=sizes[1], tags=sizes[0])
        ledger.event(EventKind.REPOSITORY_CREATED, name)
        ledger.event(
            EventKind.TRASH_RESTORED, name, detail=f"{counted(sizes[0], 'tag')}, {counted(sizes[1], 'manifest')}"
        )

    if left_to is not None:
        await leave_all(engine, number, holder, by)
    await come_back(engine, number, holder, name, by, terms, check, show)
    return Restored(Trashed.REPOSITORY, (), tags)
