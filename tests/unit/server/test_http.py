"""The HTTP server with small applications: how answers are framed, what becomes of broken ones, and of slow clients."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from orlop.server.http import Application, AtOnce, HttpServer, Terms, Unread

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
MIB = 1 << 20


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def answer(self, sent: bytes) -> tuple[bytes, dict[bytes, bytes]]:
        """What comes first: the line with the status, and the fields."""
        self.writer.write(sent)
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).rstrip().split(b"\r\n")
        return first, {name: value for name, _, value in (line.partition(b": ") for line in lines)}

    async def rest(self) -> bytes:
        """Everything until the end of the connection."""
        return await asyncio.wait_for(self.reader.read(), 30)


@asynccontextmanager
async def asking(
    application: Application,
    terms: Terms = Terms(16_384, 30.0, 100),  # noqa: B008
    at_once: AtOnce = lambda _: None,
    unread: Callable[[Unread], None] = lambda _: None,
) -> AsyncIterator[Client]:
    """A client of a server of its own."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = HttpServer(application, at_once, listener, terms, None, unread)
        server.start()
        reader, writer = await asyncio.open_connection(*listener.getsockname(), limit=64 * MIB)
        try:
            yield Client(reader, writer)
        finally:
            writer.close()
            await server.drain(5.0, alone=True)


def get(target: str = "/", version: str = "1.1", *lines: str) -> bytes:
    """A request without a body."""
    return "\r\n".join([f"GET {target} HTTP/{version}", "host: a", *lines, "", ""]).encode()


def saying(*events: dict[str, Any], reads: bool = False) -> Application:
    """An application that always sends these."""

    async def application(_: dict[str, Any], receive: Receive, send: Send) -> None:
        while reads and (await receive()).get("more_body"):
            pass
        for event in events:
            await send(event)

    return application


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    """The beginning of an answer."""
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(content: bytes, *, more: bool = False) -> dict[str, Any]:
    """A piece of its body."""
    return {"type": "http.response.body", "body": content, "more_body": more}


async def test_a_body_of_unknown_length_is_chunked() -> None:
    async with asking(saying(start(), body(b"one ", more=True), body(b"two"))) as client:
        _, headers = await client.answer(get())
        assert headers[b"transfer-encoding"] == b"chunked"
        assert await client.reader.readuntil(b"0\r\n\r\n") == b"4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n"
        assert (await client.answer(get()))[0] == b"HTTP/1.1 200 OK", "the connection goes on"


async def test_http_1_0_gets_the_end_of_the_connection_for_it() -> None:
    async with asking(saying(start(), body(b"one ", more=True), body(b"two"))) as client:
        _, headers = await client.answer(get("/", "1.0"))
        assert b"transfer-encoding" not in headers
        assert await client.rest() == b"one two"


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_has_none(status: int) -> None:
    async with asking(saying(start(status), body(b""))) as client:
        _, headers = await client.answer(get())
        assert not {b"transfer-encoding", b"content-length"} & headers.keys()
        assert (await client.answer(get()))[0].split()[1] == b"%d" % status


@pytest.mark.parametrize(
    "events",
    [
        (start(200, (b"content-length", b"10")), body(b"short")),
        (start(200, (b"content-length", b"2")), body(b"long")),
        (start(200, (b"content-length", b"10")), body(b"short", more=True)),
        (start(200, (b"content-length", b"10")), {"type": "http.response.trailers"}),
    ],
)
async def test_an_answer_that_is_not_what_it_says_is_cut(events: tuple[dict[str, Any], ...]) -> None:
    """The client must not take it for whole, nor take what follows for a part of it."""
    async with asking(saying(*events)) as client:
        client.writer.write(get())
        try:
            got = await client.rest()
        except ConnectionResetError:
            return
        assert len(got.partition(b"\r\n\r\n")[2]) < 10


async def test_an_application_that_fails_before_it_answers_is_a_500() -> None:
    async def failing(*_: Any) -> None:
        raise ZeroDivisionError

    async with asking(failing) as client:
        status, headers = await client.answer(get())
        assert status.split()[1] == b"500"
        assert headers[b"connection"] == b"close"


async def test_more_requests_ahead_than_may_wait_end_the_connection() -> None:
    """After those before them were answered."""
    async with asking(saying(start(200, (b"content-length", b"2")), body(b"ok"))) as client:
        client.writer.write(get() * 500)
        answers = (await client.rest()).count(b"HTTP/1.1 200")
        assert 100 < answers < 500


async def test_requests_ahead_are_answered_in_order() -> None:
    async def echoing(scope: dict[str, Any], _: Receive, send: Send) -> None:
        await asyncio.sleep(0.01 if scope["path"] == "/0" else 0)
        await send(start(200, (b"content-length", b"2")))
        await send(body(scope["path"].encode()))

    async with asking(echoing) as client:
        client.writer.write(b"".join(get(f"/{number}") for number in range(10)))
        client.writer.write(get("/x", "1.1", "connection: close"))
        answers = await client.rest()
        assert [part[:2] for part in answers.split(b"\r\n\r\n")[1:]] == [b"/%d" % n for n in range(10)] + [b"/x"]


def ready(content: Callable[[str], bytes | None]) -> AtOnce:
    """An application that answers at once what `content` has for a path."""

    def at_once(scope: dict[str, Any]) -> tuple[int, bytes, bytes] | None:
        found = content(scope["path"])
        return None if found is None else (200, b"x-way: short\r\ncontent-length: %d\r\n" % len(found), found)

    return at_once


LONG = saying(start(200, (b"x-way", b"long"), (b"content-length", b"2")), body(b"ok"))


async def test_an_answer_at_once_is_one_as_any_other() -> None:
    async with asking(LONG, at_once=ready(lambda path: path.encode())) as client:
        for path in ("/one", "/another"):
            status, headers = await client.answer(get(path))
            assert status == b"HTTP/1.1 200 OK"
            assert headers.keys() == {b"x-way", b"content-length", b"date"}
            assert headers[b"x-way"] == b"short"
            assert await client.reader.readexactly(len(path)) == path.encode()


@pytest.mark.parametrize(
    "asked",
    [get("/", "1.0"), get("/", "1.1", "connection: close"), get("/", "1.1", "connection: upgrade", "upgrade: h2c")],
)
async def test_what_ends_the_connection_is_not_answered_at_once(asked: bytes) -> None:
    async with asking(LONG, at_once=ready(lambda path: path.encode())) as client:
        _, headers = await client.answer(asked)
        assert headers[b"x-way"] == b"long"
        assert headers[b"connection"] == b"close"
        assert await client.rest() == b"ok"


@pytest.mark.parametrize("short", [True, False])
async def test_who_keeps_a_connection_by_http_1_0_is_told_that_it_goes_on(short: bool) -> None:
    async with asking(LONG, at_once=ready(lambda _: b"ok" if short else None)) as client:
        for _ in range(2):
            _, headers = await client.answer(get("/", "1.0", "connection: keep-alive"))
            assert headers[b"x-way"] == (b"short" if short else b"long")
            assert headers[b"connection"] == b"keep-alive"
            assert await client.reader.readexactly(2) == b"ok"


async def test_a_defect_in_answering_at_once_is_a_500() -> None:
    def failing(_: str) -> bytes:
        raise ZeroDivisionError

    async with asking(LONG, at_once=ready(failing)) as client:
        status, headers = await client.answer(get())
        assert status.split()[1] == b"500"
        assert headers[b"connection"] == b"close"


async def test_answers_at_once_wait_for_those_before_them() -> None:
    async def echoing(scope: dict[str, Any], _: Receive, send: Send) -> None:
        await asyncio.sleep(0.01)
        await send(start(200, (b"content-length", b"3")))
        await send(body(scope["path"].encode()))

    def even(path: str) -> bytes | None:
        return path.encode() if int(path[1:]) % 2 == 0 else None

    async with asking(echoing, at_once=ready(even)) as client:
        numbers = range(10, 99)
        client.writer.write(b"".join(get(f"/{number}") for number in numbers))
        client.writer.write(get("/99", "1.1", "connection: close"))
        parts = (await client.rest()).split(b"\r\n\r\n")[1:]
        assert [part[:3] for part in parts] == [b"/%d" % number for number in (*numbers, 99)]


@pytest.mark.parametrize("at_once", [True, False])
async def test_who_asks_ahead_without_reading_gets_no_further(at_once: bool) -> None:
    """What was not read lies in memory: that of one answer, not of all that were asked for."""
    given = 0

    def large(_: str) -> bytes:
        nonlocal given
        given += 1
        return bytes(4 * MIB)

    async def sending(_: dict[str, Any], __: Receive, send: Send) -> None:
        await send(start(200, (b"content-length", b"%d" % (4 * MIB))))
        await send(body(large("")))

    async with asking(sending, at_once=ready(large) if at_once else lambda _: None) as client:
        client.writer.transport.pause_reading()
        client.writer.write(get() * 40)
        await asyncio.sleep(0.5)
        assert 0 < given <= 4, "of them some are with the system, and one waits"
        client.writer.transport.resume_reading()
        for _ in range(40):
            assert (await client.answer(b""))[0] == b"HTTP/1.1 200 OK"
            await client.reader.readexactly(4 * MIB)


async def test_files_go_out_whole_behind_what_was_written_before(tmp_path: Path) -> None:
    content = os.urandom(5 * MIB)
    (tmp_path / "file").write_bytes(content)
    descriptor = os.open(tmp_path / "file", os.O_RDONLY)

    async def sending(_: dict[str, Any], __: Receive, send: Send) -> None:
        await send(start(200, (b"content-length", b"%d" % (5 * MIB + 300_000 - 7))))
        await send(body(bytes(300_000), more=True))
        await send({"type": "http.response.zerocopysend", "file": descriptor, "offset": 7, "count": 5 * MIB - 7})

    try:
        async with asking(sending) as client:
            for _ in range(3):
                await client.answer(get())
                await asyncio.sleep(0.1)  # the client reads later than the server writes
                got = await client.reader.readexactly(5 * MIB + 300_000 - 7)
                assert got == bytes(300_000) + content[7:]
    finally:
        os.close(descriptor)


async def test_a_file_that_is_shorter_than_was_said_cuts_the_connection(tmp_path: Path) -> None:
    """Whoever waits for the rest would wait for ever, or take the next answer for it."""
    (tmp_path / "file").write_bytes(bytes(1000))
    descriptor = os.open(tmp_path / "file", os.O_RDONLY)

    async def sending(_: dict[str, Any], __: Receive, send: Send) -> None:
        await send(start(200, (b"content-length", b"1001")))
        with suppress(EOFError):
            await send({"type": "http.response.zerocopysend", "file": descriptor, "count": 1001})

    try:
        async with asking(sending) as client:
            await client.answer(get())
            with suppress(ConnectionResetError):
                assert len(await client.rest()) <= 1000
    finally:
        os.close(descriptor)


async def test_a_client_that_leaves_in_the_middle_of_a_file_ends_its_sending(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    descriptor, over = os.open(path, os.O_RDONLY), asyncio.Event()

    async def sending(_: dict[str, Any], __: Receive, send: Send) -> None:
        await send(start(200, (b"content-length", b"%d" % (1 << 30))))
        await send({"type": "http.response.zerocopysend", "file": descriptor, "count": 1 << 30})
        over.set()

    try:
        async with asking(sending) as client:
            await client.answer(get())
            client.writer.transport.abort()
            await asyncio.wait_for(over.wait(), 30)
    finally:
        os.close(descriptor)


async def test_a_body_is_not_read_faster_than_it_is_taken() -> None:
    taken = asyncio.Event()

    async def slow(_: dict[str, Any], receive: Receive, send: Send) -> None:
        await taken.wait()
        count = 0
        while True:
            message = await receive()
            count += len(message["body"])
            if not message["more_body"]:
                break
        await send(start(200, (b"content-length", b"0"), (b"x-count", b"%d" % count)))
        await send(body(b""))

    async with asking(slow) as client:
        size = 64 * MIB
        client.writer.write(f"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {size}\r\n\r\n".encode())
        client.writer.write(bytes(size))
        await asyncio.sleep(0.5)
        assert client.writer.transport.get_write_buffer_size() > size // 2, "most of it is with the client still"
        taken.set()
        assert (await client.answer(b""))[1][b"x-count"] == b"%d" % size


#: Heads that are no request of this protocol, and what is known of them.
NONE = {
    b"GET / HTTP/1.1\r\n\r\n": ("GET", "/"),
    b"GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n": ("GET", "/"),
    b"GET / HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n": ("GET", "/"),
    b"GET / HTTP/1.1\r\nhost: a b\r\n\r\n": ("GET", "/"),
    b"GET / HTTP/1.1\r\nhost: a/b\r\n\r\n": ("GET", "/"),
    b"GET / HTTP/1.1\r\nhost: [\r\n\r\n": ("GET", "/"),
    b"GET http://b/ HTTP/1.1\r\n\r\n": ("GET", "http://b/"),
    b"GET / RTSP/1.0\r\nhost: a\r\n\r\n": ("GET", "/"),
    b"GET / RTSP/1.1\r\nhost: a\r\n\r\n": ("GET", "/"),
    b"GET / RTSP/1.0\r\n\r\n": ("GET", "/"),
    b"DESCRIBE /HTTP/ RTSP/1.0\r\ncseq: 1\r\n\r\n": ("DESCRIBE", "/HTTP/"),
    b"SOURCE / ICE/1.0\r\nhost: a\r\n\r\n": ("SOURCE", "/"),
    b"POST / HTTP/1.0\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n": ("POST", "/"),
    b"POST / HTTP/1.0\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n": ("POST", "/"),
    b"no\r\n\r\n": ("", ""),
    b"GET / HTTP/1.1\r\nhost: a\r\nx y: z\r\n\r\n": ("GET", "/"),
}


@pytest.mark.parametrize("cut", [0, 2, 12], ids=["whole", "cut", "cut in the line"])
@pytest.mark.parametrize("behind", [b"", get("/first")])
@pytest.mark.parametrize("sent", NONE)
async def test_what_is_no_request_is_refused_and_told_of(sent: bytes, behind: bytes, cut: int) -> None:
    """Alone or behind a request that is one, however it arrives."""
    asked: list[str] = []
    unread: list[Unread] = []

    async def answering(scope: dict[str, Any], _: Receive, send: Send) -> None:
        asked.append(scope["path"])
        await asyncio.sleep(0.02)
        await send(start(200, (b"content-length", b"2")))
        await send(body(b"ok"))

    async with asking(answering, unread=unread.append) as client:
        client.writer.write(behind + sent[:cut])
        await asyncio.sleep(0.01)
        client.writer.write(sent[cut:])
        answers = (await client.rest()).split(b"\r\n\r\n")
    refused = answers[-2].removeprefix(b"ok")
    assert refused.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in refused
    assert len(asked) == (1 if behind else 0)
    [told] = unread
    method, target = NONE[sent]
    assert (told.status, told.client) == (400, "127.0.0.1")
    assert (told.method, told.target) == (method, target)


async def test_a_head_that_is_too_large_is_told_of() -> None:
    unread: list[Unread] = []
    async with asking(LONG, unread=unread.append) as client:
        status, _ = await client.answer(get("/x", "1.1", "x: " + "y" * 20_000))
        assert status.split()[1] == b"431"
    assert unread == [Unread(431, "GET", "/x", "127.0.0.1")]


@pytest.mark.parametrize(
    ("target", "version", "host"),
    [
        ("/x", "1.1", b"a"),
        ("http://b/x", "1.1", b"b"),
        ("http://b:5000/x", "1.1", b"b:5000"),
        ("http://user:word@b/x", "1.1", b"b"),
        ("http://[::1]:5000/x", "1.1", b"[::1]:5000"),
        ("http://b/x", "1.0", b"b"),
    ],
)
async def test_the_host_of_a_target_replaces_that_of_the_head(target: str, version: str, host: bytes) -> None:
    """Whatever came before on the connection, by the short way or the long."""
    hosts: list[list[bytes]] = []

    def noting(scope: dict[str, Any]) -> tuple[int, bytes, bytes] | None:
        hosts.append([value for name, value in scope["headers"] if name == b"host"])
        return (200, b"content-length: 0\r\n", b"") if scope["path"] == "/x" else None

    async with asking(LONG, at_once=noting) as client:
        for each in ("/x", target, "/x", target):
            await client.answer(get(each, version, "connection: keep-alive"))
    assert hosts == [[b"a"], [host], [b"a"], [host]]


async def test_http_1_0_needs_no_host() -> None:
    async with asking(LONG) as client:
        assert (await client.answer(b"GET / HTTP/1.0\r\n\r\n"))[0] == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("line", [b"GET   /   HTTP/1.1", b"GET / HTTP/1.1"])
async def test_an_empty_host_and_spaces_too_many_are_let_pass(line: bytes) -> None:
    async with asking(LONG) as client:
        assert (await client.answer(line + b"\r\nhost:\r\n\r\n"))[0] == b"HTTP/1.1 200 OK"


def awaiting(length: int, method: str = "POST") -> bytes:
    """The head of a client that wants to be told to send the body."""
    return f"{method} / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n".encode()


async def test_who_waits_to_be_told_to_send_is_told_before_the_answer() -> None:
    async with asking(saying(start(200, (b"content-length", b"2")), body(b"ok"), reads=True)) as client:
        client.writer.write(awaiting(3))
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await client.answer(b"abc"))[0] == b"HTTP/1.1 200 OK"


async def test_who_has_begun_to_send_is_not_told_to() -> None:
    async with asking(saying(start(200, (b"content-length", b"2")), body(b"ok"), reads=True)) as client:
        client.writer.write(awaiting(3) + b"a")
        await asyncio.sleep(0.1)
        assert (await client.answer(b"bc"))[0] == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("asked", [awaiting(10 * MIB), awaiting(0), awaiting(0, "GET"), awaiting(3) + b"abc"])
async def test_nothing_interim_comes_into_an_answer_that_has_begun(asked: bytes) -> None:
    """An application that looks for more of the body, or for the client's leaving, while it answers."""

    async def answering(_: dict[str, Any], receive: Receive, send: Send) -> None:
        await send(start(200, (b"content-length", b"4")))
        await send(body(b"on", more=True))
        for _ in range(2):
            with suppress(TimeoutError):
                await asyncio.wait_for(receive(), 0.05)
        await send(body(b"e."))

    async with asking(answering) as client:
        assert (await client.answer(asked))[0] == b"HTTP/1.1 200 OK"
        assert await client.reader.readexactly(4) == b"one."


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nhost:"])
async def test_who_asks_for_nothing_has_to_go(begun: bytes) -> None:
    async with asking(saying(start(204), body(b"")), Terms(16_384, 0.6, 100)) as client:
        client.writer.write(begun)
        assert await client.rest() == b""


async def test_there_is_room_again_when_somebody_leaves() -> None:
    application = saying(start(200, (b"content-length", b"2")), body(b"ok"))
    async with asking(application, Terms(16_384, 30.0, 1)) as client:
        await client.answer(get())
        reader, writer = await asyncio.open_connection(*client.writer.get_extra_info("peername"))
        second = Client(reader, writer)
        waiting = asyncio.ensure_future(second.answer(get()))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        client.writer.close()
        assert (await asyncio.wait_for(waiting, 30))[0] == b"HTTP/1.1 200 OK"
        writer.close()
