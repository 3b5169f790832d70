"""Quotas: what a push is refused with that there is no room for, and that nothing of it is counted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from orlop.config.settings import CatalogStore
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
