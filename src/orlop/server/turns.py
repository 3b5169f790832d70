"""How the threads of a worker take turns: at once while there is little to do, one after the other while there is much.

Beside the event loop threads write to the catalog and the log. Under the kernel's usual policy whoever is woken may run
at once, in place of whoever woke it: the event loop is put aside with the interpreter's lock in its hands. With
SCHED_BATCH whoever is woken waits until the running thread blocks or its slice is over (sched(7)). That gives a busy
worker a twelfth more requests, and would make one that is not busy wait for milliseconds where other programs keep the
processors. Neither takes a right, or changes a priority.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

#: From which share of one processor a worker is busy, and below which it is no longer. Where others keep the processors
#: it does not come near the first.
BUSY = 0.5
CALM = 0.25

_THREADS = Path("/proc/self/task")


class Turns:
    """Looks how busy this process is. `used` is the time of processors that it has taken, in seconds, as `clock` is."""

    def __init__(
        self, used: Callable[[], float] = time.process_time, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._used = used
        self._clock = clock
        self._last = used(), clock()
        self.is_busy = False
        # An operator who started the server under another policy knows why.
        self._may_change = (
            hasattr(os, "SCHED_BATCH") and os.sched_getscheduler(0) == os.SCHED_OTHER and _THREADS.is_dir()
        )

    def look(self) -> None:
        """Choose by what was used since the last look."""
        before, then = self._last
        self._last = used, now = self._used(), self._clock()
        share = (used - before) / max(now - then, 1e-9)
        is_busy = share > (CALM if self.is_busy else BUSY)
        if self._may_change and is_busy != self.is_busy:
            self.is_busy = is_busy
            _choose(os.SCHED_BATCH if is_busy else os.SCHED_OTHER)


def _choose(policy: int) -> None:
    """Put every thread under a policy. Those that they start have it, too; one that just ended is none any more."""
    for thread in _THREADS.iterdir():
        with suppress(OSError):  # it has ended, or a sandbox forbids it
            os.sched_setscheduler(int(thread.name), policy, os.sched_param(0))
