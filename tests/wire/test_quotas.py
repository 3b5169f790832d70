"""Quotas: what a push is refused with that there is no room for, and that nothing of it is counted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from orlop.config.settings import CatalogStore
from orlop.domain.digest import digest_of
from orlop.domain.events import EventKind
from tests.content import blob, image
from tests.wire.answer import Answer, assert_refused
from tests.wire.inprocess import InProcess
from tests.wire.people import ACME, Private
from tests.wire.test_tag_rules import setting

pytestmark = pytest.mark.slow

ONE, TWO = image("one", ["base", "code"]), image("two", ["base", "more"])
APP, OTHER = f"{ACME}/app", f"{ACME}/other"


@pytest.fixture(name="people", params=["memory", "disk", "postgres"])
def _people(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Private]:
    changes: dict[str, Any] = {"open": False}
    if request.param == "postgres":
        changes["catalog"] = CatalogStore(request.getfixturevalue("postgres").catalog())
    with (
        structlog.testing.capture_logs(),
        InProcess(None if request.param == "memory" else tmp_path / "data", **changes) as registry,
    ):
        people = Private(registry)
        people.push("owner", APP, ONE, "v1")
        yield people


def quota(people: Private, who: str, body: dict[str, Any], place: str = ACME, name: str = "team") -> Answer:
    return setting(people, "PUT", who, name, place, body, kind="quotas")


def push_blob(people: Private, repository: str, content: bytes, digest: str) -> Answer:
    return people.ask("owner", "POST", f"/v2/{repository}/blobs/uploads/?digest={digest}", content)


def size_of(*images: Any) -> int:
    """What these take, each blob once."""
    blobs = {piece.digest: piece.size for what in images for piece in what.blobs}
    return sum(blobs.values()) + sum(len(what.content) for what in images)


def test_a_push_that_does_not_fit_is_told_the_figures_and_leaves_nothing(people: Private) -> None:
    used = size_of(ONE)
    assert quota(people, "owner", {"bytes": str(used + 100)}).status == 403, "nobody widens their own"
    assert quota(people, "root", {"bytes": str(used + 100)}).status == 200
    large = blob("large", 101)
    refused = push_blob(people, APP, large.content, large.digest)
    assert_refused(refused, 403, "DENIED")
    said = refused.json()["errors"][0]
    assert said["message"] == (
        f"the quota team of {ACME}/ is {used + 100} B, {used} B are in use, and this push needs 101 B more;"
        " remove what nobody needs, or ask whoever rules the registry for more room"
    )
    assert said["detail"] == {
        "quota": "team",
        "path": ACME,
        "of": "stored_bytes",
        "limit": used + 100,
        "used": used,
        "needed": 101,
        "held": 0,
    }
    fitting = blob("fitting", 100)
    assert push_blob(people, APP, fitting.content, fitting.digest).status == 201, "what was refused took nothing"
    assert push_blob(people, OTHER, fitting.content, fitting.digest).status == 201, "once, whoever holds it"
    one_more = blob("x", 1)
    assert_refused(push_blob(people, OTHER, one_more.content, one_more.digest), 403, "DENIED")
    assert people.ask("owner", "DELETE", f"/v2/{APP}/manifests/v1").status == 202, "what makes room is not refused"


def begin(people: Private, repository: str) -> str:
    """The address of a new upload."""
    return people.ask("owner", "POST", f"/v2/{repository}/blobs/uploads/").header("location")


def held(people: Private) -> int:
    """What uploads under way hold."""
    now = people.registry.run(people.registry.stores.catalog.usages.of([ACME], 1))
    return now[ACME][1]


LARGE = blob("large", 300_000)


def test_what_says_how_long_it_is_is_refused_before_it_comes(people: Private) -> None:
    assert quota(people, "root", {"bytes": "200KiB"}).status == 200
    session = begin(people, APP)
    refused = people.ask("owner", "PATCH", session, LARGE.content)
    assert_refused(refused, 403, "DENIED")
    assert "this push needs 292.9 KiB more" in refused.json()["errors"][0]["message"]
    assert_refused(push_blob(people, APP, LARGE.content, LARGE.digest), 403, "DENIED")
    assert held(people) == 0
    found = people.registry.run(people.registry.stores.catalog.vitals.totals())
    assert found.uploads == 0, "neither has begun"


def test_a_session_that_there_is_no_room_for_holds_none(people: Private) -> None:
    session = begin(people, APP)
    answer = people.ask("owner", "PATCH", session, b"x" * 1000)
    assert answer.status == 202
    session = answer.header("location")
    assert quota(people, "root", {"bytes": str(size_of(ONE) + 10)}).status == 200
    assert_refused(people.ask("owner", "PATCH", session, LARGE.content), 403, "DENIED")
    assert held(people) == 0
    again = blob("again", 1000)
    session = people.ask("owner", "PATCH", begin(people, APP), again.content).header("location")
    assert_refused(people.ask("owner", "PUT", f"{session}?digest={again.digest}"), 403, "DENIED")
    assert held(people) == 0
    assert_refused(people.ask("owner", "PUT", f"{session}?digest={again.digest}"), 403, "DENIED")
    assert push_blob(people, APP, b"y" * 10, digest_of(b"y" * 10)).status == 201


def test_a_quota_below_what_is_used_lets_nothing_more_in_and_keeps_what_is_there(people: Private) -> None:
    made = quota(people, "root", {"bytes": "1", "tags": 1, "manifests": 1})
    assert made.status == 200
    body = [("content-type", ONE.manifest.media_type)]
    assert people.ask("owner", "PUT", f"/v2/{APP}/manifests/v1", ONE.content, body).status == 201
    refused = people.ask("owner", "PUT", f"/v2/{APP}/manifests/v2", ONE.content, body)
    assert_refused(refused, 403, "DENIED")
    assert "is 1 tag, 1 tag are in use" in refused.json()["errors"][0]["message"]
    assert people.ask("reader", "GET", f"/v2/{APP}/manifests/v1").status == 200
    seen = people.ask("maintainer", "GET", f"/api/v1/usage?path={ACME}").json()
    assert [(each["of"], each["limit"]) for each in seen["quotas"]] == [
        ("stored_bytes", 1),
        ("tags", 1),
        ("manifests", 1),
    ]
    assert people.ask("publisher", "GET", f"/api/v1/usage?path={ACME}").status == 403


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"bytes": "-5"}, "'-5' is no size such as 50GiB"),
        ({"bytes": "50Gb"}, "'50Gb' is no size"),
        ({"bytes": "99999999TiB"}, "is more than is counted"),
        ({"bytes": "0"}, "nothing could be stored"),
        ({"tags": -1}, "Expected `int` >= 0"),
        ({"warn": 80}, "the quota limits nothing"),
        ({"bytes": "1GiB", "warn": 100}, "Expected `int` <= 99"),
        ({"byte": "1GiB"}, "the nearest known one is bytes"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_sentence(people: Private, body: dict[str, Any], said: str) -> None:
    answer = quota(people, "root", body)
    assert answer.status == 400
    assert said in answer.json()["detail"]


def test_a_warning_is_told_with_who_reached_it(people: Private) -> None:
    used = size_of(ONE)
    assert quota(people, "root", {"bytes": str(used + 100), "warn": 90}).status == 200
    most = blob("most", 99)
    assert push_blob(people, APP, most.content, most.digest).status == 201
    assert_refused(push_blob(people, APP, LARGE.content, LARGE.digest), 403, "DENIED")
    events = people.registry.run(people.registry.stores.catalog.outbox.events(0, 1000))
    [warning] = [event for event in events if event.kind is EventKind.QUOTA_WARNING]
    assert (warning.subject, warning.actor) == (ACME, "owner")
    assert warning.detail.startswith(f"the quota team of {ACME}/: ")
