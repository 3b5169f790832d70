"""What a folder stands on, measured: the kind of file system, its speed and durability, and how much room there is."""

import asyncio
import fcntl
import os
import statistics
import tempfile
import time
from pathlib import Path

from orlop.adapters.filesystem.disk import translated
from orlop.domain.checkup import DiskFacts

#: Writes of 4 KiB that are timed, and the bytes of a long one.
_SYNCS, _SMALL, _LONG = 15, 4096, 16 << 20


class FolderProbe:
    """See ports.checkup.FolderProbe. `folder` is there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def look(self) -> DiskFacts:
        """See ports.checkup.FolderProbe."""
        return await asyncio.to_thread(self._look)

    def _look(self) -> DiskFacts:
        with translated("looking at the disk"):
            room = os.statvfs(self._folder)
            descriptor, name = tempfile.mkstemp(prefix=".doctor-", dir=self._folder)
            try:
                took = sorted(_synced(descriptor) for _ in range(_SYNCS))
                now = time.time_ns()
                os.write(descriptor, b".")
                skew = os.fstat(descriptor).st_mtime_ns - now
                speed, locks = _speed(descriptor), _locks(descriptor)
            finally:
                os.close(descriptor)
                Path(name).unlink(missing_ok=True)
        return DiskFacts(
            kind=kind_of(self._folder, Path("/proc/self/mountinfo")),
            free=room.f_bavail * room.f_frsize,
            size=room.f_blocks * room.f_frsize,
            inodes_free=room.f_favail,
            inodes=room.f_files,
            sync_seconds=statistics.median(took),
            speed=speed,
            locks=locks,
            skew=skew // 1000,
        )


def kind_of(folder: Path, mounts: Path) -> str:
    """The file system that a folder is on, by the kernel's word (proc_pid_mountinfo(5)); empty: nobody says."""
    try:
        device, lines = os.stat(folder).st_dev, mounts.read_text().splitlines()  # noqa: PTH116 - a number is wanted
    except OSError:
        return "an unknown file system"
    wanted, place, found = f"{os.major(device)}:{os.minor(device)}", str(folder.resolve()), ""
    longest = -1
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split()
        point = fields[4].encode().decode("unicode_escape")
        covers = point == "/" or place == point or place.startswith(f"{point}/")
        if (fields[2] == wanted or covers) and covers and len(point) > longest:
            longest, found = len(point), after.split()[0]
    return found or "an unknown file system"


def _synced(descriptor: int) -> float:
    began = time.perf_counter()
    os.write(descriptor, os.urandom(_SMALL))
    os.fdatasync(descriptor)
    return time.perf_counter() - began


def _speed(descriptor: int) -> float:
    piece = memoryview(os.urandom(1 << 20))
    began = time.perf_counter()
    for _ in range(_LONG >> 20):
        rest = piece
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)
    return _LONG / max(time.perf_counter() - began, 1e-6)


def _locks(descriptor: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.lockf(descriptor, fcntl.LOCK_UN)
    except OSError:
        return False
    return True
