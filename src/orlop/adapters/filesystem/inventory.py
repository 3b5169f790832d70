"""What lies in the data folder, listed a little at a time, and whether it can be written at all."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import islice
from typing import TypeVar

from orlop.adapters.filesystem.disk import FILE_MODE, translated, write_all
from orlop.adapters.filesystem.layout import CHECK_PREFIX, PREFIXES, DataFolder, is_upload, key_of
from orlop.adapters.filesystem.threads import DiskThreads
from orlop.domain.blob import Blob
from orlop.domain.digest import ALGORITHMS
from orlop.domain.errors import Unavailable
from orlop.ports.blobs import StoredCopy, StoredStage

T = TypeVar("T")

#: How many entries one hop to a thread brings.
BATCH = 256

_PROBE = b"orlop\n"


class FilesystemInventory:
    """See ports.blobs.BlobInventory. Files that are named like nothing of ours are passed over."""

    def __init__(self, folder: DataFolder, threads: DiskThreads) -> None:
        self._folder = folder
        self._threads = threads

    def copies(self) -> AsyncIterator[StoredCopy]:
        """See ports.blobs.BlobInventory."""
        return self._batches(lambda: _copies(self._folder.blobs))

    def stages(self) -> AsyncIterator[StoredStage]:
        """See ports.blobs.BlobInventory."""
        return self._batches(lambda: _stages(self._folder.uploads))

    async def _batches(self, listing: Callable[[], Iterator[T]]) -> AsyncIterator[T]:
        entries = listing()
        while batch := await self._threads.call(_next, entries):
            for entry in batch:
                yield entry

    async def check(self) -> None:
        """See ports.blobs.BlobInventory."""
        path = f"{self._folder.uploads}/{CHECK_PREFIX}{os.getpid()}"
        await self._threads.call(_check, path)


def _next(entries: Iterator[T]) -> list[T]:
    with translated("listing the store"):
        return list(islice(entries, BATCH))


def _copies(root: str) -> Iterator[StoredCopy]:
    for algorithm in ALGORITHMS:
        for prefix in PREFIXES:
            for copy in _entries(f"{root}/{algorithm}/{prefix}"):
                key = key_of(algorithm, prefix, copy.name)
                found = _stat(copy) if key is not None else None
                if key is not None and found is not None:
                    yield StoredCopy(Blob(key, found.st_size), found.st_mtime_ns // 1000)


def _stages(root: str) -> Iterator[StoredStage]:
    for entry in _entries(root):
        found = _stat(entry) if is_upload(entry.name) else None
        if found is not None:
            yield StoredStage(entry.name, found.st_mtime_ns // 1000)


def _entries(path: str) -> Iterator[os.DirEntry[str]]:
    """The entries of a folder; none when it went away, or is none."""
    try:
        listing = os.scandir(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    with listing:
        yield from listing


def _stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    """What a regular file is like; None for anything else, and for what went away."""
    try:
        return entry.stat(follow_symlinks=False) if entry.is_file(follow_symlinks=False) else None
    except FileNotFoundError:
        return None


def _check(path: str) -> None:
    with translated("writing to the blob store"):
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(path, flags, FILE_MODE)
        try:
            write_all(descriptor, _PROBE)
            os.fsync(descriptor)
            found = os.pread(descriptor, len(_PROBE), 0)
        finally:
            os.close(descriptor)
            os.unlink(path)  # noqa: PTH108
    if found != _PROBE:
        raise Unavailable("the blob store does not give back what was written to it")
