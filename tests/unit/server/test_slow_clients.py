"""Clients that keep the server waiting are cut off, those that are only slow are not, and a crowd makes way."""

import asyncio
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop

from orlop.server.http import HttpServer, Terms
from orlop.server.http.pace import Pace, Patience
from tests.serving import unhurried
from tests.unit.server.test_http import MIB, Client, Receive, Send, body, get, ready, saying, start

pytestmark = pytest.mark.slow  # they wait out what clients may take

#: Patience of these servers, in seconds, and what is enough to be only slow, in bytes a second.
IDLE, ENOUGH = 1.0, 100_000
TERMS = Terms(16_384, 30.0, 100, IDLE)
#: Bytes that no system takes for a client that does not read.
LARGE = 32 * MIB


@pytest.fixture(autouse=True)
def runner() -> Iterator[asyncio.Runner]:
    """The loop that workers have."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner


#: The ends of connections that a test has.
_ENDS: list[socket.socket] = []


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("orlop.server.http.listener.RATE", ENOUGH)
    monkeypatch.setattr("orlop.server.http.listener.CROWDED", Patience(0.5, ENOUGH))
    monkeypatch.setattr("orlop.server.http.listener._SWEEP", 0.1)
    monkeypatch.setattr("orlop.server.http.listener._GRACE", 0.3)
    yield
    while _ENDS:
        _ENDS.pop().close()


@asynccontextmanager
async def serving(
    application: Callable[..., Any], terms: Terms = TERMS, tls: ssl.SSLContext | None = None, **more: Any
) -> AsyncIterator[tuple[HttpServer, tuple[str, int]]]:
    """A server, and where it is."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = HttpServer(application, more.get("at_once", lambda _: None), listener, terms, tls)
        server.start()
        try:
            yield server, listener.getsockname()
        finally:
            await server.drain(0.2, alone=True)


class Slow:
    """A client that reads and writes no more than it is told to."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.socket()
        _ENDS.append(self.socket)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
        self.socket.connect(address)
        self.socket.setblocking(False)

    def send(self, content: bytes) -> None:
        """At once, or not."""
        self.socket.send(content)

    async def read(self, count: int) -> bytes:
        """As much as there is; empty when the server is gone."""
        try:
            return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.socket, count), 10)
        except ConnectionError:
            return b""

    async def rest(self) -> int:
        """How many bytes come until the end."""
        got = 0
        while piece := await self.read(MIB):
            got += len(piece)
        return got


async def gone(server: HttpServer, within: float) -> bool:
    """Whether nobody is left after a while."""
    for _ in range(int(within / 0.05)):
        if not server._connections:
            return True
        await asyncio.sleep(0.05)
    return False


async def whole(_: dict[str, Any], __: Receive, send: Send) -> None:
    """An answer in one piece, from memory."""
    await send(start(200, (b"content-length", b"%d" % LARGE)))
    await send(body(bytes(LARGE)))


async def pieces(_: dict[str, Any], __: Receive, send: Send) -> None:
    """An answer in pieces."""
    await send(start(200, (b"content-length", b"%d" % LARGE)))
    for left in range(LARGE // MIB - 1, -1, -1):
        await send(body(bytes(MIB), more=left > 0))


class File:
    """An answer from a file."""

    def __init__(self, folder: Path) -> None:
        with (folder / "file").open("wb") as file:
            file.truncate(LARGE)
        self.descriptor = os.open(folder / "file", os.O_RDONLY)

    async def __call__(self, _: dict[str, Any], __: Receive, send: Send) -> None:
        await send(start(200, (b"content-length", b"%d" % LARGE)))
        await send({"type": "http.response.zerocopysend", "file": self.descriptor, "count": LARGE})


WAYS = ["at once", "whole", "pieces", "file", "closing", "ahead"]


@pytest.fixture
def way(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """A way to an answer that a client does not read."""
    return _way(request.param, tmp_path)


def _way(name: str, folder: Path) -> dict[str, Any]:
    if name == "at once":
        return {"application": whole, "at_once": ready(lambda _: bytes(LARGE))}
    if name == "file":
        return {"application": File(folder)}
    return {"application": pieces if name == "pieces" else whole}


@pytest.mark.parametrize(("way", "name"), [(name, name) for name in WAYS], indirect=["way"])
@pytest.mark.parametrize("drips", [False, True])
async def test_who_reads_nothing_or_in_drips_is_cut_off(way: dict[str, Any], name: str, drips: bool) -> None:
    async with serving(**way) as (server, address):
        client = Slow(address)
        client.send(
            get("/", "1.1", *(["connection: close"] if name == "closing" else [])) * (5 if name == "ahead" else 1)
        )
        reading = asyncio.ensure_future(dripping(client)) if drips else None
        began = time.monotonic()
        await asyncio.sleep(IDLE / 2)
        assert server._connections or time.monotonic() - began > IDLE * 0.9, "it had no time to read"
        assert await gone(server, 6 * IDLE)
        if reading is not None:
            reading.cancel()


async def dripping(client: Slow) -> None:
    """Read a little now and then."""
    for _ in range(1_000):
        await client.read(100)
        await asyncio.sleep(0.05)


async def test_who_is_only_slow_is_not(tmp_path: Path) -> None:
    """Whatever the way to the answer, each on a server of its own."""
    await asyncio.gather(*(_only_slow(name, _way(name, tmp_path)) for name in WAYS[:5]))


async def _only_slow(name: str, way: dict[str, Any]) -> None:
    """Five times as fast as has to be, for three times as long as patience lasts; then the rest at once."""
    async with serving(**way) as (_, address):
        client = Slow(address)
        client.send(get("/", "1.1", *(["connection: close"] if name == "closing" else [])))
        got, began = 0, time.monotonic()
        while time.monotonic() - began < 3 * IDLE:
            piece = await client.read(5 * ENOUGH // 20)
            assert piece, f"{name}: cut off after {time.monotonic() - began:.1f} s and {got} bytes"
            got += len(piece)
            await asyncio.sleep(0.04)
        while got < LARGE:
            piece = await client.read(MIB)
            assert piece, name
            got += len(piece)


async def counting(_: dict[str, Any], receive: Receive, send: Send) -> None:
    """Reads a body, and says whether it was whole."""
    while (message := await receive())["type"] == "http.request" and message["more_body"]:
        pass
    status = 200 if message["type"] == "http.request" else 408
    await send(start(status, (b"content-length", b"0")))
    await send(body(b""))


def posting(length: int) -> bytes:
    return f"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n".encode()


@pytest.mark.parametrize("drips", [False, True])
async def test_a_body_that_stands_still_or_comes_in_drips_is_given_up(drips: bool) -> None:
    async with serving(counting) as (server, address):
        client = Slow(address)
        client.send(posting(MIB) + b"begun")
        began = time.monotonic()
        while drips and server.cuts == 0 and time.monotonic() - began < unhurried(6 * IDLE) and server._connections:
            with suppress(OSError):
                client.send(b"x")
            await asyncio.sleep(0.05)
        assert (await client.read(1000)).startswith(b"HTTP/1.1 408 ")
        assert IDLE * 0.8 < time.monotonic() - began < unhurried(6 * IDLE)
        assert await gone(server, 6 * IDLE)


async def test_a_body_that_comes_slowly_is_waited_for() -> None:
    async with serving(counting) as (_, address):
        client = Slow(address)
        client.send(posting(75 * 10_000))
        began = time.monotonic()
        for number in range(75):
            client.send(bytes(10_000))
            await asyncio.sleep(began + 0.04 * number - time.monotonic())
        assert (await client.read(1000)).startswith(b"HTTP/1.1 200 ")


async def test_nobody_is_hurried_while_it_is_the_servers_turn() -> None:
    """An answer that takes three times as long as a client may."""

    async def thinking(_: dict[str, Any], receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.sleep(3 * IDLE)
        await send(start(200, (b"content-length", b"2")))
        await send(body(b"ok"))

    async with serving(thinking) as (_, address):
        reader, writer = await asyncio.open_connection(*address)
        assert (await Client(reader, writer).answer(get()))[0] == b"HTTP/1.1 200 OK"
        writer.close()


async def test_a_crowd_makes_way_for_who_comes() -> None:
    """Ten that read nothing, and ten that ask for nothing, where there is room for ten."""
    async with serving(whole, Terms(16_384, 30.0, 10, 30.0, 5)) as (server, address):
        crowd = [Slow(address) for _ in range(20)]
        for client in crowd[::2]:
            client.send(get())
        server.application = saying(start(200, (b"content-length", b"2")), body(b"ok"))
        for _ in range(5):
            reader, writer = await asyncio.open_connection(*address)
            status, _ = await asyncio.wait_for(Client(reader, writer).answer(get()), 10)
            assert status == b"HTTP/1.1 200 OK"
            assert len(server._connections) <= 10
            writer.close()


async def test_those_who_ask_for_nothing_stay_where_there_is_room() -> None:
    """Of ten as many leave as are too many, those first that have asked for nothing for the longest."""
    async with serving(saying(start(204), body(b"")), Terms(16_384, 30.0, 20, 30.0, 6)) as (server, address):
        clients = []
        for _ in range(10):
            clients.append(Slow(address))
            await asyncio.sleep(0.05)
        for _ in range(200):
            if len(server._connections) <= 6:
                break
            await asyncio.sleep(0.05)
        assert len(server._connections) == 6
        left = [await asyncio.wait_for(client.read(1), 30) == b"" for client in clients[:4]]
        assert left == [True] * 4


async def test_handshakes_count_and_are_given_up(tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    async with serving(whole, Terms(16_384, 30.0, 5, 30.0, 3), tls) as (server, address):
        for _ in range(12):
            Slow(address)
        for _ in range(100):
            if len(server._arriving) >= 3:
                break
            await asyncio.sleep(0.02)
        assert 3 <= len(server._arriving) <= 5
        for _ in range(100):
            if len(server._arriving) <= 3:
                break
            await asyncio.sleep(0.05)
            assert len(server._arriving) + len(server._connections) <= 5
        assert len(server._arriving) <= 3


async def test_what_waits_in_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is the furthest behind goes, long before patience ends."""
    monkeypatch.setattr("orlop.server.http.listener.UNSENT_MOST", 3 * LARGE)
    async with serving(whole, Terms(16_384, 30.0, 100, 60.0)) as (server, address):
        clients = []
        for _ in range(8):
            clients.append(Slow(address))
            clients[-1].send(get())
            await asyncio.sleep(0.15)
            assert sum(server._unsent.values()) == server._unsent_bytes <= 3 * LARGE
        assert await clients[0].rest() < LARGE
        assert len(server._connections) <= 4
        for client in clients:
            client.socket.close()
        assert await gone(server, 10)
        assert server._unsent_bytes == 0


def is_of(descriptor: int, inode: int) -> bool:
    try:
        return os.fstat(descriptor).st_ino == inode
    except OSError:  # that of the listing, which has ended
        return False


async def test_a_descriptor_for_files_is_held_only_while_it_is_waited_for(tmp_path: Path) -> None:
    """The file is larger than all that the system takes for a client that reads nothing."""
    path = tmp_path / "file"
    path.touch()
    os.truncate(path, 64 * MIB)
    descriptor = os.open(path, os.O_RDONLY)

    async def sending(scope: dict[str, Any], __: Receive, send: Send) -> None:
        count = int(scope["path"].strip("/"))
        await send(start(200, (b"content-length", b"%d" % count)))
        await send({"type": "http.response.zerocopysend", "file": descriptor, "count": count})

    async with serving(sending) as (server, address):

        async def becomes(count: int) -> bool:
            """How many descriptors there are of the server's end of the connection."""
            (connection,) = server._connections
            inode = os.fstat(connection._client.fileno()).st_ino
            for _ in range(500):
                if sum(is_of(int(number), inode) for number in os.listdir("/proc/self/fd")) == count:
                    return True
                await asyncio.sleep(0.02)
            return False

        reader, writer = await asyncio.open_connection(*address)
        client = Client(reader, writer)
        try:
            for _ in range(3):
                await client.answer(get(f"/{4 * MIB}"))
                await reader.readexactly(4 * MIB)
                assert await becomes(1)
            writer.write(get(f"/{64 * MIB}"))
            assert await becomes(2)
        finally:
            writer.close()
            os.close(descriptor)


def test_patience_is_used_up_and_comes_back() -> None:
    """Where the system tells of the client (here there is none) and where it does not."""
    pace = Pace()
    with socket.socket() as client:
        assert pace.look(10.0, client, 0, 0, 1000, takes=True) == 0
        assert pace.look(12.0, client, 0, 0, 1000, takes=True) == 2
        assert pace.look(13.0, client, 500, 0, 1000, takes=True) == 2.5
        assert pace.look(14.0, client, 5_000, 0, 1000, takes=True) == 0
        assert pace.look(16.0, client, 5_000, 9_999, 1000, takes=True) == 2, "what it sends is not what it takes"
        pace.pause()
        assert pace.look(99.0, client, 5_000, 9_999, 1000, takes=False) == 2
        assert pace.look(100.0, client, 5_000, 10_499, 1000, takes=False) == 2.5
        pace.reset()
        assert pace.late == 0
