"""An answer as a test sees it, and what every refusal has to be."""

import json
from typing import Any

import msgspec

#: Every error code of the specification, and those that Orlop adds where it has none.
CODES = frozenset(
    {
        "BLOB_UNKNOWN",
        "BLOB_UPLOAD_INVALID",
        "BLOB_UPLOAD_UNKNOWN",
        "DENIED",
        "DIGEST_INVALID",
        "MANIFEST_BLOB_UNKNOWN",
        "MANIFEST_INVALID",
        "MANIFEST_UNKNOWN",
        "NAME_INVALID",
        "NAME_UNKNOWN",
        "PAGINATION_NUMBER_INVALID",
        "RANGE_INVALID",
        "SIZE_INVALID",
        "TAG_INVALID",
        "TOOMANYREQUESTS",
        "UNAUTHORIZED",
        "UNAVAILABLE",
        "UNKNOWN",
        "UNSUPPORTED",
    }
)


class Answer(msgspec.Struct, frozen=True):
    """Status, headers with lower-case names as they came, and the body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]

    def header(self, name: str) -> str:
        """The one value of a header; empty when it is absent."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else ""

    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error code."""
        return str(self.json()["errors"][0]["code"])


def assert_refused(answer: Answer, status: int, code: str) -> None:
    """A refusal says what is wrong in the form of the specification ("Error Codes"), and which request it was."""
    assert answer.status == status, answer
    assert answer.header("content-type") == "application/json"
    body = answer.json()
    assert list(body) == ["errors", "requestId"]
    assert len(body["errors"]) == 1
    entry = body["errors"][0]
    assert entry["code"] in CODES
    assert entry["code"] == code, answer
    assert set(entry) <= {"code", "message", "detail"}
    assert 8 < len(entry["message"]) < 1_000
    assert entry["message"].isprintable()
    assert body["requestId"] == answer.header("x-request-id") != ""
    assert int(answer.header("content-length")) == len(answer.body)
    assert len(answer.body) < 4_000, "an error is short, whatever was asked"
