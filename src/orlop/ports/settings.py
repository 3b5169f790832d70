"""Settings as the catalog keeps them: documents by kind, path and name. What a body means is its kind's business."""

from typing import Protocol

import msgspec

from orlop.domain.pages import Page, PageRequest
from orlop.domain.settings import Ends
from orlop.ports.catalog import By

#: The kind of documents that are custom roles: an object with `actions`, see domain.access.roles.
ROLE = "role"


class Document(msgspec.Struct, frozen=True):
    """A setting that is kept as a whole: a custom role, a trust, a rule for the tags of a namespace."""

    kind: str
    name: str
    body: bytes
    """JSON."""
    version: int = 1
    changed_at: int = 0
    changed_by: str = ""
    path: str = ""
    """The node of the tree that it is about; empty: the root."""
    made: int = 0
    """Which of all that had its name it is: greater than that of any before it. 0: an earlier release made it."""
    ends: Ends | None = None
    """When it ends by itself, for whoever writes it; what is read does not say that."""

    @property
    def key(self) -> str:
        """What names it among those of its kind, in the order of `page`."""
        return f"{self.path}:{self.name}"

    @property
    def identity(self) -> str:
        """What names it among all of its kind that there ever were: one that is made anew is another."""
        return f"{self.key}:{self.made:012}" if self.made else self.key


def place_of(identity: str) -> tuple[str, str]:
    """The path and the name in the identity of a document."""
    path, name, *_ = identity.split(":")
    return path, name


class Documents(Protocol):
    """Documents by kind, path and name."""

    async def get(self, kind: str, name: str, path: str = "") -> Document | None:
        """One of them."""
        ...

    async def all(self, kind: str) -> tuple[Document, ...]:
        """Every one of a kind, by path and name: for kinds of which there are few."""
        ...

    async def page(self, kind: str, page: PageRequest, path: str | None = None) -> Page[Document]:
        """Those of a kind by path and name, of one path if it is given; the key is `PATH:NAME`."""
        ...

    async def covering(self, kind: str, path: str) -> tuple[Document, ...]:
        """Those of a kind that are about a node or one above it, from the root down, by name; in one query."""
        ...

    async def paths(self, kind: str, most: int) -> tuple[str, ...]:
        """The node of each of a kind, of so many at most: where none is, nothing covers what lies below."""
        ...

    async def version(self) -> int:
        """That of all documents, which each of their changes raises."""
        ...

    async def put(self, document: Document, by: By, *, expected: int | None = None, rights: bool = True) -> Document:
        """Make or replace it. `expected` 0: it must be new (Conflict); another: raises Stale when it is not that.
        `rights`: it may change who may do what."""
        ...

    async def remove(
        self, kind: str, name: str, by: By, *, path: str = "", expected: int | None = None, rights: bool = True
    ) -> None:
        """Raises NotFound, Stale; Conflict for a role that a grant names."""
