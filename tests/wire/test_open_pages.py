"""A registry that is open to everybody has pages of what there is, and nobody who signs in."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.content import image
from tests.servers import OrlopServer
from tests.wire.answer import Answer
from tests.wire.sockets import Connection

pytestmark = pytest.mark.slow

APP = image("app")


@pytest.fixture(name="ask", scope="module")
def _ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    server = OrlopServer(tmp_path_factory.mktemp("open"), {"open": True, "workers": 1})
    server.start()
    try:
        with Connection(server.port) as connection:
            yield connection
    finally:
        server.kill()


def page(ask: Connection, path: str) -> Answer:
    return ask.ask("GET", path, "accept: text/html")


def test_what_there_is_can_be_looked_through_and_nobody_is_asked_to_sign_in(ask: Connection) -> None:
    assert b"Two steps to the first push" in page(ask, "/").body
    for piece in APP.blobs:
        target = f"/v2/team/app/blobs/uploads/?digest={quote(piece.digest)}"
        assert ask.ask("POST", target, body=piece.content).status == 201
    sent = ask.ask("PUT", "/v2/team/app/manifests/v1", f"content-type: {APP.media_type}", body=APP.content)
    assert sent.status == 201
    compared = "/compare?from=team/app:v1&to=team/app:v1"
    for path in ("/", "/r/team", "/r/team/app", "/r/team/app:v1", "/search?q=app", compared, "/help"):
        answer = page(ask, path)
        assert answer.status == 200, path
        assert b"ign in" not in answer.body, path
        assert b"Traceback" not in answer.body
    assert b"team/app" in page(ask, "/search?q=app").body
    assert page(ask, "/team/app:v1").header("location") == "/r/team/app:v1"


@pytest.mark.parametrize("path", ["/account", "/people", "/login", "/health", "/audit", "/r/nothing", "/rollback"])
def test_there_is_nothing_to_rule(ask: Connection, path: str) -> None:
    assert page(ask, path).status == 404
