"""Which images findings are about, as rows."""

from collections.abc import Sequence

from orlop.adapters.sql.engine import Session
from orlop.adapters.sql.records import each
from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName
from orlop.ports.hits import HitBy, HitRow
from orlop.ports.holding import HoldingPlace, LookedAt


class SqlHits:
    """See ports.hits.Hits. It may lag behind."""

    #: While SQLite looks, its process does nothing else.
    together = 5_000

    def __init__(self, lists: Session) -> None:
        self._lists = lists

    async def rare(self, by: HitBy, most: int) -> tuple[HoldingPlace, ...] | None:
        rows = await self._lists.all("newly_hit_images" if by.since else "hit_images", _value(by), most + 1)
        if len(rows) > most:
            return None
        return tuple(_place(name, digest) for digest, name in rows if name is not None)

    async def along(
        self, by: HitBy, repositories: Sequence[str], after: tuple[str, str], limit: int
    ) -> tuple[LookedAt, ...]:
        statement = "newly_hit_along" if by.since else "hit_along"
        rows = await self._lists.all(statement, each(repositories), *after, limit, _value(by))
        return tuple(LookedAt(_place(name, digest), bool(holds)) for name, digest, holds in rows)

    async def held(self, by: HitBy, images: Sequence[Digest], limit: int) -> tuple[tuple[str, int], ...]:
        statement = "new_hits_in_images" if by.since else "hits_in_images"
        rows = await self._lists.all(statement, each(images), _value(by), limit)
        return tuple((digest, package) for digest, package in rows)

    async def told(self, by: HitBy, packages: Sequence[int], limit: int) -> tuple[HitRow, ...]:
        statement = "new_hits_of_packages" if by.since else "hits_of_packages"
        return tuple(HitRow(*row) for row in await self._lists.all(statement, each(packages), _value(by), limit))

    async def worst(self, by: HitBy, image: Digest, limit: int) -> tuple[tuple[HitRow, ...], int]:
        statement = "worst_new_hits_in_image" if by.since else "worst_hits_in_image"
        rows = await self._lists.all(statement, image, _value(by), limit)
        return tuple(HitRow(*row[:-1]) for row in rows), int(rows[0][-1]) if rows else 0


def _value(by: HitBy) -> int | str:
    return by.since or each(by.advisories)


def _place(repository: str, digest: str) -> HoldingPlace:
    return HoldingPlace(RepositoryName.stored(repository), Digest.stored(digest))
