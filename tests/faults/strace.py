"""Faults by strace: the N-th system call of a kind kills the program or fails, in any of its threads."""

import errno
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.needs import need

#: The calls that change what lies on the disk.
CHANGES = ("write", "writev", "pwrite64", "ftruncate", "fsync", "fdatasync", "rename", "unlink", "mkdir", "rmdir")


def strace(*arguments: str, output: Path | str = "/dev/null") -> list[str]:
    """The beginning of a command line; what is to run follows it. Skips the test where there is no strace."""
    return [need("strace")["strace"], "-f", "-qqq", "-o", str(output), *arguments]


def killing(call: str, number: int) -> list[str]:
    """Kill the program at the `number`-th `call` of a thread."""
    return strace("-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}")


def failing(call: str, error: int, when: str, *, paths: Sequence[str] = ()) -> list[str]:
    """Fail a call of each thread: `when` is "3" for the third, "3+" from the third on; of `paths` only, if given."""
    limited = [part for path in paths for part in ("-P", path)]
    return strace(*limited, "-e", f"trace={call}", "-e", f"inject={call}:error={errno.errorcode[error]}:when={when}")


def counted(command: Sequence[str], calls: Sequence[str], output: Path) -> Counter[str]:
    """Run a command to its end; for each call the most that one thread makes of it."""
    traced = [*strace("-e", f"trace={','.join(calls)}", output=output), *command]
    subprocess.run(traced, check=True, stdout=subprocess.DEVNULL, timeout=120)
    return count(output)


def count(trace: Path) -> Counter[str]:
    """For each call in a trace the most that one thread makes of it."""
    threads: Counter[tuple[str, str]] = Counter()
    for line in trace.read_text(errors="replace").splitlines():
        thread, _, rest = line.partition(" ")
        call, bracket, _ = rest.strip().partition("(")
        if bracket and call.isidentifier():
            threads[thread, call] += 1
    most: Counter[str] = Counter()
    for (_, call), number in threads.items():
        most[call] = max(most[call], number)
    return most


def spread(most: Counter[str], points: int) -> list[tuple[str, int]]:
    """About `points` points (call, number): for every kind of call its first, its last, and some evenly in between."""
    share = max(2, points // len(most))
    chosen = set()
    for call, total in most.items():
        chosen |= {(call, 1 + step * (total - 1) // (share - 1)) for step in range(share)}
    return sorted(chosen)


PYTHON = sys.executable
