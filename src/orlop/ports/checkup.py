"""Looking at what a registry stands on: a folder, a database, a bucket, a server as clients find it."""

from typing import Protocol

from orlop.domain.checkup import BucketFacts, ChainFacts, DatabaseFacts, DiskFacts, ServerFacts


class FolderProbe(Protocol):
    """A folder on a disk."""

    async def look(self) -> DiskFacts:
        """Writes some MiB there for the moment, and takes them away. Raises Unavailable."""
        ...


class DatabaseProbe(Protocol):
    """A database."""

    async def look(self) -> DatabaseFacts:
        """Changes nothing. Raises Unavailable."""
        ...


class BucketProbe(Protocol):
    """A bucket."""

    async def look(self) -> BucketFacts:
        """Writes an object for the moment. Raises Unavailable where it cannot be reached."""
        ...


class ChainProbe(Protocol):
    """The certificate that a server is to show, and its key."""

    async def look(self) -> ChainFacts:
        """Raises Unavailable where the two cannot be used."""
        ...


class ServerProbe(Protocol):
    """A server, as a client that is not signed in."""

    async def look(self) -> ServerFacts:
        """What cannot be reached says so in the facts."""
        ...
