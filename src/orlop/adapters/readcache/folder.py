"""The folder of kept copies, which the workers of a server share: who may fill, what fits, what goes first.

```text
<data>/cache/
  room                            how many bytes all of this takes, 8 of them; locked while that changes
  parts/<hex>.<copy>              a copy on its way here, of its final length at once, locked by who writes it
  kept/<2 hex>/<hex>.<copy>       a copy that is whole, as entry.py writes it; its time is that of its last use
```

Nothing here is needed: it may be deleted at any moment, and is not fsynced. What a power cut tears is noticed by its
length or its sums.
"""

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import NamedTuple

from orlop.adapters.readcache.entry import Filed, Kept, identity, length_of
from orlop.adapters.readcache.fill import Fill
from orlop.adapters.readcache.room import FLAGS, FOLDER_MODE, Room, counted, drop_leftover, take
from orlop.domain.blob import Blob
from orlop.ports.stores import StoreRefused

_ROOM, _PARTS, _KEPT = "room", "parts", "kept"
_COPY = re.compile(r"[0-9a-f]{32}", re.ASCII)

#: A copy that takes more than one in so many parts of the cache would push out too much else.
_LARGEST = 4
#: How full the cache is after room was made, in tenths: looking at all of it has to pay for a while.
_TENTHS = 9


class CacheRefused(StoreRefused):
    """A folder that cannot hold the cache; the message is one sentence that says why and what to do."""


class _Found(NamedTuple):
    used_at: int
    size: int
    path: Path


class CacheFolder:
    """At most `limit` bytes at `root`, counting what is in the making. Blocking, from any thread or process."""

    def __init__(self, root: Path, limit: int) -> None:
        self._root = root
        self._limit = limit

    def prepare(self) -> None:
        """Make the folder, drop what killed processes left half written, keep to the limit. Raises CacheRefused."""
        try:
            self._make()
            with self._room(wait=True) as room:
                for path in self._parts():
                    room.used -= drop_leftover(path)
                if not room.is_known or room.used > self._limit:
                    room.used = self._make_room(0)
        except OSError as cause:
            reason = (cause.strerror or str(cause)).lower()
            raise CacheRefused(
                f"the cache {self._root} cannot be used: {reason}; put that right, or set blobs.cache_bytes to 0"
            ) from cause

    def takes(self, size: int) -> bool:
        """Whether a copy of `size` bytes would be kept."""
        return 0 < length_of(size) <= self._limit // _LARGEST

    def open(self, blob: Blob) -> Kept | None:
        """Open an entry, which makes it the one used last; None where there is none that can be read."""
        try:
            descriptor = os.open(self._kept(blob), os.O_RDONLY | FLAGS)
        except OSError:
            return None
        try:
            status = os.fstat(descriptor)
            os.utime(descriptor)
        except OSError:
            os.close(descriptor)
            return None
        if status.st_size != length_of(blob.size):
            os.close(descriptor)
            self.drop(blob, identity(status))
            return None
        return Kept(descriptor, blob.size, identity(status))

    def drop(self, blob: Blob, filed: Filed) -> None:
        """Remove an entry if it still is that file."""
        path = self._kept(blob)
        with suppress(OSError), self._room(wait=True) as room:
            status = path.stat()
            if identity(status) == filed:
                path.unlink()
                room.used -= status.st_size

    def fill(self, blob: Blob) -> Fill:
        """What fills the entry of a copy; it has yet to begin."""
        path = self._kept(blob)
        return Fill(self, self._root / _PARTS / path.name, path, blob)

    def reserve(self, part: Path, kept: Path, length: int) -> int | None:
        """See fill.Reserving. None as well while another process changes the room: nobody waits for a cache."""
        try:
            with self._room(wait=False) as room:
                taken = take(part)
                if taken is None:
                    return None
                descriptor, before = taken
                try:
                    if kept.exists():
                        part.unlink()
                        room.used -= before
                        os.close(descriptor)
                        return None
                    self._grow(room, descriptor, before, length)
                except BaseException:
                    os.close(descriptor)
                    raise
                return descriptor
        except BlockingIOError:
            return None

    def release(self, part: Path, length: int) -> None:
        """See fill.Reserving."""
        with suppress(OSError), self._room(wait=True) as room:
            part.unlink()
            room.used -= length

    def _grow(self, room: Room, descriptor: int, before: int, length: int) -> None:
        os.ftruncate(descriptor, 0)
        room.used -= before
        if room.used + length > self._limit:
            room.used = self._make_room(length)
        room.used += length
        room.write()
        os.ftruncate(descriptor, length)

    def _make_room(self, length: int) -> int:
        """Remove what was not used for longest until there is room for `length` bytes more; the bytes that are left."""
        used = 0
        for path in self._parts():
            if not drop_leftover(path):
                with suppress(FileNotFoundError):
                    used += path.stat().st_size
        found = sorted(self._found())
        used += sum(entry.size for entry in found)
        target = max(0, self._limit * _TENTHS // 10 - length) if used + length > self._limit else used
        for entry in found:
            if used <= target:
                break
            entry.path.unlink(missing_ok=True)
            used -= entry.size
        return used

    def _found(self) -> Iterator[_Found]:
        for path in (self._root / _KEPT).glob("*/*"):
            with suppress(FileNotFoundError):
                status = path.stat()
                yield _Found(status.st_mtime_ns, status.st_size, path)

    def _parts(self) -> list[Path]:
        return list((self._root / _PARTS).iterdir())

    def _kept(self, blob: Blob) -> Path:
        """Raises ValueError for a name that is not 32 hex digits: no path leaves the tree."""
        if not _COPY.fullmatch(blob.key.copy):
            raise ValueError(f"a copy is named by 32 hex digits, not {blob.key.copy[:64]!r}")
        digits = blob.key.digest.hex
        return self._root / _KEPT / digits[:2] / f"{digits}.{blob.key.copy}"

    def _room(self, *, wait: bool) -> AbstractContextManager[Room]:
        if not (self._root / _PARTS).is_dir():  # somebody cleared everything away
            self._make()
        return counted(self._root / _ROOM, wait=wait)

    def _make(self) -> None:
        for name in (_PARTS, _KEPT):
            (self._root / name).mkdir(FOLDER_MODE, parents=True, exist_ok=True)
