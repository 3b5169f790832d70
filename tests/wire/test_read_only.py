"""Read-only mode by switch: what is refused and in which words, what goes on, and that everything is as before when it
ends."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from orlop.config.settings import CatalogStore
from tests.content import blob, image
from tests.postgres import PostgresServer
from tests.serving import eventually, unhurried
from tests.wire.answer import Answer, assert_refused
from tests.wire.inprocess import InProcess
from tests.wire.people import ACME, Private

pytestmark = pytest.mark.slow

JSON = [("content-type", "application/json")]
APP = f"{ACME}/app"
MOVING = "the registry is read-only: moving the database"


@pytest.fixture(scope="module", params=["memory", "postgres"])
def people(request: pytest.FixtureRequest) -> Iterator[Private]:
    changes: dict[str, Any] = {}
    if request.param == "postgres":
        changes["catalog"] = CatalogStore(request.getfixturevalue("postgres").catalog())
    with structlog.testing.capture_logs(), InProcess(open=False, **changes) as registry:
        yield Private(registry)


def on(people: Private, name: str = "switch", who: str = "root", **body: str) -> Answer:
    """Switch it on."""
    lines = [*JSON, ("if-none-match", "*")]
    sent = json.dumps({"reason": "moving the database"} | body).encode()
    return people.ask(who, "PUT", f"/api/v1/read-only-switches/{name}", sent, lines)


def off(people: Private, name: str = "switch") -> None:
    assert people.ask("root", "DELETE", f"/api/v1/read-only-switches/{name}").status == 204


def assert_read_only(answer: Answer, sentence: str = MOVING) -> None:
    assert_refused(answer, 503, "UNAVAILABLE")
    assert answer.json()["errors"][0]["message"] == sentence


def test_writes_are_refused_with_the_reason_and_pulls_go_on(people: Private) -> None:
    what = image("before")
    people.push("publisher", APP, what, "v1")
    assert on(people).status == 200
    try:
        assert people.ask("reader", "GET", f"/v2/{APP}/manifests/v1").status == 200
        assert people.ask("reader", "GET", f"/v2/{APP}/blobs/{what.blobs[0].digest}").status == 200
        assert people.ask("reader", "GET", f"/v2/{APP}/tags/list").json()["tags"] == ["v1"]
        content = [("content-type", what.media_type)]
        assert_read_only(people.ask("publisher", "POST", f"/v2/{APP}/blobs/uploads/"))
        assert_read_only(people.ask("publisher", "PUT", f"/v2/{APP}/manifests/v2", what.content, content))
        assert_read_only(people.ask("owner", "DELETE", f"/v2/{APP}/manifests/{what.digest}"))
        assert_read_only(people.ask("owner", "DELETE", f"/v2/{APP}/blobs/{what.blobs[0].digest}"))
        # Whoever may not write at all is told that, and no reason.
        assert people.ask("reader", "POST", f"/v2/{APP}/blobs/uploads/").status == 403
        assert "retry-after" not in dict(people.ask("publisher", "POST", f"/v2/{APP}/blobs/uploads/").headers)
    finally:
        off(people)
    people.push("publisher", APP, image("after"), "v2")


def test_an_upload_that_is_under_way_is_kept_and_goes_on_afterwards(people: Private) -> None:
    piece = blob("in two parts", 4000)
    begun = people.ask("publisher", "POST", f"/v2/{APP}/blobs/uploads/").header("location")
    after = people.ask("publisher", "PATCH", begun, piece.content[:1000]).header("location")
    assert on(people).status == 200
    try:
        assert_read_only(people.ask("publisher", "PATCH", after, piece.content[1000:]))
        assert_read_only(people.ask("publisher", "DELETE", after))
        assert people.ask("publisher", "GET", after).header("range") == "0-999"
    finally:
        off(people)
    assert people.ask("publisher", "PATCH", after, piece.content[1000:]).status == 202
    assert people.ask("publisher", "PUT", f"{after}?digest={piece.digest}").status == 201


def test_management_looks_on_and_changes_nothing_but_switches(people: Private) -> None:
    assert people.ask("guest", "GET", "/api/v1/read-only").json() == {
        "read_only": False,
        "sentence": "",
        "reason": "",
        "until": "",
        "by_store": False,
    }
    assert on(people).status == 200
    try:
        assert people.ask("guest", "GET", "/api/v1/read-only").json()["sentence"] == MOVING
        rule = b'{"keep": "3d"}'
        put = people.ask("owner", "PUT", f"/api/v1/trash-rules/r?path={ACME}", rule, [*JSON, ("if-none-match", "*")])
        assert (put.status, put.json()["detail"]) == (503, MOVING)
        added = people.ask("root", "POST", "/api/v1/users", b'{"name": "late"}', JSON)
        assert added.status == 503
        assert on(people, "second", reason="and the disk").status == 200
        both = people.ask("guest", "GET", "/api/v1/read-only").json()["reason"]
        assert sorted(both.split("; ")) == ["and the disk", "moving the database"]
        off(people, "second")
        # What takes something from somebody does not wait.
        people.join("left")
        made = people.ask("left", "POST", "/api/v1/tokens", b'{"name": "x"}', JSON)
        assert made.status == 503
        tokens = people.ask("left", "GET", "/api/v1/tokens").json()
        assert people.ask("left", "DELETE", f"/api/v1/tokens/{tokens[0]['id']}").status == 204
    finally:
        off(people)


def test_who_may_switch_it(people: Private) -> None:
    for who in ("anonymous", "guest", "owner", "other"):
        assert on(people, who=who).status in (401, 403)
    assert people.ask("guest", "GET", "/api/v1/read-only").json()["read_only"] is False
    assert people.ask("anonymous", "GET", "/api/v1/read-only").status == 401


def test_it_ends_by_itself_and_says_when(people: Private) -> None:
    assert on(people, until="2026-01-01T00:00:00Z").status == 200
    people.push("publisher", APP, image("long over"), "over")
    off(people)
    assert on(people, until="2098-01-01T00:00:00Z").status == 200
    refused = people.ask("publisher", "POST", f"/v2/{APP}/blobs/uploads/")
    off(people)
    assert_read_only(refused, f"{MOVING}; it takes writes again at 2098-01-01T00:00:00Z")
    assert refused.header("retry-after") == "3600"
    assert on(people, until="tomorrow").status == 400


def test_pages_say_so_and_forms_are_refused(people: Private) -> None:
    assert on(people).status == 200
    try:
        page = people.ask("anonymous", "GET", "/login").body.decode()
        assert "The registry is read-only: moving the database." in page
        posted = people.registry.ask("POST", "/rules/tag-rules", b"x=y", [("content-type", "text/plain")])
        assert posted.status >= 400
    finally:
        off(people)
    assert "read-only" not in people.ask("anonymous", "GET", "/login").body.decode()
    assert 'orlop_read_only{by="switch"} 0.0' in people.registry.ask("GET", "/metrics").body.decode()


def test_another_replica_refuses_within_a_second(postgres: PostgresServer) -> None:
    settings = {"catalog": CatalogStore(postgres.catalog())}
    with structlog.testing.capture_logs(), InProcess(open=False, **settings) as one:
        people = Private(one)
        with InProcess(open=False, **settings) as two:
            headers = people.credentials("publisher")

            def begins() -> int:
                return two.ask("POST", f"/v2/{APP}/blobs/uploads/", headers=headers).status

            assert begins() == 202
            assert on(people).status == 200
            eventually("the other replica refuses", lambda: begins() == 503, unhurried(1.0))
            off(people)
            eventually("it takes writes again", lambda: begins() == 202, unhurried(1.0))


def test_it_is_told_of_once_by_several_replicas(postgres: PostgresServer) -> None:
    settings = {"catalog": CatalogStore(postgres.catalog())}
    with structlog.testing.capture_logs(), InProcess(open=False, **settings) as one:
        people = Private(one)
        with InProcess(open=False, **settings), InProcess(open=False, **settings):
            assert on(people).status == 200
            eventually("it is told of", lambda: told(people) == [("read-only.on", "switch", "moving the database")])
            off(people)
            eventually("its end is told of", lambda: len(told(people)) > 1)
            # Each replica has looked since: one more switch that all tell of comes after all that they had to say.
            assert on(people, reason="once more").status == 200
            eventually("the next is told of", lambda: told(people)[:1] == [("read-only.on", "switch", "once more")])
            off(people)
            eventually("its end is told of, too", lambda: len(told(people)) > 3)
            assert [kind for kind, _, _ in reversed(told(people))] == ["read-only.on", "read-only.off"] * 2


def test_it_is_told_of_in_the_audit_log(people: Private) -> None:
    assert on(people, reason="looking at the log").status == 200
    try:
        eventually("it is told of", lambda: ("read-only.on", "switch", "looking at the log") in told(people))
    finally:
        off(people)
    looking = [("read-only.off", "switch", ""), ("read-only.on", "switch", "looking at the log")]
    eventually("its end is told of, and nothing else", lambda: told(people)[:2] == looking)


def told(people: Private) -> list[tuple[str, str, str]]:
    """What the audit log says of it, the newest first, as kind, subject and detail."""
    found = people.ask("root", "GET", "/api/v1/audit?n=100").json()
    return [(each["kind"], each["subject"], each["detail"]) for each in found if each["kind"].startswith("read-only.")]
