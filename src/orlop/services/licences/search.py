"""Which images hold packages under a licence, for whoever may read what was found in them."""

from collections.abc import Mapping, Sequence

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.licence_names import LICENCE_NAMES_VERSION, LONGEST, folded
from orlop.domain.inside.wildcards import matches_words
from orlop.domain.pages import PageRequest
from orlop.ports.holding import AskedPackage, HoldingPlace, LicenceName, PackageHolders, PlaceNames
from orlop.services.inside.holders import ImageHolders, SoughtLicences

#: Names of licences that are read at once, and for one question.
_NAMES, _LOOKED = 2_000, 40_000
#: Images of one page, and that are looked at together; packages that are told of each, and of all before a page ends.
_IMAGES, _TOGETHER, _EACH, _TOLD = 500, 20, 200, 10_000
#: Comes after every name.
_LAST = "\U0010ffff"


class LicensedOne(msgspec.Struct, frozen=True):
    """A package, and those of its licences that were asked for, by name."""

    package: AskedPackage
    licences: tuple[str, ...]


class LicensedImage(msgspec.Struct, frozen=True):
    """An image that holds such packages. `more`: how many beside those that are told."""

    place: HoldingPlace
    names: PlaceNames
    packages: tuple[LicensedOne, ...]
    more: int = 0


class LicensedFound(msgspec.Struct, frozen=True):
    """Images by repository and digest. `goes_on`: where the next page begins, empty: nowhere; a page may end early
    where much was looked at. `remarks`: what is not known, as sentences without a full stop."""

    images: tuple[LicensedImage, ...]
    goes_on: str = ""
    remarks: tuple[str, ...] = ()


class LicenceSearch:
    """See the module."""

    def __init__(self, holders: ImageHolders, holding: PackageHolders) -> None:
        self._holders = holders
        self._holding = holding

    async def find(self, caller: Caller, pattern: str, at: str, page: PageRequest) -> LicensedFound:
        """Images at a place that hold packages under a licence: its name, in which `*` is anything and case does not
        matter. Raises RequestInvalid, Unauthorized, PageInvalid."""
        wanted = folded(pattern)
        if not wanted.strip("* "):
            raise RequestInvalid("name a licence as SPDX does, such as MIT or GPL-3.0*")
        names, remarks = await self._named(wanted)
        if not await self._holding.is_licensed(LICENCE_NAMES_VERSION):
            remarks.append("packages that an earlier release read are still being entered")
        sought = SoughtLicences(self._holding, [one.id for one in names])
        listed = await self._holders.page(caller, sought, at, PageRequest(min(page.size, _IMAGES), page.after))
        called = await self._holding.names(listed.places) if listed.places else {}
        images: list[LicensedImage] = []
        told = 0
        for start in range(0, len(listed.places), _TOGETHER):
            places = listed.places[start : start + _TOGETHER]
            held = await self._held(places, {one.id: one.name for one in names})
            for place in places:
                mine = held.get(str(place.digest), ())
                images.append(LicensedImage(place, called[place], mine[:_EACH], max(0, len(mine) - _EACH)))
                told += min(len(mine), _EACH)
            if told >= _TOLD and len(images) < len(listed.places):
                last = images[-1].place
                return LicensedFound(tuple(images), f"{last.repository} {last.digest}", tuple(remarks))
        return LicensedFound(tuple(images), listed.goes_on, tuple(remarks))

    async def _held(
        self, places: Sequence[HoldingPlace], names: Mapping[int, str]
    ) -> Mapping[str, tuple[LicensedOne, ...]]:
        """What each of these images holds under these licences, by package URL."""
        rows = await self._holding.held_licensed([place.digest for place in places], sorted(names))
        licences: dict[tuple[str, int], list[str]] = {}
        for row in rows:
            licences.setdefault((row.image, row.package), []).append(names[row.licence])
        packages = await self._holding.numbered(sorted({number for _, number in licences}))
        by_id = {one.id: one for one in packages}
        found: dict[str, list[LicensedOne]] = {}
        for (image, number), mine in licences.items():
            if number in by_id:
                found.setdefault(image, []).append(LicensedOne(by_id[number], tuple(sorted(mine))))
        return {image: tuple(sorted(mine, key=lambda one: one.package.purl)) for image, mine in found.items()}

    async def _named(self, wanted: str) -> tuple[list[LicenceName], list[str]]:
        """Licences that are meant: those that begin as it does up to its first asterisk are looked at."""
        low, wild, _ = wanted.partition("*")
        if not wild:
            return [one for one in await self._holding.licences(low[:LONGEST], _LAST, 1) if one.folded == wanted], []
        high, found, looked = low + _LAST, [], 0
        while rows := await self._holding.licences(low, high, _NAMES):
            found += [one for one in rows if matches_words(wanted, one.folded)]
            looked, low = looked + len(rows), rows[-1].folded + "\x01"
            if len(rows) < _NAMES:
                break
            if looked >= _LOOKED:
                return found, [f"more than {_LOOKED} licences begin like that: others are not looked at"]
        return found, []
