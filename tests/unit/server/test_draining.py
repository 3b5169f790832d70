"""A server that ends takes nobody's request along: not one that has just come, and not one that comes meanwhile."""

import asyncio
import multiprocessing
import os
import socket
import struct
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing

import pytest

from orlop.server.http import HttpServer, Message, Receive, Send, Terms
from tests.servers import free_port

pytestmark = pytest.mark.slow

ASKED = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n"
#: For how long clients knock, and how long each server is there before it ends, in seconds.
KNOCKING, THERE = 4.0, 0.1
#: How many servers end meanwhile, at least.
ENDS = 5


async def _answering(_: Message, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def _listening(port: int = 0) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with _listening() as listener:
        yield listener


def _server(listener: socket.socket) -> HttpServer:
    server = HttpServer(_answering, lambda _: None, listener, Terms(16_384, 30.0, 1000), None)
    server.start()
    return server


async def _ending(server: HttpServer, reader: asyncio.StreamReader) -> bytes:
    await asyncio.wait_for(server.drain(30.0, alone=False), 20)
    return await asyncio.wait_for(reader.read(), 20)


async def test_a_request_that_nobody_has_read_yet_is_answered(listener: socket.socket) -> None:
    """The server ends before its loop comes to it."""
    server = _server(listener)
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    with closing(writer):
        writer.write(ASKED)
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        os.write(writer.get_extra_info("socket").fileno(), ASKED)
        answer = await _ending(server, reader)
    assert answer.startswith(b"HTTP/1.1 200"), "the connection was ended under it"
    assert b"connection: close" in answer


async def test_half_a_head_that_has_arrived_may_become_whole(listener: socket.socket) -> None:
    server = _server(listener)
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    with closing(writer):
        writer.write(ASKED + ASKED[:20])
        await reader.readuntil(b"ok")
        asyncio.get_running_loop().call_later(0.2, writer.write, ASKED[20:])
        assert (await _ending(server, reader)).startswith(b"HTTP/1.1 200")


async def test_who_was_let_in_last_may_ask(listener: socket.socket) -> None:
    server = _server(listener)
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    with closing(writer):
        await asyncio.sleep(0.1)
        asyncio.get_running_loop().call_later(0.2, writer.write, ASKED)
        assert (await _ending(server, reader)).startswith(b"HTTP/1.1 200")


async def test_who_was_answered_and_asks_for_nothing_leaves_at_once(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not only when those who have not asked yet have to."""
    monkeypatch.setattr("orlop.server.http.listener._LAST_CALL", 60.0)
    server = _server(listener)
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    with closing(writer):
        writer.write(ASKED)
        await reader.readuntil(b"ok")
        draining = asyncio.ensure_future(server.drain(30.0, alone=False))
        await asyncio.sleep(0)
        assert server.is_draining
        assert await asyncio.wait_for(reader.read(), 20) == b""
        await draining


async def test_who_never_asks_holds_nothing_up(listener: socket.socket) -> None:
    server = _server(listener)
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    with closing(writer):
        assert await _ending(server, reader) == b""


async def test_who_connects_while_servers_end_is_refused_or_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """One server after the other, and clients that knock without pause: none connects and is then cut off."""
    monkeypatch.setattr("orlop.server.http.listener._HANDSHAKE", 0.02)  # or they would mostly be away
    port = free_port()
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(4, multiprocessing.get_context("spawn")) as clients:
        knocking = [loop.run_in_executor(clients, _knock, port, KNOCKING) for _ in range(4)]
        served = 0
        while not all(each.done() for each in knocking):
            with _listening(port) as listener:
                server = _server(listener)
                await asyncio.sleep(THERE)
                await server.drain(5.0, alone=False)
                served += 1
        fates = sum(await asyncio.gather(*knocking), Counter())
    assert served >= ENDS
    assert fates["answered"]
    assert fates.keys() <= {"answered", "refused"}, fates


def _knock(port: int, seconds: float) -> Counter[str]:
    """What becomes of requests, each on a connection of its own, for so long."""
    fates: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        fates[_fate(port)] += 1
    return fates


def _fate(port: int) -> str:
    with socket.socket() as client:
        client.settimeout(20)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # its port is free at once
        client.bind(("127.0.0.2", 0))  # from the server's own address it would now and then reach itself
        try:
            client.connect(("127.0.0.1", port))
        except ConnectionRefusedError:
            return "refused"
        except ConnectionResetError:
            return "reset while it connected"
        try:
            client.sendall(ASKED)
            return "answered" if client.recv(100).startswith(b"HTTP/1.1 200") else "cut"
        except OSError as error:
            return repr(error)
