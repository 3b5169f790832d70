"""Starting the server: what is checked before anything is touched, and what is said when it serves."""

import errno
import gc
import multiprocessing
import os
import resource
import shutil
import signal
import socket
import ssl
import sys
import tempfile
from collections.abc import Callable, Iterator, MutableSequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import msgspec
import structlog

from orlop import __version__
from orlop.config import Settings
from orlop.config.units import address
from orlop.domain.durations import SECOND
from orlop.domain.open_files import shared_out
from orlop.server.supervisor import Bell, Supervisor
from orlop.server.tls import TlsUnusable, read_tls
from orlop.server.worker import ApplicationFactory, Board, Place, work
from orlop.services.limits.counters import NUMBERS
from orlop.telemetry import logs

#: Where Prometheus' client looks for the folder that workers share; read when it is imported.
_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
#: Descriptors to ask for at most.
_DESCRIPTORS = 1 << 20

_log = structlog.get_logger("orlop.server")


class FirstAccount(msgspec.Struct, frozen=True):
    """The account that was made because there was none. `password` is the one that was drawn for it, to be told once;
    empty when somebody chose it."""

    name: str
    password: str

    def __repr__(self) -> str:
        return f"FirstAccount({self.name!r})"


class Prepared(msgspec.Struct, frozen=True):
    """What there is before the server serves. `is_new`: the data folder was made, or was empty, a moment ago."""

    first: FirstAccount | None = None
    is_new: bool = False


class CannotServe(Exception):
    """The server does not start; the message is one sentence that says why."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def serve(
    settings: Settings,
    prepare: Callable[[Settings], Prepared],
    application: Callable[[], ApplicationFactory],
) -> int:
    """Serve until a signal ends it; the exit code.

    `prepare` runs once, before any worker, and tells what it made. `application` imports what workers
    need and gives what runs in each: it is called before they are forked, so that they share it. Raises CannotServe,
    or what `prepare` raises.
    """
    # Until the supervisor listens to signals, one ends the process as an exception does, leaving nothing behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    logs.configure(settings.log.level, settings.log.format)
    tls = _tls(settings)
    with listening(*resolve(settings.listen)) as listener:
        descriptors = raise_descriptor_limit()
        prepared = prepare(settings)
        with metrics_folder():
            return _supervise(settings, listener, tls, descriptors, application(), prepared)


def _supervise(
    settings: Settings,
    listener: socket.socket,
    tls: ssl.SSLContext | None,
    descriptors: int,
    application: ApplicationFactory,
    prepared: Prepared,
) -> int:
    # Not before the folder's name is in the environment: see telemetry.metrics.
    from orlop.telemetry.metrics import Metrics

    metrics = Metrics()
    shared = multiprocessing.get_context()
    board = Board(
        shared.RawArray("b", settings.workers),
        shared.RawArray("b", 1),
        shared.RawArray("Q", settings.workers),
        shared.RawArray("Q", settings.workers),
        shared.RawArray("Q", settings.workers),
        shared.RawArray("Q", settings.workers),
        # As a view, which is read and written twice as fast.
        cast("MutableSequence[int]", memoryview(shared.RawArray("Q", NUMBERS)).cast("B").cast("Q")),
    )
    bell = Bell()
    place = Place(listener, tls, shared_out(descriptors), board, bell.alive, bell.bell)
    supervisor = Supervisor(
        board,
        bell,
        partial(work, application, settings, place),
        serving=partial(announce, settings, prepared, listener.getsockname()),
        died=metrics.worker_died,
        patience=settings.limits.drain / SECOND,
        reloads=tls is not None,
    )
    # Workers are forked: what the collector leaves alone stays shared among them.
    gc.collect()
    gc.freeze()
    return supervisor.run()


def _tls(settings: Settings) -> ssl.SSLContext | None:
    """What TLS takes; None without it. Raises CannotServe."""
    try:
        return read_tls(settings.tls)
    except TlsUnusable as unusable:
        raise CannotServe(str(unusable), exit_code=2) from unusable


def resolve(listen: str) -> tuple[str, int]:
    """The numeric address to bind. Raises CannotServe."""
    host, port = address(listen)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise CannotServe(f"{host} is not an address of this machine") from error
    # Of the two that localhost may mean, the one that everybody tries.
    found.sort(key=lambda each: each[0] != socket.AF_INET)
    return str(found[0][4][0]), port


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """The socket on which workers listen, bound: nobody is let in, nor kept waiting, before one of them serves.

    Raises CannotServe when the address cannot be bound.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            where = f"{host}:{port}"
            if error.errno == errno.EADDRINUSE:
                reason = f"{where} is taken by another program; choose another address with --listen HOST:PORT"
            else:
                reason = f"cannot listen on {where}: {os.strerror(error.errno or 0)}"
            raise CannotServe(reason) from error
        yield listener


def raise_descriptor_limit() -> int:
    """Allow as many open files and connections as the system does; how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


@contextmanager
def metrics_folder() -> Iterator[Path]:
    """A folder for the metrics of all processes, gone at the end."""
    folder = tempfile.mkdtemp(prefix="orlop-metrics-")
    os.environ[_METRICS_FOLDER] = folder
    try:
        yield Path(folder)
    finally:
        del os.environ[_METRICS_FOLDER]
        shutil.rmtree(folder, ignore_errors=True)


def announce(settings: Settings, prepared: Prepared, address: tuple[Any, ...]) -> None:
    """Say that the server serves, where, and what to do next: to people as text, to programs as an event.

    Here alone, and once, the password is told that was drawn for the first account.
    """
    first = prepared.first
    host, port = address[:2]
    url = f"{'http' if settings.tls.cert is None else 'https'}://{_authority(host, port)}"
    data = "memory alone" if settings.in_memory else str(settings.data.resolve())
    if settings.log.format == "json":
        _log.info(
            "serving",
            url=url,
            data=data,
            workers=settings.workers,
            open=settings.open,
            new=prepared.is_new,
            version=__version__,
        )
        if first is not None:
            _tell(first)
        return
    name = "localhost" if host in {"127.0.0.1", "::1", "0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    lines = [f"Orlop {__version__} serves {url} from {data}"]
    if prepared.is_new:
        lines.append("This registry is new: there was none in that folder before")
    registry = _authority(name, port)
    if settings.open:
        lines += [
            "Anyone on this machine may push and pull:",
            "",
            f"    docker tag IMAGE {registry}/app",
            f"    docker push {registry}/app",
            "",
        ]
    else:
        lines += _welcome(registry, first)
    sys.stderr.write("\n".join(lines) + "\n")
    sys.stderr.flush()


def _tell(first: FirstAccount) -> None:
    """Tell programs of the first account. Not through the log, which shows no passwords."""
    event = {"event": "the first account was made", "level": "info", "account": first.name}
    if first.password:
        event["password"] = first.password
    sys.stderr.write(f"{msgspec.json.encode(event).decode()}\n")
    sys.stderr.flush()


def _welcome(registry: str, first: FirstAccount | None) -> list[str]:
    """How to sign in, and the password that is shown now or never."""
    if first is None:
        return [f"Sign in with docker login {registry}"]
    told = f"its password is {first.password} and is not shown again" if first.password else "its password is yours"
    return [f"The first account is {first.name}, {told}:", "", f"    docker login {registry} -u {first.name}", ""]


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
