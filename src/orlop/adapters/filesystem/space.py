"""How much room there is on the disk of a data folder."""

import os

from orlop.adapters.filesystem.disk import translated
from orlop.adapters.filesystem.threads import DiskThreads
from orlop.ports.blobs import Space
from orlop.ports.clock import SECOND, Clock

#: Of a disk no larger part than this is kept free, whatever is set: it may be a small one.
_LEAST_PART = 10


class FilesystemSpace:
    """See ports.blobs.StoreSpace. `reserve`: bytes that are kept free."""

    def __init__(self, folder: str, threads: DiskThreads, reserve: int, clock: Clock) -> None:
        self._folder = folder
        self._threads = threads
        self._reserve = reserve
        self._clock = clock
        self._known: tuple[int, Space] | None = None

    async def space(self) -> Space:
        """See ports.blobs.StoreSpace."""
        now = self._clock.now()
        if self._known is None or not 0 <= now - self._known[0] < SECOND:
            self._known = now, await self._threads.call(self._look)
        return self._known[1]

    def _look(self) -> Space:
        with translated("looking for room"):
            found = os.statvfs(self._folder)
        size = found.f_blocks * found.f_frsize
        return Space(found.f_bavail * found.f_frsize, size, min(self._reserve, size // _LEAST_PART))
