"""Copies go out in pieces: whole, with bounded memory, and not longer than somebody reads them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from orlop.domain.errors import ContentCorrupt, Unavailable
from orlop.domain.ranges import Span
from orlop.faces.http.responses import Response, StreamResponse
from orlop.faces.http.sending import FILES, LARGE, Streams, send_response
from orlop.ports.blobs import PIECE, InFile

KIB, MIB = 1024, 1024 * 1024


class Content:
    """A copy of `size` bytes, of which only `there` are there; keeps in which pieces it was wanted."""

    def __init__(self, size: int, there: int | None = None) -> None:
        self.size = size
        self._there = size if there is None else there
        self.most = 0
        self.read_until = 0
        self.closed = False

    async def read(self) -> bytes:
        """See ports.blobs.BlobContent."""
        return bytes(self.size)

    async def chunks(self, span: Span, most: int = PIECE) -> AsyncIterator[bytes]:
        """See ports.blobs.BlobContent."""
        self.most = most
        for start in range(span.start, span.stop, most):
            if start >= self._there:
                raise ContentCorrupt("the copy ends early")
            self.read_until = min(start + most, span.stop)
            yield bytes(self.read_until - start)

    def close(self) -> None:
        """See ports.blobs.BlobContent."""
        self.closed = True


class Client:
    """Reads until it has `enough` bytes; then it stands still, or goes away if it `leaves`."""

    def __init__(self, enough: int = 1 << 60, *, leaves: bool = False) -> None:
        self._enough = enough
        self._leaves = leaves
        self.messages: list[dict[str, Any]] = []
        self.got = 0
        self.reads_on = asyncio.Event()
        self.left = asyncio.Event()

    async def send(self, message: dict[str, Any]) -> None:
        """As ASGI has it: returns when the client can take more, and at once when nobody is there."""
        self.messages.append(message)
        self.got += len(message.get("body", b""))
        if self.got >= self._enough:
            if self._leaves:
                self.left.set()
            else:
                await self.reads_on.wait()

    async def receive(self) -> dict[str, Any]:
        """As ASGI has it."""
        await self.left.wait()
        return {"type": "http.disconnect"}


def sending(streams: Streams, client: Client, content: Content) -> "asyncio.Task[int]":
    """Send a copy in a task of its own."""
    response = StreamResponse(200, [], content, Span(0, content.size))
    return asyncio.ensure_future(streams.send(client.send, client.receive, response, []))


@pytest.mark.parametrize("size", [1, 256 * KIB, 256 * KIB + 1, 5 * MIB + 3])
async def test_a_copy_arrives_whole_and_the_last_piece_is_the_end(size: int) -> None:
    client, content = Client(), Content(size)
    assert await sending(Streams(), client, content) == client.got == size
    start, *pieces = client.messages
    assert start["headers"] == [(b"content-length", b"%d" % size)]
    assert [piece["more_body"] for piece in pieces] == [True] * (len(pieces) - 1) + [False]
    assert content.closed


async def test_the_more_answers_are_under_way_the_smaller_their_pieces() -> None:
    """An answer holds two pieces: one is with the server."""
    streams = Streams(memory=2 * MIB)
    clients = [Client(1) for _ in range(40)]
    contents = [Content(2 * MIB) for _ in clients]
    tasks = []
    for client, content in zip(clients, contents, strict=True):
        tasks.append(sending(streams, client, content))
        await asyncio.sleep(0)
    sizes = [content.most for content in contents]
    assert sizes[:4] == [256 * KIB] * 4
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[9] == 2 * MIB // 10 // 2
    assert sizes[-1] == 32 * KIB
    for client in clients:
        client.reads_on.set()
    assert sum(await asyncio.gather(*tasks)) == 80 * MIB
    late = Content(2 * MIB)
    await sending(streams, Client(), late)
    assert late.most == 256 * KIB, "who is through needs no memory any more"


async def test_nothing_is_read_for_a_client_that_went_away() -> None:
    client, content = Client(3 * MIB, leaves=True), Content(1 << 40)
    sent = await asyncio.wait_for(sending(Streams(), client, content), 30)
    assert sent < 8 * MIB
    assert content.read_until < 8 * MIB
    assert content.closed


async def test_a_quick_client_leaves_others_their_turn() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.ensure_future(other())
    await sending(Streams(), Client(), Content(64 * MIB))
    task.cancel()
    assert turns >= 63


async def test_a_copy_that_ends_early_is_no_whole_answer() -> None:
    client, content = Client(), Content(2 * MIB, there=MIB)
    with pytest.raises(ContentCorrupt):
        await sending(Streams(), client, content)
    assert all(message["more_body"] for message in client.messages[1:])
    assert content.closed


async def test_what_failed_takes_no_memory() -> None:
    streams = Streams(memory=2 * 256 * KIB)
    for _ in range(3):
        with pytest.raises(ContentCorrupt):
            await sending(streams, Client(), Content(2 * MIB, there=MIB))
    content = Content(2 * MIB)
    await sending(streams, Client(), content)
    assert content.most == 256 * KIB


class InFiles(Content):
    """A copy of a file, of which every second MiB lies in memory."""

    async def stretches(self, span: Span, most: int) -> AsyncIterator[InFile | bytes]:
        """See ports.blobs.FileContent."""
        for number, start in enumerate(range(span.start, span.stop, MIB)):
            length = min(MIB, span.stop - start)
            yield bytes(length) if number % 2 else InFile(7, start, length)


class Sender(Client):
    """A server that sends files itself; `fails` is what becomes of the first one."""

    def __init__(self, fails: Exception | None = None) -> None:
        super().__init__()
        self._fails = fails

    async def send(self, message: dict[str, Any]) -> None:
        """As ASGI has it."""
        await super().send(message)
        if message["type"] == FILES:
            self.got += message["count"]
            if self._fails is not None:
                raise self._fails


async def _sent(client: Client, content: Content, *, files: bool) -> int:
    response = StreamResponse(206, [], content, Span(5, content.size))
    return await Streams().send(client.send, client.receive, response, [], files=files)


async def test_what_lies_in_memory_goes_out_as_a_part_of_its_file() -> None:
    client, content = Sender(), InFiles(3 * MIB)
    assert await _sent(client, content, files=True) == client.got == 3 * MIB - 5
    _, first, second, third = client.messages
    assert first == {"type": FILES, "file": 7, "offset": 5, "count": MIB, "more_body": True}
    assert (second["type"], third["type"]) == ("http.response.body", FILES)
    assert [message["more_body"] for message in (first, second, third)] == [True, True, False]
    assert content.closed


async def test_a_server_that_takes_no_files_gets_bytes() -> None:
    client, content = Client(), InFiles(3 * MIB)
    assert await _sent(client, content, files=False) == client.got
    assert {message["type"] for message in client.messages[1:]} == {"http.response.body"}


@pytest.mark.parametrize(("fails", "said"), [(EOFError(), ContentCorrupt), (OSError(5, "I/O error"), Unavailable)])
async def test_a_file_that_cannot_be_sent_is_what_it_would_be_when_read(
    fails: Exception, said: type[Exception]
) -> None:
    content = InFiles(3 * MIB)
    with pytest.raises(said):
        await _sent(Sender(fails), content, files=True)
    assert content.closed


@pytest.mark.parametrize("size", [0, 1, LARGE, LARGE + 1, 3 * LARGE, 3 * LARGE + 5])
async def test_an_answer_in_memory_goes_out_whole_and_the_rest_waits_for_who_does_not_read(size: int) -> None:
    client, body = Client(), bytes(range(256)) * (size // 256) + bytes(size % 256)
    assert await send_response(client.send, Response(200, [], body), [], head=False) == size
    start, *pieces = client.messages
    assert start["headers"] == [(b"content-length", b"%d" % size)]
    assert b"".join(piece["body"] for piece in pieces) == body
    assert [piece.get("more_body", False) for piece in pieces] == [True] * (len(pieces) - 1) + [False]
    if size > LARGE:
        still = Client(enough=1)
        sending = asyncio.create_task(send_response(still.send, Response(200, [], body), [], head=False))
        await asyncio.sleep(0.01)
        assert (sending.done(), still.got) == (False, LARGE)
        still.reads_on.set()
        assert await sending == size
