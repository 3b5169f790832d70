"""What an image holds: its packages by layer and ecosystem, how they were found, and documents that list them."""

from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec

from orlop import __version__
from orlop.domain.errors import RequestInvalid
from orlop.domain.names import Reference, RepositoryName
from orlop.faces.ui.addresses import image_address
from orlop.faces.ui.exchange import Reply, UiExchange, number_of
from orlop.faces.ui.inside.chosen import chosen_platform
from orlop.faces.ui.layers import LayerPart, parts_of
from orlop.faces.ui.pages import Pages
from orlop.ports.insides import HeldPackage
from orlop.services.inside.cyclonedx import MEDIA_TYPE as CYCLONEDX_TYPE
from orlop.services.inside.cyclonedx import cyclonedx
from orlop.services.inside.questions import ImageInside, ImageInsides
from orlop.services.inside.spdx import MEDIA_TYPE as SPDX_TYPE
from orlop.services.inside.spdx import spdx

#: Rows of a page.
ROWS = 50
#: Readers of databases that list all packages of a distribution.
_MANAGERS = frozenset({"apk", "dpkg", "rpm"})
_FORMS = {
    "cyclonedx": (cyclonedx, CYCLONEDX_TYPE, "cdx.json"),
    "spdx": (spdx, SPDX_TYPE, "spdx.json"),
}


class LayerHolds(msgspec.Struct, frozen=True):
    """A branch of the tree: how many packages a layer brought, by ecosystem. `number` begins with 1."""

    number: int
    part: LayerPart | None
    types: tuple[tuple[str, int], ...]

    @property
    def count(self) -> int:
        """All of its packages."""
        return sum(count for _, count in self.types)


class PackagesTab:
    """See places.ImageTab."""

    def __init__(self, pages: Pages, insides: ImageInsides) -> None:
        self._pages = pages
        self._insides = insides

    async def show(self, exchange: UiExchange, repository: RepositoryName, reference: Reference) -> Reply:
        """The tree with its branches as filters, and the packages of those that are chosen."""
        query = exchange.query
        try:
            found = await self._insides.of(exchange.caller, repository, reference, query.get("platform", ""))
        except RequestInvalid as refusal:
            return chosen_platform(exchange, repository, reference, "packages", refusal)
        layers = layers_of(found)
        wanted = {name: query.get(name, "").strip() for name in ("name", "type", "layer")}
        fitting = _fitting(found.packages, wanted["name"], wanted["type"], number_of(wanted["layer"]))
        begin = number_of(query.get("last", "")) or 0
        end = begin + ROWS
        kept = {name: value for name, value in query.items() if name not in {"part", "last"}}
        return self._pages.page(
            exchange,
            "inside/packages",
            parts=("rows",),
            repository=repository,
            reference=reference,
            found=found,
            inside=found.inside,
            layers=layers,
            tree=_tree(found.packages, layers),
            managed=any(each.reader in _MANAGERS for each in found.packages),
            readers=sorted({each.reader for each in found.packages}),
            types=sorted({each.package.type for each in found.packages}),
            wanted=wanted,
            fitting=len(fitting),
            packages=fitting[begin:end],
            more=f"?{urlencode(kept | {'last': end})}" if len(fitting) > end else "",
            address=image_address,
        )


class SbomFile:
    """See places.ImageTab. The document of an image, to be kept."""

    def __init__(self, insides: ImageInsides) -> None:
        self._insides = insides

    async def show(self, exchange: UiExchange, repository: RepositoryName, reference: Reference) -> Reply:
        """CycloneDX, or SPDX where `format` says so. Raises Conflict for an image that was not read."""
        query = exchange.query
        form = _FORMS.get(query.get("format", "cyclonedx"))
        if form is None:
            raise RequestInvalid("a document is cyclonedx or spdx", {"format": query["format"][:64]})
        found = await self._insides.whole(exchange.caller, repository, reference, query.get("platform", ""))
        write, media_type, ending = form
        name = f"{repository.rpartition('/')[2]}-{str(reference).replace(':', '-')}.{ending}"
        kept = ("content-disposition", f'attachment; filename="{name}"')
        return Reply(200, write(found, found.inside.since, __version__), media_type, headers=(kept,))


def layers_of(found: ImageInside) -> list[LayerPart]:
    """The layers of an image, in order."""
    return parts_of(found.inspection.layers) if found.inspection is not None else []


def _fitting(packages: Sequence[HeldPackage], name: str, kind: str, layer: int | None) -> list[HeldPackage]:
    wanted = name.lower()
    return [
        each
        for each in packages
        if (not wanted or wanted in each.purl.lower() or wanted in each.package.name.lower())
        and (not kind or each.package.type == kind)
        and (layer is None or each.layer + 1 == layer)
    ]


def _tree(packages: Sequence[HeldPackage], layers: Sequence[LayerPart]) -> list[LayerHolds]:
    held: dict[int, Counter[str]] = {}
    for each in packages:
        held.setdefault(each.layer, Counter())[each.package.type] += 1
    return [
        LayerHolds(
            layer + 1, layers[layer] if layer < len(layers) else None, tuple(sorted(of.items(), key=lambda one: one[0]))
        )
        for layer, of in sorted(held.items())
    ]
