"""A client over HTTP that remembers what was acknowledged to it, and checks later that it is all there."""

import http.client
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple, Self

from orlop.domain.digest import digest_of
from tests.content import Piece, Pushable, blob, image

#: Seconds for one answer: generous, for busy machines.
PATIENCE = 60.0

REPOSITORY = "team/app"


class Answer(NamedTuple):
    """An answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def errors(self) -> list[dict[str, Any]]:
        """The errors of the body, as the specification writes them."""
        errors: list[dict[str, Any]] = json.loads(self.body)["errors"]
        return errors


class Refused(Exception):
    """The registry answered with an error."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


class Client:
    """One connection at a time, made anew when it broke. `held` is what was acknowledged: tag → image."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._connection: http.client.HTTPConnection | None = None
        self.held: dict[str, Pushable] = {}

    def ask(self, method: str, target: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request. Raises OSError or HTTPException when the connection breaks."""
        connection = self._connection or http.client.HTTPConnection(self._address, timeout=PATIENCE)
        self._connection = None
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, target, body, named)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        self._connection = connection
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def push_blob(self, piece: Piece) -> None:
        """Push a blob in one request."""
        target = f"/v2/{REPOSITORY}/blobs/uploads/?digest={piece.digest}"
        self._must(201, self.ask("POST", target, piece.content))

    def push_blob_in_chunks(self, piece: Piece) -> None:
        """Push a blob by two chunks and an empty end."""
        location = self._must(202, self.ask("POST", f"/v2/{REPOSITORY}/blobs/uploads/", b"")).headers["location"]
        for part in (piece.content[: piece.size // 2], piece.content[piece.size // 2 :]):
            location = self._must(202, self.ask("PATCH", location, part)).headers["location"]
        self._must(201, self.ask("PUT", f"{location}?digest={piece.digest}", b""))

    def push(self, what: Pushable, tag: str) -> None:
        """Push an image, and remember it once it is acknowledged."""
        for number, piece in enumerate(what.blobs):
            (self.push_blob_in_chunks if number % 3 == 2 else self.push_blob)(piece)
        self.push_manifest(what, tag)
        self.held[tag] = what

    def push_manifest(self, what: Pushable, tag: str) -> None:
        """Push the manifest of an image whose blobs are there."""
        target = f"/v2/{REPOSITORY}/manifests/{tag}"
        self._must(201, self.ask("PUT", target, what.content, content_type=what.media_type))

    def pull(self, tag: str) -> None:
        """Pull an image that is held, and compare every byte."""
        what = self.held[tag]
        answer = self.fetch(f"/v2/{REPOSITORY}/manifests/{tag}", accept=what.media_type)
        assert answer.body == what.content
        for piece in what.blobs:
            assert digest_of(self.fetch(f"/v2/{REPOSITORY}/blobs/{piece.digest}").body) == piece.digest

    def fetch(self, target: str, **headers: str) -> Answer:
        """Get something that has to be there."""
        return self._must(200, self.ask("GET", target, **headers))

    def pull_everything(self) -> None:
        """Pull all that was acknowledged."""
        for tag in self.held:
            self.pull(tag)

    def _must(self, status: int, answer: Answer) -> Answer:
        if answer.status != status:
            raise Refused(answer)
        return answer


def small(name: str) -> Pushable:
    """A small image of its own."""
    return image(name, [f"{name} code", "base", blob(f"{name} large", 150_000)])


def assert_unavailable(answer: Answer) -> None:
    """A refusal that blames the store: one sentence, and when to come back."""
    assert answer.status == 503, answer
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["retry-after"]) > 0
    (error,) = answer.errors()
    assert error["code"] == "UNAVAILABLE"
    assert error["message"]
    assert "\n" not in error["message"]
    assert "Errno" not in error["message"]


def orlop(command: str, data: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Run `orlop COMMAND --json` on a folder: its exit code, and what it says."""
    arguments = [sys.executable, "-m", "orlop", *command.split(), "--data", str(data), "--json", *options]
    ran = subprocess.run(arguments, capture_output=True, text=True, timeout=300, check=False)
    assert ran.stdout, ran.stderr
    said: dict[str, Any] = json.loads(ran.stdout)
    return ran.returncode, said


def assert_clean(data: Path) -> None:
    """`orlop verify` finds nothing."""
    code, report = orlop("verify", data)
    assert report["findings"] == []
    assert code == 0
