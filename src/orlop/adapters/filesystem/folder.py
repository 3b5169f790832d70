"""Making and recognising a data folder: its marker, its fixed directories, and the refusals."""

import errno
import fcntl
import os
import stat
import uuid
from pathlib import Path

import msgspec

from orlop.adapters.filesystem.disk import FILE_MODE, FOLDER, FOLDER_MODE, READ, sync_folder, write_all
from orlop.adapters.filesystem.formats import FORMAT, bring_up
from orlop.adapters.filesystem.layout import (
    BLOBS,
    CACHE,
    CATALOG,
    MARKER,
    MARKER_DRAFT,
    PREFIXES,
    PREMADE,
    UPLOADS,
    DataFolder,
)
from orlop.domain.digest import ALGORITHMS
from orlop.ports.stores import StoreRefused

_KIND = "orlop-data"
_MARKER_LIMIT = 64 * 1024
#: What a folder may hold and still count as empty: a broken-off creation, what mkfs leaves in a new file system, and a
#: cache of blobs, which is no loss.
_NOTHING = {MARKER_DRAFT, "lost+found", CACHE}


class FolderRefused(StoreRefused):
    """A folder that cannot serve as the data folder; the message is one sentence that says why and what to do."""


class Marker(msgspec.Struct, frozen=True):
    """What `orlop.json` holds."""

    format: int
    store: str
    kind: str


def open_data_folder(path: str | os.PathLike[str], *, create: bool = True) -> DataFolder:
    """The data folder at `path`; made, durably, when it is missing or empty and `create` is true.

    Raises FolderRefused when it is not a folder, not writable, somebody else's (files, but no marker), of a newer
    format, or its marker cannot be read.
    """
    try:
        root = Path(path).resolve()
        return _open(root, create=create)
    except (OSError, RuntimeError) as cause:
        reason = cause.strerror if isinstance(cause, OSError) else None
        raise FolderRefused(f"the data folder {path} cannot be used: {(reason or str(cause)).lower()}") from cause


def _open(root: Path, *, create: bool) -> DataFolder:
    if not root.exists():
        if not create:
            raise FolderRefused(f"there is no data folder at {root}")
        _make_folder(root)
    if not root.is_dir():
        raise FolderRefused(f"{root} is not a folder; name one with --data")
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        raise FolderRefused(f"the data folder {root} is not writable for this user")
    # Two programs that start at once on a new folder take turns; the lock goes with the descriptor.
    lock = os.open(root, FOLDER)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        marker = _read_marker(root / MARKER)
        if marker is None:
            marker = _begin(root, create=create)
        elif marker.format < FORMAT:
            bring_up(root)
            marker = msgspec.structs.replace(marker, format=FORMAT)
            _write_marker(root, marker)
        _make_tree(root)
    finally:
        os.close(lock)
    return DataFolder(str(root), marker.store)


def _begin(root: Path, *, create: bool) -> Marker:
    """Mark an empty folder; refuse one that is not."""
    foreign = sorted({entry.name for entry in root.iterdir()} - _NOTHING)
    if foreign:
        raise FolderRefused(
            f"the folder {root} is not empty and not a data folder of Orlop (it holds {foreign[0]!r}); "
            "name an empty one with --data"
        )
    if not create:
        raise FolderRefused(f"there is no data folder at {root}")
    marker = Marker(FORMAT, str(uuid.uuid4()), _KIND)
    _write_marker(root, marker)
    return marker


def _make_folder(path: Path) -> None:
    """Make a folder and those above it, each durable in the one that holds it."""
    if not path.parent.exists():
        _make_folder(path.parent)
    path.mkdir(FOLDER_MODE, exist_ok=True)
    sync_folder(str(path.parent))


def _read_marker(path: Path) -> Marker | None:
    try:
        descriptor = os.open(path, READ | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as cause:
        if cause.errno == errno.ELOOP:
            raise FolderRefused(f"the marker {path} is a symbolic link; put the file itself there") from cause
        raise FolderRefused(f"the marker {path} cannot be read: {(cause.strerror or 'no reason').lower()}") from cause
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FolderRefused(f"the marker {path} is not a file")
        text = os.read(descriptor, _MARKER_LIMIT)
    finally:
        os.close(descriptor)
    try:
        marker = msgspec.json.decode(text, type=Marker)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise FolderRefused(f"the marker {path} is damaged; restore it from a backup") from cause
    if marker.kind != _KIND or marker.format < 1:
        raise FolderRefused(f"the marker {path} is not that of a data folder of Orlop")
    if marker.format > FORMAT:
        raise FolderRefused(
            f"the data folder {path.parent} has format {marker.format}, and this program knows {FORMAT}; "
            "use a newer program"
        )
    return marker


def _write_marker(root: Path, marker: Marker) -> None:
    """Whole or not at all, and durable, before anything else is put in the folder."""
    draft = root / MARKER_DRAFT
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(draft, flags, FILE_MODE)
    try:
        write_all(descriptor, msgspec.json.format(msgspec.json.encode(marker), indent=2) + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.rename(root / MARKER)
    sync_folder(str(root))


def _make_tree(root: Path) -> None:
    """Make what is missing of the fixed directories, and make sure that every one of them is durable.

    That they exist does not say so: whoever made them may have been killed before its fsync. A handful of fsyncs at
    each start are cheaper than one more for every blob.
    """
    _ensure(root, (CATALOG, UPLOADS, BLOBS), own=(UPLOADS, BLOBS))
    _ensure(root / BLOBS, tuple(ALGORITHMS), own=tuple(ALGORITHMS))
    for algorithm in ALGORITHMS:
        _ensure(root / BLOBS / algorithm, PREFIXES if algorithm == PREMADE else (), own=())


def _ensure(holder: Path, names: tuple[str, ...], own: tuple[str, ...]) -> None:
    """Make `names` in `holder`. Those in `own` have to be real directories on its disk: copies are made by renaming."""
    present = {entry.name for entry in holder.iterdir()}
    for name in names:
        if name not in present:
            (holder / name).mkdir(FOLDER_MODE)
    device = holder.stat().st_dev
    for name in own:
        entry = (holder / name).lstat()
        if not stat.S_ISDIR(entry.st_mode):
            raise FolderRefused(f"{holder / name} is not a folder of its own; put a real one in its place")
        if entry.st_dev != device:
            raise FolderRefused(f"{holder / name} lies on another disk than {holder}; put both on one")
    sync_folder(str(holder))
