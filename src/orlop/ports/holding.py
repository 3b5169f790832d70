"""Which images hold packages: what questions about all images read. Whoever asks says which places somebody may see."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName


class AskedPackage(msgspec.Struct, frozen=True, gc=False):
    """A package that a question may mean."""

    id: int
    type: str
    version: str
    purl: str


class LicenceName(msgspec.Struct, frozen=True, gc=False):
    """A licence that packages are under; `folded`: as it is looked for."""

    id: int
    folded: str
    name: str


class LicensedIn(msgspec.Struct, frozen=True, gc=False):
    """A package of an image, and a licence that it is under, by their numbers."""

    image: str
    package: int
    licence: int


class HoldingPlace(msgspec.Struct, frozen=True, gc=False, order=True):
    """An image in a repository."""

    repository: RepositoryName
    digest: Digest


class LookedAt(msgspec.Struct, frozen=True, gc=False):
    """A manifest that was looked at, and whether it is an image that holds what is looked for."""

    place: HoldingPlace
    holds: bool


class PlaceNames(msgspec.Struct, frozen=True):
    """What an image is called in its repository: its tags, and those of indexes that list it; for which platform
    an index lists it, empty where none does; and the first such index."""

    tags: tuple[str, ...] = ()
    platform: str = ""
    index: Digest | None = None


class PackageHolders(Protocol):
    """Packages by names and numbers, and images that hold them."""

    async def asked(self, name: str, type_: str, limit: int) -> tuple[AskedPackage, ...]:
        """Packages of a name in small letters with dashes for underscores; of any type where that is empty."""
        ...

    async def numbered(self, packages: Sequence[int]) -> tuple[AskedPackage, ...]:
        """Those of these numbers that are there."""
        ...

    async def licences(self, low: str, high: str, limit: int) -> tuple[LicenceName, ...]:
        """Names of licences from one on, below another, in order."""
        ...

    async def rare_licensed(self, licences: Sequence[int], most: int) -> tuple[HoldingPlace, ...] | None:
        """Every place of images that hold packages under any of these licences, in no order; None: there are more than
        so many."""
        ...

    async def along_licensed(
        self, licences: Sequence[int], repositories: Sequence[str], after: tuple[str, str], limit: int
    ) -> tuple[LookedAt, ...]:
        """See `along`, of packages under any of these licences."""
        ...

    async def held_licensed(self, images: Sequence[Digest], licences: Sequence[int]) -> tuple[LicensedIn, ...]:
        """Packages of images that are under any of these."""
        ...

    async def is_licensed(self, version: int) -> bool:
        """Whether the licences of all packages were entered, by this version of their names."""
        ...

    async def rare(self, packages: Sequence[int], most: int) -> tuple[HoldingPlace, ...] | None:
        """Every place of images that hold any of these, in no order; None: there are more than so many."""
        ...

    async def along(
        self, packages: Sequence[int], repositories: Sequence[str], after: tuple[str, str], limit: int
    ) -> tuple[LookedAt, ...]:
        """The next manifests of repositories, by repository and digest, after a place."""
        ...

    async def held(self, images: Sequence[Digest], packages: Sequence[int]) -> Mapping[str, tuple[int, ...]]:
        """Which of these packages each image holds, by its digest."""
        ...

    async def tags(self, places: Sequence[HoldingPlace]) -> Mapping[HoldingPlace, frozenset[str]]:
        """Tags of images, and of indexes that list them; of some thousands of tags the first."""
        ...

    async def names(self, places: Sequence[HoldingPlace]) -> Mapping[HoldingPlace, PlaceNames]:
        """What images are called."""
        ...
