"""Packages by the word of an SBOM, beside or instead of what was read out of the layers of an image."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.inside.layers import LayerFacts
from orlop.domain.inside.package import DISTRIBUTION_TYPES, Package

#: The number of a layer that nothing is known of.
NO_LAYER = -1
#: What packages by the word of an SBOM say as their reader: its format.
CYCLONEDX, SPDX = DOCUMENT_READERS = ("cyclonedx", "spdx")


class ClaimedDocument(msgspec.Struct, frozen=True):
    """A document that counts in an image: its digest, and what it says."""

    digest: Digest
    facts: LayerFacts


class ClaimedPackage(msgspec.Struct, frozen=True):
    """A package in a layer (NO_LAYER: nothing says which), the kind of file that lists it, and where that is: its path,
    or the digest of a document."""

    layer: int
    reader: str
    path: str
    package: Package


Identity = tuple[str, str, str, str]


def identity(package: Package) -> Identity:
    """What makes two sayings be about the same package, whoever says so: of a distribution the namespace is left
    out, which layers do not know."""
    namespace = "" if package.type in DISTRIBUTION_TYPES else package.namespace.lower()
    return package.type, namespace, package.name.lower(), package.version


def claimed(
    documents: Sequence[ClaimedDocument], layers: Mapping[str, int], known: set[Identity]
) -> Iterator[ClaimedPackage]:
    """What documents say that is not `known`: each package once. `layers`: the numbers of layers, by whatever documents
    call them."""
    for document in documents:
        for found in document.facts.found:
            for number, package in enumerate(found.packages):
                if (of := identity(package)) in known:
                    continue
                known.add(of)
                said = found.layers[number] if number < len(found.layers) else ""
                yield ClaimedPackage(layers.get(said, NO_LAYER), found.reader, str(document.digest), package)
