"""Connections to several processes that serve one catalog with accounts, and what is done there again and again."""

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.content import image
from tests.fleet import fleet
from tests.postgres import PostgresServer
from tests.s3 import versitygw
from tests.servers import OrlopServer, orlop_server
from tests.serving import alone
from tests.wire.answer import Answer
from tests.wire.sockets import Connection

ADMIN_PASSWORD = "a phrase for the tests"
APP, TARGET = image("app"), "/v2/team/app/manifests/v1"
#: A small blob of the image: its path, and what is there.
SMALL = f"/v2/team/app/blobs/{APP.blobs[0].digest}"
CONTENT = APP.blobs[0].content


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


def apart(server: OrlopServer, stack: ExitStack) -> list[Connection]:
    """A connection to each worker: a request id begins with a name of the process that gave it."""
    found: dict[str, Connection] = {}
    workers = server.workers()
    for worker in workers:
        with alone(worker, workers):
            connection = stack.enter_context(Connection(server.port))
            found[connection.ask("GET", "/v2/").header("x-request-id").partition("-")[0]] = connection
    assert len(found) == len(workers)
    return list(found.values())


@contextmanager
def two_workers(folder: Path) -> Iterator[Place]:
    """Of one server."""
    with orlop_server(folder, open=False, admin_password=ADMIN_PASSWORD, workers=2) as server, ExitStack() as stack:
        place = Place(apart(server, stack))
        place.fill()
        yield place


@contextmanager
def two_replicas(folder: Path, postgres: PostgresServer, **settings: Any) -> Iterator[Place]:
    """Of one worker each."""
    with versitygw(folder / "versitygw") as store, ExitStack() as stack:
        store.made("fleet")
        running = stack.enter_context(
            fleet(folder / "fleet", postgres, store, count=2, open=False, admin_password=ADMIN_PASSWORD, **settings)
        )
        place = Place([stack.enter_context(Connection(replica.port)) for replica in running.replicas])
        place.fill()
        yield place


def pulls(connection: Connection, who: str, target: str = TARGET) -> Answer:
    """Of the image, or of another part of it than its manifest."""
    return connection.ask("GET", target, who)
