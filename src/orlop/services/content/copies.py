"""Copies for those who pull, mount and push: what turns out to be missing or damaged is put in quarantine at once.

From then on the blob is not there, for anybody, until somebody pushes it again.
"""

import structlog

from orlop.domain.access import SYSTEM
from orlop.domain.blob import Blob
from orlop.domain.errors import BlobUnknown, ContentCorrupt
from orlop.ports.blobs import BlobContent, BlobReader
from orlop.ports.catalog import By
from orlop.ports.clock import Clock
from orlop.ports.scrub import Quarantine

_log = structlog.get_logger("orlop.quarantine")


class Copies:
    """What is pulled is read through `reader`, which may know copies that were there a moment ago; whether a copy is
    there for others to rely on is asked of the `store`."""

    def __init__(self, reader: BlobReader, store: BlobReader, quarantine: Quarantine, clock: Clock) -> None:
        self._reader = reader
        self._store = store
        self._quarantine = quarantine
        self._clock = clock

    async def open(self, blob: Blob) -> BlobContent:
        """Open a copy for reading; the caller closes it. Raises BlobUnknown for one that is damaged, Unavailable."""
        try:
            return await self._reader.open(blob)
        except ContentCorrupt as failure:
            raise await self.damaged(blob, failure) from failure

    async def is_there(self, blob: Blob) -> bool:
        """Whether a copy is there, with the right size. Raises Unavailable."""
        try:
            content = await self._store.open(blob)
        except ContentCorrupt as failure:
            await self.damaged(blob, failure)
            return False
        content.close()
        return True

    async def damaged(self, blob: Blob, failure: ContentCorrupt) -> BlobUnknown:
        """Put a copy in quarantine; what to tell the client."""
        digest = blob.key.digest
        if await self._quarantine.add(blob.key, failure.message, By(SYSTEM.name, self._clock.now())):
            _log.error(
                "a copy is damaged and no longer given out", digest=digest, copy=blob.key.copy, what=failure.message
            )
        return BlobUnknown(f"the blob {digest} was damaged in the store; push it again", {"digest": digest})
