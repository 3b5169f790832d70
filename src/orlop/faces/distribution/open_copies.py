"""Copies that stay open while the server sends them by path.

An ASGI server gets a path and opens it when it comes to it, without saying when. So that a copy removed meanwhile is
still sent, it is lent under the path of an open descriptor, and the descriptor lingers far longer than any server takes.
"""

import asyncio

from orlop.domain.blob import Blob, BlobKey
from orlop.ports.blobs import BlobContent
from orlop.services.blobs import Blobs

#: Seconds that a copy stays open after it was last lent. A server that takes longer to open a file is not serving.
LINGER = 60.0

#: Copies open at once, at most; when they are all in use, further ones are sent in pieces.
CAPACITY = 4_096


class OpenCopies:
    """Lends open copies; each is opened once however many clients get it at the same time."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._open: dict[BlobKey, tuple[BlobContent, float]] = {}
        self._sweeping = False

    def lend(self, blob: Blob) -> str | None:
        """A path that leads to this copy for as long as it takes; None where there is none. Raises ContentCorrupt."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        entry = self._open.pop(blob.key, None)
        if entry is None:
            self._close_until(now)
            if len(self._open) >= CAPACITY:
                return None
            content = self._blobs.open(blob)
        else:
            content = entry[0]
        if content.path is None:
            content.close()
            return None
        self._open[blob.key] = (content, now + LINGER)
        if not self._sweeping:
            self._sweeping = True
            loop.call_later(LINGER, self._sweep)
        return content.path

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
