"""Turns: of all who want the same from an upstream, in whatever process or replica, one goes and the others wait.

A turn is an upload session under a name that all of them know: the catalog lets one begin it, its lease ends with the
process that died, and collection clears away what is left.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from hashlib import sha256

from orlop.domain.digest import CANONICAL
from orlop.domain.durations import SECOND
from orlop.domain.errors import BlobUploadUnknown, RegistryError, TooManyRequests
from orlop.domain.names import RepositoryName
from orlop.domain.upload import Upload
from orlop.ports.catalog import UploadExpiry, Uploads
from orlop.ports.clock import Clock, Ids

#: How long a turn is held without a sign of life, in microseconds.
LEASE = 20 * SECOND
#: How often those who wait look, in seconds: at first, and at most.
_LOOK, _SELDOM = 0.01, 0.25


def ticket(repository: RepositoryName, what: str) -> str:
    """The name that all who want the same know; no client's ticket looks like it."""
    return f"upstream:{sha256(f'{repository} {what}'.encode()).hexdigest()}"


class Turns:
    """Hands out turns for what is quickly fetched, such as manifests."""

    def __init__(self, rows: Uploads, expiry: UploadExpiry, clock: Clock, ids: Ids) -> None:
        self._rows = rows
        self._expiry = expiry
        self._clock = clock
        self._ids = ids

    @asynccontextmanager
    async def take(self, repository: RepositoryName, what: str, actor: str) -> AsyncGenerator[bool, None]:
        """Whether it is the caller's turn until the block ends; False once somebody else had it. Raises Unavailable."""
        name = ticket(repository, what)
        upload = self._begun(repository, actor)
        try:
            await self._rows.start(upload, ticket=name)
        except TooManyRequests:
            await self._wait(repository, name)
            yield False
            return
        except BlobUploadUnknown:  # that of a process which died, or of one that has ended this moment
            await self._rows.give_up(name, self._clock.now())
            yield False
            return
        try:
            yield True
        finally:
            # What is not forgotten now runs out with its lease.
            with suppress(RegistryError):
                await self._expiry.cancel(repository, upload.id, self._clock.now())
                await self._expiry.forget(upload.id, self._clock.now() + LEASE)

    async def _wait(self, repository: RepositoryName, name: str) -> None:
        """Return when nobody has the turn any more."""
        pause = _LOOK
        while True:
            now = self._clock.now()
            try:
                begun = await self._rows.begun(repository, name, now)
            except BlobUploadUnknown:
                return
            if begun is None or begun.lease_until <= now:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _SELDOM)

    def _begun(self, repository: RepositoryName, actor: str) -> Upload:
        now = self._clock.now()
        return Upload(
            id=self._ids.new(),
            repository=repository,
            created_by=actor,
            algorithm=CANONICAL,
            fence=1,
            lease_until=now + LEASE,
            started_at=now,
            expires_at=now + LEASE,
        )
