"""Refusals of bodies that are too large to be read to their end: the client is still sending, and must see them."""

import socket
import threading
import time

import pytest

from tests.servers import OrlopServer
from tests.wire.answer import assert_refused
from tests.wire.sockets import Connection, head

pytestmark = pytest.mark.slow

_PIECE = bytes(1 << 20)
_PIECES = 128
_TRIES = 10

#: How long the client takes to see the answer and to stop, in seconds.
_SLOWNESS = 0.05


class _Sender(threading.Thread):
    """Sends a body without looking at the answer: to a client that reads and writes at the same time, a write that
    fails is the end of the request, whatever there is to read."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection
        self.answered = threading.Event()
        self.failure: OSError | None = None

    def run(self) -> None:
        """Send until it is all sent, somebody has seen the answer, or the connection is gone."""
        try:
            for _ in range(_PIECES):
                if self.answered.is_set():
                    return
                self._connection.send(_PIECE)
        except OSError as failure:
            if not self.answered.is_set():
                self.failure = failure


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("PUT", "/v2/early/manifests/v1"),
        ("DELETE", "/v2/early/manifests/v1"),
        ("PATCH", "/v2/early/blobs/uploads/none"),
        ("GET", f"/v2/early/blobs/sha256:{64 * 'a'}"),
        ("GET", "/v2/"),
        ("POST", "/api/v1/users"),
        ("GET", "/api/v1/openapi.json"),
        ("POST", "/token"),
        ("POST", "/login"),
        ("GET", "/static/none"),
        ("GET", "/readyz"),
        ("POST", "/nowhere"),
    ],
)
@pytest.mark.parametrize("framing", ["content-length: 9000000", "transfer-encoding: chunked"])
def test_who_waits_to_be_told_to_send_hears_one_answer(
    server: OrlopServer, method: str, target: str, framing: str
) -> None:
    """And may be told to send before it, but not within it (RFC 9110, section 15.2)."""
    with Connection(server.port) as connection:
        connection.send(head(method, target, "expect: 100-continue", framing))
        answer = connection.answer()
        if answer.status == 100:
            connection.finish_sending()
            answer = connection.answer()
        assert answer.status >= 200
        assert b"100 Continue" not in answer.body
        assert len(answer.body) == int(answer.header("content-length"))
        assert connection.closed()


def test_a_client_that_still_sends_sees_why_it_is_refused(server: OrlopServer) -> None:
    """To close with bytes unread resets the connection: the client would see a broken pipe."""
    size = len(_PIECE) * _PIECES
    for _ in range(_TRIES):
        with Connection(server.port) as connection:
            session = connection.ask("POST", "/v2/early/blobs/uploads/").header("location")
            connection.send(head("PATCH", session, f"content-length: {size}", f"content-range: 10-{size + 9}"))
            sender = _Sender(connection)
            sender.start()
            try:
                connection.socket.recv(1, socket.MSG_PEEK)
                time.sleep(_SLOWNESS)
            finally:
                sender.answered.set()
                sender.join(60)
            refusal = connection.answer("PATCH")
        assert_refused(refusal, 416, "BLOB_UPLOAD_INVALID")
        assert refusal.header("connection") == "close"
        assert sender.failure is None
