"""What people look through: what lies directly below a namespace, and the tags of a repository in any order."""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from orlop.domain.access import Visibility
from orlop.domain.access.spans import NameSpan
from orlop.domain.content_kinds import ContentKind
from orlop.domain.descriptor import Platform
from orlop.domain.names import RepositoryName
from orlop.domain.pages import Page, PageRequest
from orlop.domain.tag_lists import TagFilter, TagOrder


class RepositoryOrder(StrEnum):
    """All but the first begin with the greatest; what is alike goes by name then, backwards."""

    NAME = "name"
    NEWEST = "newest"
    LARGEST = "largest"


class ListedRepository(msgspec.Struct, frozen=True):
    """A repository with what the catalog counts of it. Times are in microseconds since 1970, 0 for never."""

    name: RepositoryName
    tags: int
    size: int
    pushed_at: int
    pulled_at: int
    pulls: int

    def number(self, order: RepositoryOrder) -> int:
        """What an order goes by that is not by name."""
        return self.pushed_at if order is RepositoryOrder.NEWEST else self.size


class ListedNamespace(msgspec.Struct, frozen=True):
    """A namespace: `visibility` is what it says itself, None where that is up to what is above it. The numbers are of
    everything below, whoever may see it."""

    path: str
    visibility: Visibility | None
    description: str
    repositories: int
    tags: int
    size: int


class Children(Protocol):
    """What lies directly below a node of the namespaces. Its path is empty for the root."""

    async def namespaces(self, path: str, after: str, limit: int) -> tuple[str, ...]:
        """The paths of the namespaces directly below, in the order of the repositories in them, whose path with a slash
        behind it is greater than `after`."""
        ...

    async def described(self, paths: Collection[str]) -> Mapping[str, ListedNamespace]:
        """Those of these namespaces that there are."""
        ...

    async def repositories(self, path: str, within: NameSpan, limit: int) -> tuple[ListedRepository, ...]:
        """The first repositories directly below with names in a span, by name."""
        ...

    async def greatest(
        self, path: str, order: RepositoryOrder, before: tuple[int, str] | None, limit: int
    ) -> tuple[ListedRepository, ...]:
        """The first repositories directly below in an order that is not by name, behind a number and a name."""
        ...

    async def counted(self, names: Sequence[RepositoryName]) -> tuple[ListedRepository, ...]:
        """Those of these repositories that there are, by name."""
        ...


class ListedTag(msgspec.Struct, frozen=True):
    """A tag and what it points at. `size`: of all that it leads to; what several platforms share counts for each.
    `platforms`: of an index, without entries for none, as attestations have them; of a single image that of its config,
    once that was read. `locked`: why, empty where it is not. Times are in microseconds since 1970, 0 for never."""

    name: str
    digest: str
    media_type: str
    artifact_type: str
    kind: ContentKind
    platforms: tuple[Platform, ...]
    size: int
    created_at: int
    pushed_at: int
    pushed_by: str
    pulled_at: int
    pulls: int
    locked: str

    def number(self, order: TagOrder) -> int:
        """What an order goes by; 0: its name alone."""
        match order:
            case TagOrder.NEWEST:
                return self.pushed_at
            case TagOrder.PULLED:
                return self.pulled_at
            case TagOrder.LARGEST:
                return self.size
            case _:
                return 0


class TagLists(Protocol):
    """The tags of one repository in any order."""

    async def page(
        self, repository: RepositoryName, order: TagOrder, wanted: TagFilter, page: PageRequest
    ) -> Page[ListedTag]:
        """A page of those that fit; it goes on after what `domain.tag_lists.place` says. Names and the newest cost the
        same however many tags there are; the other orders look at all tags of the repository, some at a time. Raises
        NameUnknown, PageInvalid."""
        ...
