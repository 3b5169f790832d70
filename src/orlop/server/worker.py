"""A worker process: builds the application, serves it, and ends when it is told to or its supervisor is gone."""

import asyncio
import gc
import os
import signal
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, MutableSequence
from typing import Any, Protocol

import msgspec
import structlog
import uvloop

from orlop.config import Settings
from orlop.domain.durations import SECOND
from orlop.domain.open_files import Descriptors, shared_out
from orlop.server.http import Application, HttpServer, Message, Receive, Send, Terms, Unread, Whole
from orlop.server.memory import keep_freed
from orlop.server.tls import LOOK_EVERY, Certificates
from orlop.server.turns import Turns
from orlop.services.limits.counters import counters_of_one
from orlop.telemetry import logs

#: The signals that end the server.
SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}

#: How often a worker looks how busy it is, in seconds.
_LOOK_EVERY = 0.25

_log = structlog.get_logger("orlop.server")


class WorkerContext(msgspec.Struct, frozen=True):
    """Which worker this is, counted from 1, and whether the server is about to end.

    `changes` has a count for each worker of the server, in memory that they share, and so have `access_changes`, for
    what changes who may do what, `settings_changes`, and `known_changes`, for what is known of images; each writes its
    own alone.
    """

    number: int
    draining: Callable[[], bool]
    changes: MutableSequence[int]
    access_changes: MutableSequence[int]
    settings_changes: MutableSequence[int]
    known_changes: MutableSequence[int]
    counters: MutableSequence[int] = msgspec.field(default_factory=counters_of_one)
    descriptors: Descriptors = shared_out(1 << 20)


class WorkerApplication(Protocol):
    """What a worker serves: an ASGI application that may answer at once, and keeps the log (server.http)."""

    def __call__(self, scope: Message, receive: Receive, send: Send, /) -> Awaitable[None]: ...
    def at_once(self, scope: Message, /) -> Whole | None: ...
    def unread(self, refused: Unread, /) -> None: ...


#: Builds the application of one worker.
ApplicationFactory = Callable[[Settings, WorkerContext], WorkerApplication]


class Board(msgspec.Struct, frozen=True):
    """Memory that the supervisor and all workers share.

    Which workers serve, whether the server is draining, and how often each worker changed something: content, who
    may do what, settings, or what is known of images. `counters` are of services.limits.counters.
    """

    serving: MutableSequence[int]
    draining: MutableSequence[int]
    changes: MutableSequence[int]
    access_changes: MutableSequence[int]
    settings_changes: MutableSequence[int]
    known_changes: MutableSequence[int]
    counters: MutableSequence[int]


class Place(msgspec.Struct, frozen=True):
    """What all workers of a server get: where clients come in, what each may hold open, and the board.

    `alive` is a pipe that ends with the supervisor; into `bell` goes a byte that wakes it.
    """

    listener: socket.socket
    tls: ssl.SSLContext | None
    descriptors: Descriptors
    board: Board
    alive: int
    bell: int


def work(factory: ApplicationFactory, settings: Settings, place: Place, index: int) -> None:
    """The life of a worker, in a fresh process; that of one that cannot start ends with 1."""
    signal.set_wakeup_fd(-1)
    # It started with its signals blocked, lest one gets lost; it hears them as soon as its event loop does.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # The terminal's Ctrl-C reaches every process, but a worker stops when its supervisor says so.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logs.configure(settings.log.level, settings.log.format)
    keep_freed()
    board = place.board
    try:
        application = factory(
            settings,
            WorkerContext(
                index + 1,
                lambda: bool(board.draining[0]),
                board.changes,
                board.access_changes,
                board.settings_changes,
                board.known_changes,
                board.counters,
                place.descriptors,
            ),
        )
    except Exception:  # noqa: BLE001 - whatever it is, the supervisor sees the end of the process and the log says why
        _log.exception("the worker cannot start", worker=index + 1)
        sys.exit(1)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(_serve(application, settings, place, index)))


async def _serve(application: WorkerApplication, settings: Settings, place: Place, index: int) -> int:
    """Serve until the end; the exit code."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def left_alone() -> None:
        loop.remove_reader(place.alive)
        _log.error("the supervisor is gone; the worker ends", worker=index + 1)
        stop.set()

    loop.add_reader(place.alive, left_alone)
    limits, descriptors = settings.limits, place.descriptors
    terms = Terms(
        limits.header_bytes,
        limits.header_time / SECOND,
        descriptors.connections,
        limits.body_idle / SECOND,
        descriptors.crowd,
    )
    lifespan = _Lifespan(application)
    if not await lifespan.started():
        _log.error("the worker cannot start", worker=index + 1)
        return 1
    certificates = Certificates(settings.tls, place.tls) if place.tls is not None else None
    tls = None
    if certificates is not None:
        certificates.look()  # of a worker that takes another's place they may have changed since the server began
        tls = certificates.context
    server = HttpServer(application, application.at_once, place.listener, terms, tls, application.unread)
    if certificates is not None:
        loop.add_signal_handler(signal.SIGHUP, _reload, certificates, server)
    # What was imported lives as long as the process: no collection needs to look at it again.
    gc.collect()
    gc.freeze()
    server.start()
    place.board.serving[index] = 1
    os.write(place.bell, b"\0")
    looking = asyncio.ensure_future(_look_how_busy())
    renewing = asyncio.ensure_future(_renew(certificates, server)) if certificates is not None else None
    await stop.wait()
    looking.cancel()
    if renewing is not None:
        renewing.cancel()
    await server.drain(limits.drain / SECOND, alone=not place.board.draining[0])
    await lifespan.stopped()
    return 0


def _reload(certificates: Certificates, server: HttpServer) -> None:
    if certificates.look_again():
        server.renew(certificates.context)


async def _renew(certificates: Certificates, server: HttpServer) -> None:
    """Look at the files of the certificate for as long as the worker serves."""
    while True:
        await asyncio.sleep(LOOK_EVERY)
        if certificates.look():
            server.renew(certificates.context)


async def _look_how_busy() -> None:
    turns = Turns()
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        turns.look()


class _Lifespan:
    """The beginning and the end of an application (ASGI, "Lifespan Protocol")."""

    def __init__(self, application: Application) -> None:
        self._told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._said: asyncio.Queue[str] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        self._task = asyncio.ensure_future(application(scope, self._told.get, self._hear))

    async def started(self) -> bool:
        """Have it begin; whether it could."""
        return await self._ask("startup")

    async def stopped(self) -> None:
        """Have it end."""
        await self._ask("shutdown")
        await self._task

    async def _ask(self, phase: str) -> bool:
        self._told.put_nowait({"type": f"lifespan.{phase}"})
        answer = asyncio.ensure_future(self._said.get())
        await asyncio.wait([answer, self._task], return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            self._task.result()  # raises what ended it
            return False
        return answer.result() == f"lifespan.{phase}.complete"

    async def _hear(self, message: dict[str, Any]) -> None:
        if message["type"].endswith(".failed"):
            _log.error("the application refuses", reason=message.get("message", ""))
        self._said.put_nowait(message["type"])
