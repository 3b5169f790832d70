"""Puts an image together from what its layers say: later layers hide files of earlier ones (image-spec, layer.md)."""

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import cast

import msgspec

from orlop.domain.inside.claimed import ClaimedDocument, ClaimedPackage, claimed, identity
from orlop.domain.inside.ecosystems import Key, keys
from orlop.domain.inside.layers import Found, LayerFacts
from orlop.domain.inside.package import Distribution, Package
from orlop.domain.inside.purl import purl

#: Raised whenever images are put together differently, so that it is done again from what is known of their layers.
ASSEMBLER_VERSION = 3

#: Bytes of the hash of a name, and the files that say which distribution it is, the first that there is.
_HASH = 6
_RELEASES = ("etc/os-release", "usr/lib/os-release")
#: Of one image: so many packages, and bytes of what is said of them. An answer has all of it.
PACKAGES, BYTES = 30_000, 12 * 1024 * 1024
#: Files and packages that one step looks at: some tenths of a millisecond.
_STEP = 20


class PackageIn(msgspec.Struct, frozen=True):
    """A package, where it was found, and by which names advisories know it."""

    package: Package
    purl: str
    keys: tuple[Key, ...]
    path: str
    identity: str
    """A hash of all that is said of the package, without the path."""


class Unit(msgspec.Struct, frozen=True):
    """What one layer and one reader contribute to an image."""

    layer: int
    reader: str
    hash: str
    """Of its packages and their paths: equal ones are the same unit."""
    packages: tuple[PackageIn, ...]


class ImagePackages(msgspec.Struct, frozen=True):
    """What an image holds."""

    distribution: Distribution | None
    units: tuple[Unit, ...]
    unread: tuple[str, ...]
    """What could not be read, as sentences without a full stop."""

    @property
    def packages(self) -> Iterator[tuple[int, str, PackageIn]]:
        """Every package with its layer and its reader."""
        return ((unit.layer, unit.reader, each) for unit in self.units for each in unit.packages)


class ImageClaims(msgspec.Struct, frozen=True):
    """What others say of an image: documents that count. `instead`: of what its layers say, if any lists a package;
    `layers`: numbers of layers, by whatever documents call them; `unread`: what of them could not be read."""

    documents: tuple[ClaimedDocument, ...] = ()
    instead: bool = False
    layers: Mapping[str, int] = {}
    unread: tuple[str, ...] = ()


_NOBODY = ImageClaims()


def assemble(layers: Sequence[LayerFacts], claims: ImageClaims = _NOBODY) -> ImagePackages:
    """The packages of an image whose layers, the lowest first, say this, and of which others say that."""
    steps = assembling(layers, claims)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return cast("ImagePackages", end.value)


def assembling(layers: Sequence[LayerFacts], claims: ImageClaims = _NOBODY) -> Generator[None, None, ImagePackages]:
    """As `assemble`, in steps: an image of thousands of packages takes long, and others have turns between them."""
    visible: list[tuple[int, Found]] = []
    unread: list[str] = []
    for number, layer in enumerate(layers):
        below, visible = visible, []
        for count, (at, found) in enumerate(below, 1):
            if not _hides(layer, found.path):
                visible.append((at, found))
            if count % _STEP == 0:
                yield
        visible += [(number, found) for found in layer.found]
        if layer.unread:
            unread.append(f"layer {number + 1} of {len(layers)}: {layer.unread}")
    unread += [f"{found.path}: {found.unread}" for _, found in visible if found.unread]
    distribution = _distribution([found for _, found in visible])
    told = [found for document in claims.documents for found in document.facts.found]
    if claims.instead and any(found.packages for found in told):
        visible = []
    yield
    known = {identity(package) for _, found in visible for package in found.packages}
    others = list(claimed(claims.documents, claims.layers, known))
    distribution = distribution or next((found.distribution for found in told if found.distribution is not None), None)
    unread += claims.unread
    yield
    units, is_cut = yield from _units(visible, others, distribution)
    if is_cut:
        unread.append(f"it holds more than the {PACKAGES} packages, or {BYTES >> 20} MiB about them, that are kept")
    return ImagePackages(distribution, units, tuple(unread))


def _hides(layer: LayerFacts, path: str) -> bool:
    """Whether a layer takes away a file of the layers below it."""
    parts = path.split("/")
    above = ["/".join(parts[:length]) for length in range(len(parts) + 1)]
    if not set(above[1:]).isdisjoint(layer.removed) or not set(above[:-1]).isdisjoint(layer.emptied):
        return True
    return any(_is_named(layer.names, each) for each in above[1:]) or _is_named(layer.folders, path)


def _is_named(names: bytes, path: str) -> bool:
    """Whether a path is among names, by their sorted hashes."""
    wanted = hashlib.sha256(path.encode("utf-8", "surrogateescape")).digest()[:_HASH]
    low, high = 0, len(names) // _HASH
    while low < high:
        middle = (low + high) // 2
        found = names[middle * _HASH : (middle + 1) * _HASH]
        if found == wanted:
            return True
        low, high = (middle + 1, high) if found < wanted else (low, middle)
    return False


def _distribution(found: Sequence[Found]) -> Distribution | None:
    by_path = {each.path: each.distribution for each in found if each.distribution is not None}
    first = next((by_path[path] for path in _RELEASES if path in by_path), None)
    return first or next(iter(by_path.values()), None)


def _units(
    visible: Sequence[tuple[int, Found]], others: Sequence[ClaimedPackage], distribution: Distribution | None
) -> Generator[None, None, tuple[tuple[Unit, ...], bool]]:
    """What each layer and reader contribute, and whether there is more than is kept."""
    licences = {name: listed for _, found in visible for name, listed in found.licences.items()}
    gathered: dict[tuple[int, str], dict[tuple[str, str], PackageIn]] = {}
    count = size = 0
    own = (
        ClaimedPackage(layer, found.reader, found.path, package)
        for layer, found in visible
        for package in found.packages
    )
    is_cut = False
    for each in (*own, *others):
        package = each.package
        if not package.licences and package.type == "deb" and package.name in licences:
            package = msgspec.structs.replace(package, licences=licences[package.name])
        made = _within(package, each.path, distribution)
        count, size = count + 1, size + len(made.purl) + len(made.path) + sum(map(len, package.licences))
        is_cut = count > PACKAGES or size > BYTES
        if is_cut:
            break
        gathered.setdefault((each.layer, each.reader), {})[made.identity, made.path] = made
        if count % _STEP == 0:
            yield
    units = []
    for (layer, reader), of in sorted(gathered.items(), key=lambda item: item[0]):
        units.append(_unit(layer, reader, tuple(of.values())))
        yield
    return tuple(units), is_cut


def _within(package: Package, path: str, distribution: Distribution | None) -> PackageIn:
    url, known = purl(package, distribution), keys(package, distribution)
    said = msgspec.json.encode((package, url, known))
    return PackageIn(package, url, known, path, hashlib.sha256(said).hexdigest())


def _unit(layer: int, reader: str, packages: tuple[PackageIn, ...]) -> Unit:
    listed = sorted(packages, key=lambda each: (each.purl, each.path, each.identity))
    hashed = hashlib.sha256()
    for each in listed:
        hashed.update(f"{each.identity} {each.path}\n".encode("utf-8", "surrogateescape"))
    return Unit(layer, reader, hashed.hexdigest(), tuple(listed))
