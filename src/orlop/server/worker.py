"""What happens in a worker process before and around the application."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, MutableSequence
from typing import Any

import msgspec
import structlog

from orlop.config import Settings
from orlop.server.turns import Turns
from orlop.services.counters import counters_of_one
from orlop.telemetry import logs

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

#: The signals that end the server.
SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
#: When, after the end of startup, the event loop is certain to run for serving, in seconds.
_SETTLED = 0.01
#: How often a worker looks whether its supervisor is still there and how busy it is itself, in seconds.
_LOOK_EVERY = 0.25

_log = structlog.get_logger("orlop.server")


class WorkerContext(msgspec.Struct, frozen=True):
    """Which worker this is, counted from 1, and whether the server is about to end.

    `changes` has a count for each worker of the server, in memory that they share, and so has `access_changes`, for
    what changes who may do what; each writes its own alone.
    """

    number: int
    draining: Callable[[], bool]
    changes: MutableSequence[int]
    access_changes: MutableSequence[int]
    counters: MutableSequence[int] = msgspec.field(default_factory=counters_of_one)


#: Builds the application of one worker.
ApplicationFactory = Callable[[Settings, WorkerContext], Application]


class Board(msgspec.Struct, frozen=True):
    """Memory that the supervisor and all workers share.

    Which workers serve, whether the server is draining, and how often each worker changed something: content, or who
    may do what. `counters` are of services.counters.
    """

    serving: MutableSequence[int]
    draining: MutableSequence[int]
    changes: MutableSequence[int]
    access_changes: MutableSequence[int]
    counters: MutableSequence[int]


def load(factory: ApplicationFactory, settings: Settings, board: Board, supervisor: int, index: int) -> Application:
    """Build the application in a fresh worker. Ends the process when that fails."""
    # A new process started with its signals blocked (a spawned one, with none of ours set); see `_serve`.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    logs.configure(settings.log.level, settings.log.format)
    try:
        application = factory(
            settings,
            WorkerContext(
                index + 1, lambda: bool(board.draining[0]), board.changes, board.access_changes, board.counters
            ),
        )
    except Exception:  # noqa: BLE001 - whatever it is, the supervisor sees the end of the process and the log says why
        _log.exception("the worker cannot start", worker=index + 1)
        sys.exit(1)
    return _Supervised(application, board, supervisor, index)


class _Supervised:
    """The application, telling the supervisor when it serves, and ending when the supervisor is gone."""

    def __init__(self, application: Application, board: Board, supervisor: int, index: int) -> None:
        self._application = application
        self._board = board
        self._supervisor = supervisor
        self._index = index
        self._watch: asyncio.Task[None] | None = None

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return self._application(scope, receive, self._noting(send) if scope["type"] == "lifespan" else send)

    def _noting(self, send: Send) -> Send:
        async def noted(message: dict[str, Any]) -> None:
            if message["type"] == "lifespan.startup.complete":
                asyncio.get_running_loop().call_later(_SETTLED, self._serve)
            elif message["type"].startswith("lifespan.shutdown") and self._watch is not None:
                self._watch.cancel()
            await send(message)

        return noted

    def _serve(self) -> None:
        """The sockets are open and the loop runs for good: from here on the worker hears signals.

        Before, a SIGTERM could get lost: uvloop drops signals while it does not run, and between the end of startup
        and serving it does not. Blocked signals wait, in this thread and in all that were started meanwhile.
        """
        loop = asyncio.get_running_loop()
        # The terminal's Ctrl-C reaches every process, but a worker stops when its supervisor says so.
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        self._watch = loop.create_task(self._look_around())
        # What was imported lives as long as the process: no collection needs to look at it again.
        gc.collect()
        gc.freeze()
        self._board.serving[self._index] = 1

    async def _look_around(self) -> None:
        """Take turns as it suits what there is to do, and end when the supervisor has ended.

        One that was killed can stop nobody; its workers then stop by themselves, as if it had.
        """
        turns = Turns()
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            turns.look()
            if os.getppid() != self._supervisor:
                _log.error("the supervisor is gone; the worker ends", worker=self._index + 1)
                os.kill(os.getpid(), signal.SIGTERM)
                return
