"""Every error has a status, a code that clients know, and a body that can be read."""

import json
from collections.abc import Iterator

import msgspec
import pytest

from orlop.domain import errors
from orlop.faces.distribution import request
from orlop.faces.http.errors import STATUS, render, status_of
from tests.wire.answer import CODES


def below(kind: type[errors.RegistryError]) -> Iterator[type[errors.RegistryError]]:
    """An error and every one that derives from it."""
    yield kind
    for child in kind.__subclasses__():
        yield from below(child)


#: Every error that a request can end in: those of the domain and of this face, whatever else the tests loaded.
EVERY = [
    kind for kind in below(errors.RegistryError) if kind.__module__.startswith(("orlop.domain.", "orlop.faces.http."))
]

#: Those of accounts, grants and rules, whose codes no client of this API gets to see.
OF_MANAGEMENT = {errors.NotFound, errors.Conflict, errors.Stale}

#: Arguments of those that take more than a message.
ARGUMENTS: dict[type[errors.RegistryError], dict[str, object]] = {
    errors.UploadRangeInvalid: {"offset": 7},
    errors.RangeNotSatisfiable: {"size": 7},
    errors.TooLarge: {"limit": 7},
}


def make(kind: type[errors.RegistryError]) -> errors.RegistryError:
    """An error of this kind."""
    if kind is request.MethodNotAllowed:
        return request.MethodNotAllowed("BREW", ("GET", "HEAD"))
    arguments = next((ARGUMENTS[base] for base in kind.__mro__ if base in ARGUMENTS), {})
    return kind("what is wrong", **arguments)


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_and_a_code(kind: type[errors.RegistryError]) -> None:
    error = make(kind)
    assert (error.code in CODES) is (kind not in OF_MANAGEMENT)
    assert status_of(error) == next(STATUS[base] for base in kind.__mro__ if base in STATUS)
    assert 400 <= status_of(error) < 600
    answer = render(error, "the-request")
    assert (answer.status, answer.headers[0]) == (status_of(error), (b"content-type", b"application/json"))
    body = json.loads(answer.body)
    assert body["requestId"] == "the-request"
    assert body["errors"][0]["code"] == error.code
    assert body["errors"][0]["message"]


def test_every_error_of_the_domain_is_in_the_table_itself_or_next_to_it() -> None:
    """An error that nobody thought of would fall back to 500, which tells a client to try again."""
    fallen = [kind for kind in EVERY if kind is not errors.RegistryError and status_of(make(kind)) == 500]
    assert fallen == [errors.ContentCorrupt]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (errors.TooManyRequests("wait", retry_after=3), (b"retry-after", b"3")),
        (errors.Unavailable("full"), (b"retry-after", b"5")),
        (errors.RangeNotSatisfiable("none", size=9), (b"content-range", b"bytes */9")),
        (errors.UploadRangeInvalid("there", offset=0), (b"range", b"0-0")),
        (errors.UploadRangeInvalid("there", offset=10), (b"range", b"0-9")),
        (request.MethodNotAllowed("BREW", ("GET", "HEAD")), (b"allow", b"GET, HEAD")),
    ],
)
def test_headers_that_say_what_to_do(error: errors.RegistryError, line: tuple[bytes, bytes]) -> None:
    assert line in render(error, "id").headers


@pytest.mark.parametrize("detail", [None, 0, "", [], {"a": [1, None]}, "\u2028\x00\U0001f433"])
def test_any_detail_can_be_rendered(detail: object) -> None:
    entry = msgspec.json.decode(render(errors.NameInvalid("no", detail), "id").body)["errors"][0]
    assert entry.get("detail") == detail
