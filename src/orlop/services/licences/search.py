"""Which images hold packages under a licence, for whoever may read what was found in them."""

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.licence_names import LICENCE_NAMES_VERSION, LONGEST, folded
from orlop.domain.inside.wildcards import matches_words
from orlop.domain.pages import PageRequest
from orlop.ports.holding import AskedPackage, HoldingPlace, LicenceName, PackageHolders, PlaceNames
from orlop.services.inside.holders import ImageHolders

#: Names of licences that are read at once and for one question, and packages under those that fit.
_NAMES, _LOOKED, PACKAGES = 2_000, 40_000, 50_000
#: Comes after every name.
_LAST = "\U0010ffff"


class LicensedOne(msgspec.Struct, frozen=True):
    """A package, and those of its licences that were asked for, by name."""

    package: AskedPackage
    licences: tuple[str, ...]


class LicensedImage(msgspec.Struct, frozen=True):
    """An image that holds such packages."""

    place: HoldingPlace
    names: PlaceNames
    packages: tuple[LicensedOne, ...]


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
        rows = await self._holding.licensed([one.id for one in names], PACKAGES + 1) if names else ()
        if len(rows) > PACKAGES:
            remarks.append(f"more than {PACKAGES} packages are under them: others are not looked for; name one licence")
        if not await self._holding.is_licensed(LICENCE_NAMES_VERSION):
            remarks.append("packages that an earlier release read are still being entered")
        by_id: dict[int, LicensedOne] = {}
        for row in sorted(rows[:PACKAGES], key=lambda one: one.licence):
            before = by_id.get(row.package.id)
            licences = (*before.licences, row.licence) if before is not None else (row.licence,)
            by_id[row.package.id] = LicensedOne(row.package, licences)
        listed = await self._holders.page(caller, sorted(by_id), at, page)
        if not listed.places:
            return LicensedFound((), listed.goes_on, tuple(remarks))
        held = await self._holding.held([place.digest for place in listed.places], list(by_id))
        called = await self._holding.names(listed.places)
        images = tuple(
            LicensedImage(place, called[place], tuple(by_id[each] for each in held.get(str(place.digest), ())))
            for place in listed.places
        )
        return LicensedFound(images, listed.goes_on, tuple(remarks))

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
