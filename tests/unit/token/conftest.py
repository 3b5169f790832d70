"""A token server on a registry with accounts, asked over ASGI."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from orlop.bootstrap.server.sign_in import token_app
from orlop.domain.access import Caller
from orlop.domain.errors import TooManyRequests
from orlop.domain.limits import Allowance
from orlop.telemetry.metrics import Metrics
from orlop.telemetry.requests import RequestLog
from tests.unit.sign_in.scene import HOME, Scene, decoded


class Answer(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return msgspec.json.decode(self.body)

    @property
    def claims(self) -> dict[str, Any]:
        """What the token in it says."""
        return msgspec.json.decode(decoded(self.json["token"].split(".")[1]))


class TokenServer:
    """The application, and ways to ask it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.allowance: Allowance | TooManyRequests | None = None
        self.admitted: list[str] = []
        self.app = token_app(scene.sign_in, RequestLog(Metrics().requests, None), lambda: "r1", self._admit)

    def _admit(self, caller: Caller) -> Allowance | None:
        self.admitted.append(caller.subject.name)
        if isinstance(self.allowance, TooManyRequests):
            raise self.allowance
        return self.allowance

    async def ask(
        self, method: str, path: str, query: str = "", body: bytes = b"", address: str = HOME, **headers: str
    ) -> Answer:
        """One request. Underscores in names of headers stand for hyphens."""
        given = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
        if body:
            given.append((b"content-length", str(len(body)).encode()))
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode("latin-1"),
            "headers": given,
            "http_version": "1.1",
            "scheme": "http",
            "client": (address, 40_000),
            "server": ("127.0.0.1", 5000),
        }
        pieces = [body[start : start + 10_000] for start in range(0, len(body), 10_000)]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if not pieces:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        content = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0]["status"], dict(sent[0]["headers"]), content)

    async def get(
        self, authorization: str = "", *, scope: tuple[str, ...] = (), address: str = HOME, **fields: str
    ) -> Answer:
        """GET /token."""
        query = urlencode([("service", "orlop"), *fields.items(), *(("scope", each) for each in scope)])
        headers = {"authorization": authorization} if authorization else {}
        return await self.ask("GET", "/token", query, address=address, **headers)

    async def post(self, *, address: str = HOME, **fields: str) -> Answer:
        """POST /token."""
        body = urlencode({"service": "orlop", "client_id": "docker", **fields}).encode()
        kind = "application/x-www-form-urlencoded"
        return await self.ask("POST", "/token", body=body, address=address, content_type=kind)


@pytest.fixture
def server() -> Iterator[TokenServer]:
    """Nobody has an account yet."""
    scene = Scene()
    yield TokenServer(scene)
    scene.close()
