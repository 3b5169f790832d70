"""What repositories hold, as far as retention asks: read in pages, one repository at a time."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from orlop.adapters.sql.engine import Row, Session
from orlop.adapters.sql.records import each
from orlop.domain.descriptor import Platform
from orlop.domain.media_types import INDEXES
from orlop.domain.names import RepositoryName
from orlop.domain.retention.inventory import Inventory, Kept, Tagged
from orlop.ports.retention import FreedBlob, Wanted

#: Rows of one page, and of one question about many.
_PAGE, _MANY = 1_000, 500


class _Entry(msgspec.Struct, frozen=True):
    digest: str
    platform: Platform | None = None


class _Index(msgspec.Struct, frozen=True):
    manifests: tuple[_Entry, ...] = ()


_entries = msgspec.json.Decoder(_Index)


class SqlInventories:
    """See ports.retention.Inventories. `lists` may lag behind `reader`: whatever deletes looks again."""

    def __init__(self, reader: Session, lists: Session) -> None:
        self._reader = _Reading(reader)
        self._lists = _Reading(lists)

    async def of(self, repository: RepositoryName, wanted: Wanted, *, lists: bool = False) -> Inventory | None:
        return await (self._lists if lists else self._reader).of(repository, wanted)

    async def freed(self, inventory: Inventory, going: Sequence[str]) -> tuple[FreedBlob, ...]:
        return await self._lists.freed(inventory, going)


class _Reading:
    """All of it by one session."""

    def __init__(self, reader: Session) -> None:
        self._reader = reader

    async def of(self, repository: RepositoryName, wanted: Wanted) -> Inventory | None:
        found = await self._reader.one("repository_id", repository)
        if found is None:
            return None
        row_id = int(found[0])
        tag_rows = await self._pages("retention_tags", row_id, 0)
        manifests: dict[str, Kept] = {}
        digests: dict[int, str] = {}
        indexes: list[int] = []
        for number, digest, media_type, kind, subject, pushed, size, pulled in await self._pages(
            "retention_manifests", row_id, 1
        ):
            digests[number] = digest
            manifests[digest] = Kept(digest, kind, subject, pushed, pulled, size)
            if media_type in INDEXES:
                indexes.append(number)
        # A tag that was set after the manifests were read points at what is not among them: it is left alone.
        tags = [Tagged(name, digests[number], at) for name, number, at in tag_rows if number in digests]
        children: dict[str, list[str]] = {}
        for number, child in await self._many("retention_children", indexes):
            children.setdefault(digests[number], []).append(child)
        return Inventory(
            repository=repository,
            tags=tags,
            manifests=manifests,
            children=children,
            platforms=await self._platforms(indexes) if wanted.platforms else {},
            labels=await self._labels(row_id) if wanted.labels else {},
            untagged_since=await self._untagged_since(row_id, tags, manifests) if wanted.untagged else {},
            locked=dict(await self._reader.all("retention_locks", row_id)),
            waiting=frozenset(digest for (digest,) in await self._reader.all("retention_waiting", row_id)),
            restoring=await self._reader.one("trash_restores", repository) is not None,
        )

    async def freed(self, inventory: Inventory, going: Sequence[str]) -> tuple[FreedBlob, ...]:
        found = await self._reader.one("repository_id", RepositoryName.stored(inventory.repository))
        if found is None or not going:
            return ()
        among = set(going)
        left = await self._blobs(found[0], going)
        if len(among) < len(inventory.manifests):
            left -= await self._blobs(found[0], [digest for digest in inventory.manifests if digest not in among])
        links: list[Row] = []
        for part in _parts(sorted(left)):
            links += await self._reader.all("retention_links", found[0], each(part))
        return tuple(FreedBlob(*link) for link in links)

    async def _blobs(self, repository: int, manifests: Sequence[str]) -> set[str]:
        named: set[str] = set()
        for part in _parts(manifests):
            rows = await self._reader.all("retention_rows", repository, each(part))
            found = await self._reader.all("retention_blobs", each([number for (number,) in rows]))
            named.update(digest for (digest,) in found)
        return named

    async def _platforms(self, indexes: Sequence[int]) -> Mapping[str, Sequence[str]]:
        """Of each index, and of what it lists."""
        found: dict[str, list[str]] = {}
        for part in _parts(indexes, _MANY // 10):
            for digest, content in await self._reader.all("retention_contents", each(part)):
                for entry in _entries.decode(content).manifests:
                    if entry.platform is not None and entry.platform.os and entry.platform.architecture:
                        for named in (digest, entry.digest):
                            found.setdefault(named, []).append(str(entry.platform))
        return found

    async def _labels(self, repository: int) -> Mapping[str, Mapping[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for digest, key, value in await self._reader.all("retention_labels", repository):
            found.setdefault(digest, {})[key] = value
        return found

    async def _untagged_since(
        self, repository: int, tags: Sequence[Tagged], manifests: Mapping[str, Kept]
    ) -> Mapping[str, int]:
        tagged = {tag.digest for tag in tags}
        since: dict[str, int] = {}
        for part in _parts([digest for digest in manifests if digest not in tagged]):
            since |= dict(await self._reader.all("retention_untagged_since", repository, each(part)))
        return since

    async def _pages(self, statement: str, repository: int, key: int) -> list[Row]:
        """Every row of a repository; `key` is the column that a page goes on after."""
        found: list[Row] = []
        after = ""
        while True:
            rows = await self._reader.all(statement, repository, after, _PAGE)
            found += rows
            if len(rows) < _PAGE:
                return found
            after = rows[-1][key]
            await asyncio.sleep(0)  # requests of this process do not wait for a large repository

    async def _many(self, statement: str, numbers: Sequence[int]) -> list[Row]:
        return [row for part in _parts(numbers) for row in await self._reader.all(statement, each(part))]


def _parts(values: Sequence[str] | Sequence[int], size: int = _MANY) -> Iterator[Sequence[str | int]]:
    return (values[start : start + size] for start in range(0, len(values), size))
