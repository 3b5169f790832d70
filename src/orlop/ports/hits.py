"""Which images findings are about. Whoever asks says which places somebody may see."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from orlop.domain.digest import Digest
from orlop.ports.holding import HoldingPlace, LookedAt


class HitBy(msgspec.Struct, frozen=True):
    """Which findings: those of some advisories; or, with `since`, those that advisories which came or changed brought
    from that time on, in microseconds since 1970. What came with a package, as that of a new image, is not among
    these."""

    advisories: tuple[int, ...] = ()
    since: int = 0


class HitRow(msgspec.Struct, frozen=True, gc=False):
    """A package and an advisory that hits it: the number and the name of that."""

    package: int
    type: str
    version: str
    purl: str
    advisory: int
    id: str
    fixed: str
    severity: str
    source: str
    how: str


class Hits(Protocol):
    """Images by what hits them. `together`: manifests that are to be looked at in one question."""

    @property
    def together(self) -> int:
        """See the class."""
        ...

    async def rare(self, by: HitBy, most: int) -> tuple[HoldingPlace, ...] | None:
        """Every place of images that are hit, in no order; None: there are more than so many."""
        ...

    async def along(
        self, by: HitBy, repositories: Sequence[str], after: tuple[str, str], limit: int
    ) -> tuple[LookedAt, ...]:
        """The next manifests of repositories, by repository and digest, after a place, and whether they are hit."""
        ...

    async def held(self, by: HitBy, images: Sequence[Digest], limit: int) -> tuple[tuple[str, int], ...]:
        """Packages of these images that are hit, each with the digest of the image, in no order; one that lies in an
        image twice may be told twice."""
        ...

    async def told(self, by: HitBy, packages: Sequence[int], limit: int) -> tuple[HitRow, ...]:
        """What hits these packages, in no order."""
        ...

    async def worst(self, by: HitBy, image: Digest, limit: int) -> tuple[tuple[HitRow, ...], int]:
        """The worst of what hits packages of an image, in no order, and how much there is in all."""
        ...
