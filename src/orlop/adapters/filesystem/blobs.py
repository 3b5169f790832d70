"""The blob store of a data folder: its parts, built over one pool of threads, and the one that deletes copies."""

from orlop.adapters.filesystem import promotion
from orlop.adapters.filesystem.inventory import FilesystemInventory
from orlop.adapters.filesystem.layout import DataFolder
from orlop.adapters.filesystem.open_copies import CAPACITY, OpenCopies
from orlop.adapters.filesystem.reader import FilesystemReader
from orlop.adapters.filesystem.space import FilesystemSpace
from orlop.adapters.filesystem.stage import FilesystemStage
from orlop.adapters.filesystem.threads import DiskThreads
from orlop.domain.blob import BlobKey
from orlop.ports.clock import Clock

#: Threads of one process that wait for the disk. More in flight let the file system commit more at once; many more
#: only take the interpreter's lock from the event loop.
THREADS = 8


class FilesystemRemover:
    """See ports.blobs.BlobRemover."""

    def __init__(self, folder: DataFolder, threads: DiskThreads) -> None:
        self._folder = folder
        self._threads = threads

    async def remove(self, key: BlobKey) -> None:
        """See ports.blobs.BlobRemover."""
        await self._threads.call(promotion.remove, self._folder, key)


class FilesystemBlobs:
    """All roles of the blob store in one data folder, for bootstrap to hand each service what it needs. `open_copies`
    of those that were served stay open for a while."""

    def __init__(self, folder: DataFolder, open_copies: int = CAPACITY) -> None:
        self._folder = folder
        self._threads = DiskThreads(THREADS)
        self.reader = FilesystemReader(folder, self._threads)
        self.serving = OpenCopies(self.reader, open_copies)
        self.stage = FilesystemStage(folder, self._threads)
        self.remover = FilesystemRemover(folder, self._threads)
        self.inventory = FilesystemInventory(folder, self._threads)

    def space(self, reserve: int, clock: Clock) -> FilesystemSpace:
        """How much room the disk has, of which so many bytes are kept free."""
        return FilesystemSpace(self._folder.root, self._threads, reserve, clock)

    def close(self) -> None:
        """Wait for what the threads still do, and end them."""
        self._threads.close()
