"""The process that starts workers, replaces those that die, and ends them all.

A worker that served is always replaced, with a growing delay; only workers that cannot start end the server. They share
one listening socket, which stays when one of them is killed: who had not been let in yet is let in by another.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from typing import Any

import structlog

from orlop.server.respawn import Respawns
from orlop.server.worker import SIGNALS, Board

#: How long a worker that was told to end may take beyond its patience with clients, in seconds.
_LAST_WORDS = 5.0

_log = structlog.get_logger("orlop.server")
_fork = multiprocessing.get_context("fork")


class Bell:
    """A pipe that wakes whoever waits for it; signals ring it, too. `alive` is one that ends with this process."""

    def __init__(self) -> None:
        self.heard, self.bell = os.pipe()
        self.alive, self._living = os.pipe()
        os.set_blocking(self.heard, False)
        os.set_blocking(self.bell, False)

    def quiet(self) -> None:
        """Forget what was heard."""
        with suppress(BlockingIOError):
            while os.read(self.heard, 1 << 10):
                pass

    def only_listen(self) -> None:
        """In a worker: leave it to the supervisor to be alive."""
        os.close(self._living)


class Supervisor:
    """`life` is what a worker does, given its index. `serving` is called once, when every worker serves; `died` with
    the process id of a dead one. `patience`: for how long requests may go on after the first signal, in seconds.
    `reloads`: SIGHUP is for the workers, which read their certificate anew."""

    def __init__(
        self,
        board: Board,
        bell: Bell,
        life: Callable[[int], None],
        *,
        serving: Callable[[], None],
        died: Callable[[int], None],
        patience: float,
        reloads: bool = False,
    ) -> None:
        self._reloads = reloads
        self._board = board
        self._bell = bell
        self._life = life
        self._serving = serving
        self._died = died
        self._patience = patience
        self._announced = False
        self._signals = 0
        places = len(board.serving)
        self._respawns = [Respawns() for _ in range(places)]
        self._workers: dict[int, tuple[ForkProcess, float]] = {}
        self._due = dict.fromkeys(range(places), 0.0)

    def run(self) -> int:
        """Until a signal, or until no worker can start; the exit code."""
        for number in SIGNALS:
            signal.signal(number, self._hear)
        if self._reloads:  # else SIGHUP says that the terminal is gone: there is nothing to reload
            signal.signal(signal.SIGHUP, self._pass_on)
        signal.set_wakeup_fd(self._bell.bell, warn_on_full_buffer=False)
        exit_code = 0
        while not self._signals:
            now = time.monotonic()
            for index in [index for index, due in self._due.items() if due <= now]:
                del self._due[index]
                self._start(index)
            self._listen(max(0.0, min(self._due.values()) - now) if self._due else None)
            if not self._bury():
                exit_code = 1
                break
            if not self._announced and all(self._board.serving):
                self._announced = True
                self._serving()
        self._end()
        return exit_code

    def _hear(self, *_: Any) -> None:
        """The first signal drains, the second ends at once."""
        self._signals += 1
        self._board.draining[0] = 1

    def _pass_on(self, *_signal: Any) -> None:
        """Have every worker read its certificate anew."""
        for each, _ in self._workers.values():
            if each.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(each.pid, signal.SIGHUP)

    def _listen(self, timeout: float | None) -> None:
        wait([*(worker.sentinel for worker, _ in self._workers.values()), self._bell.heard], timeout)
        self._bell.quiet()

    def _start(self, index: int) -> None:
        self._board.serving[index] = 0
        worker = _fork.Process(target=self._become, args=(index,), name=f"worker {index + 1}")
        # A signal between the fork and the worker's own set-up would be lost on the supervisor's inherited handlers;
        # the worker starts with these blocked and takes them when it serves.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            worker.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        self._workers[index] = worker, time.monotonic()

    def _become(self, index: int) -> None:
        self._bell.only_listen()
        self._life(index)

    def _bury(self) -> bool:
        """Note who died and when to replace them; False when the server has to end."""
        for index, (worker, born) in list(self._workers.items()):
            if worker.is_alive():
                continue
            del self._workers[index]
            self._died(worker.pid or 0)
            if self._signals:
                continue
            lived = time.monotonic() - born
            delay = self._respawns[index].died(served=bool(self._board.serving[index]), lived=lived)
            if delay is None:
                _log.error("the worker cannot start; the server ends", worker=index + 1, status=worker.exitcode)
                return False
            _log.warning("a worker ended and is replaced", worker=index + 1, status=worker.exitcode, seconds=delay)
            self._due[index] = time.monotonic() + delay
        return True

    def _end(self) -> None:
        """End the workers, waiting for the requests under way. Workers that got the signal too are no failure."""
        _log.info("draining", process=os.getpid())
        self._board.draining[0] = 1
        for worker, _ in self._workers.values():
            worker.terminate()
        last = time.monotonic() + self._patience + _LAST_WORDS
        while self._workers and self._signals < 2 and (left := last - time.monotonic()) > 0:
            self._listen(left)
            for index in [index for index, (worker, _) in self._workers.items() if not worker.is_alive()]:
                del self._workers[index]
        for worker, _ in self._workers.values():
            worker.kill()
            worker.join()
        _log.info("stopped")
