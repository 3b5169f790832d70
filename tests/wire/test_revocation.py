"""A right that is taken away counts from the next request in every worker, and within a second in every replica."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.content import image
from tests.fleet import fleet
from tests.postgres import PostgresServer
from tests.s3 import versitygw
from tests.servers import orlop_server
from tests.serving import eventually
from tests.wire.answer import Answer
from tests.wire.sockets import Connection

pytestmark = pytest.mark.slow

ADMIN_PASSWORD = "a phrase for the tests"
APP, TARGET = image("app"), "/v2/team/app/manifests/v1"
#: Often enough to catch a worker that lags now and then.
ROUNDS = 15


def basic(name: str, secret: str) -> str:
    """A header that signs in."""
    return f"authorization: Basic {base64.b64encode(f'{name}:{secret}'.encode()).decode()}"


ADMIN = basic("admin", ADMIN_PASSWORD)


class Place:
    """Connections to everything that serves one catalog: what the administrator does goes to the first."""

    def __init__(self, connections: list[Connection]) -> None:
        self.connections = connections
        self.robot = ""

    def manage(self, method: str, path: str, body: object = None, *more: str) -> Any:
        """Something that the administrator may; what it gives."""
        sent = json.dumps(body).encode() if body is not None else b""
        lines = [ADMIN, *(["content-type: application/json"] if sent else []), *more]
        answer = self.connections[0].ask(method, f"/api/v1/{path}", *lines, body=sent)
        assert answer.status in {200, 201, 204}, answer
        return json.loads(answer.body) if answer.body else None

    def fill(self) -> None:
        """A namespace with an image, and a robot that nobody lets in yet."""
        self.manage("PUT", "namespaces/team", {}, "if-none-match: *")
        for piece in APP.blobs:
            target = f"/v2/team/app/blobs/uploads/?digest={piece.digest}"
            assert self.connections[0].ask("POST", target, ADMIN, body=piece.content).status == 201
        sent = self.connections[0].ask("PUT", TARGET, ADMIN, f"content-type: {APP.media_type}", body=APP.content)
        assert sent.status == 201
        name = self.manage("POST", "robots", {"name": "robot+ci"})["name"]
        self.robot = basic(name, self.manage("POST", f"robots/{name}/secrets", {"name": "test"})["secret"])

    def let_in(self) -> int:
        """Let the robot pull; the number of the grant."""
        place = {"kind": "namespace", "path": "team"}
        grant = self.manage("POST", "grants", {"principal": "robot+ci", "role": "reader", "place": place})
        return int(grant["id"])

    def token(self, connection: Connection) -> str:
        """A header with a token that the robot may pull with."""
        scope = "repository:team/app:pull"
        answer = connection.ask("GET", f"/token?service=orlop&scope={scope}", self.robot)
        assert answer.status == 200, answer
        return f"authorization: Bearer {json.loads(answer.body)['token']}"


def _apart(port: int, wanted: int, stack: ExitStack) -> list[Connection]:
    """A connection to each of `wanted` workers: a request id begins with a name of the process that gave it."""
    found: dict[str, Connection] = {}
    for _ in range(200):
        connection = stack.enter_context(Connection(port))
        found.setdefault(connection.ask("GET", "/v2/").header("x-request-id").partition("-")[0], connection)
        if len(found) == wanted:
            break
    assert len(found) == wanted
    return list(found.values())


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Place]:
    """Two workers of one server."""
    with orlop_server(tmp_path, open=False, admin_password=ADMIN_PASSWORD, workers=2) as server, ExitStack() as stack:
        place = Place(_apart(server.port, 2, stack))
        place.fill()
        yield place


@pytest.fixture
def replicas(tmp_path: Path, postgres: PostgresServer) -> Iterator[Place]:
    """Two replicas."""
    with versitygw(tmp_path / "versitygw") as store, ExitStack() as stack:
        store.made("fleet")
        running = stack.enter_context(
            fleet(tmp_path / "fleet", postgres, store, count=2, open=False, admin_password=ADMIN_PASSWORD)
        )
        place = Place([stack.enter_context(Connection(replica.port)) for replica in running.replicas])
        place.fill()
        yield place


def _pulls(connection: Connection, who: str) -> Answer:
    return connection.ask("GET", TARGET, who)


def test_a_grant_that_comes_and_goes_counts_at_once_in_both_workers(workers: Place) -> None:
    for number in range(ROUNDS):
        grant = workers.let_in()
        tokens = [workers.token(connection) for connection in workers.connections]
        for connection in workers.connections:
            for who in (workers.robot, *tokens):
                assert _pulls(connection, who).body == APP.content, number
        workers.manage("DELETE", f"grants/{grant}")
        for connection in reversed(workers.connections):
            for who in (workers.robot, *tokens):
                assert _pulls(connection, who).status in {401, 404}, number


def test_a_robot_that_is_gone_is_nobody_at_once_in_both_workers(workers: Place) -> None:
    workers.let_in()
    tokens = [workers.token(connection) for connection in workers.connections]
    for connection in workers.connections:
        for who in (workers.robot, *tokens):
            assert _pulls(connection, who).status == 200
    workers.manage("DELETE", "robots/robot+ci")
    for connection in reversed(workers.connections):
        for who in (workers.robot, *tokens):
            assert _pulls(connection, who).status == 401


def _everywhere(place: Place, whos: list[str], true: Callable[[Answer], bool]) -> bool:
    return all(true(_pulls(connection, who)) for connection in place.connections for who in whos)


def test_other_replicas_follow_within_moments(replicas: Place) -> None:
    grant = replicas.let_in()
    eventually(
        "the robot may pull everywhere", lambda: _everywhere(replicas, [replicas.robot], lambda a: a.status == 200)
    )
    whos = [replicas.robot, *(replicas.token(connection) for connection in replicas.connections)]
    assert _everywhere(replicas, whos, lambda answer: answer.status == 200)
    replicas.manage("DELETE", f"grants/{grant}")
    assert all(_pulls(replicas.connections[0], who).status in {401, 404} for who in whos), "at once where it was done"
    eventually(
        "nobody lets the robot in any more",
        lambda: _everywhere(replicas, whos, lambda answer: answer.status in {401, 404}),
        patience=5,
    )
    replicas.let_in()
    eventually("a token holds again", lambda: _everywhere(replicas, whos, lambda answer: answer.status == 200))
    replicas.manage("DELETE", "robots/robot+ci")
    eventually("it is nobody", lambda: _everywhere(replicas, whos, lambda answer: answer.status == 401), patience=5)
