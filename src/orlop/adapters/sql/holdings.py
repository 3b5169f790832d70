"""What repositories hold: counted, and what of it no tag leads to."""

from orlop.adapters.sql.engine import Session
from orlop.adapters.sql.records import existing_repository
from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import Page, PageRequest
from orlop.ports.catalog import HeldManifest, Holding, UntaggedManifest


class SqlHoldings:
    """See ports.catalog.Holdings."""

    def __init__(self, reader: Session) -> None:
        self._reader = reader

    async def of(self, repository: RepositoryName) -> Holding | None:
        row = await self._reader.one("repository_holding", repository)
        return Holding(*row) if row is not None else None

    async def untagged(self, repository: RepositoryName, page: PageRequest) -> Page[UntaggedManifest]:
        row_id = await existing_repository(self._reader, repository)
        rows = await self._reader.all("untagged_page", row_id, page.after, page.size + 1)
        found = tuple(UntaggedManifest(Digest.stored(digest), *rest) for digest, *rest in rows[: page.size])
        return Page(found, more=len(rows) > page.size)

    async def manifest(self, repository: RepositoryName, digest: Digest, tags: int) -> HeldManifest | None:
        row = await self._reader.one("held_manifest", repository, digest)
        if row is None:
            return None
        row_id, repository_id, pushed_at, pushed_by, pulls, pulled_at = row
        rows = await self._reader.all("held_manifest_tags", row_id, repository_id, tags + 1)
        found = tuple(Tag.stored(name) for (name,) in rows[:tags])
        return HeldManifest(pushed_at, pushed_by, pulls, pulled_at, found, more=len(rows) > tags)

    async def indexes(self, repository: RepositoryName, digest: Digest, most: int) -> tuple[Digest, ...]:
        rows = await self._reader.all("held_indexes", repository, digest, most)
        return tuple(Digest.stored(found) for (found,) in rows)
