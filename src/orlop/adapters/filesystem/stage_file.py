"""One stage as a file: the half that blocks, in threads. The half that waits is in stage.py and pipeline.py."""

import fcntl
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, Self

from orlop.adapters.filesystem.disk import (
    FILE_MODE,
    READ,
    begin_writeback,
    move_change_time,
    translated,
    write_pieces,
)
from orlop.domain.digest import Hash
from orlop.domain.errors import BlobUploadUnknown, RegistryError, TooManyRequests, Unavailable

#: How much is read at a time, in bytes.
PIECE = 1024 * 1024
#: Up to which size a stage waits for the disk only when it becomes a copy, in bytes. Until then a power cut may take
#: its bytes while the session keeps its row: so whoever goes on with it, or promotes it, reads it again, which takes
#: less time than the disk does (docs/adr/006).
SMALL = 1024 * 1024

_OPEN = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
_ATTEMPTS = 100


def unknown() -> BlobUploadUnknown:
    """What is said of a stage that is not there."""
    return BlobUploadUnknown("the upload is not known, or its bytes are gone; begin it again")


def busy() -> TooManyRequests:
    """What is said of a stage that somebody else writes."""
    return TooManyRequests("another request is still writing to this upload")


class State(Hash, Protocol):
    """A hash that can be remembered."""

    def copy(self) -> Self:
        """Another one, of the same bytes."""
        ...


def new_state(algorithm: str) -> State:
    """The hash of nothing yet."""
    return hashlib.new(algorithm)


class Memory:
    """The hash of a stage as it stood when its last writer here let go, and the file as it was then.

    It holds for a stage only while the file's change time is still the same, since the next chunk may have gone through
    another process, or through several, and may not be the bytes that this one saw.
    """

    __slots__ = ("_file", "algorithm", "hash", "offset")

    def __init__(self, offset: int, algorithm: str, state: State, found: os.stat_result | None) -> None:
        self.offset = offset
        self.algorithm = algorithm
        self.hash = state
        self._file = None if found is None else _identity(found)

    @property
    def is_lasting(self) -> bool:
        """Whether it can hold for the next chunk: a small stage is read again in any case."""
        return self._file is not None

    def holds(self, offset: int, algorithm: str, found: os.stat_result) -> bool:
        """Whether this is the hash of the first `offset` bytes of the file as `found`."""
        return (offset, algorithm, _identity(found)) == (self.offset, self.algorithm, self._file)


def _identity(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_size, found.st_ctime_ns


class StageFile:
    """A stage that is open at its end, locked against every other writer on this machine.

    Its bytes are written by one thread at a time, and may be hashed by another, and flushed by a third meanwhile.

    The lock is on the open file and goes with its descriptor, so it never outlives a killed process. `promote` takes it
    too: while a writer could still append, its file cannot become a copy.
    """

    def __init__(self, path: str, offset: int, algorithm: str) -> None:
        self._path = path
        self._algorithm = algorithm
        self._descriptor = -1
        self._hash: State | None = None if offset else new_state(algorithm)
        self._failure: RegistryError | None = None
        self.kept = offset  # what the session counts of it
        self.offset = offset

    def open(self, memory: Memory | None) -> None:
        """Open and lock the stage at its offset, dropping what lies beyond; make it if the offset is 0."""
        with translated("opening the upload"):
            descriptor = lock_stage(self._path, create=self.offset == 0)
            try:
                self._begin(descriptor, memory)
            except BaseException:
                os.close(descriptor)
                raise
        self._descriptor = descriptor

    def _begin(self, descriptor: int, memory: Memory | None) -> None:
        found = os.fstat(descriptor)
        if found.st_size < self.offset:
            raise unknown()
        if self.offset and memory is not None and memory.holds(self.offset, self._algorithm, found):
            self._hash = memory.hash
        elif found.st_size:
            move_change_time(descriptor)
        if 0 < self.offset <= SMALL:
            self._hash = hash_small(descriptor, self.offset, self._algorithm)
        if found.st_size > self.offset:
            os.ftruncate(descriptor, self.offset)
        os.lseek(descriptor, self.offset, os.SEEK_SET)

    def write(self, pieces: list[bytes]) -> None:
        """Write at the end. After anything failed, that is all it ever says again.

        Nobody knows what is on the disk after a failed write or fsync: the kernel may have dropped the pages, and would
        report success the next time. So this writer is done, and the stage ends at its last checkpoint.
        """
        self.check()
        with self._failing():
            if self._descriptor < 0:
                self.open(None)
            with translated("storing the upload"):
                self.offset += write_pieces(self._descriptor, pieces)

    def check(self) -> None:
        """Raise what failed, if anything did."""
        if self._failure is not None:
            raise type(self._failure)(self._failure.message) from self._failure

    def update_hash(self, pieces: list[bytes]) -> State | None:
        """Hash what comes next; the hash of everything so far, None when it is not known."""
        if self._hash is None:
            return None
        for piece in pieces:
            self._hash.update(piece)
        return self._hash.copy()

    def flush(self) -> None:
        """Make durable what is written, and nothing else of the file but its size. A failure counts for all that
        follows: whoever flushes next would not be told again."""
        with self._failing(), translated("storing the upload"):
            os.fdatasync(self._descriptor)

    def sync(self, pieces: list[bytes]) -> Memory | None:
        """Write and hash, and make the file durable if it is not small; what to remember of it, None when the hash is
        not known. What is small is on its way to the disk from now on: its promotion is what waits for it."""
        self.write(pieces)
        state = self.update_hash(pieces)
        found: os.stat_result | None = None
        with self._failing(), translated("storing the upload"):
            if self.offset > SMALL:
                os.fsync(self._descriptor)
                found = os.fstat(self._descriptor)
            elif self.offset > self.kept:
                begin_writeback(self._descriptor, self.kept, self.offset - self.kept)
        return None if state is None else Memory(self.offset, self._algorithm, state, found)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except RegistryError as failure:
            self._failure = failure
            raise
        except BaseException:
            self._failure = Unavailable("storing the upload failed; begin it again")
            raise

    @property
    def has_loose_end(self) -> bool:
        """Whether the file may be longer than what the session counts of it."""
        return self._descriptor >= 0 and (self.offset > self.kept or self._failure is not None)

    def trim(self) -> None:
        """Give back what the session does not count: nobody will go on from there, and the disk may be full."""
        if self.has_loose_end:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self.kept)

    @property
    def descriptor(self) -> int | None:
        """The open file; None when there was nothing to write yet."""
        return self._descriptor if self._descriptor >= 0 else None

    def close(self) -> None:
        """Unlock."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)


def lock_stage(path: str, *, create: bool) -> int:
    """Open and lock a stage. Raises BlobUploadUnknown when there is none, TooManyRequests while it is locked."""
    for _ in range(_ATTEMPTS):
        try:
            descriptor = os.open(path, _OPEN | (os.O_CREAT if create else 0), FILE_MODE)
        except FileNotFoundError as cause:
            if create:
                raise
            raise unknown() from cause
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between open and lock the file may have become a copy or been dropped: then this lock guards nothing.
            if _is_still(path, descriptor):
                return descriptor
        except BlockingIOError as cause:
            os.close(descriptor)
            raise busy() from cause
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    raise busy()


def _is_still(path: str, descriptor: int) -> bool:
    try:
        named = os.stat(path, follow_symlinks=False)  # noqa: PTH116
    except FileNotFoundError:
        return False
    return os.path.samestat(named, os.fstat(descriptor))


def cut_stage(descriptor: int, size: int) -> None:
    """Leave exactly `size` bytes, durably. Raises BlobUploadUnknown when there are fewer."""
    found = os.fstat(descriptor).st_size
    if found < size:
        raise unknown()
    if found > size:
        os.ftruncate(descriptor, size)
        os.fsync(descriptor)


def hash_small(descriptor: int, size: int, algorithm: str) -> State:
    """The hash of the first `size` bytes of a small file, as they can be read. Raises BlobUploadUnknown when there are
    fewer."""
    content = os.pread(descriptor, size, 0)
    if len(content) < size:
        raise unknown()
    state = new_state(algorithm)
    state.update(content)
    return state


def drop_stage(path: str) -> None:
    """Delete a stage, whoever has it open; fine when there is none."""
    with translated("dropping the upload"), suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108


def read_stage(path: str, start: int, length: int) -> bytes:
    """Bytes of a stage; fewer where it has fewer. Raises BlobUploadUnknown when there is none."""
    with translated("reading the upload"):
        try:
            descriptor = os.open(path, READ)
        except FileNotFoundError as cause:
            raise unknown() from cause
        try:
            return os.pread(descriptor, length, start)
        finally:
            os.close(descriptor)


def hash_stage(path: str, size: int, algorithm: str, stop: threading.Event) -> State:
    """Read the first `size` bytes again. Raises BlobUploadUnknown when they are not there."""
    state = new_state(algorithm)
    with translated("reading the upload"):
        try:
            descriptor = os.open(path, READ)
        except FileNotFoundError as cause:
            raise unknown() from cause
        try:
            os.posix_fadvise(descriptor, 0, size, os.POSIX_FADV_SEQUENTIAL)
            rest = size
            while rest and not stop.is_set():
                piece = os.read(descriptor, min(rest, PIECE))
                if not piece:
                    raise unknown()
                state.update(piece)
                rest -= len(piece)
        finally:
            os.close(descriptor)
    return state
