"""What is kept of layers, packages and findings, for verification; nothing here is on the way of a request."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from orlop.domain.blob import Blob
from orlop.domain.inside.layers import LayerFacts
from orlop.ports.advisories import AffectedPackage, FindingRow


class KeptLayer(msgspec.Struct, frozen=True):
    """What is kept of a layer, and a copy of it; None: what is kept cannot be read."""

    blob: Blob
    facts: LayerFacts | None


class KeptPackage(msgspec.Struct, frozen=True):
    """A package that was compared with advisories."""

    id: int
    purl: str


class InsideInspection(Protocol):
    """Rows in the order of their keys, behind one of them. Only what this release made is given: what an older one made
    is made anew."""

    async def layers(self, after: str, reader: int, limit: int) -> tuple[KeptLayer, ...]:
        """By digest, of those that are there."""
        ...

    async def packages(self, after: int, limit: int) -> tuple[KeptPackage, ...]:
        """By number."""
        ...

    async def last_package(self) -> int:
        """The largest number of a package; 0: there is none."""
        ...

    async def affecting(self, packages: Sequence[int]) -> tuple[AffectedPackage, ...]:
        """What advisories that were matched say of packages of these names."""
        ...

    async def found(self, packages: Sequence[int]) -> tuple[FindingRow, ...]:
        """What is kept of which of these advisories hit them."""
        ...

    async def advisory(self, number: int) -> str:
        """The name of one; empty: it is gone."""
        ...
