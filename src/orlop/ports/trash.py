"""The trash: what was deleted lies there for a time, and can be restored.

An entry is there until it is restored, discarded, or expired and purged; what is deleted goes there by the terms of the
write that deletes it (ports.terms).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

import msgspec

from orlop.domain.access.spans import NameSpan
from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import Page, PageRequest
from orlop.ports.by import By
from orlop.ports.terms import FREELY, Terms


class Trashed(StrEnum):
    """What was deleted."""

    MANIFEST = "manifest"
    TAG = "tag"
    REPOSITORY = "repository"
    NAMESPACE = "namespace"


class TrashEntry(msgspec.Struct, frozen=True):
    """One deletion. `name` is that of the repository, or the path of a namespace with a `/` behind it; times are in
    microseconds since 1970."""

    number: int
    kind: Trashed
    name: str
    digest: Digest | None
    """Of the manifest, or what the tag pointed at."""
    tags: tuple[Tag, ...]
    """Those that went with it; of a repository they are not listed."""
    size: int
    """Bytes of manifests and of the blobs linked for them, which others may share."""
    deleted_at: int
    deleted_by: str
    expires_at: int


class Asked(msgspec.Struct, frozen=True):
    """What is to be restored: an entry by its number, else what was deleted last by that tag or digest of a repository,
    else the repository as a whole."""

    repository: RepositoryName
    tag: Tag | None = None
    digest: Digest | None = None
    entry: int = 0
    untagged: bool = False
    """Set none of the tags that the manifest had."""


class Restored(msgspec.Struct, frozen=True):
    """What a restoration does: the manifests that come back, and the tags that are set."""

    kind: Trashed
    manifests: tuple[Digest, ...]
    tags: Mapping[Tag, Digest]


class Trash(Protocol):
    """What lies there, and the way back."""

    async def page(self, within: NameSpan, page: PageRequest) -> Page[TrashEntry]:
        """Those of names in a span, by name and number; `page.after` is a key that `key_of` made."""
        ...

    async def passed(self, within: NameSpan, after: str, entries: int) -> str:
        """The key of the last of so many entries behind one; empty: there are fewer. Raises PageInvalid."""
        ...

    async def get(self, number: int) -> TrashEntry | None:
        """One that is there."""
        ...

    async def look(self, asked: Asked) -> Restored:
        """What `restore` would do as things are. Raises as that, but for what it is refused with."""
        ...

    async def restore(self, asked: Asked, by: By, terms: Terms = FREELY, planned: Restored | None = None) -> Restored:
        """Put back what was deleted, whole: a manifest with what it lists and what referred to it when it was deleted,
        and their tags whose names are free. What was pushed again meanwhile is taken as it is.

        Raises NotFound where nothing like that lies there; Conflict where a tag points elsewhere meanwhile, where there
        is a repository of that name again, or where something it needs is neither in the repository nor in the trash;
        Stale when it would set other tags than `planned`, by which the terms were made; and what it is refused with.
        """
        ...


class NamespaceTrash(Protocol):
    """Namespaces that were deleted, as documents (ports.identity.DeletedNamespace)."""

    async def newest(self, path: str) -> tuple[int, bytes] | None:
        """The number of the last deletion of a namespace, and what it had, as JSON."""
        ...

    async def restored(self, number: int, by: By) -> None:
        """Forget one that was made anew. Raises NotFound."""


class Purged(msgspec.Struct, frozen=True):
    """What a step of emptying did."""

    entries: int
    manifests: int
    condemned: int
    begun: bool = False
    """Something is not at its end: the next step goes on with it."""


class TrashEnd(Protocol):
    """The end of what lies there."""

    async def discard(self, within: NameSpan, limit: int, by: By) -> int:
        """Give up to `limit` entries of names in a span up: nobody restores them any more. How many."""
        ...

    async def discard_one(self, number: int, by: By) -> None:
        """The same with one entry. Raises NotFound."""

    async def purge(self, limit: int, by: By) -> Purged:
        """Remove what was given up or has expired by now: some entries with up to `limit` manifests, links or lines of
        history. What was begun is gone on with by the next step, whoever does it; so is the removal of a repository
        that was broken off."""
        ...


def key_of(entry: TrashEntry) -> str:
    """Where a list goes on after an entry."""
    return f"{entry.name}:{entry.number}"
