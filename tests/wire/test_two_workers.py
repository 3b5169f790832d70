"""What one worker changes the other answers at the very next request, whatever it remembers."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from tests.content import Pushable, artifact, blob, image
from tests.servers import OrlopServer
from tests.wire.answer import Answer
from tests.wire.place import apart
from tests.wire.sockets import Connection

pytestmark = pytest.mark.slow

#: Often enough to catch an answer that lags now and then.
ROUNDS = 40


class Pair(NamedTuple):
    """Connections to two workers."""

    here: Connection
    there: Connection


@pytest.fixture
def pair(server: OrlopServer) -> Iterator[Pair]:
    """A connection to each worker."""
    with ExitStack() as stack:
        here, there = apart(server, stack)
        yield Pair(here, there)


def push(connection: Connection, repository: str, what: Pushable, tag: str = "") -> None:
    """Push a manifest after everything that it needs."""
    for piece in what.blobs:
        posted = connection.ask("POST", f"/v2/{repository}/blobs/uploads/?digest={piece.digest}", body=piece.content)
        assert posted.status == 201
    put = connection.ask(
        "PUT", f"/v2/{repository}/manifests/{tag or what.digest}", f"content-type: {what.media_type}", body=what.content
    )
    assert put.status == 201


def digest_of_tag(answer: Answer) -> str:
    """What a tag leads to, by the header and by the body alike."""
    assert answer.status == 200
    return answer.header("docker-content-digest")


def test_a_moved_tag(pair: Pair) -> None:
    first, second = image("first"), image("second")
    target = "/v2/two/tags/manifests/v1"
    for number in range(ROUNDS):
        for what in (first, second):
            writer, reader = pair if number % 2 else (pair.there, pair.here)
            push(writer, "two/tags", what, "v1")
            for connection in (reader, writer, reader):
                assert digest_of_tag(connection.ask("HEAD", target)) == what.digest
                assert connection.ask("GET", target).body == what.content


def test_a_deleted_tag_and_manifest(pair: Pair) -> None:
    what = image("app")
    for number in range(ROUNDS):
        writer, reader = pair if number % 2 else (pair.there, pair.here)
        push(writer, "two/deleted", what, "v1")
        for reference in ("v1", what.digest):
            target = f"/v2/two/deleted/manifests/{reference}"
            assert reader.ask("GET", target).body == what.content
            assert writer.ask("GET", target).body == what.content
            assert writer.ask("DELETE", target).status == 202
            assert reader.ask("HEAD", target).status == 404
            assert reader.ask("GET", target).status == 404
        assert reader.ask("GET", "/v2/two/deleted/tags/list").json()["tags"] == []


def test_a_deleted_blob(pair: Pair) -> None:
    piece = blob("shared")
    needing = image("needing", layers=[piece])
    for number in range(ROUNDS):
        writer, reader = pair if number % 2 else (pair.there, pair.here)
        push(writer, "two/blobs", needing)
        target = f"/v2/two/blobs/blobs/{piece.digest}"
        for connection in (reader, writer):
            assert connection.ask("GET", target).body == piece.content, "named by a manifest, so it is remembered"
        assert reader.ask("DELETE", target).status == 403
        assert writer.ask("DELETE", f"/v2/two/blobs/manifests/{needing.digest}").status == 202
        assert writer.ask("DELETE", target).status == 202
        assert reader.ask("HEAD", target).status == 404
        assert reader.ask("GET", target).status == 404


def test_a_new_tag_in_the_list_and_a_new_referrer(pair: Pair) -> None:
    subject = image("app")
    push(pair.here, "two/lists", subject, "t000")
    for number in range(1, ROUNDS):
        writer, reader = pair if number % 2 else (pair.there, pair.here)
        push(writer, "two/lists", subject, f"t{number:03}")
        assert len(reader.ask("GET", "/v2/two/lists/tags/list").json()["tags"]) == number + 1
        attached = artifact(f"sbom {number}", subject=subject)
        push(writer, "two/lists", attached)
        listed = reader.ask("GET", f"/v2/two/lists/referrers/{subject.digest}").json()["manifests"]
        assert attached.digest in [entry["digest"] for entry in listed]
        assert len(listed) == number


def test_a_session_goes_on_in_another_worker(pair: Pair) -> None:
    content = blob("travelling", 50_000).content
    digest = blob("travelling", 50_000).digest
    session = pair.here.ask("POST", "/v2/two/uploads/blobs/uploads/").header("location")
    for number, start in enumerate(range(0, len(content), 5_000)):
        chunk = content[start : start + 5_000]
        answer = pair[number % 2].ask("PATCH", session, f"content-range: {start}-{start + len(chunk) - 1}", body=chunk)
        assert answer.status == 202
        session = answer.header("location")
        assert pair[1 - number % 2].ask("GET", session).header("range") == f"0-{start + len(chunk) - 1}"
    assert pair.there.ask("PUT", f"{session}?digest={digest}").status == 201
    for connection in pair:
        assert connection.ask("GET", f"/v2/two/uploads/blobs/{digest}").body == content
        assert connection.ask("GET", session).status == 404
