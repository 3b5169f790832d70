"""Granian's process tree with our rules for workers that die, for signals, and for how it ends.

Granian ends everything when a worker dies within seconds of its start ("crash loop"); here a worker that served is
always replaced, with a growing delay, and only workers that cannot start end the server.
"""

import os
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from granian.server.mp import MPServer, WorkerProcess

from orlop.server.respawn import Respawns
from orlop.server.worker import SIGNALS, Board

#: How long to wait before looking again whether all workers serve, in seconds.
_STARTING = 0.02

_log = structlog.get_logger("orlop.server")


class Supervisor(MPServer):
    """`serving` is called once with the port, when every worker serves; `died` with the process id of a dead worker."""

    def __init__(
        self, board: Board, serving: Callable[[int], None], died: Callable[[int], None], **options: Any
    ) -> None:
        super().__init__("orlop", **options)
        self._board = board
        self._serving = serving
        self._died = died
        self._announced = False
        self._places = [Respawns() for _ in range(self.workers)]
        self._due: dict[int, float] = {}
        self.exit_code = 0

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        """The first signal drains, the second ends at once."""
        if self.interrupt_signal:
            for worker in self.wrks:
                worker.kill()
        self._board.draining[0] = 1
        super().signal_handler_interrupt()

    def signal_handler_reload(self, *args: Any, **kwargs: Any) -> None:
        """SIGHUP says that the terminal is gone: there is nothing to reload."""
        self.signal_handler_interrupt()

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any, socket_loader: Any = None) -> WorkerProcess:
        return super()._spawn_worker(idx, target, partial(callback_loader, idx))

    def _spawn_workers(self, spawn_target: Any, target_loader: Any) -> None:
        for index in range(self.workers):
            self.wrks.append(self._start_worker(index, spawn_target, target_loader))

    def _start_worker(self, index: int, spawn_target: Any, target_loader: Any) -> WorkerProcess:
        self._board.serving[index] = 0
        worker = self._spawn_worker(index, spawn_target, target_loader)
        # A signal between the fork and the worker's own set-up would be lost on the supervisor's inherited handlers;
        # the worker starts with these blocked and takes them when it serves.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            worker.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        return worker

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        while not self.interrupt_signal:
            self.main_loop_interrupt.wait(self._until_next())
            self.main_loop_interrupt.clear()
            if self.interrupt_signal or not self._bury():
                return
            now = time.monotonic()
            for index in [index for index, due in self._due.items() if due <= now]:
                del self._due[index]
                self.wrks[index] = self._start_worker(index, spawn_target, target_loader)
            self._announce()

    def _until_next(self) -> float | None:
        """Seconds until there is something to do, None when only an event can bring it."""
        if not self._announced:
            return _STARTING
        return max(0.0, min(self._due.values()) - time.monotonic()) if self._due else None

    def _bury(self) -> bool:
        """Note who died and when to replace them; False when the server has to end."""
        while self.interrupt_children:
            index = self.interrupt_children.pop(0)
            worker = self.wrks[index]
            worker.join()
            self._died(worker._id())
            lived = time.monotonic() - worker.birth
            delay = self._places[index].died(served=bool(self._board.serving[index]), lived=lived)
            status = worker.inner.exitcode
            if delay is None:
                _log.error("the worker cannot start; the server ends", worker=index + 1, status=status)
                self.exit_code = 1
                return False
            _log.warning("a worker ended and is replaced", worker=index + 1, status=status, seconds=delay)
            self._due[index] = time.monotonic() + delay
        return True

    def _announce(self) -> None:
        if self._announced or not all(self._board.serving) or not self._accepts():
            return
        self._announced = True
        self._serving(self.port)

    def _accepts(self) -> bool:
        """Whether the port takes connections: on a busy machine a worker says so a moment before it is true."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.bind_addr, self.bind_addr)  # noqa: S104 - not bound here
        try:
            socket.create_connection((host, self.port), timeout=_STARTING).close()
        except OSError:
            return False
        return True

    @property
    def port(self) -> int:
        """The port that is bound, also when any free one was asked for."""
        specification: Any = self._ssp
        return int(specification.__getstate__()[1])

    def shutdown(self, exit_code: int = 0) -> None:
        """End the workers, waiting for the requests under way. Workers that got the signal too are no failure."""
        _log.info("draining", process=os.getpid())
        self._board.draining[0] = 1
        self._stop_workers()
        self._stop_ipc()
        _log.info("stopped")
