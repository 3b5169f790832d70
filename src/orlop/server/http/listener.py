"""Takes connections, and ends them: a worker's side of the address that all workers listen on."""

import asyncio
import ctypes
import errno
import socket
import ssl
import struct
import sys
from contextlib import suppress
from email.utils import formatdate
from functools import partial
from typing import NamedTuple

import structlog

from orlop.server.http.asking import AskingContext, on_refused
from orlop.server.http.connection import Connection
from orlop.server.http.house import Application, AtOnce, Guest, OnUnread, Unread
from orlop.server.http.pace import CROWDED, RATE, Patience

#: Connections that wait to be accepted.
_BACKLOG = 4096
#: Bytes that the kernel holds unsent for a client. With more it sends late, in the time of whoever reads: blobs of 1
#: MiB took 1.7 times as long without a bound, and those of 256 MiB 1.25 times with twice as many bytes.
_UNSENT = 64 * 1024
#: How often connections are looked through for those that ask for nothing, in seconds.
_SWEEP = 0.5
#: How long who was let in last may take to ask for something when the server ends, in seconds.
_LAST_CALL = 1.0
#: How long it takes at most until who had begun to connect is connected, in seconds: a round trip. Who is dropped
#: tries again after one second.
_HANDSHAKE = 0.2
#: For how long nobody is let in when there is no room, in seconds.
_BREATH = 0.1
#: For how long who asks for nothing is let be when there is a crowd, in seconds.
_GRACE = 1.0
#: Bytes of answers that wait in memory for clients that do not read on, before the slowest of these are cut off.
UNSENT_MOST = 256 * 1024 * 1024

#: What such a connection is counted as: nothing is answered on it. The number is nginx's.
_CERTIFICATE_REFUSED = 495

#: See asm/socket.h. Load the flags; if SYN is among them, keep no byte of the packet, else all.
_SO_ATTACH_FILTER = 26
_NO_SYN = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))

_log = structlog.get_logger("orlop.server")


class Terms(NamedTuple):
    """What a worker grants: bytes of a head, seconds until it must be whole, connections at once, seconds that a client
    may keep it waiting for a body or with an answer, and from how many connections on there is a crowd."""

    head_bytes: int
    head_time: float
    connections: int
    idle: float = 60.0
    crowd: int = sys.maxsize


def _nobody(_: Unread) -> None:
    """Where nobody wants to hear of it."""


class HttpServer:
    """Serves an application on a socket that is bound, and may be shared with other processes. `tls`: behind TLS.
    `at_once` is asked first; `unread` is told of what was refused before anybody was asked."""

    def __init__(
        self,
        application: Application,
        at_once: AtOnce,
        listener: socket.socket,
        terms: Terms,
        tls: ssl.SSLContext | None,
        unread: OnUnread = _nobody,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._terms = terms
        self._tls = tls
        self._connections: set[Guest] = set()
        self._arriving: dict[asyncio.Task[None], float] = {}  # since when
        self._unsent: dict[Guest, int] = {}
        self._unsent_bytes = 0
        self._empty: asyncio.Future[None] | None = None
        self._lets_in = False
        self._timer: asyncio.TimerHandle | None = None
        self.application = application
        self.at_once = at_once
        self.unread = unread
        self.cuts = 0
        self.head_bytes = terms.head_bytes
        self.is_draining = False
        self.is_secure = tls is not None
        self.date = b""

    def renew(self, tls: ssl.SSLContext) -> None:
        """Show another certificate from now on, and trust others of clients. Connections that are there keep what they
        were shown; those whose clients have shown one end after what is asked now."""
        self._tls = tls
        for connection in list(self._connections):
            connection.renewed()

    def start(self) -> None:
        """Let clients in from now on. Raises OSError when somebody else listens there."""
        self._listener.setblocking(False)
        self._listener.listen(_BACKLOG)
        self._sweep()
        self._let_in()

    async def drain(self, patience: float, *, alone: bool) -> None:
        """Let nobody in any more, and return when all requests under way are answered, after `patience` seconds at
        the latest. `alone`: other processes go on listening."""
        self.is_draining = True
        for connection in list(self._connections):
            connection.last_call()
        if alone:
            self._keep_out()
        else:
            await self._shut()
        if self._connections or self._arriving:
            self._empty = self._loop.create_future()
            await asyncio.wait([self._empty], timeout=patience)
        if self._timer is not None:
            self._timer.cancel()
        for connection in list(self._connections):
            connection.abort()

    async def _shut(self) -> None:
        """End the address, for all processes that share it, under nobody who has begun to connect."""
        _turn_away(self._listener)
        await asyncio.sleep(_HANDSHAKE)  # those who are there already are let in meanwhile
        while self._accept():
            pass
        self._keep_out()
        with suppress(OSError):  # another worker was quicker
            self._listener.shutdown(socket.SHUT_RDWR)

    # --- what connections tell: see house.House ------------------------------------------------------------------

    def entered(self, guest: Guest) -> None:
        """See House."""
        self._connections.add(guest)

    def left(self, guest: Guest) -> None:
        """See House."""
        self._connections.discard(guest)
        self._note_empty()
        if self._taken < self._terms.connections:
            self._let_in()

    def holds(self, guest: Guest, unsent: int) -> None:
        """See House. The client that is the furthest behind goes when there is too much."""
        self._unsent_bytes += unsent - self._unsent.pop(guest, 0)
        if unsent:
            self._unsent[guest] = unsent
        while self._unsent_bytes > UNSENT_MOST and len(self._unsent) > 1:
            slowest = max(self._unsent, key=lambda each: each.late)  # of equals the one that waits the longest
            self._unsent_bytes -= self._unsent.pop(slowest)
            slowest.abort()

    @property
    def _taken(self) -> int:
        """How many are here, or about to be: who shakes hands for TLS holds as much."""
        return len(self._connections) + len(self._arriving)

    def _note_empty(self) -> None:
        if self._empty is not None and not self._connections and not self._arriving and not self._empty.done():
            self._empty.set_result(None)

    # --- letting in ---------------------------------------------------------------------------------------------------

    def _let_in(self) -> None:
        if not self._lets_in and not self.is_draining:
            self._lets_in = True
            self._loop.add_reader(self._listener, self._accept)

    def _keep_out(self) -> None:
        if self._lets_in:
            self._lets_in = False
            self._loop.remove_reader(self._listener)

    def _accept(self) -> bool:
        """Let one client in, so that workers with less to do take the others; False when there is none."""
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        except OSError as error:
            self._keep_out()
            if error.errno == errno.EINVAL:  # another worker has closed it for all: the server drains
                return False
            _log.warning("nobody can be let in for a moment", reason=error.strerror)
            self._loop.call_later(_BREATH, self._let_in)
            return False
        client.setblocking(False)
        with suppress(OSError):  # it has left again
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hasattr(socket, "TCP_NOTSENT_LOWAT"):
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)
        task = self._loop.create_task(self._welcome(client))
        self._arriving[task] = self._loop.time()
        task.add_done_callback(self._arrived)
        if self._taken >= self._terms.connections:
            self._keep_out()
        return True

    def _arrived(self, task: asyncio.Task[None]) -> None:
        del self._arriving[task]
        self._note_empty()
        if self._taken < self._terms.connections:
            self._let_in()

    async def _welcome(self, client: socket.socket) -> None:
        patience = self._terms.head_time if self._tls is not None else None
        if isinstance(self._tls, AskingContext):
            on_refused.set(partial(self._refused_certificate, _address(client)))
        try:
            await self._loop.connect_accepted_socket(
                lambda: Connection(self, self._loop, client), client, ssl=self._tls, ssl_handshake_timeout=patience
            )
        except (OSError, asyncio.CancelledError):  # it left before it was here, speaks no TLS, or takes too long
            client.close()

    def _refused_certificate(self, address: str, reason: str) -> None:
        _log.warning("the certificate of a client was refused", client=address, reason=reason)
        self.unread(Unread(_CERTIFICATE_REFUSED, "", "", address))

    def _sweep(self) -> None:
        """Tell the time, end connections that have asked for nothing for too long, and cut off clients that keep the
        server waiting."""
        self._timer = self._loop.call_later(_SWEEP, self._sweep)
        self.date = b"date: %b\r\n" % formatdate(usegmt=True).encode()
        now = self._loop.time()
        since = now - (_LAST_CALL if self.is_draining else self._terms.head_time)
        surplus = self._taken - self._terms.crowd
        patience = CROWDED if surplus > 0 else Patience(self._terms.idle, RATE)
        for connection in list(self._connections):
            connection.look(now, since, patience)
        if surplus > 0:
            self._make_room(now, surplus)
        if self.cuts:
            _log.info("clients that kept the server waiting were cut off", clients=self.cuts)
            self.cuts = 0

    def _make_room(self, now: float, surplus: int) -> None:
        """End so many connections that ask for nothing, those first that have for the longest; and handshakes that take
        as long as nobody may when there is a crowd."""
        idle = [each for each in self._connections if (each.waiting_since or now) <= now - _GRACE]
        for connection in sorted(idle, key=lambda each: each.waiting_since or now):
            if surplus <= 0:
                break
            surplus -= connection.make_way()
        for task, since in self._arriving.items():
            if since <= now - CROWDED.seconds:
                task.cancel()


def _address(client: socket.socket) -> str:
    """Empty for who has left."""
    try:
        return str(client.getpeername()[0])
    except OSError:
        return ""


def _turn_away(listener: socket.socket) -> None:
    """Have the kernel drop every request for a connection that comes from now on, as if it got lost: its client sends
    it again, and is refused once nobody listens. Who closed without this would take a request along from whoever
    connects between the last look and the end. (Connections that are made keep the filter, and have no use for it.)

    Source: socket(7), SO_ATTACH_FILTER; the filter sees a TCP header. Where there are none, that moment remains.
    """
    if sys.platform != "linux":
        return
    instructions = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in _NO_SYN))
    program = struct.pack("HP", len(_NO_SYN), ctypes.addressof(instructions))
    with suppress(OSError):  # another worker was quicker and has closed it
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
