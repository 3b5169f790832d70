"""One server at a time for a catalog in SQLite: a file that it holds locked, with its process id for who comes second.

The lock goes with the open file, which workers inherit: it holds as long as any process of the server runs, and no
crash leaves it behind. What only looks at the stores, or collects in them, takes no part: that may run beside a server.
"""

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from orlop.ports.stores import StoreRefused

SERVER_LOCK = "server.lock"

#: How often to ask again while the workers of a server that was killed come to their end, and after how many seconds.
_TRIES, _PAUSE = 100, 0.1


def occupy(folder: Path, place: str, sleep: Callable[[float], None]) -> None:
    """Take the catalog in `folder` for this process and those that it forks, until all of them end.

    `place` is its name for people. Raises StoreRefused while another server has it.
    """
    try:
        descriptor = os.open(folder / SERVER_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as cause:
        raise StoreRefused(f"{folder / SERVER_LOCK} cannot be opened: {cause.strerror}") from cause
    for _ in range(_TRIES):
        if _locked(descriptor):
            break
        other = _process(descriptor)
        if other and Path(f"/proc/{other}").exists():
            os.close(descriptor)
            raise _occupied(place, other)
        sleep(_PAUSE)
    else:
        other = _process(descriptor)
        os.close(descriptor)
        raise _occupied(place, other)
    with suppress(OSError):  # on a full disk the lock has to do without a name
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _process(descriptor: int) -> int:
    """The process that has it; 0 when that is not known."""
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else 0


def _occupied(place: str, process: int) -> StoreRefused:
    who = f"process {process}" if process else "another process"
    return StoreRefused(
        f"{place} is in use by another server ({who}): stop that one first, or name another folder with --data;"
        " more processes on one folder are set by workers, more machines are in docs/scaling.md"
    )
