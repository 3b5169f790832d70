"""Turning a stage into a copy, and removing a copy: the only places that change the tree of the blobs.

What makes a copy durable. Its bytes are (the stage was synced before its digest was looked at), so what is left is its
name: the entry of the copy in the digest's folder, and the entry of that folder in the prefix's. One fsync for each
folder, after the rename, and neither can be spared: fsync of a file or folder promises nothing about the entry that
names it (fsync(2)). The prefix's folder is synced even when the digest's folder was there already, because whoever made
it may have been killed, or be just about to sync it. Nothing above needs one: `folder` made the prefixes durable, but
for algorithms that hardly anybody uses, where it is a third. The folder that the stage leaves needs none either: if the
old name survives a power cut, it is a stage without a session.

What was tried and left out: fsyncs shared between promotions (256 prefixes, so two at once rarely meet in a folder, and
a journalling file system already commits together all that are in flight: with eight promotions at a time, the second
fsync takes a tenth of the throughput), syncfs (waits for everybody else's bytes), rename before the one fsync of the
file (a copy of the right size that holds zeros would be there after a power cut, for a repeated promotion to trust).
"""

import errno
import os
from contextlib import suppress

from orlop.adapters.filesystem.disk import FOLDER_MODE, sync_folder, translated
from orlop.adapters.filesystem.layout import PREMADE, DataFolder
from orlop.adapters.filesystem.stage_file import StageFile, cut_stage, lock_stage, unknown
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.errors import BlobUploadUnknown

_ATTEMPTS = 100
#: rmdir of a folder that is not empty: POSIX allows either.
_NOT_EMPTY = (errno.ENOTEMPTY, errno.EEXIST)


def promote(folder: DataFolder, upload: str, blob: Blob, writer: StageFile | None) -> None:
    """Move a stage to its place among the copies, durably. `writer` is this process's own, if it has one."""
    stage, copy = folder.stage(upload), folder.copy(blob.key)
    with translated("storing the blob"):
        if writer is None or not writer.cut(blob.size):
            try:
                descriptor = lock_stage(stage, create=False)
            except BlobUploadUnknown:
                if not _is_copy(copy, blob.size):
                    raise
                _sync_names(folder, blob.key)
                return
            try:
                cut_stage(descriptor, blob.size)
                _move(folder, stage, blob.key)
            finally:
                os.close(descriptor)
        else:
            _move(folder, stage, blob.key)


def _is_copy(path: str, size: int) -> bool:
    try:
        return os.stat(path, follow_symlinks=False).st_size == size  # noqa: PTH116
    except FileNotFoundError:
        return False


def _move(folder: DataFolder, stage: str, key: BlobKey) -> None:
    copies, copy = folder.copies(key.digest), folder.copy(key)
    for _ in range(_ATTEMPTS):
        _make_copies(folder, key)
        try:
            os.rename(stage, copy)  # noqa: PTH104
            break
        except FileNotFoundError as cause:
            # Either the removal of the last other copy took the folder away just now, or the stage is gone.
            if not os.path.lexists(stage):
                raise unknown() from cause
    else:
        raise OSError(errno.EBUSY, f"{copies} does not stay")
    _sync_names(folder, key)


def _make_copies(folder: DataFolder, key: BlobKey) -> None:
    copies = folder.copies(key.digest)
    try:
        os.mkdir(copies, FOLDER_MODE)  # noqa: PTH102
    except FileExistsError:
        return
    except FileNotFoundError:
        # The prefix is not a premade one, or somebody tidied the empty folders away while the server runs.
        os.makedirs(copies, FOLDER_MODE, exist_ok=True)  # noqa: PTH103
        sync_folder(folder.algorithm(key.digest))


def _sync_names(folder: DataFolder, key: BlobKey) -> None:
    try:
        sync_folder(folder.copies(key.digest))
        sync_folder(folder.prefix(key.digest))
        if key.digest.algorithm != PREMADE:
            sync_folder(folder.algorithm(key.digest))
    except OSError:
        # Nobody knows now whether a power cut would take the name, and a second fsync would not tell: it reports an
        # error once. So the copy must not be found by a repetition that would then report success.
        with suppress(OSError):
            os.unlink(folder.copy(key))  # noqa: PTH108
        raise


def remove(folder: DataFolder, key: BlobKey) -> None:
    """Delete a copy, and its digest's folder with the last one, durably; fine when it is gone already.

    The fsync is done in any case: whoever deleted it may have been killed before its own.
    """
    copies, prefix = folder.copies(key.digest), folder.prefix(key.digest)
    with translated("deleting the blob"):
        with suppress(FileNotFoundError):
            os.unlink(folder.copy(key))  # noqa: PTH108
        try:
            os.rmdir(copies)  # noqa: PTH106
        except FileNotFoundError:
            pass
        except OSError as cause:
            if cause.errno not in _NOT_EMPTY:
                raise
            _sync_if_there(copies)
            return
        _sync_if_there(prefix)


def _sync_if_there(path: str) -> None:
    with suppress(FileNotFoundError):
        sync_folder(path)
