"""Which images hold packages, as rows."""

from collections.abc import Mapping, Sequence

import msgspec

from orlop.adapters.sql.engine import Session
from orlop.adapters.sql.records import each
from orlop.domain.descriptor import Platform
from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName
from orlop.ports.holding import (
    AskedPackage,
    HoldingPlace,
    LicenceName,
    LicensedIn,
    LookedAt,
    PlaceNames,
)

#: Comes after every type of packages.
_LAST = "~"
#: Tags that are read for one page of images, and indexes whose entries are read at once.
_TAGS, _INDEXES = 5_000, 50
#: Values of one question.
_MANY = 2_000


class _Entry(msgspec.Struct, frozen=True):
    digest: str
    platform: Platform | None = None


class _Index(msgspec.Struct, frozen=True):
    manifests: tuple[_Entry, ...] = ()


_entries = msgspec.json.Decoder(_Index)


class SqlHolding:
    """See ports.holding.PackageHolders. It may lag behind."""

    def __init__(self, lists: Session) -> None:
        self._lists = lists

    async def asked(self, name: str, type_: str, limit: int) -> tuple[AskedPackage, ...]:
        rows = await self._lists.all("packages_asked", name, type_, type_ or _LAST, limit)
        return tuple(AskedPackage(*row) for row in rows)

    async def numbered(self, packages: Sequence[int]) -> tuple[AskedPackage, ...]:
        parts = (packages[start : start + _MANY] for start in range(0, len(packages), _MANY))
        rows = [row for part in parts for row in await self._lists.all("packages_numbered", each(part))]
        return tuple(AskedPackage(*row) for row in rows)

    async def licences(self, low: str, high: str, limit: int) -> tuple[LicenceName, ...]:
        return tuple(LicenceName(*row) for row in await self._lists.all("licences_named", low, high, limit))

    async def rare_licensed(self, licences: Sequence[int], most: int) -> tuple[HoldingPlace, ...] | None:
        return await self._rare("images_licensed", licences, most)

    async def along_licensed(
        self, licences: Sequence[int], repositories: Sequence[str], after: tuple[str, str], limit: int
    ) -> tuple[LookedAt, ...]:
        return await self._along("licensed_along", licences, repositories, after, limit)

    async def held_licensed(self, images: Sequence[Digest], licences: Sequence[int]) -> tuple[LicensedIn, ...]:
        rows = await self._lists.all("licensed_in_images", each(images), each(licences))
        return tuple(LicensedIn(*row) for row in rows)

    async def is_licensed(self, version: int) -> bool:
        return await self._lists.one("packages_to_license", version) is None

    async def rare(self, packages: Sequence[int], most: int) -> tuple[HoldingPlace, ...] | None:
        return await self._rare("images_holding", packages, most)

    async def along(
        self, packages: Sequence[int], repositories: Sequence[str], after: tuple[str, str], limit: int
    ) -> tuple[LookedAt, ...]:
        return await self._along("images_along", packages, repositories, after, limit)

    async def _rare(self, statement: str, sought: Sequence[int], most: int) -> tuple[HoldingPlace, ...] | None:
        rows = await self._lists.all(statement, each(sought), most + 1)
        if len(rows) > most:
            return None
        return tuple(_place(name, digest) for digest, name in rows if name is not None)

    async def _along(
        self, statement: str, sought: Sequence[int], repositories: Sequence[str], after: tuple[str, str], limit: int
    ) -> tuple[LookedAt, ...]:
        rows = await self._lists.all(statement, each(repositories), *after, limit, each(sought))
        return tuple(LookedAt(_place(name, digest), bool(holds)) for name, digest, holds in rows)

    async def held(self, images: Sequence[Digest], packages: Sequence[int]) -> Mapping[str, tuple[int, ...]]:
        found: dict[str, list[int]] = {}
        for digest, package in await self._lists.all("packages_in_images", each(images), each(packages)):
            found.setdefault(digest, []).append(package)
        return {digest: tuple(sorted(numbers)) for digest, numbers in found.items()}

    async def tags(self, places: Sequence[HoldingPlace]) -> Mapping[HoldingPlace, frozenset[str]]:
        tags: dict[HoldingPlace, set[str]] = {}
        for start in range(0, len(places), _MANY):
            pairs = _pairs(places[start : start + _MANY])
            for repository, digest, tag in await self._lists.all("places_tagged", pairs, _TAGS):
                tags.setdefault(_place(repository, digest), set()).add(tag)
        return {place: frozenset(tags.get(place, ())) for place in places}

    async def names(self, places: Sequence[HoldingPlace]) -> Mapping[HoldingPlace, PlaceNames]:
        tags = await self.tags(places)
        rows = await self._lists.all("places_listed", _pairs(places))
        listed = {_place(name, digest): (number, Digest.stored(index)) for name, digest, number, index in rows}
        platforms = await self._platforms(sorted({number for number, _ in listed.values()}))

        def named(place: HoldingPlace) -> PlaceNames:
            number, index = listed.get(place, (0, None))
            return PlaceNames(tuple(sorted(tags[place])), platforms.get((number, str(place.digest)), ""), index)

        return {place: named(place) for place in places}

    async def _platforms(self, indexes: Sequence[int]) -> Mapping[tuple[int, str], str]:
        """For which platform each index lists each of its images."""
        found: dict[tuple[int, str], str] = {}
        for start in range(0, len(indexes), _INDEXES):
            for number, content in await self._lists.all("listed_contents", each(indexes[start : start + _INDEXES])):
                for entry in _entries.decode(content).manifests:
                    if entry.platform is not None:
                        found.setdefault((number, entry.digest), str(entry.platform))
        return found


def _pairs(places: Sequence[HoldingPlace]) -> str:
    return msgspec.json.encode([(place.repository, place.digest) for place in places], enc_hook=str).decode()


def _place(repository: str, digest: str) -> HoldingPlace:
    return HoldingPlace(RepositoryName.stored(repository), Digest.stored(digest))
