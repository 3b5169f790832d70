"""What is known of images: facts of their layers, what they are put together to, and what waits to be read.

Times are microseconds since 1970, UTC.
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Protocol

import msgspec

from orlop.domain.descriptor import Platform
from orlop.domain.digest import Digest
from orlop.domain.inside.assembly import ImagePackages
from orlop.domain.inside.layers import LayerFacts
from orlop.domain.inside.package import Distribution, Package
from orlop.domain.names import RepositoryName
from orlop.ports.by import By
from orlop.ports.following import Follower
from orlop.ports.jobs import Lease


class InsideState(IntEnum):
    """How far an image is."""

    WAITING = 0
    READING = 1
    READ = 2
    UNREAD = 3
    """It cannot be read, and why is known."""


class Inside(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an image, but for its packages."""

    digest: Digest
    state: InsideState
    since: int
    """When it came to be in this state."""
    tries: int = 0
    distribution: Distribution | None = None
    packages: int = 0
    unread: tuple[str, ...] = ()
    """What of it could not be read, as sentences without a full stop."""
    stands: bool = False
    """Whether what was read before counts, though it is to be read anew, or that failed."""

    @property
    def is_known(self) -> bool:
        """Whether its packages are those of a reading that counts."""
        return self.stands or self.state is InsideState.READ


class ClaimedImage(msgspec.Struct, frozen=True):
    """An image that a process is to read, and in which repository it lies, None: in none any more."""

    row: int
    digest: Digest
    tries: int
    """How often it was begun, this time included."""
    repository: RepositoryName | None


class HeldPackage(msgspec.Struct, frozen=True):
    """A package in an image."""

    package: Package
    purl: str
    layer: int
    """From 0, the lowest one."""
    path: str
    reader: str


class Depths(msgspec.Struct, frozen=True):
    """How many images wait or are being read, since when the first of them does (0: none), and how many could not be
    read."""

    waiting: int
    oldest_at: int
    unread: int


class LayerFactsStore(Protocol):
    """Facts of layers, by the digest of the layer and the version of the reader."""

    async def get(self, layers: Sequence[Digest], reader: int) -> Mapping[Digest, LayerFacts]:
        """Those of these layers that are known."""
        ...

    async def keep(self, layer: Digest, reader: int, facts: LayerFacts, now: int) -> None:
        """Keep what was read."""


class Insides(Protocol):
    """What is known of images, by digest, whichever repositories hold them."""

    async def wait(
        self, images: Sequence[Digest], now: int, follower: Follower, before: int, after: int, lease: Lease
    ) -> None:
        """These are to be read, unless they are known; and the follower goes on. Raises Stale."""

    async def again(self, image: Digest, now: int) -> None:
        """It is to be read, whether it is known or not; what is known stands meanwhile, and also where that fails
        unless documents had a word in it."""

    async def find(self, after: int, limit: int) -> tuple[int, int] | None:
        """Have the images among the next manifests wait that nothing is known of, behind all that were pushed since;
        where the next ones begin, and how many were found. None: there are no more manifests."""
        ...

    async def older(self, assembler: int, now: int, limit: int) -> int:
        """So many that were put together by an older assembler are to be put together anew; how many were found. What
        is known of them stands as with `again`."""
        ...

    async def claim(self, now: int, until: int, limit: int) -> tuple[ClaimedImage, ...]:
        """Take some that wait, the newest first, or whose process may have died (domain.leases)."""
        ...

    async def runs_on(self, claimed: ClaimedImage, platform: Platform) -> None:
        """Record for which platform it is, whatever its layers say; nothing where it is somebody else's by now."""

    async def read(self, claimed: ClaimedImage, found: ImagePackages, assembler: int, now: int) -> bool:
        """Record what it holds; False where it is somebody else's by now, or gone."""
        ...

    async def unread(self, claimed: ClaimedImage, reason: str, assembler: int, now: int, again_at: int = 0) -> None:
        """It could not be read; with `again_at` it waits until then and is tried again."""

    async def of(self, image: Digest) -> Inside | None:
        """What is known of one; None: nothing."""
        ...

    async def packages(self, image: Digest) -> tuple[HeldPackage, ...]:
        """Its packages, by layer, reader, and package URL."""
        ...

    async def depths(self) -> Depths:
        """How much there is to do."""
        ...

    async def license(self, limit: int) -> int:
        """Enter the licences of so many packages at most that an earlier release wrote; how many there were."""
        ...

    async def forget(self) -> int:
        """Remove what is known of images and layers that nothing holds any more, in short steps; how many rows."""
        ...


class ImagePlaces(Protocol):
    """Where images are."""

    async def holders(self, image: Digest, limit: int) -> tuple[RepositoryName, ...]:
        """The first repositories that hold an image, in the order in which they were made."""
        ...

    async def indexes(self, repository: RepositoryName, image: Digest, limit: int) -> tuple[Digest, ...]:
        """Some indexes of a repository that name an image; those that name it often may be fewer."""
        ...

    async def came(self, image: Digest, now: int) -> bool:
        """An image is in a repository that did not hold it: where documents had a word in what is known of it, or it is
        being read, it is to be put together anew, for other rules hold there. What documents had a word in does not
        stand until then: what counted elsewhere may not count there. Whether it is."""
        ...

    async def refused(self, repository: RepositoryName, image: Digest, why: str, by: By) -> None:
        """Write down that an SBOM could not be attached to an image, as an event."""

    async def missed(self, repository: RepositoryName, layer: Digest, now: int) -> int:
        """Have images of a repository be read at once that hold a layer which came, and could not be read before; how
        many, at most 200."""
        ...

    async def within(self, place: str, after: int, limit: int, now: int) -> int | None:
        """Have those among the next images that are read, and lie in a repository of a place, be put together anew;
        until then what is known of them stands. Where the next ones begin; None: there are no more."""
        ...


class InsideStore(msgspec.Struct, frozen=True):
    """All roles of one catalog."""

    layers: LayerFactsStore
    images: Insides
    places: ImagePlaces
