"""Locks on manifests: while there is one, nothing deletes the manifest, whoever asks."""

from typing import TYPE_CHECKING, Protocol

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName
from orlop.domain.pages import Page, PageRequest

if TYPE_CHECKING:
    from orlop.ports.catalog import By


class Lock(msgspec.Struct, frozen=True):
    """Why a manifest is not to be deleted, and who says so since when (microseconds since 1970)."""

    digest: Digest
    reason: str
    at: int
    actor: str


class Locks(Protocol):
    """At most one for each manifest of a repository."""

    async def add(self, repository: RepositoryName, digest: Digest, reason: str, by: "By") -> None:
        """Raises ManifestUnknown; Conflict where it is locked already."""

    async def lift(self, repository: RepositoryName, digest: Digest, reason: str, by: "By") -> None:
        """The reason is kept with the event. Raises NotFound where there is none."""

    async def page(self, repository: RepositoryName, page: PageRequest) -> Page[Lock]:
        """Those of a repository, by digest. Raises NameUnknown."""
        ...
