"""Which images hold a package, for whoever may read what was found in them."""

import msgspec

from orlop.domain.access import Caller
from orlop.domain.inside.asked import PackageAsked, package_url, parse_asked
from orlop.domain.pages import PageRequest
from orlop.ports.holding import AskedPackage, HoldingPlace, PackageHolders, PlaceNames
from orlop.services.inside.holders import ImageHolders, SoughtPackages

#: Packages of one name that are compared: more versions than any has.
VERSIONS = 20_000


class FittingPackage(msgspec.Struct, frozen=True):
    """A package that is meant; `possible`: its version cannot be compared with what was asked."""

    package: AskedPackage
    possible: bool


class HolderImage(msgspec.Struct, frozen=True):
    """An image that holds what was asked for: what it is called, and the packages."""

    place: HoldingPlace
    names: PlaceNames
    packages: tuple[FittingPackage, ...]


class PackagesFound(msgspec.Struct, frozen=True):
    """Images by repository and digest. `goes_on`: where the next page begins, empty: nowhere; a page may end early
    where much was looked at. `remarks`: what is not known, as sentences without a full stop."""

    images: tuple[HolderImage, ...]
    goes_on: str = ""
    remarks: tuple[str, ...] = ()


class PackageSearch:
    """See the module."""

    def __init__(self, holders: ImageHolders, holding: PackageHolders) -> None:
        self._holders = holders
        self._holding = holding

    async def find(self, caller: Caller, text: str, at: str, page: PageRequest) -> PackagesFound:
        """Images at a place that hold a package, see domain.inside.asked. Raises RequestInvalid, Unauthorized,
        PageInvalid."""
        asked = parse_asked(text)
        rows = await self._holding.asked(asked.key, asked.type, VERSIONS + 1)
        found = _fitting(asked, rows)
        remarks = (f"more than {VERSIONS} packages have this name; name a type",) if len(rows) > VERSIONS else ()
        sought = SoughtPackages(self._holding, [one.package.id for one in found])
        listed = await self._holders.page(caller, sought, at, page)
        if not listed.places:
            return PackagesFound((), listed.goes_on, remarks)
        by_id = {one.package.id: one for one in found}
        held = await self._holding.held([place.digest for place in listed.places], list(by_id))
        names = await self._holding.names(listed.places)
        images = tuple(
            HolderImage(place, names[place], tuple(by_id[each] for each in held.get(str(place.digest), ())))
            for place in listed.places
        )
        return PackagesFound(images, listed.goes_on, remarks)


def _fitting(asked: PackageAsked, rows: tuple[AskedPackage, ...]) -> list[FittingPackage]:
    """Those that are meant. Where a version cannot be compared, nobody knows, and that is no reason to be silent."""
    found = []
    for row in rows:
        url = package_url(row.purl)
        if url is not None and asked.means(url) and (has := asked.has(url)) is not False:
            found.append(FittingPackage(row, possible=has is None))
    return found
