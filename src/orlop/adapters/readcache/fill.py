"""A copy on its way into the cache: reserved, written, and put in place when it turned out to be the content."""

import os
import threading
from pathlib import Path
from typing import Protocol

from orlop.adapters.readcache.entry import Draft, length_of
from orlop.adapters.readcache.room import FOLDER_MODE
from orlop.domain.blob import Blob


class Reserving(Protocol):
    """The room that a fill takes, and gives back."""

    def reserve(self, part: Path, kept: Path, length: int) -> int | None:
        """The descriptor of a locked file of this length; None when it is not ours to fill. Raises OSError."""
        ...

    def release(self, part: Path, length: int) -> None:
        """Remove what was reserved."""


class Fill:
    """Blocking, from any thread. After `abandon` or `commit` it does nothing."""

    def __init__(self, room: Reserving, part: Path, kept: Path, blob: Blob) -> None:
        self._room = room
        self._part = part
        self._kept = kept
        self._blob = blob
        self._length = length_of(blob.size)
        self._working = threading.Lock()
        self._ended = False
        self._descriptor: int | None = None
        self._draft: Draft | None = None

    def begin(self) -> bool:
        """Whether this is the one that fills. Raises OSError."""
        with self._working:
            if not self._ended:
                self._descriptor = self._room.reserve(self._part, self._kept, self._length)
                self._draft = Draft(self._descriptor, self._blob) if self._descriptor is not None else None
            return self._draft is not None

    def add(self, piece: bytes) -> None:
        """Append. Raises OSError."""
        with self._working:
            if self._draft is not None:
                self._draft.add(piece)

    def commit(self) -> bool:
        """Keep it if it is the content; False when it is something else. Raises OSError."""
        with self._working:
            if self._draft is None:
                return True
            if not self._draft.finish():
                return False
            self._kept.parent.mkdir(FOLDER_MODE, exist_ok=True)
            self._part.rename(self._kept)
            self._close()
            return True

    def abandon(self) -> None:
        """Remove what was written."""
        with self._working:
            self._ended = True
            if self._descriptor is not None:
                self._room.release(self._part, self._length)
                self._close()

    def _close(self) -> None:
        descriptor, self._descriptor, self._draft = self._descriptor, None, None
        if descriptor is not None:
            os.close(descriptor)
