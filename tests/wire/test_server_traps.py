"""What HTTP servers get wrong under a registry: bodies left unread or cut, workers that die, slow clients, stopping."""

import hashlib
import os
import resource
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.needs import need
from tests.serving import PATIENCE, Server, Wire, eventually, head, serving, unhurried, until_read

MIB = 1 << 20


#: Most of these start a server of their own.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that leave it as it was, but for a blob or two."""
    with serving(tmp_path_factory.mktemp("shared"), "--workers", "2") as server:
        yield server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path, "--workers", "2") as server:
        yield server


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def push(server: Server, content: bytes) -> str:
    """Push a blob; the target it is found at."""
    name = digest(content)
    assert server.ask("POST", f"/v2/app/blobs/uploads/?digest={name}", content).status == 201
    return f"/v2/app/blobs/{name}"


# --- Bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/v2/app/blobs/uploads/?digest=sha256:short", "/v2/APP/blobs/uploads/", "/nowhere"])
def test_a_refused_body_is_read_before_the_answer(shared: Server, target: str) -> None:
    """A client that still sends takes an early answer for a broken connection."""
    with shared.connect() as wire:
        reply = wire.ask("POST", target, bytes(4 * MIB))
        assert 400 <= reply.status < 500
        assert "connection" not in reply.headers
        assert wire.ask("GET", "/healthz").status == 200


@pytest.mark.parametrize("target", ["/v2/app/blobs/uploads/?digest=sha256:short", "/nowhere"])
def test_a_body_that_is_too_long_to_drain_ends_the_connection(shared: Server, target: str) -> None:
    with shared.connect() as wire:
        wire.send(head("POST", target, content_length=str(1 << 40)) + bytes(1000))
        reply = wire.reply()
        assert 400 <= reply.status < 500
        assert reply.headers["connection"] == "close"
        assert wire.ended()


def test_an_endless_chunked_body_is_cut(shared: Server) -> None:
    with shared.connect() as wire:
        wire.send(head("POST", "/nowhere", transfer_encoding="chunked"))
        piece = b"10000\r\n" + bytes(0x10000) + b"\r\n"
        with pytest.raises(OSError):  # noqa: PT012 - whichever of the bounded number of sends meets the closed end
            for _ in range(64 * MIB // 0x10000):
                wire.send(piece)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_stops_halfway_is_not_taken_for_whole(server: Server, chunked: bool) -> None:
    content = os.urandom(1000)
    target = f"/v2/app/blobs/uploads/?digest={digest(content[:400])}"
    with server.connect() as wire:
        if chunked:
            wire.send(head("POST", target, transfer_encoding="chunked") + b"190\r\n" + content[:400] + b"\r\n")
        else:
            wire.send(head("POST", target, content_length="1000") + content[:400])
    eventually("the request is logged", lambda: b'"POST"' in server.output.read_bytes())
    assert server.ask("HEAD", f"/v2/app/blobs/{digest(content[:400])}").status == 404
    assert server.ask("HEAD", f"/v2/app/blobs/{digest(content)}").status == 404


def test_more_than_content_length_is_another_request(shared: Server) -> None:
    content = b"abc"
    with shared.connect() as wire:
        target = f"/v2/app/blobs/uploads/?digest={digest(content)}"
        wire.send(head("POST", target, content_length="3") + content + head("GET", "/healthz"))
        assert wire.reply().status == 201
        assert wire.reply().status == 200


@pytest.mark.parametrize("lengths", [("5", "6"), ("-1",), ("+3",), ("3, 4",), ("0x3",)])
def test_contradicting_lengths_are_refused(shared: Server, lengths: tuple[str, ...]) -> None:
    lines = "".join(f"Content-Length: {length}\r\n" for length in lengths)
    with shared.connect() as wire:
        wire.send(f"POST /v2/app/blobs/uploads/ HTTP/1.1\r\nHost: localhost\r\n{lines}\r\nabc".encode())
        assert wire.reply().status == 400
        assert wire.ended()


def test_a_body_that_stands_still_is_given_up(tmp_path: Path) -> None:
    with serving(tmp_path, settings={"ORLOP_LIMITS_BODY_IDLE": "1s"}) as server, server.connect() as wire:
        wire.send(head("POST", f"/v2/app/blobs/uploads/?digest={digest(b'x')}", content_length="10") + b"abc")
        started = time.monotonic()
        reply = wire.reply()
        assert 400 <= reply.status < 500
        assert wire.ended()
        assert time.monotonic() - started < PATIENCE / 2


# --- Files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1000, 3 * MIB])
@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_file_that_vanished_is_an_error_or_a_cut_never_a_bare_404(server: Server, size: int, damage: str) -> None:
    content = os.urandom(size)
    target = push(server, content)
    [file] = [each for each in (server.data / "blobs").rglob("*") if each.is_file() and each.stat().st_size == size]
    if damage == "gone":
        file.unlink()
    else:
        os.truncate(file, size // 2)
    with server.connect() as wire:
        wire.send(head("GET", target))
        try:
            reply = wire.reply()
        except (EOFError, ConnectionResetError):
            return
        assert reply.status == 404
        assert b"was damaged in the store; push it again" in reply.body


def test_files_deleted_while_they_are_sent_arrive_whole(server: Server) -> None:
    content = os.urandom(24 * MIB)
    target = push(server, content)
    [file] = [each for each in (server.data / "blobs").rglob("*") if each.is_file()]
    with server.connect() as wire:
        wire.send(head("GET", target))
        wire.connection.recv(1, socket.MSG_PEEK)
        file.unlink()
        assert wire.reply().body == content


# --- Workers ----------------------------------------------------------------------------------------------------------


def test_killed_workers_are_replaced_however_often(server: Server) -> None:
    """However soon after its start each of them dies."""
    for _ in range(4):
        before = server.workers()
        for pid in before:
            os.kill(pid, signal.SIGKILL)

        def replaced(before: list[int] = before) -> bool:
            return len(server.workers()) == 2 and not set(server.workers()) & set(before)

        eventually("both workers are replaced", replaced)
        eventually("the server answers", lambda: answers(server))
    assert server.process.poll() is None
    assert b"orlop_worker_respawns_total 8.0" in server.ask("GET", "/metrics").body


def test_one_killed_worker_stops_nobody_else(server: Server) -> None:
    eventually("the server answers", lambda: answers(server))
    os.kill(server.workers()[0], signal.SIGKILL)
    eventually("the server answers", lambda: answers(server))
    eventually("the worker is replaced", lambda: len(server.workers()) == 2)


def answers(server: Server) -> bool:
    try:
        return server.ask("GET", "/v2/").status == 200
    except (OSError, EOFError):
        return False


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Server]:
    openssl = need("openssl")["openssl"]
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            openssl,
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-keyout",
            key,
            "-out",
            certificate,
        ],
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    with serving(tmp_path, "--tls-cert", str(certificate), "--tls-key", str(key)) as server:
        yield server


def test_tls_is_1_2_or_1_3_and_speaks_http_1_1(secure: Server, tmp_path: Path) -> None:
    trust = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        trust.minimum_version = ssl.TLSVersion.TLSv1_2
        trust.maximum_version = version
        for offered in (["h2", "http/1.1"], ["http/1.1"]):
            trust.set_alpn_protocols(offered)
            with secured(secure, trust) as wire:
                assert isinstance(wire.connection, ssl.SSLSocket)
                assert wire.connection.selected_alpn_protocol() == "http/1.1"
                assert wire.ask("GET", "/v2/").status == 200


def test_older_tls_is_refused(secure: Server) -> None:
    openssl = need("openssl")["openssl"]
    tried = subprocess.run(
        [openssl, "s_client", "-connect", f"127.0.0.1:{secure.port}", "-tls1_1", "-cipher", "ALL@SECLEVEL=0"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
    )
    assert tried.returncode != 0
    assert b"BEGIN CERTIFICATE" not in tried.stdout, "the server went on with it"


def test_who_prefers_http_2_uploads_and_downloads_by_http_1_1(secure: Server, tmp_path: Path) -> None:
    curl = need("curl")["curl"]
    content = os.urandom(2 * MIB)
    (tmp_path / "blob").write_bytes(content)
    base = [
        curl,
        "--silent",
        "--http2",
        "--cacert",
        str(tmp_path / "cert.pem"),
        "--write-out",
        "%{http_version} %{http_code}",
    ]
    url = f"https://localhost:{secure.port}/v2/app/blobs"
    sent = subprocess.run(
        [
            *base,
            "--data-binary",
            f"@{tmp_path / 'blob'}",
            "-H",
            "Content-Type: application/octet-stream",
            f"{url}/uploads/?digest={digest(content)}",
        ],
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    assert sent.stdout == b"1.1 201"
    got = subprocess.run(
        [*base, "--output", str(tmp_path / "again"), f"{url}/{digest(content)}"],
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    assert got.stdout == b"1.1 200"
    assert (tmp_path / "again").read_bytes() == content


def secured(server: Server, trust: ssl.SSLContext) -> Wire:
    plain = socket.create_connection(("localhost", server.port), timeout=PATIENCE)
    return Wire(trust.wrap_socket(plain, server_hostname="localhost"))


# --- Slow clients, and stopping ---------------------------------------------------------------------------------------


def test_two_thousand_slow_sockets_do_not_stop_others(shared: Server) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    with ExitStack() as opened:
        for number in range(2000):
            wire = opened.enter_context(shared.connect())
            wire.send(head("GET", "/v2/")[: -1 - number % 20])
        slowest = 0.0
        for _ in range(50):
            started = time.monotonic()
            assert shared.ask("GET", "/v2/").status == 200
            slowest = max(slowest, time.monotonic() - started)
    assert slowest < unhurried(10), "idle sockets hold everybody up"


def test_a_head_that_never_ends_is_given_up(tmp_path: Path) -> None:
    with serving(tmp_path, settings={"ORLOP_LIMITS_HEADER_TIME": "1s"}) as server:
        for begun in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost:"):
            with server.connect() as wire:
                wire.send(begun)
                assert wire.ended()


def test_a_head_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path, settings={"ORLOP_LIMITS_HEADER_BYTES": "16KiB"}) as server, server.connect() as wire:
        wire.send(head("GET", "/v2/", x_long="y" * 20_000))
        assert wire.reply().status == 431


def test_a_stop_lets_requests_under_way_finish(tmp_path: Path) -> None:
    content = os.urandom(1000)
    with serving(tmp_path, "--workers", "2") as server:
        with server.connect() as wire:
            wire.send(head("POST", f"/v2/app/blobs/uploads/?digest={digest(content)}", content_length="1000"))
            wire.send(content[:500])
            until_read(wire.connection)
            server.process.send_signal(signal.SIGTERM)
            eventually("nobody new is let in", lambda: not answers(server))
            assert server.process.poll() is None
            wire.send(content[500:])
            assert wire.reply().status == 201
        assert server.process.wait(PATIENCE) == 0
    with serving(tmp_path) as again:
        assert again.ask("GET", f"/v2/app/blobs/{digest(content)}").body == content


@pytest.mark.parametrize("impatient", [False, True], ids=["the limit", "a second signal"])
def test_a_stop_does_not_wait_for_ever(tmp_path: Path, impatient: bool) -> None:
    settings = {"ORLOP_LIMITS_DRAIN": "30s" if impatient else "1s"}
    with serving(tmp_path, settings=settings) as server, server.connect() as wire:
        wire.send(head("POST", f"/v2/app/blobs/uploads/?digest={digest(b'x')}", content_length="1000") + b"half")
        until_read(wire.connection)
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        if impatient:
            time.sleep(0.5)
            assert server.process.poll() is None
            server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE) == 0
        assert time.monotonic() - started < unhurried(20)


def test_idle_connections_do_not_delay_a_stop(tmp_path: Path) -> None:
    with serving(tmp_path) as server, server.connect() as idle, server.connect() as kept:
        assert kept.ask("GET", "/v2/").status == 200
        idle.send(b"")
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE) == 0
        assert time.monotonic() - started < unhurried(15)
