"""Clients that read nothing, or in drips, and send in drips, on few descriptors: others do not notice.

The clients are anonymous and have the address of those who are not to suffer, which is the worst case.
"""

import asyncio
import os
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from orlop.adapters.sql.catalog import open_sqlite
from orlop.bootstrap.stores.catalogs import sqlite_file
from orlop.config import Settings
from orlop.domain.access import Visibility
from orlop.domain.open_files import shared_out
from orlop.ports.identity import Namespace
from tests.content import Piece, image
from tests.serving import Server, eventually, head, serving, unhurried
from tests.wire.test_limits import BY, joined

pytestmark = pytest.mark.slow

MIB = 1 << 20
DESCRIPTORS = 512
#: How many clients read nothing, and how many a byte a second.
EACH = 300
#: How long anybody else may have to wait, in seconds; without the slow ones it is milliseconds.
SOON = 15.0
#: What a worker may grow by meanwhile, in bytes: the answers that wait in memory, and what connections take.
GROWTH = 64 * MIB
#: What everybody asks for.
LARGE = Piece("large", "application/octet-stream", os.urandom(8 * MIB))
WIDE = image("wide", layers=[], annotations={"note": "x" * (3 * MIB)})


@pytest.fixture(scope="module", autouse=True)
def _many_sockets() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4096), hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module", params=[True, False], ids=["open", "with accounts"], name="crowded")
def _crowded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Crowded"]:
    settings = {"ORLOP_ADMIN_PASSWORD": "correct horse battery"}
    folder = tmp_path_factory.mktemp("crowded")
    flags = ("--workers", "1")
    with serving(folder, *flags, settings=settings, opened=request.param, descriptors=DESCRIPTORS) as server:
        people: dict[str, str] = {} if request.param else asyncio.run(shown(server.data))
        crowded = Crowded(server, people)
        crowded.push("team/app", LARGE)
        crowded.push("team/app", WIDE.blobs[0])
        put = crowded.ask("PUT", "/v2/team/app/manifests/wide", WIDE.content, content_type=WIDE.media_type)
        assert put == 201
        yield crowded
        assert "Traceback" not in server.errors.read_text()


async def shown(data: Path) -> dict[str, str]:
    """Somebody who may push to `team`, which everybody may pull from."""
    people = await joined(data, "alice")
    opened = open_sqlite(sqlite_file(Settings(data=data)).parent)
    await opened.identity.namespaces.put(Namespace(path="team", visibility=Visibility.PUBLIC), BY)
    await opened.engine.close()
    return people


class Crowded:
    """A server with few descriptors, and somebody who uses it."""

    def __init__(self, server: Server, people: dict[str, str]) -> None:
        self.server = server
        self.signed = {"authorization": people["alice"]} if people else {}
        self.accounts = bool(people)

    def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> int:
        """The status of an answer that comes soon, and whole."""
        started = time.monotonic()
        reply = self.server.ask(method, target, body, **self.signed, **headers)
        assert time.monotonic() - started < unhurried(SOON)
        return reply.status

    def push(self, repository: str, piece: Piece) -> None:
        """Push a blob."""
        assert self.ask("POST", f"/v2/{repository}/blobs/uploads/?digest={piece.digest}", piece.content) == 201

    def use(self, number: int) -> None:
        """What others do: look, pull, push."""
        assert self.server.ask("GET", "/readyz").status == 200
        assert self.server.ask("GET", "/healthz").status == 200
        assert self.ask("GET", f"/v2/team/app/blobs/{LARGE.digest}") == 200
        assert self.ask("GET", "/v2/team/app/manifests/wide") == 200
        piece = Piece("another", "application/octet-stream", b"%d" % number * 100_000)
        self.push("team/app", piece)
        assert self.ask("GET", f"/v2/team/app/blobs/{piece.digest}") == 200

    def resident(self) -> int:
        """Bytes of memory that the worker has for itself."""
        [worker] = self.server.workers()
        [line] = [
            line for line in Path(f"/proc/{worker}/status").read_text().splitlines() if line.startswith("RssAnon:")
        ]
        return int(line.split()[1]) * 1024

    def open_files(self) -> int:
        """How many descriptors the worker has open."""
        [worker] = self.server.workers()
        return len(list(Path(f"/proc/{worker}/fd").iterdir()))


@contextmanager
def slow_readers(server: Server, asked: bytes, count: int, *, again: bool) -> Iterator[None]:
    """As many that ask and read nothing, and as many that read a byte a second; whoever is cut off comes again."""
    ended = threading.Event()

    def connected() -> socket.socket:
        wire = socket.socket()
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.settimeout(5.0)
        wire.connect(("127.0.0.1", server.port))
        wire.sendall(asked)
        wire.setblocking(False)
        return wire

    def reading(number: int, wire: socket.socket) -> bool:
        """Whether the connection is still there."""
        try:
            return bool(wire.recv(1, socket.MSG_PEEK if number % 2 else 0))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def run() -> None:
        with ExitStack() as stack:
            wires: list[socket.socket] = []
            for _ in range(2 * count):
                with suppress(OSError):
                    wires.append(stack.enter_context(connected()))
            while not ended.wait(1.0):
                for number, wire in enumerate(wires):
                    if again and not reading(number, wire):
                        wire.close()
                        with suppress(OSError):
                            wires[number] = stack.enter_context(connected())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        time.sleep(1.0)
        yield
    finally:
        ended.set()
        thread.join(60)


@pytest.mark.parametrize("target", ["blobs", "manifests"])
@pytest.mark.parametrize("again", [False, True], ids=["once", "again and again"])
def test_who_reads_nothing_or_a_byte_a_second_stops_nobody(crowded: Crowded, target: str, again: bool) -> None:
    """Descriptors and memory are bounded by what is let in, whatever the clients do."""
    reference = LARGE.digest if target == "blobs" else "wide"
    before = crowded.resident()
    with slow_readers(crowded.server, head("GET", f"/v2/team/app/{target}/{reference}"), EACH, again=again):
        for number in range(8):
            crowded.use(number)
            assert crowded.open_files() <= DESCRIPTORS * 7 // 8
            time.sleep(0.5)
        grown = crowded.resident() - before
    assert grown < GROWTH, f"{grown / MIB:.0f} MiB"
    eventually("they are gone", lambda: crowded.open_files() < 128)


def test_a_line_of_fifty_kilobytes_a_second_is_not_cut_off_in_a_crowd(crowded: Crowded) -> None:
    asked = head("GET", f"/v2/team/app/blobs/{LARGE.digest}")
    with slow_readers(crowded.server, asked, EACH, again=True), crowded.server.connect() as wire:
        wire.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
        wire.send(head("GET", f"/v2/team/app/blobs/{LARGE.digest}", **crowded.signed))
        got, ends = 0, time.monotonic() + 15
        while (now := time.monotonic()) < ends:
            piece = wire.connection.recv(25_000)
            assert piece, f"cut off after {got} bytes"
            got += len(piece)
            time.sleep(len(piece) / 50_000 - min(0.0, time.monotonic() - now))
    assert got < LARGE.size


def test_what_a_server_lets_in_leaves_it_what_it_needs() -> None:
    for descriptors in (256, 512, 1024, 4096, 1 << 20):
        shares = shared_out(descriptors)
        assert 3 * shares.connections + shares.copies + 100 <= descriptors
        assert shares.readers + shares.uploads <= shares.crowd < shares.connections
        assert min(shares) > 0
