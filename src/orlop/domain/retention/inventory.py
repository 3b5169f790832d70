"""What a repository holds, as far as retention asks: tags, manifests, and what leads from one to another."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec


class Tagged(NamedTuple):
    """A tag: what it points at, and since when (microseconds since 1970)."""

    name: str
    digest: str
    set_at: int


class Kept(msgspec.Struct, frozen=True, gc=False):
    """A manifest. `pulled_at`: when it was pulled last by whatever name; 0: never."""

    digest: str
    artifact_type: str = ""
    subject: str = ""
    pushed_at: int = 0
    pulled_at: int = 0
    size: int = 0


class Inventory(msgspec.Struct, frozen=True):
    """One repository. What is not asked for by any rule may be left out: `platforms`, `labels`, `untagged_since`."""

    repository: str
    tags: Sequence[Tagged]
    manifests: Mapping[str, Kept]
    """By digest."""
    children: Mapping[str, Sequence[str]] = {}
    """Of indexes, by digest."""
    platforms: Mapping[str, Sequence[str]] = {}
    """Of indexes, and of the manifests that they list."""
    labels: Mapping[str, Mapping[str, str]] = {}
    untagged_since: Mapping[str, int] = {}
    """When the last tag of a manifest went; of one that never had any nothing is said."""
    locked: Mapping[str, str] = {}
    """Why nothing deletes a manifest."""
    waiting: frozenset[str] = frozenset()
    """What waits in quarantine, without a tag."""
    restoring: bool = False
    """Whether a part of an image came back from the trash, and the rest has not: what has no tag may belong to it."""

    def family(self, digest: str) -> Iterable[str]:
        """A manifest, and what is below it where it is an index."""
        yield digest
        seen, waiting = {digest}, list(self.children.get(digest, ()))
        while waiting:
            child = waiting.pop()
            if child not in seen:
                seen.add(child)
                yield child
                waiting.extend(self.children.get(child, ()))
