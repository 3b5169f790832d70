"""Streams of a real server: what a browser hears, when they end, and that nobody waits for who does not read."""

import base64
import json
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from orlop.faces.ui.live import EACH
from tests.servers import OrlopServer
from tests.wire.sockets import PATIENCE, Connection, head
from tests.wire.test_jobs import PASSWORD, ask

pytestmark = pytest.mark.slow

LIMITS = {"limits_body_idle": "2s", "limits_drain": "20s"}


@pytest.fixture(name="live", scope="module")
def _live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrlopServer]:
    settings = {"open": False, "admin_password": PASSWORD, "workers": 1, **LIMITS}
    server = OrlopServer(tmp_path_factory.mktemp("live"), settings)
    server.start()
    try:
        yield server
        assert "Traceback" not in server.log_text()
    finally:
        server.kill()


class Signed:
    """A browser that is signed in: cookies, and the forms that go with them."""

    def __init__(self, server: OrlopServer, name: str = "admin") -> None:
        self._port = server.port
        self.cookies: dict[str, str] = {}
        self.post("/login", {"name": name, "password": PASSWORD}, self.get("/login"))
        assert "orlop-session" in self.cookies

    def line(self) -> str:
        return "cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def get(self, path: str) -> str:
        with Connection(self._port) as connection:
            answer = connection.ask("GET", path, self.line(), "connection: close")
        self._keep(answer.headers)
        return answer.body.decode()

    def post(self, path: str, fields: dict[str, str], page: str) -> None:
        csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
        body = urlencode({"csrf": csrf, **fields}).encode()
        lines = ("origin: http://localhost", "content-type: application/x-www-form-urlencoded", "connection: close")
        with Connection(self._port) as connection:
            answer = connection.ask("POST", path, self.line(), *lines, body=body)
        assert answer.status == 303, answer.body
        self._keep(answer.headers)

    def _keep(self, headers: tuple[tuple[str, str], ...]) -> None:
        for name, value in headers:
            if name == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]

    def listen(self, path: str) -> "Stream":
        return Stream(self._port, path, self.line())


class Stream:
    """What comes of one stream. Every wait is bounded."""

    def __init__(self, port: int, path: str, line: str) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)  # what is not read is soon too much
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(head("GET", path, line))
        self.heard = b""

    def until(self, text: str) -> float:
        """Read until it has said so, or has ended where `text` is empty; for how many seconds that took."""
        begun = time.monotonic()
        while not (text.encode() in self.heard if text else self.heard.endswith(b"\r\n0\r\n\r\n")):
            piece = self.socket.recv(65_536)
            if not piece:
                assert not text, self.heard
                break
            self.heard += piece
        return time.monotonic() - begun

    def close(self) -> None:
        self.socket.close()


def test_a_page_hears_what_becomes_of_a_job(live: OrlopServer) -> None:
    stream = Signed(live).listen("/jobs/live?kind=expire-uploads")
    stream.until("event: part")
    assert b"text/event-stream" in stream.heard
    assert b"content-length" not in stream.heard.lower()
    assert b"content-encoding" not in stream.heard.lower()
    made = ask(live, "POST", "/jobs", {"kind": "expire-uploads"})
    assert stream.until(f'id="job-{made["id"]}"') < 5
    stream.close()


def test_it_ends_with_the_session(live: OrlopServer) -> None:
    browser = Signed(live)
    stream = browser.listen("/jobs/live")
    stream.until("event: part")
    browser.post("/logout", {}, browser.get("/logout"))
    assert stream.until("event: over") < 3
    stream.until("")
    stream.close()


def test_it_ends_with_the_right_to_see_it(live: OrlopServer) -> None:
    ask(live, "POST", "/users", {"name": "aud", "password": PASSWORD})
    place = {"kind": "registry", "path": ""}
    grant = ask(live, "POST", "/grants", {"principal": "aud", "role": "auditor", "place": place})
    browser = Signed(live, "aud")
    chosen = {"old": PASSWORD, "new": f"{PASSWORD}!", "again": f"{PASSWORD}!"}
    browser.post("/account/password", chosen, browser.get("/account/password"))
    stream = browser.listen("/jobs/live")
    stream.until("event: part")
    basic = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    with Connection(live.port) as connection:
        gone = connection.ask("DELETE", f"/api/v1/grants/{grant['id']}", f"authorization: Basic {basic}")
    assert gone.status == 204
    assert stream.until("event: over") < 3
    stream.until("")
    stream.close()


def test_an_account_has_few_and_those_that_left_count_no_more(live: OrlopServer) -> None:
    browser = Signed(live)
    streams = [browser.listen("/jobs/live") for _ in range(EACH)]
    for stream in streams:
        stream.until("event: part")
    more = browser.listen("/jobs/live")
    more.until("\r\n\r\n")
    assert more.heard.startswith(b"HTTP/1.1 429 ")
    more.close()
    for stream in streams:
        stream.close()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        again = browser.listen("/jobs/live")
        again.until("\r\n\r\n")
        again.close()
        if again.heard.startswith(b"HTTP/1.1 200 "):
            break
        time.sleep(0.2)
    assert again.heard.startswith(b"HTTP/1.1 200 ")


def test_a_reader_that_does_not_read_holds_up_nobody(live: OrlopServer) -> None:
    """One worker: whoever held it would hold everybody."""
    browser = Signed(live)
    deaf = [browser.listen("/jobs/live") for _ in range(EACH)]
    for _ in range(20):
        begun = time.monotonic()
        ask(live, "POST", "/jobs", {"kind": "expire-uploads"})
        assert time.monotonic() - begun < 2
    for stream in deaf:
        stream.close()


def test_open_streams_keep_no_server_from_ending(live: OrlopServer) -> None:
    stream = Signed(live).listen("/jobs/live")
    stream.until("event: part")
    begun = time.monotonic()
    live.stop()
    assert time.monotonic() - begun < 8
    stream.until("")
    stream.close()
    told = [json.loads(line) for line in live.log_text().splitlines() if '"live"' in line and line.startswith("{")]
    assert all(line["path"] == "/jobs/live" for line in told)
