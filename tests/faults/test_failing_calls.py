"""System calls of a live server that fail: clear refusals, nothing damaged, and it goes on without a restart."""

import errno
import http.client
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.faults.pushing import Client, Refused, assert_clean, assert_unavailable, small
from tests.faults.running import running
from tests.faults.strace import failing

pytestmark = pytest.mark.slow

#: SQLite syncs with fdatasync and writes with pwrite64, the blob store syncs with fsync; both read with pread64.
FAILURES = [
    ("fsync", errno.EIO, "1"),
    ("fsync", errno.EIO, "3+2"),
    ("fsync", errno.ENOSPC, "2+"),
    ("fdatasync", errno.EIO, "1+3"),  # followers write, too: one alone might be theirs
    ("fdatasync", errno.EIO, "2+"),
    ("pwrite64", errno.EIO, "1+3"),
    ("pwrite64", errno.ENOSPC, "2+"),
    ("pwrite64", errno.EDQUOT, "5+3"),
    ("pread64", errno.EIO, "1+"),
    ("rename", errno.EIO, "1"),
    ("rename", errno.EDQUOT, "2+"),
    ("ftruncate", errno.EIO, "1+"),
    ("flock", errno.ENOLCK, "2+"),
    ("openat", errno.EMFILE, "3+"),
    ("openat", errno.EIO, "1+2"),
]

#: What a client may see of calls that reading needs.
READ_FAILURES: dict[str, tuple[type[Exception], ...]] = {
    "pread64": (Refused, http.client.IncompleteRead),
    "openat": (Refused,),
}


@contextmanager
def _under(arguments: list[str], process: int) -> Iterator[None]:
    """The calls of a running process fail inside the block."""
    tracer = subprocess.Popen([*arguments, "-p", str(process)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 30
        while not all(_is_traced(thread) for thread in Path(f"/proc/{process}/task").iterdir()):
            assert time.monotonic() < deadline, "strace does not attach"
            time.sleep(0.05)
        yield
    finally:
        tracer.terminate()
        tracer.communicate(timeout=30)


def _is_traced(thread: Path) -> bool:
    return "TracerPid:\t0\n" not in (thread / "status").read_text()


def _refused(client: Client, tag: str) -> bool:
    """Push an image; whether that was refused, as it should be refused."""
    try:
        client.push(small(tag), tag)
    except Refused as refused:
        assert_unavailable(refused.answer)
        return True
    return False


def _taken(client: Client, *, filled: bool) -> bool:
    """Push an image; whether it is taken. Only what was `filled` may be read-only for a while."""
    try:
        client.push(small("after"), "after")
    except Refused as refused:
        if filled and b"the registry is read-only" in refused.answer.body:
            return False
        raise
    return True


@pytest.mark.parametrize(("call", "error", "when"), FAILURES, ids=lambda value: str(value))
def test_a_failing_call_is_a_clear_refusal_and_no_more(tmp_path: Path, call: str, error: int, when: str) -> None:
    with running(tmp_path, workers=1) as server, Client(server.address) as client:
        client.push(small("before"), "before")
        worker = server.workers()[-1]
        with _under(failing(call, error, when), worker):
            refusals = sum(_refused(client, f"during-{number}") for number in range(4))
            with suppress(*READ_FAILURES.get(call, ())):
                client.pull_everything()
        assert refusals or call in ("ftruncate", "openat", "pread64"), "nothing failed"
        deadline = time.monotonic() + 30
        while not _taken(client, filled=error in (errno.ENOSPC, errno.EDQUOT)):
            assert time.monotonic() < deadline, "it stays read-only"
            time.sleep(0.2)
        client.pull_everything()
        assert server.workers()[-1] == worker, "the worker ended"
    assert_clean(server.data)
