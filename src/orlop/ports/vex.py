"""VEX documents that refer to images: which wait to be read, and what they say."""

from collections.abc import Collection, Mapping, Sequence
from enum import IntEnum
from typing import Protocol

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.inside.vex.statements import VexDocument
from orlop.domain.names import RepositoryName


class VexState(IntEnum):
    """How far it is."""

    WAITING = 0
    READ = 1
    UNREAD = 2
    """It could not be read."""
    NONE = 3
    """It holds no document after all."""


class WaitingVex(msgspec.Struct, frozen=True):
    """A referrer that waits to be read; `row`: which one that is in the catalog."""

    row: int
    repository: RepositoryName
    digest: Digest
    tries: int


class AttachedVex(msgspec.Struct, frozen=True, kw_only=True):
    """A referrer of an image; `row`: which one that is in the catalog."""

    row: int
    digest: Digest
    pushed_by: str
    state: VexState
    unread: str = ""


class VexDocuments(Protocol):
    """Each goes with its manifest."""

    async def wait(self, referrers: Sequence[tuple[RepositoryName, Digest]], now: int) -> None:
        """These manifests hold documents and are to be read, unless they are known or gone."""

    async def find(self, after: int, limit: int) -> tuple[int, int] | None:
        """Have those among the next manifests wait that by their type may hold documents and that nothing is known of;
        where the next ones begin, and how many were found. None: there are no more manifests."""
        ...

    async def waiting(self, now: int, limit: int) -> tuple[WaitingVex, ...]:
        """Some that are to be read by now."""
        ...

    async def read(self, waiting: WaitingVex, found: Sequence[VexDocument], now: int) -> None:
        """Record what it says: nothing, where `found` is empty, for it holds no such document after all. What refers to
        no image by itself is about what its documents say."""

    async def unread(self, waiting: WaitingVex, why: str, now: int, again_at: int = 0) -> None:
        """It could not be read; with `again_at` it waits until then and is tried again."""

    async def of(self, repository: RepositoryName, images: Sequence[Digest], limit: int) -> tuple[AttachedVex, ...]:
        """Those that refer to any of these images in a repository, of each the newest first."""
        ...

    async def referred(self, repository: RepositoryName, images: Collection[Digest]) -> frozenset[str]:
        """Those of these images that any refer to."""
        ...

    async def documents(self, rows: Sequence[int]) -> Mapping[int, tuple[VexDocument, ...]]:
        """What those of these say that were read: of each all documents in it."""
        ...


class VexReader(Protocol):
    """Reads documents in bounds of memory and time, whatever is in them."""

    async def read(self, content: bytes) -> VexDocument:
        """Raises RequestInvalid with a sentence; Unavailable where the document can be no reason."""
        ...
