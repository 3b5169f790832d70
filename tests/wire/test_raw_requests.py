"""Requests as bytes over real sockets: targets, methods, versions and framing that no client library sends."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.content import blob, image
from tests.servers import OrlopServer
from tests.wire.answer import assert_refused
from tests.wire.footprint import footprint
from tests.wire.names import HEX
from tests.wire.sockets import PATIENCE, Connection, Gone, head

pytestmark = pytest.mark.slow

#: What the process may grow by while it refuses things, in bytes.
GROWTH = 96 * 1024 * 1024

APP = image("app")


@pytest.fixture(scope="module")
def port(server: OrlopServer) -> Iterator[int]:
    """The port of a server that these tests leave as they found it."""
    with Connection(server.port) as connection:
        for piece in APP.blobs:
            posted = connection.ask("POST", f"/v2/raw/app/blobs/uploads/?digest={piece.digest}", body=piece.content)
            assert posted.status == 201
        put = connection.ask("PUT", "/v2/raw/app/manifests/v1", f"content-type: {APP.media_type}", body=APP.content)
        assert put.status == 201
    before, held = footprint(server.data), sum(server.resident().values())
    yield server.port
    assert footprint(server.data) == before
    assert sum(server.resident().values()) < held + GROWTH
    assert server.errors() == []
    *lines, _ = server.access_log.read_text().split("\n")
    assert all(json.loads(line)["status"] for line in lines), "nothing a client sends begins a line of its own"


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/v2//tags/list", 400, "NAME_INVALID"),
        ("/v2///tags/list", 400, "NAME_INVALID"),
        ("/v2/raw//app/tags/list", 400, "NAME_INVALID"),
        ("/v2/raw/app//tags/list", 400, "NAME_INVALID"),
        ("/v2//raw/app/tags/list", 400, "NAME_INVALID"),
        ("/v2/raw%2fapp/tags/list", 400, "NAME_INVALID"),
        ("/v2/raw%2Fapp/tags/list", 400, "NAME_INVALID"),
        ("/v2/raw%252fapp/tags/list", 400, "NAME_INVALID"),
        ("/v2/raw/../raw/app/tags/list", 400, "NAME_INVALID"),
        ("/v2/raw/./app/tags/list", 400, "NAME_INVALID"),
        ("/v2/raw/%2e%2e/raw/app/tags/list", 400, "NAME_INVALID"),
        ("/v2/../../../../etc/passwd", 404, "UNSUPPORTED"),
        ("/v2/..%2f..%2f..%2fetc%2fpasswd/tags/list", 400, "NAME_INVALID"),
        ("/v2/raw%5capp/tags/list", 400, "NAME_INVALID"),
        ("/v2/raw\\app/tags/list", 400, "NAME_INVALID"),
        ("/v2/..%5c..%5cwindows/tags/list", 400, "NAME_INVALID"),
        ("/v2/raw%00/tags/list", 400, "NAME_INVALID"),
        ("/v2/raw/app%0d%0aset-cookie:a=b/tags/list", 400, "NAME_INVALID"),
        ("/v2/raw/app%0a/tags/list", 400, "NAME_INVALID"),
        ("/v2/raw/app/manifests/v1%0d%0a", 400, "TAG_INVALID"),
        ("/v2/raw/app/manifests/v1%00", 400, "TAG_INVALID"),
        ("/v2/raw/app/manifests/..%2fv1", 400, "TAG_INVALID"),
        ("/v2/raw/app/manifests/..", 400, "TAG_INVALID"),
        (f"/v2/raw/app/blobs/sha256:..%2f..%2f{HEX}", 400, "DIGEST_INVALID"),
        (f"/v2/raw/app/blobs/sha256:{HEX}%00", 400, "DIGEST_INVALID"),
        ("/v2/raw/app/blobs/sha256:/etc/passwd", 404, "UNSUPPORTED"),
        ("/v2/raw/app/blobs/uploads/..%2f..%2fcatalog", 404, "BLOB_UPLOAD_UNKNOWN"),
        ("/%76%32/raw/app/tags/list", 404, "UNSUPPORTED"),
        ("/v2/%f0%28%8c%28/tags/list", 400, "NAME_INVALID"),
        ("/v2/raw/app/tags/list?n=-1", 400, "PAGINATION_NUMBER_INVALID"),
        ("/v2/raw/app/tags/list?n=%00", 400, "PAGINATION_NUMBER_INVALID"),
        ("/v2/raw/app/tags/list?" + "&" * 1_000, 400, "UNSUPPORTED"),
        ("/v2/" + "a" * 60_000 + "/tags/list", 400, "NAME_INVALID"),
        ("http://localhost/v2//tags/list", 400, "NAME_INVALID"),
        ("http://localhost/v2/raw/%2e%2e/tags/list", 400, "NAME_INVALID"),
        ("http://elsewhere.example/v2/raw/app/tags/list", 403, "DENIED"),
    ],
    ids=lambda part: str(part)[:48],
)  # fmt: skip
def test_a_target_is_read_as_it_came(port: int, target: str, status: int, code: str) -> None:
    """Nothing is decoded twice, joined or walked up before the grammar has seen it, and nobody is sent elsewhere."""
    with Connection(port) as connection:
        answer = connection.ask("GET", target)
        assert_refused(answer, status, code)
        assert answer.all("location") == answer.all("set-cookie") == []
        if "uploads" not in target:
            for method in ("HEAD", "DELETE"):
                assert 400 <= connection.ask(method, target).status < 500


@pytest.mark.parametrize(
    "target",
    [
        "//elsewhere.example/v2/",
        "/\\elsewhere.example/v2/",
        "//elsewhere.example/%2e%2e",
        "/.",
        "/..",
        "/%2e%2e/v2/",
        "/v2%2f",
        "/v2%00",
        "/V2/",
        "/v20/",
        "*",
    ],
)
def test_nobody_is_redirected(port: int, target: str) -> None:
    with Connection(port) as connection:
        for method in ("GET", "OPTIONS"):
            answer = connection.ask(method, target)
            assert answer.status in {404, 405}
            assert answer.all("location") == []


def test_a_page_leads_nowhere_by_its_address(port: int) -> None:
    with Connection(port) as connection:
        answer = connection.ask("GET", "/?next=//elsewhere.example")
        assert answer.status == 200
        assert answer.all("location") == answer.all("refresh") == []
        assert b"elsewhere.example" not in answer.body


@pytest.mark.parametrize(
    "line",
    [
        b"GET /v2/raw/app/ta gs/list HTTP/1.1",
        b"GET /v2/raw\x00/tags/list HTTP/1.1",
        b"GET /v2/raw\r/tags/list HTTP/1.1",
        b"GET /v2/raw\t/tags/list HTTP/1.1",
        b"GET /v2/raw\x7f/tags/list HTTP/1.1",
        b"GET /v2/\xff\xfe/tags/list HTTP/1.1",
        b"GET /v2/raw/app/tags/list",
        b"GET /v2/raw/app/tags/list HTTP/9.9",
        b"GET /v2/raw/app/tags/list HTTP/2.0",
        b"GET /v2/raw/app/tags/list HTTQ/1.1",
        b"GET",
        b"",
        b"\x00\x01\x02\x03",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"G\xcbT /v2/ HTTP/1.1",
        b"GET:/v2/ HTTP/1.1",
        b"PRI * HTTP/2.0",
    ],
    ids=repr,
)
def test_what_is_no_request_line_is_refused_or_hung_up_on(port: int, line: bytes) -> None:
    with Connection(port) as connection:
        connection.send(line + b"\r\nhost: localhost\r\n\r\n")
        connection.finish_sending()
        try:
            answer = connection.answer()
        except Gone:
            return
        assert answer.status == 400 or answer.status == 505
        assert answer.body == b"" or b"<" not in answer.body


def test_http_2_without_tls_is_refused(port: int) -> None:
    """Prior knowledge of HTTP/2: the preface and a SETTINGS frame get an end, not a wait."""
    with Connection(port) as connection:
        connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0")
        with suppress(Gone):
            assert connection.answer().status in {400, 505}
        assert connection.closed()


@pytest.mark.parametrize("method", ["BREW", "get", "PROPFIND", "TRACE", "CONNECT", "M-SEARCH", "X" * 500])
def test_an_odd_method_is_told_which_ones_there_are(port: int, method: str) -> None:
    with Connection(port) as connection:
        try:
            answer = connection.ask(method, "/v2/raw/app/manifests/v1")
        except Gone:
            pytest.fail("the server hung up")
        if answer.body:
            assert_refused(answer, 405, "UNSUPPORTED")
            assert answer.header("allow") == "GET, HEAD, PUT, DELETE"
        else:
            assert answer.status == 400, "the server's own refusal of a target that does not fit the method"


def test_the_absolute_form_is_the_same_resource(port: int) -> None:
    """RFC 9112, section 3.2.2: a server has to accept it. The host that it names takes the place of Host."""
    with Connection(port) as connection:
        plain = connection.ask("GET", "/v2/raw/app/manifests/v1")
        for origin in ("http://localhost", "http://127.0.0.1:1", "https://user:word@localhost"):
            answer = connection.ask("GET", f"{origin}/v2/raw/app/manifests/v1")
            assert (answer.status, answer.body) == (plain.status, plain.body) == (200, APP.content)


def test_what_is_no_request_is_in_the_access_log(server: OrlopServer, port: int) -> None:
    """Whoever looks for a client that fails finds it there, with what is known of what it asked."""
    sent = {
        b"GET /v2/no-host HTTP/1.1\r\n\r\n": 400,
        b"GET /v2/too-large HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 600_000 + b"\r\n\r\n": 431,
        b"GET /v2/another-protocol RTSP/1.0\r\nhost: a\r\n\r\n": 400,
    }
    for content, status in sent.items():
        with Connection(port) as connection:
            with suppress(OSError):
                connection.send(content)
            with suppress(Gone):
                assert connection.answer().status == status
    deadline = time.monotonic() + PATIENCE
    found: dict[str, int] = {}
    while len(found) < len(sent) and time.monotonic() < deadline:
        *lines, _ = server.access_log.read_text().split("\n")
        records = [json.loads(line) for line in lines]
        found = {record["path"]: record["status"] for record in records if record["route"] == "unread"}
        found = {
            path: found[path] for path in found if path in {"/v2/no-host", "/v2/too-large", "/v2/another-protocol"}
        }
        time.sleep(0.05)
    assert found == {"/v2/no-host": 400, "/v2/too-large": 431, "/v2/another-protocol": 400}


#: Heads and bodies that frame a body in a way that two programs read differently: no second request may come of it.
SMUGGLED = b"DELETE /v2/raw/app/manifests/v1 HTTP/1.1\r\nhost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (("content-length: 5", "content-length: 6"), b"12345" + SMUGGLED),
        (("content-length: 5, 6",), b"12345" + SMUGGLED),
        (("content-length: +5",), b"12345" + SMUGGLED),
        (("content-length: -5",), SMUGGLED),
        (("content-length: 0x5",), b"12345" + SMUGGLED),
        (("content-length: 5 5",), b"12345" + SMUGGLED),
        (("content-length : 5",), b"12345" + SMUGGLED),
        (("content-length: 99999999999999999999",), SMUGGLED),
        (("transfer-encoding: chunked", "content-length: 5"), b"0\r\n\r\n" + SMUGGLED),
        (("content-length: 5", "transfer-encoding: chunked"), b"0\r\n\r\n" + SMUGGLED),
        (("transfer-encoding: xchunked",), b"0\r\n\r\n" + SMUGGLED),
        (("transfer-encoding: chunked, identity",), b"0\r\n\r\n" + SMUGGLED),
        (("transfer-encoding: identity",), SMUGGLED),
        (("transfer-encoding : chunked",), b"0\r\n\r\n" + SMUGGLED),
        (("transfer-encoding:\x0bchunked",), b"0\r\n\r\n" + SMUGGLED),
        (("x: y\r\n transfer-encoding: chunked",), SMUGGLED),
        (("transfer-encoding: chunked",), b"-1\r\n" + SMUGGLED),
        (("transfer-encoding: chunked",), b"0x5\r\n12345\r\n0\r\n\r\n" + SMUGGLED),
        (("transfer-encoding: chunked",), b"FFFFFFFFFFFFFFFFF\r\n" + SMUGGLED),
        (("transfer-encoding: chunked",), b"5\r\n1234567\r\n0\r\n\r\n" + SMUGGLED),
        (("transfer-encoding: chunked",), b"5;" + b"x" * 1_000_000 + b"\r\n12345\r\n0\r\n\r\n" + SMUGGLED),
        (("transfer-encoding: chunked",), b"zz\r\n" + SMUGGLED),
        (("transfer-encoding: chunked",), b"5\n12345\n0\n\n" + SMUGGLED),
    ],
    ids=lambda part: repr(part)[:60],
)
def test_no_second_request_hides_in_the_framing_of_the_first(port: int, lines: tuple[str, ...], body: bytes) -> None:
    """The manifest that a hidden request would delete is there afterwards, and the connection is not used again."""
    with Connection(port) as connection:
        connection.send(head("PUT", "/v2/raw/app/manifests/-not-a-tag", *lines))
        try:
            connection.send(body)
            connection.finish_sending()
            answer = connection.answer()
        except (Gone, OSError):
            answer = None
        assert answer is None or 400 <= answer.status < 500
    with Connection(port) as connection:
        assert connection.ask("GET", "/v2/raw/app/manifests/v1").status == 200


def test_requests_may_be_pipelined(port: int) -> None:
    piece = APP.blobs[0]
    targets = ["/v2/", "/v2/raw/app/manifests/v1", f"/v2/raw/app/blobs/{piece.digest}", "/v2/raw/app/tags/list"] * 10
    with Connection(port) as connection:
        connection.send(b"".join(head("GET", target) for target in targets))
        bodies = [connection.answer().body for _ in targets]
    assert bodies == [b"{}", APP.content, piece.content, b'{"name":"raw/app","tags":["v1"]}'] * 10


def test_half_a_connection_gets_a_whole_answer_or_the_end(port: int) -> None:
    """Whoever closes their half right after asking hears the answer; a body that was to be read on is given up."""
    for target, whole in (("/v2/raw/app/manifests/v1", APP.content), ("/v2/", b"{}")):
        with Connection(port) as connection:
            connection.request("GET", target)
            connection.finish_sending()
            with suppress(Gone):
                assert connection.answer().body == whole
            assert connection.closed()


def test_http_1_0_gets_its_answer_and_the_end(port: int) -> None:
    """From an open registry it is a refusal, for proxies speak so: see test_loopback."""
    for target, status in (("/healthz", 200), ("/v2/raw/app/manifests/v1", 403)):
        with Connection(port) as connection:
            connection.send(b"GET %b HTTP/1.0\r\n\r\n" % target.encode())
            answer = connection.answer()
            assert answer.status == status
            assert answer.json()
            assert connection.closed()


def test_expect_100_continue(port: int) -> None:
    """What will be read is asked for; after a refusal the connection is in step, or closed."""
    content = blob("patient", 5_000).content
    with Connection(port) as connection:
        session = connection.ask("POST", "/v2/raw/app/blobs/uploads/").header("location")
        length = f"content-length: {len(content)}"
        connection.send(head("PATCH", session, length, "expect: 100-continue"))
        assert connection.answer().status == 100
        connection.send(content)
        assert connection.answer().status == 202
        assert connection.ask("DELETE", session).status == 204
        for method, target in (("PATCH", session), ("PUT", "/v2/raw/APP/manifests/v1")):
            connection.send(head(method, target, length, "expect: 100-continue"))
            answer = connection.answer()
            if answer.status == 100:
                connection.send(content)
                answer = connection.answer()
            assert answer.status in {400, 404}
            if answer.header("connection") == "close":
                assert connection.closed()
                break


def test_large_heads_have_a_limit(port: int) -> None:
    ranges = "range: bytes=" + ",".join(f"{number}-{number}" for number in range(10_000))
    piece = APP.blobs[0]
    with Connection(port) as connection:
        answer = connection.ask("GET", f"/v2/raw/app/blobs/{piece.digest}", ranges)
        assert (answer.status, answer.body) == (200, piece.content)
    for lines in (["x: " + "y" * 2_000_000], [f"x-{number}: y" for number in range(5_000)]):
        with Connection(port) as connection:
            try:
                connection.send(head("GET", "/v2/", *lines))
                assert connection.answer().status == 431
            except (Gone, ConnectionError):
                continue


def test_many_different_accept_headers_are_not_kept(server: OrlopServer, port: int) -> None:
    """120 MB of headers, each another one: what is remembered of them has a bound, and so has the time they take."""
    before = sum(server.resident().values())
    with Connection(port) as connection:
        for number in range(300):
            accept = f"accept: a/{number}, " + "b/c, " * 80_000 + "*/*"
            assert connection.ask("HEAD", "/v2/raw/app/manifests/v1", accept).status == 200
    assert sum(server.resident().values()) < before + GROWTH
