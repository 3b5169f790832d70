"""Turning a stage into a copy, and removing a copy: the only places that change the tree of the blobs.

What makes a copy durable. Its bytes, which were synced on the stage before its digest was looked at, unless they are
few; and its name, by an fsync of the folder that holds it, after the rename: fsync of a file promises nothing about the
entry that names it (fsync(2)). Nothing above needs one: `folder` made the prefixes durable, but for algorithms that
hardly anybody uses, where it is a second. The folder that the stage leaves needs none either: if the old name survives
a power cut, it is a stage without a session.

A small stage was not synced, and is synced after the rename: a journalling file system then commits the bytes and the
name together, in one wait for the disk in place of two. So a power cut may leave a copy of the right size that holds
zeros, or a session whose stage does. Neither is trusted: what is small is read again and compared with its digest, the
stage before it is renamed and the copy when a promotion is repeated. A writer that is still there may have been told of
a failure, by a flush or a sync of its own, which no sync after it is told of: then its stage is no copy.

What was tried and left out: a folder for each digest (an inode, 4 KiB and an fsync more for each blob), fsyncs shared
between promotions (256 prefixes, so two at once rarely meet in a folder, and a journalling file system already commits
together all that are in flight), syncfs (waits for everybody else's bytes), the same order for large stages, which
nobody can read again in passing.
"""

import os
from contextlib import suppress

from orlop.adapters.filesystem.disk import FOLDER_MODE, READ, sync_folder, translated
from orlop.adapters.filesystem.layout import PREMADE, DataFolder
from orlop.adapters.filesystem.stage_file import SMALL, StageFile, cut_stage, hash_small, lock_stage, unknown
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import digest_from
from orlop.domain.errors import BlobUploadUnknown


def promote(folder: DataFolder, upload: str, blob: Blob, writer: StageFile | None) -> None:
    """Move a stage to its place among the copies, durably. `writer` is this process's own, if it has one."""
    stage, copy = folder.stage(upload), folder.copy(blob.key)
    with translated("storing the blob"):
        if writer is not None and writer.descriptor is not None:
            writer.check()
            cut_stage(writer.descriptor, blob.size)
            _check(writer.descriptor, blob)
            try:
                _move(folder, stage, blob, writer.descriptor)
            except BlobUploadUnknown:
                _repeat(folder, copy, blob)
            return
        try:
            descriptor = lock_stage(stage, create=False)
        except BlobUploadUnknown:
            _repeat(folder, copy, blob)
            return
        try:
            cut_stage(descriptor, blob.size)
            _check(descriptor, blob)
            _move(folder, stage, blob, descriptor)
        finally:
            os.close(descriptor)


def _check(descriptor: int, blob: Blob) -> None:
    """Read again what is small. Raises BlobUploadUnknown when it is not what it was."""
    if blob.size <= SMALL:
        algorithm = blob.key.digest.algorithm
        if digest_from(algorithm, hash_small(descriptor, blob.size, algorithm)) != blob.key.digest:
            raise unknown()


def _repeat(folder: DataFolder, copy: str, blob: Blob) -> None:
    """Do what a promotion before may not have come to. Raises BlobUploadUnknown when there was none."""
    try:
        descriptor = os.open(copy, READ)
    except FileNotFoundError as cause:
        raise unknown() from cause
    try:
        if os.fstat(descriptor).st_size != blob.size:
            raise unknown()
        _check(descriptor, blob)
        _sync(folder, blob, descriptor)
    finally:
        os.close(descriptor)


def _move(folder: DataFolder, stage: str, blob: Blob, descriptor: int) -> None:
    copy, prefix = folder.copy(blob.key), folder.prefix(blob.key.digest)
    try:
        os.rename(stage, copy)  # noqa: PTH104
    except FileNotFoundError as cause:
        if not os.path.lexists(stage):
            raise unknown() from cause
        # The prefix is not a premade one, or somebody tidied the empty folders away while the server runs.
        os.makedirs(prefix, FOLDER_MODE, exist_ok=True)  # noqa: PTH103
        sync_folder(folder.algorithm(blob.key.digest))
        os.rename(stage, copy)  # noqa: PTH104
    _sync(folder, blob, descriptor)


def _sync(folder: DataFolder, blob: Blob, descriptor: int) -> None:
    key = blob.key
    try:
        if blob.size <= SMALL:
            os.fsync(descriptor)
        sync_folder(folder.prefix(key.digest))
        if key.digest.algorithm != PREMADE:
            sync_folder(folder.algorithm(key.digest))
    except OSError:
        # Nobody knows now whether a power cut would take the copy or its name, and a second fsync would not tell: it
        # reports an error once. So the copy must not be found by a repetition that would then report success.
        with suppress(OSError):
            os.unlink(folder.copy(key))  # noqa: PTH108
        raise


def remove(folder: DataFolder, key: BlobKey) -> None:
    """Delete a copy, durably; fine when it is gone already.

    The fsync is done in any case: whoever deleted it may have been killed before its own.
    """
    with translated("deleting the blob"), suppress(FileNotFoundError):
        with suppress(FileNotFoundError):
            os.unlink(folder.copy(key))  # noqa: PTH108
        sync_folder(folder.prefix(key.digest))
