"""A server with accounts, as its API and clients ask it."""

import base64
import json
from typing import Any
from urllib.parse import quote

from tests.content import Piece, Pushable
from tests.servers import OrlopServer
from tests.wire.answer import Answer
from tests.wire.sockets import Connection

#: Of everybody.
PASSWORD = "a phrase for the tests"


class Managed:
    """A server whose administrator has PASSWORD."""

    def __init__(self, server: OrlopServer) -> None:
        self.server = server

    def ask(self, method: str, path: str, body: object = None, *, who: str = "admin", **headers: str) -> Any:
        """Something of the API, which has to be allowed; what it gives."""
        sent = json.dumps(body).encode() if body is not None else b""
        lines = [_basic(who), *(["content-type: application/json"] if sent else [])]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        answer = self._asked(method, f"/api/v1/{path}", *lines, body=sent)
        assert answer.status in {200, 201, 202, 204}, (method, path, answer.status, answer.body)
        return json.loads(answer.body) if answer.body else None

    def answer(self, method: str, path: str, body: object = None, *, who: str = "admin") -> Answer:
        """Whatever comes of asking something of the API."""
        sent = json.dumps(body).encode() if body is not None else b""
        lines = [_basic(who), *(["content-type: application/json"] if sent else [])]
        lines += ["if-none-match: *"] if method == "PUT" else []
        return self._asked(method, f"/api/v1/{path}", *lines, body=sent)

    def refused(self, method: str, path: str, body: object = None, *, status: int, who: str = "admin") -> Any:
        """Something of the API that is refused; what is said of it."""
        answer = self.answer(method, path, body, who=who)
        assert answer.status == status, (method, path, answer.status, answer.body)
        return json.loads(answer.body)

    def put(self, path: str, body: object) -> Any:
        """Something new."""
        return self.ask("PUT", path, body, if_none_match="*")

    def push(self, repository: str, what: Pushable, *tags: str, who: str = "admin") -> None:
        """As a client does."""
        for part in what.everything():
            for piece in part.blobs:
                self._blob(repository, piece, who)
            self._manifest(repository, part, str(part.digest), who)
        for tag in tags:
            self._manifest(repository, what, tag, who)

    def pull(self, repository: str, reference: str, who: str = "admin") -> None:
        """Only the manifest."""
        answer = self._asked("GET", f"/v2/{repository}/manifests/{reference}", _basic(who))
        assert answer.status == 200, answer

    def manifest(self, repository: str, reference: str, who: str = "admin", method: str = "GET") -> Answer:
        """What comes of asking for a manifest."""
        return self._asked(method, f"/v2/{repository}/manifests/{reference}", _basic(who))

    def referrers(self, repository: str, digest: str) -> Any:
        """What refers to a manifest."""
        answer = self._asked("GET", f"/v2/{repository}/referrers/{digest}", _basic("admin"))
        assert answer.status == 200, answer
        return json.loads(answer.body)["manifests"]

    def scraped(self) -> str:
        """All metrics, as Prometheus gets them."""
        return self._asked("GET", "/metrics", _basic("admin")).body.decode()

    def delete(self, repository: str, reference: str, who: str = "admin") -> None:
        """As a client does."""
        answer = self._asked("DELETE", f"/v2/{repository}/manifests/{reference}", _basic(who))
        assert answer.status == 202, answer

    def _asked(self, method: str, target: str, *lines: str, body: bytes = b"") -> Answer:
        """On a connection of its own: browsers take their time, and a server ends what is idle."""
        with Connection(self.server.port) as connection:
            return connection.ask(method, target, *lines, body=body)

    def _blob(self, repository: str, piece: Piece, who: str) -> None:
        target = f"/v2/{repository}/blobs/uploads/?digest={quote(piece.digest)}"
        answer = self._asked("POST", target, _basic(who), body=piece.content)
        assert answer.status == 201, answer

    def _manifest(self, repository: str, what: Pushable, reference: str, who: str) -> None:
        target = f"/v2/{repository}/manifests/{reference}"
        lines = _basic(who), f"content-type: {what.media_type}"
        answer = self._asked("PUT", target, *lines, body=what.content)
        assert answer.status == 201, answer


def _basic(name: str) -> str:
    return f"authorization: Basic {base64.b64encode(f'{name}:{PASSWORD}'.encode()).decode()}"
