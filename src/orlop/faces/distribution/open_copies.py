"""Copies that stay open for a while after they were read, for the next reader and for the server.

An ASGI server gets a path and opens it when it comes to it, without saying when. So that a copy removed meanwhile is
still sent, it is lent under the path of an open descriptor, which lingers far longer than any server takes.
"""

import asyncio
from collections import OrderedDict

from orlop.domain.blob import Blob, BlobKey
from orlop.ports.blobs import BlobContent
from orlop.services.blobs import Blobs

#: Seconds that a copy stays open after it was last lent. A server that takes longer to open a file is not serving.
LINGER = 60.0

#: Copies open at once, at most; when they are all in use, further ones have to be opened by those who want them.
CAPACITY = 4_096


class OpenCopies:
    """Lends open copies; each is opened once however many clients get it at the same time."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._open: OrderedDict[BlobKey, tuple[BlobContent, float]] = OrderedDict()  # the longest unused first
        self._sweeping = False

    async def lend(self, blob: Blob) -> tuple[BlobContent, bool]:
        """An open copy, and whether it is lent: the borrower leaves a lent one open, and closes one that is his own.

        Only copies with a path are lent, and no more than can be open at once. Raises ContentCorrupt, Unavailable.
        """
        loop = asyncio.get_running_loop()
        now = loop.time()
        entry = self._open.get(blob.key)
        if entry is not None:
            content = entry[0]
        else:
            content = await self._blobs.open(blob)
            self._close_until(now)
            if content.path is None or len(self._open) >= CAPACITY or blob.key in self._open:
                return content, False
        self._open[blob.key] = (content, now + LINGER)
        self._open.move_to_end(blob.key)
        if not self._sweeping:
            self._sweeping = True
            loop.call_later(LINGER, self._sweep)
        return content, True

    def close(self) -> None:
        """Let go of everything."""
        self._close_until(float("inf"))

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self._close_until(loop.time())
        self._sweeping = bool(self._open)
        if self._sweeping:
            loop.call_later(LINGER, self._sweep)

    def _close_until(self, now: float) -> None:
        while self._open:
            key = next(iter(self._open))
            content, until = self._open[key]
            if until > now:
                return
            del self._open[key]
            content.close()
