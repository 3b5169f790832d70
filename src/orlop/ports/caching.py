"""What caches of upstreams hold, by when it was used last, and the end of it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from orlop.domain.names import RepositoryName, Tag
from orlop.domain.upstreams.eviction import Cached
from orlop.ports.by import By


class Evicted(msgspec.Struct, frozen=True):
    """What one eviction removed. `bytes`: by how many less is cached below the node of the upstream: what another image
    there holds, too, stays."""

    manifests: int = 0
    tags: int = 0
    bytes: int = 0

    def plus(self, other: "Evicted") -> "Evicted":
        """Both together."""
        return Evicted(self.manifests + other.manifests, self.tags + other.tags, self.bytes + other.bytes)


class GoneTag(msgspec.Struct, frozen=True):
    """A tag that is gone at its upstream. `cached`: its repository here is a cache."""

    gone_since: int
    repository: RepositoryName
    tag: Tag
    cached: bool


class Caches(Protocol):
    """Repositories that cache what an upstream has, each by the node that shows it; see ports.terms.Terms.cache."""

    async def unused(self, path: str, until: int, limit: int) -> tuple[tuple[Cached, ...], bool]:
        """What is cached below a node and, as far as was known when it was looked at last, was not used since a moment:
        the longest unused first, each as it is now; and whether there is more."""
        ...

    async def look_again(self, at: Mapping[int, int]) -> None:
        """When the turn of these manifests (rows) comes again: by when they were used, or are to be looked at."""
        ...

    async def evict(self, cached: Cached, by: By) -> Evicted:
        """Remove a manifest with its tags, what follows it and nothing else, and the blobs that nothing in the
        repository names any more; nothing of it if it was used meanwhile, follows another, or is locked. A blob goes
        from the store, by collection, when nobody holds it. What follows it and is too much for one transaction is what
        was used longest ago from then on."""
        ...

    async def gone_tags(self, since: int, after: GoneTag | None, limit: int) -> Sequence[GoneTag]:
        """Tags that are gone at upstreams since before a moment, the longest gone first."""
        ...
