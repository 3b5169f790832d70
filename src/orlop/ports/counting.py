"""What is known of many images at once, for lists: a page of them takes as many questions as one image does."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName
from orlop.ports.insides import InsideState


class PartImage(msgspec.Struct, frozen=True, gc=False):
    """An image that a manifest is, or lists as an index. `state`: that of the reading that counts, READ also while it
    is read anew; None where nothing is known, as of what is no image."""

    digest: Digest
    state: InsideState | None


class ToldFinding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How an advisory hits a package, whatever images hold that. `modified`: when the advisory was last changed."""

    package: int
    type: str
    name: str
    version: str
    purl: str
    advisory: int
    id: str
    fixed: str
    severity: str
    source: str
    how: str
    modified: int


class NewestImage(msgspec.Struct, frozen=True):
    """The tag of a repository that was set last and points at an image or an index of images, as far as that is known:
    signatures have tags, too. Else the last of all."""

    tag: str
    digest: Digest
    pushed_at: int


class Counting(Protocol):
    """See the module."""

    async def parts(
        self, repository: RepositoryName, manifests: Sequence[Digest]
    ) -> Mapping[str, tuple[PartImage, ...]]:
        """The images that each of these manifests of a repository is or lists; nothing of what is neither."""
        ...

    async def hit(self, images: Sequence[Digest]) -> Mapping[str, frozenset[int]]:
        """Packages of each image that any advisory hits."""
        ...

    async def findings(self, packages: Sequence[int]) -> tuple[ToldFinding, ...]:
        """What hits packages, by package and advisory."""
        ...

    async def newest(self, repositories: Sequence[RepositoryName]) -> Mapping[str, NewestImage]:
        """By repository; nothing of those without tags."""
        ...
