"""Bodies over real sockets that do not end, end early, come slowly, or are not what they say."""

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from orlop.domain.digest import digest_of
from tests.content import blob, image
from tests.servers import OrlopServer
from tests.serving import unhurried, until_read
from tests.wire.answer import assert_refused
from tests.wire.footprint import footprint
from tests.wire.names import HEX
from tests.wire.sockets import Connection, Gone, head

pytestmark = pytest.mark.slow

#: What a body may bring, in bytes, before the server must have answered and hung up: what it drains and what buffers
#: between two sockets hold.
ENOUGH = 64 * 1024 * 1024
GROWTH = 96 * 1024 * 1024

CONTENT = blob("body", 100_000).content
DIGEST = digest_of(CONTENT)
OTHER = b"other bytes"
PIECE = b"%x\r\n%s\r\n" % (60_000, b"." * 60_000)

#: Every end point: those that want no body, those that want a small one, and those whose blob has a limit.
END_POINTS = (
    ("GET", "/v2/", 413),
    ("GET", "/v2/_catalog", 413),
    ("GET", "/v2/app/tags/list", 413),
    ("GET", f"/v2/app/referrers/sha256:{HEX}", 413),
    ("DELETE", "/v2/app/manifests/v1", 413),
    ("DELETE", f"/v2/app/blobs/sha256:{HEX}", 413),
    ("PUT", "/v2/app/manifests/v1", 413),
    ("POST", f"/v2/app/blobs/uploads/?digest=sha256:{HEX}", 413),
    ("GET", "{session}", 413),
    ("DELETE", "{session}", 413),
    ("PATCH", "{session}", 413),
    ("PUT", f"{{session}}?digest=sha256:{HEX}", 413),
    # Answers that do not depend on the body.
    ("GET", "/v2/app/manifests/v1", 404),
    ("GET", f"/v2/app/blobs/sha256:{HEX}", 404),
    ("POST", "/v2/app/blobs/uploads/", 202),
    ("PUT", "/v2/app/manifests/-x", 400),
    ("PATCH", "/v2/app/blobs/uploads/00000000-0000-4000-8000-000000000000", 404),
    ("POST", "/v2/nowhere", 404),
    ("PUT", "/v2/", 405),
    ("POST", "/healthz", 405),
    ("POST", "/nowhere", 404),
)


@pytest.fixture(scope="module")
def port(server: OrlopServer) -> Iterator[int]:
    """The port of a server that these tests leave as they found it: what they push is in it already."""
    with Connection(server.port) as connection:
        for content in (CONTENT, CONTENT[:2_000], OTHER):
            target = f"/v2/app/blobs/uploads/?digest={digest_of(content)}"
            assert connection.ask("POST", target, body=content).status == 201
    before, held = footprint(server.data), sum(server.resident().values())
    yield server.port
    deadline = time.monotonic() + unhurried(20)
    while footprint(server.data) != before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert footprint(server.data) == before
    assert sum(server.resident().values()) < held + GROWTH
    assert server.errors() == []


@pytest.fixture
def session(port: int) -> Iterator[str]:
    """The path of an upload session, which is gone afterwards."""
    with Connection(port) as connection:
        ticket = connection.ask("POST", "/v2/app/blobs/uploads/").header("location")
        path = connection.ask("PATCH", ticket).header("location")
    yield path
    with Connection(port) as connection:
        for _ in range(100):
            answer = connection.ask("DELETE", path)
            if answer.status in {204, 404}:
                return
            time.sleep(0.05)


def stands_at(port: int, session: str) -> int:
    """How far a session is, once nobody writes to it any more."""
    with Connection(port) as connection:
        answer = connection.ask("GET", session)
        assert answer.status == 204
        return int(answer.header("range").removeprefix("0-")) + 1


@pytest.mark.parametrize("framing", ["chunked", "announced"])
@pytest.mark.parametrize(("method", "target", "status"), END_POINTS, ids=lambda part: str(part)[:40])
def test_a_body_without_end_gets_an_answer_and_the_end(
    port: int, session: str, method: str, target: str, status: int, framing: str
) -> None:
    """Whatever a client sends without end, it is refused after a bounded number of bytes and the connection closed."""
    lines = ["transfer-encoding: chunked"] if framing == "chunked" else [f"content-length: {10**12}"]
    with Connection(port) as connection:
        connection.send(head(method, target.format(session=session), *lines))
        sent = connection.flood(PIECE if framing == "chunked" else PIECE[7:-2], ENOUGH)
        assert sent < ENOUGH
        answer = None
        with suppress(Gone):
            answer = connection.answer(method)
        assert connection.closed()
    if answer is not None:
        if target.startswith("/v2"):
            assert answer.status == status, answer
            assert answer.header("connection") == "close"
            if status >= 400:
                assert_refused(answer, status, answer.code)
        else:
            assert answer.status in {status, 400}
    if answer is not None and status == 202:
        with Connection(port) as connection:
            assert connection.ask("DELETE", answer.header("location")).status == 204


@pytest.mark.parametrize("announced", [CONTENT, CONTENT[:1], b""], ids=lambda content: f"{len(content)} bytes")
@pytest.mark.parametrize("half", [True, False], ids=["half-closed", "closed"])
def test_a_body_that_is_cut_leaves_what_arrived_or_nothing(
    port: int, session: str, announced: bytes, half: bool
) -> None:
    with Connection(port) as connection:
        connection.send(head("PATCH", session, f"content-length: {len(CONTENT) + 1}") + announced)
        until_read(connection.socket)
        if half:
            connection.finish_sending()
            with suppress(Gone):
                assert_refused(connection.answer(), 408, "SIZE_INVALID")
            assert connection.closed()
        else:
            connection.reset()
    deadline = time.monotonic() + unhurried(10)
    while stands_at(port, session) != max(len(announced), 1) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert stands_at(port, session) == max(len(announced), 1)
    with Connection(port) as connection:
        finish = ("PUT", f"{session}?digest={DIGEST}")
        while (done := connection.ask(*finish, body=CONTENT[len(announced) :])).status == 429:
            assert time.monotonic() < deadline, "the writer that left holds the session"
            time.sleep(0.05)
        assert done.status == 201
        assert connection.ask("GET", f"/v2/app/blobs/{DIGEST}").body == CONTENT


def test_whole_uploads_that_are_cut_leave_nothing(port: int) -> None:
    for number in range(20):
        with Connection(port) as connection:
            target = f"/v2/cut/blobs/uploads/?digest={digest_of(b'never')}"
            lines = ["transfer-encoding: chunked"] if number % 2 else ["content-length: 500000"]
            connection.send(head("POST", target, *lines))
            connection.send(PIECE if number % 2 else CONTENT)
            time.sleep(0.01 * (number % 5))
            connection.reset()


def test_more_bytes_than_announced_are_no_part_of_the_body(port: int, session: str) -> None:
    with Connection(port) as connection:
        connection.send(head("PATCH", session, "content-length: 10") + CONTENT[:10])
        connection.send(b"GARBAGE" * 10 + b"\r\n\r\n")
        assert connection.answer("PATCH").status == 202
        with suppress(Gone):
            assert connection.answer().status == 400
        assert connection.closed()
    assert stands_at(port, session) == 10


def test_chunks_may_be_as_small_as_they_like(port: int, session: str) -> None:
    content = CONTENT[:2_000]
    with Connection(port) as connection:
        connection.send(head("PATCH", session, "transfer-encoding: chunked"))
        for number in range(len(content)):
            connection.send(b"1;x=y\r\n%c\r\n" % content[number])
        connection.send(b"0\r\ntrailer: ignored\r\n\r\n")
        assert connection.answer("PATCH").header("range") == "0-1999"
        assert connection.ask("PUT", f"{session}?digest={digest_of(content)}").status == 201


def test_a_slow_body_is_waited_for_and_a_stalled_one_given_up(port: int, session: str) -> None:
    with Connection(port) as connection:
        connection.send(head("PATCH", session, "content-length: 10000"))
        for start in range(0, 8_000, 2_000):
            connection.send(CONTENT[start : start + 2_000])
            time.sleep(0.7)
        started = time.monotonic()
        answer = connection.answer("PATCH")
        assert 0.5 < time.monotonic() - started < unhurried(15)
        assert_refused(answer, 408, "SIZE_INVALID")
        assert connection.closed()
    assert stands_at(port, session) == 8_000


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/v2/app/tags/list", 413),
        ("PUT", "/v2/app/manifests/-x", 400),
        ("POST", "/v2/nowhere", 404),
    ],
)
def test_a_body_that_nobody_wants_cannot_hold_a_request_by_trickling(
    port: int, method: str, target: str, status: int
) -> None:
    """One byte now and then is never idle, and would be drained for weeks."""
    with Connection(port) as connection:
        connection.send(head(method, target, "transfer-encoding: chunked"))
        connection.socket.settimeout(0.3)
        started = time.monotonic()
        while time.monotonic() - started < unhurried(15):
            try:
                connection.send(b"1\r\n.\r\n")
                if connection.socket.recv(1, 2):  # peek
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert time.monotonic() - started < unhurried(12)
        connection.socket.settimeout(10)
        with suppress(Gone):
            assert connection.answer(method).status == status
        assert connection.closed()


def test_a_cancelled_session_takes_no_more_bytes(port: int, session: str) -> None:
    """DELETE while a PATCH is under way, whichever worker gets it: the writer is refused, its bytes are gone."""
    for _ in range(6):
        with Connection(port) as writer, Connection(port) as other:
            path = other.ask("POST", "/v2/app/blobs/uploads/").header("location")
            writer.send(head("PATCH", path, f"content-length: {len(CONTENT)}") + CONTENT[:50_000])
            time.sleep(0.1)
            assert other.ask("DELETE", path).status == 204
            with suppress(ConnectionError):
                writer.send(CONTENT[50_000:])
            assert_refused(writer.answer("PATCH"), 404, "BLOB_UPLOAD_UNKNOWN")
            assert_refused(other.ask("GET", path), 404, "BLOB_UPLOAD_UNKNOWN")


def test_a_second_writer_is_told_to_wait_and_harms_nothing(port: int, session: str) -> None:
    """While a body comes that is large, or does not say how large it is."""
    with Connection(port) as first:
        first.send(head("PATCH", session, "transfer-encoding: chunked", "expect: 100-continue"))
        assert first.answer("PATCH").status == 100, "it has the session"
        first.send(b"c350\r\n" + CONTENT[:50_000] + b"\r\n")
        for number in range(6):
            with Connection(port) as second:
                refused = second.ask("PATCH", session, body=OTHER)
                assert_refused(refused, 429, "TOOMANYREQUESTS")
                assert int(refused.header("retry-after")) >= 1
                assert second.ask("PUT", f"{session}?digest={DIGEST}").status == 429
            first.send(b"1\r\n" + CONTENT[50_000 + number :][:1] + b"\r\n")  # or it would seem to stand still
        first.send(b"c34a\r\n" + CONTENT[50_006:] + b"\r\n0\r\n\r\n")
        assert first.answer("PATCH").header("range") == f"0-{len(CONTENT) - 1}"
        assert first.ask("PUT", f"{session}?digest={DIGEST}").status == 201
        assert first.ask("GET", f"/v2/app/blobs/{DIGEST}").body == CONTENT


def test_of_two_small_first_chunks_the_one_that_is_whole_counts(port: int) -> None:
    """Nobody waits for a client that stopped half-way, and whoever comes too late is told so."""
    for _ in range(6):  # through whichever worker
        with Connection(port) as slow, Connection(port) as quick:
            path = slow.ask("POST", "/v2/app/blobs/uploads/").header("location")
            slow.send(head("PATCH", path, f"content-length: {len(CONTENT)}") + CONTENT[:50_000])
            time.sleep(0.1)
            taken = quick.ask("PATCH", path, body=OTHER)
            slow.send(CONTENT[50_000:])
            assert taken.status == 202
            assert_refused(slow.answer("PATCH"), 429, "TOOMANYREQUESTS")
            assert quick.ask("GET", path).header("range") == f"0-{len(OTHER) - 1}"
            assert quick.ask("PUT", f"{path}?digest={digest_of(OTHER)}").status == 201
            assert quick.ask("GET", f"/v2/app/blobs/{digest_of(OTHER)}").body == OTHER


def test_a_manifest_may_come_in_chunks_and_ends_at_its_limit(port: int) -> None:
    what = image("chunked")
    with Connection(port) as connection:
        target = "/v2/app/manifests/never"
        lines = (f"content-type: {what.media_type}", "transfer-encoding: chunked")
        connection.send(head("PUT", target, *lines))
        for start in range(0, what.size, 10):
            part = what.content[start : start + 10]
            connection.send(b"%x\r\n%s\r\n" % (len(part), part))
        connection.send(b"0\r\n\r\n")
        assert_refused(connection.answer("PUT"), 404, "MANIFEST_BLOB_UNKNOWN")
        too_much = b" " * (4 * 1024 * 1024 + 1)
        answer = connection.ask("PUT", target, f"content-type: {what.media_type}", body=too_much)
        assert_refused(answer, 413, "SIZE_INVALID")
        assert connection.ask("GET", "/v2/").status == 200, "what was drained leaves the connection in step"
