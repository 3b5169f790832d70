"""The tags of a repository in any order, read some at a time."""

import asyncio
import heapq
from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec

from orlop.adapters.sql.engine import Session
from orlop.adapters.sql.records import each, existing_repository
from orlop.domain.content_kinds import kind_of
from orlop.domain.descriptor import Platform
from orlop.domain.media_types import INDEXES
from orlop.domain.names import RepositoryName
from orlop.domain.pages import Page, PageRequest
from orlop.domain.platforms import is_real, parse_platform
from orlop.domain.tag_lists import Rank, TagFilter, TagOrder, parse_place, rank
from orlop.ports.browse import ListedTag

#: Tags read at once, at first and then: few where a page is likely to be full soon.
_FIRST, _TOGETHER = 100, 1_000
#: Indexes whose entries are read at once, and how many platforms are told of each.
_INDEXES, _PLATFORMS = 50, 64
#: Above every time and behind every tag.
_ENDLESS, _LAST = (1 << 63) - 1, "~"

#: The statement that tells what each order goes by, of tags by their names.
_BY_NAME = {
    TagOrder.NAME: "listed_by_name",
    TagOrder.VERSION: "listed_by_name",
    TagOrder.PULLED: "listed_with_pulls",
    TagOrder.LARGEST: "listed_with_sizes",
}


class _Entry(msgspec.Struct, frozen=True):
    platform: Platform | None = None


class _Index(msgspec.Struct, frozen=True):
    manifests: tuple[_Entry, ...] = ()


_entries = msgspec.json.Decoder(_Index)


class SqlTagLists:
    """See ports.browse.TagLists."""

    def __init__(self, reader: Session) -> None:
        self._reader = reader

    async def page(
        self, repository: RepositoryName, order: TagOrder, wanted: TagFilter, page: PageRequest
    ) -> Page[ListedTag]:
        after = parse_place(order, page.after)
        row_id = await existing_repository(self._reader, repository)
        if order in (TagOrder.NAME, TagOrder.NEWEST):
            found = await self._first(row_id, order, wanted, after, page.size + 1)
        else:
            found = await self._greatest(row_id, order, wanted, after, page.size + 1)
        return Page(tuple(found[: page.size]), more=len(found) > page.size)

    async def _first(
        self, row_id: int, order: TagOrder, wanted: TagFilter, after: Rank | None, size: int
    ) -> list[ListedTag]:
        """Along the order, up to so many that fit."""
        found: list[ListedTag] = []
        chunks = (
            self._newest(row_id, after) if order is TagOrder.NEWEST else self._by_name(row_id, order, wanted, after)
        )
        async for chunk in chunks:
            names = [name for name, _ in chunk if wanted.names(name)]
            while names and len(found) < size:
                part, names = names[: max(size, _FIRST)], names[max(size, _FIRST) :]
                found += await self._fitting(row_id, part, wanted)
            if len(found) >= size:
                break
        return found[:size]

    async def _greatest(
        self, row_id: int, order: TagOrder, wanted: TagFilter, after: Rank | None, size: int
    ) -> list[ListedTag]:
        """Of all that fit those that come first in an order."""
        best: list[Rank] = []
        async for chunk in self._by_name(row_id, order, wanted, None):
            ranks = [rank(order, name, number) for name, number in chunk if wanted.names(name)]
            ranks = [one for one in ranks if after is None or one < after]
            if len(best) == size:
                ranks = [one for one in ranks if one > best[-1]]
            if wanted.looks_inside and ranks:
                fit = {one.name for one in await self._fitting(row_id, [one.name for one in ranks], wanted)}
                ranks = [one for one in ranks if one.name in fit]
            best = heapq.nlargest(size, [*best, *ranks])
        return await self._fitting(row_id, [one.name for one in best], TagFilter())

    async def _by_name(
        self, row_id: int, order: TagOrder, wanted: TagFilter, after: Rank | None
    ) -> AsyncIterator[list[tuple[str, int]]]:
        """Names that begin as the filter says, with what an order goes by; in their order."""
        low = max(after.name if after is not None else "", _before(wanted.prefix))
        high = f"{wanted.prefix}{_LAST}"
        together = _FIRST if order is TagOrder.NAME else _TOGETHER
        while True:
            rows = await self._reader.all(_BY_NAME[order], row_id, low, high, together)
            yield [(name, number) for name, number in rows]
            if len(rows) < together:
                return
            low, together = rows[-1][0], _TOGETHER
            await asyncio.sleep(0)  # requests of this process do not wait for a large repository

    async def _newest(self, row_id: int, after: Rank | None) -> AsyncIterator[list[tuple[str, int]]]:
        at, name = (after.number, after.name) if after is not None else (_ENDLESS, _LAST)
        together = _FIRST
        while True:
            rows = await self._reader.all("listed_by_time", row_id, at, name, together)
            yield [(tag, number) for tag, number in rows]
            if len(rows) < together:
                return
            (name, at), together = rows[-1], _TOGETHER
            await asyncio.sleep(0)

    async def _fitting(self, row_id: int, names: Sequence[str], wanted: TagFilter) -> list[ListedTag]:
        """Those of these tags that fit, in the order of their names as they came."""
        rows = {row[0]: row for row in await self._reader.all("listed_details", row_id, each(names))} if names else {}
        kept = []
        for row in (rows[name] for name in names if name in rows):
            kind = kind_of(row[0], row[3], row[4], caches=bool(row[-2]))
            if wanted.kinds(kind, row[3], row[4]):
                kept.append((kind, row))
        indexes = [row[1] for _, row in kept if row[3] in INDEXES]
        platforms = await self._platforms(indexes)
        found = []
        for kind, row in kept:
            (
                name,
                number,
                digest,
                media_type,
                artifact_type,
                size,
                created,
                set_at,
                by,
                pulled,
                pulls,
                locked,
                _,
                own,
            ) = row
            runs_on = (parse_platform(own),) if own else platforms.get(number, ())
            if wanted.runs(runs_on):
                found.append(
                    ListedTag(
                        name,
                        digest,
                        media_type,
                        artifact_type,
                        kind,
                        runs_on,
                        size,
                        created,
                        set_at,
                        by,
                        pulled,
                        pulls,
                        locked,
                    )
                )
        return found

    async def _platforms(self, indexes: Sequence[int]) -> Mapping[int, tuple[Platform, ...]]:
        """Of each index; entries for no platform, as attestations are, have none."""
        found: dict[int, tuple[Platform, ...]] = {}
        wanted = sorted(set(indexes))
        for start in range(0, len(wanted), _INDEXES):
            for number, content in await self._reader.all("listed_contents", each(wanted[start : start + _INDEXES])):
                offered = [entry.platform for entry in _entries.decode(content).manifests]
                real = dict.fromkeys(one for one in offered if one is not None and is_real(one))
                found[number] = tuple(real)[:_PLATFORMS]
        return found


def _before(prefix: str) -> str:
    """What comes right before everything that begins with a prefix, of what tags consist of."""
    return f"{prefix[:-1]}{chr(ord(prefix[-1]) - 1)}~" if prefix else ""
