"""Clients are spread evenly over workers that share an address, and none waits for one that does not come."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest

from orlop.server.http import HttpServer, Receive, Send, Siblings, Terms


async def _answering(_: dict[str, Any], __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture(name="listener")
def _listener() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener


@asynccontextmanager
async def _serving(listener: socket.socket, siblings: Siblings, terms: Terms | None = None) -> AsyncIterator[None]:
    server = HttpServer(_answering, lambda _: None, listener, terms or Terms(16_384, 30.0, 1000), None, siblings)
    server.start()
    try:
        yield
    finally:
        await server.drain(5.0, alone=False)


async def _come(listener: socket.socket, stay: list[asyncio.StreamWriter]) -> None:
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    stay.append(writer)
    writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    assert (await asyncio.wait_for(reader.readline(), 30)).startswith(b"HTTP/1.1 204")


async def _leave(clients: list[asyncio.StreamWriter], board: list[int], left: list[int]) -> None:
    for client in clients:
        client.close()
    for _ in range(200):
        if board == left:
            return
        await asyncio.sleep(0.01)
    assert board == left


@pytest.mark.parametrize("together", [True, False])
async def test_clients_are_spread_evenly(listener: socket.socket, together: bool) -> None:
    board, serving = [0, 0, 0], [1, 1, 1]
    clients: list[asyncio.StreamWriter] = []
    with listener.dup() as second, listener.dup() as third:
        async with (
            _serving(listener, Siblings(board, serving, 0)),
            _serving(second, Siblings(board, serving, 1)),
            _serving(third, Siblings(board, serving, 2)),
        ):
            if together:
                await asyncio.gather(*(_come(listener, clients) for _ in range(30)))
            else:
                for _ in range(30):
                    await _come(listener, clients)
            assert board == [10, 10, 10]
            await _leave(clients, board, [0, 0, 0])


async def test_nobody_waits_long_for_a_worker_that_hangs(listener: socket.socket) -> None:
    """It serves and has the fewest, and never comes: each client is left to it for half as long as the one before."""
    board = [0, 0]
    clients: list[asyncio.StreamWriter] = []
    loop = asyncio.get_running_loop()
    async with _serving(listener, Siblings(board, [1, 1], 0)):
        began = loop.time()
        for _ in range(500):
            await _come(listener, clients)
        assert loop.time() - began < 4.0, "each was left to it for its ten milliseconds"
        assert board == [500, 0]
        await _leave(clients, board, [0, 0])


def test_a_worker_that_is_gone_or_not_there_yet_is_not_waited_for() -> None:
    siblings = Siblings([5, 0, 7], [1, 0, 1], 0)
    assert siblings.patience() == 0.0
    siblings.tell(8)
    assert siblings.patience() > 0.0


def test_who_comes_after_all_is_waited_for_again() -> None:
    board = [5, 0]
    siblings = Siblings(board, [1, 1], 0)
    first = siblings.patience()
    assert siblings.was_in_vain()
    assert siblings.patience() == first / 2
    board[1] += 1
    assert not siblings.was_in_vain()
    assert siblings.patience() == first


async def test_a_worker_that_is_full_leaves_clients_to_others_until_somebody_leaves(listener: socket.socket) -> None:
    """Neither a client that was left to others nor one that leaves opens the door of a full house."""
    board = [0, 0]
    clients: list[asyncio.StreamWriter] = []
    async with _serving(listener, Siblings(board, [1, 1], 0), Terms(16_384, 30.0, 2)):
        for _ in range(2):
            await _come(listener, clients)
        third = asyncio.ensure_future(_come(listener, clients))
        await asyncio.sleep(0.1)
        assert board == [2, 0]
        with closing(clients[0]):
            pass
        await asyncio.wait_for(third, 30)
        assert board == [2, 0]
        await _leave(clients, board, [0, 0])
