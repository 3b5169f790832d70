"""How a catalog is, and how much it holds."""

from typing import Protocol

import msgspec


class Totals(msgspec.Struct, frozen=True):
    """The size of the store, in rows and bytes."""

    repositories: int
    manifests: int
    tags: int
    blobs: int
    blob_bytes: int
    condemned: int
    uploads: int
    trash: int = 0
    """Entries of the trash."""
    trash_bytes: int = 0
    """Bytes of manifests and blobs that these hold, which others may hold, too."""
    quarantined: int = 0


class Vitals(Protocol):
    """How the catalog is."""

    async def check(self) -> None:
        """Read and write: Unavailable, with the reason, if either fails."""

    async def totals(self) -> Totals:
        """The size of the store, without counting it."""
        ...
