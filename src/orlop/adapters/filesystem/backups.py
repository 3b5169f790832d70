"""Backups in a folder. See domain.backup for its tree. Beside that there is `orlop-backups.json`, which says what the
folder is, `lock`, and `tmp/` for files that are being written."""

import asyncio
import errno
import fcntl
import os
import re
import uuid
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

from orlop.adapters.filesystem.disk import (
    FILE_MODE,
    FOLDER_MODE,
    READ,
    begin_writeback,
    sync_folder,
    translated,
    write_all,
)
from orlop.domain.backup import BACKUPS, BLOBS, CHUNKS
from orlop.domain.errors import Conflict, Denied, NotFound
from orlop.ports.backup import StoredKey
from orlop.ports.blobs import PIECE

T = TypeVar("T")

_MARKER, _LOCK, _TMP = "orlop-backups.json", "lock", "tmp"
#: It lies in `tmp/` while somebody writes: who finds it follows one that was killed.
_UNSETTLED = "unsettled"
_MARK = b'{"kind": "orlop-backups", "format": 1}\n'
_KEY = re.compile(r"(?:backups|blobs|chunks)(?:/[0-9A-Za-z][0-9A-Za-z.-]*)+", re.ASCII)
#: Files that become durable together, one commit of the file system's journal for all of them: so many, of so many
#: bytes, or what came within so many seconds.
_TOGETHER, _BYTES, _SECONDS = 64, 64 << 20, 0.5
#: Bytes that one call writes. 64 MiB by 2 MiB a call took 0.56, 0.01 and 0.24 s of processor time on ext4 (Linux 6.18),
#: by so many 0.01 s each time; why is not known.
_WRITTEN = 128 * 1024
_WRITING, _READING = "writing the backup", "reading the backup"


class BackupFolder:
    """See ports.backup.BackupTarget."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._changed: set[str] = set()
        self._written: dict[str, _Draft] = {}
        self._since = 0.0
        self._turn = asyncio.Lock()
        self._is_unsettled = False

    @property
    def scratch(self) -> Path:
        """A folder of its own for whoever has occupied it; cleared by the next who does."""
        return self._root / _TMP

    async def write(self, key: str, pieces: AsyncIterable[bytes], size: int) -> None:
        """See BackupTarget. It has its name when it is durable, which is soon, and at the latest by `settle`."""
        path, draft = self._path(key), self._root / _TMP / str(uuid.uuid4())
        with translated(_WRITING):
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
            written = 0
            try:
                async for piece in pieces:
                    await _thread(_append, descriptor, piece, written)
                    written += len(piece)
            except BaseException:
                with suppress(OSError):
                    draft.unlink()
                os.close(descriptor)
                raise
        now = asyncio.get_running_loop().time()
        if not self._written:
            self._since = now
        same = self._written.pop(key, None)
        if same is not None:
            same.forget()
        self._written[key] = _Draft(descriptor, draft, path, written)
        if (
            len(self._written) >= _TOGETHER
            or now - self._since >= _SECONDS
            or sum(one.size for one in self._written.values()) >= _BYTES
        ):
            await self._name()

    async def read(self, key: str) -> AsyncGenerator[bytes, None]:
        """See BackupTarget."""
        await self._name()
        with translated(_READING):
            try:
                descriptor = os.open(self._path(key), READ)
            except FileNotFoundError as missing:
                raise NotFound(f"there is no {key}") from missing
            try:
                while piece := await _thread(os.read, descriptor, PIECE):
                    yield piece
            finally:
                os.close(descriptor)

    async def present(self, keys: Sequence[StoredKey]) -> frozenset[str]:
        """See BackupTarget."""
        there = await self.sizes([one.key for one in keys])
        return frozenset(one.key for one in keys if there.get(one.key) == one.size)

    async def sizes(self, keys: Sequence[str]) -> dict[str, int]:
        """How large those are that are there, in bytes."""
        there = {key: self._written[key].size for key in keys if key in self._written}
        return await asyncio.to_thread(self._sizes, [key for key in keys if key not in there]) | there

    async def keys(self, under: str) -> AsyncIterator[StoredKey]:
        """See BackupTarget."""
        await self._name()
        for folder in await asyncio.to_thread(self._folders, under):
            for stored in await asyncio.to_thread(self._files, folder):
                yield stored

    async def settle(self) -> None:
        """See BackupTarget. Files are durable when they get their names; here these become it."""
        await self._name()
        changed, self._changed = self._changed, set()
        with translated(_WRITING):
            for folder in sorted(changed):
                await asyncio.to_thread(sync_folder, folder)

    async def remove(self, key: str) -> None:
        """See BackupTarget."""
        path = self._path(key)
        await self._name()
        with translated("removing a backup"), suppress(FileNotFoundError):
            await asyncio.to_thread(path.unlink)
            self._changed.add(str(path.parent))

    @asynccontextmanager
    async def occupied(self) -> AsyncIterator[None]:
        """See BackupTarget. The lock goes with the process. An empty folder is marked, another is refused (Denied)."""
        with translated(_WRITING):
            lock = await asyncio.to_thread(self._occupy)
        try:
            yield
            await self.settle()
            with translated(_WRITING):
                (self._root / _TMP / _UNSETTLED).unlink(missing_ok=True)
        finally:
            for draft in self._written.values():
                draft.forget()
            self._written = {}
            os.close(lock)

    async def _name(self) -> None:
        """Make durable what was written, and give it its names."""
        async with self._turn:
            written, self._written = self._written, {}
            if written:
                with translated(_WRITING):
                    await _thread(self._put_all, list(written.values()))

    def _put_all(self, written: "Sequence[_Draft]") -> None:
        try:
            for draft in written:
                os.fsync(draft.descriptor)
            for draft in written:
                self._put(draft.draft, draft.path)
        finally:
            for draft in written:
                draft.forget()

    def look(self) -> None:
        """Raises NotFound where there are no backups."""
        if not (self._root / _MARKER).is_file():
            raise NotFound(f"there are no backups of Orlop in {self._root}")

    def _occupy(self) -> int:
        self._root.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        if not (self._root / _MARKER).exists():
            foreign = sorted({entry.name for entry in self._root.iterdir()} - {_LOCK, _MARKER, "lost+found"})
            if foreign:
                raise Denied(
                    f"the folder {self._root} is not empty, and holds no backups of Orlop but {foreign[0]!r}; name an"
                    " empty one"
                )
        lock = os.open(self._root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._prepare()
        except BlockingIOError as taken:
            os.close(lock)
            raise Conflict(
                f"another command writes to the backups in {self._root}; try again when it is done"
            ) from taken
        except BaseException:
            os.close(lock)
            raise
        return lock

    def _prepare(self) -> None:
        for name in (BACKUPS, BLOBS, CHUNKS, _TMP):
            (self._root / name).mkdir(FOLDER_MODE, exist_ok=True)
        for left in (self._root / _TMP).iterdir():  # of one that was killed
            self._is_unsettled = True
            left.unlink()
        marker = self._root / _MARKER
        if not marker.exists():
            draft = self._root / _TMP / _MARKER
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
            try:
                write_all(descriptor, _MARK)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            draft.rename(marker)
        os.close(os.open(self._root / _TMP / _UNSETTLED, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))
        sync_folder(str(self._root / _TMP))
        sync_folder(str(self._root))

    def _put(self, draft: Path, path: Path) -> None:
        try:
            draft.rename(path)
        except FileNotFoundError:
            above = path.parent
            while not above.is_dir():
                above = above.parent
                self._changed.add(str(above))
            path.parent.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
            draft.rename(path)
        self._changed.add(str(path.parent))

    def _above(self, path: Path) -> list[str]:
        """The folders down to a file: who wrote it may have been killed before its name was durable."""
        above = path.parents
        return [str(folder) for folder in above[: above.index(self._root) + 1]]

    def _sizes(self, keys: Sequence[str]) -> dict[str, int]:
        found = {}
        for key in keys:
            with translated(_READING), suppress(FileNotFoundError):
                path = self._path(key)
                found[key] = path.lstat().st_size
                if self._is_unsettled:  # else whoever wrote it has settled
                    self._changed.update(self._above(path))
        return found

    def _folders(self, under: str) -> list[str]:
        with translated(_READING):
            return [folder for folder, _, _ in os.walk(self._root / under, onerror=_raise)]

    def _files(self, folder: str) -> list[StoredKey]:
        with translated(_READING), os.scandir(folder) as entries:
            return [
                StoredKey(os.path.relpath(entry.path, self._root), entry.stat().st_size)
                for entry in sorted(entries, key=lambda one: one.name)
                if entry.is_file(follow_symlinks=False)
            ]

    def _path(self, key: str) -> Path:
        """Raises ValueError for what is no key: no path leaves the tree."""
        if not _KEY.fullmatch(key):
            raise ValueError(f"{key[:80]!r} is not a key of a backup")
        return self._root / key


class _Draft(NamedTuple):
    """A file that was written, and what it is to be called."""

    descriptor: int
    draft: Path
    path: Path
    size: int

    def forget(self) -> None:
        """Close it, and remove it where it has no name yet."""
        os.close(self.descriptor)
        with suppress(OSError):
            self.draft.unlink()


async def _thread(function: Callable[..., T], *arguments: object) -> T:
    """In a thread, to its end: who is cancelled meanwhile must not close a file that the thread still uses."""
    work = asyncio.ensure_future(asyncio.to_thread(function, *arguments))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


def _append(descriptor: int, piece: bytes, offset: int) -> None:
    view = memoryview(piece)
    for start in range(0, len(piece), _WRITTEN):
        write_all(descriptor, view[start : start + _WRITTEN])
    begin_writeback(descriptor, offset, len(piece))


def _raise(error: OSError) -> None:
    if error.errno != errno.ENOENT:
        raise error
