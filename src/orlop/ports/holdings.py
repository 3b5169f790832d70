"""What repositories hold, counted, and how each manifest stands in them."""

from typing import Protocol

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import Page, PageRequest


class Holding(msgspec.Struct, frozen=True):
    """How much a repository holds. `size`: bytes of manifests and of the blobs linked into it, which others may share;
    times are in microseconds since 1970, None for never."""

    tags: int
    manifests: int
    size: int
    pushed_at: int | None
    pulled_at: int | None
    trash: int = 0
    """Bytes of what lies in the trash of that name."""


class UntaggedManifest(msgspec.Struct, frozen=True):
    """A manifest that no tag leads to: no index lists it, and what it refers to, if it does, is not there. `size`: its
    own bytes, and those of what it names directly."""

    digest: Digest
    media_type: str
    artifact_type: str
    size: int
    pushed_at: int


class HeldManifest(msgspec.Struct, frozen=True):
    """How a manifest stands in its repository. `pushed_by` said last that it is there; times as in `Holding`.
    `tags`: the first that point at it, by name; `more`: there are others."""

    pushed_at: int
    pushed_by: str
    pulls: int
    pulled_at: int | None
    tags: tuple[Tag, ...]
    more: bool


class Holdings(Protocol):
    """What repositories hold, for those who make room."""

    async def of(self, repository: RepositoryName) -> Holding | None:
        """Without counting; None when there is no such repository."""
        ...

    async def untagged(self, repository: RepositoryName, page: PageRequest) -> Page[UntaggedManifest]:
        """What no tag leads to, by digest. Raises NameUnknown."""
        ...

    async def manifest(self, repository: RepositoryName, digest: Digest, tags: int) -> HeldManifest | None:
        """How a manifest stands, with so many of its tags; None where the repository does not hold it."""
        ...

    async def indexes(self, repository: RepositoryName, digest: Digest, most: int) -> tuple[Digest, ...]:
        """At most so many of the indexes in a repository that list a manifest, the oldest first."""
        ...
