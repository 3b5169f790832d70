"""The blob store of a data folder: its parts, built over one pool of threads, and the one that deletes copies."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from orlop.adapters.filesystem import promotion
from orlop.adapters.filesystem.inventory import FilesystemInventory
from orlop.adapters.filesystem.layout import DataFolder
from orlop.adapters.filesystem.open_copies import OpenCopies
from orlop.adapters.filesystem.reader import FilesystemReader
from orlop.adapters.filesystem.stage import FilesystemStage
from orlop.domain.blob import BlobKey

#: Threads of one process that wait for the disk. More in flight let the file system commit more at once; many more
#: only take the interpreter's lock from the event loop.
THREADS = 8


class FilesystemRemover:
    """See ports.blobs.BlobRemover."""

    def __init__(self, folder: DataFolder, threads: ThreadPoolExecutor) -> None:
        self._folder = folder
        self._threads = threads

    async def remove(self, key: BlobKey) -> None:
        """See ports.blobs.BlobRemover."""
        loop = asyncio.get_running_loop()
        await asyncio.shield(loop.run_in_executor(self._threads, promotion.remove, self._folder, key))


class FilesystemBlobs:
    """All roles of the blob store in one data folder, for bootstrap to hand each service what it needs."""

    def __init__(self, folder: DataFolder) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="orlop-disk")
        self.reader = FilesystemReader(folder, self._threads)
        self.serving = OpenCopies(self.reader)
        self.stage = FilesystemStage(folder, self._threads)
        self.remover = FilesystemRemover(folder, self._threads)
        self.inventory = FilesystemInventory(folder, self._threads)

    def close(self) -> None:
        """Wait for what the threads still do, and end them."""
        self._threads.shutdown(wait=True)
