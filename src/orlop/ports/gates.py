"""What gates ask the catalog of, which is never behind."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName
from orlop.ports.advisories import AdvisoryStore


class ManifestPlace(msgspec.Struct, frozen=True):
    """How a manifest is reached in its repository: its tags and those of indexes that list it, and these indexes."""

    tags: frozenset[str]
    indexes: tuple[Digest, ...]


class TaggedImage(msgspec.Struct, frozen=True, gc=False):
    """A tag, and what it points at."""

    repository: RepositoryName
    tag: str
    digest: Digest


class GateRows(Protocol):
    """See the module."""

    async def place(self, repository: RepositoryName, digest: Digest) -> ManifestPlace:
        """Of a manifest, with so many tags and indexes as anybody has; nothing of one that is not there."""
        ...

    async def artifact_types(self, repository: RepositoryName, subjects: Sequence[Digest]) -> frozenset[str]:
        """The types of what refers to any of these."""
        ...

    async def unmatched(self, images: Sequence[Digest], matcher: int) -> Mapping[Digest, tuple[int, ...]]:
        """Of these images those of which a reading counts, each with the packages in it that no matcher of that version
        looked up yet."""
        ...

    async def tags(self, repository: RepositoryName, after: str, limit: int) -> tuple[TaggedImage, ...]:
        """Tags of a repository behind one, by name; nothing of one that is not there."""
        ...


class GateStore(msgspec.Struct, frozen=True):
    """`advisories`: what is known of images, as `Catalog.advisories`, but never behind."""

    rows: GateRows
    advisories: AdvisoryStore
