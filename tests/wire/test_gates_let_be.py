"""What a gate on pull leaves alone: retention, collection, HEAD and lists, and what is attached to what it holds."""

import asyncio
import json
from collections.abc import Callable, Iterator

import pytest
import structlog

from orlop.bootstrap.server.services import build_collection
from orlop.config import Settings
from tests.content import artifact, image
from tests.wire.answer import Answer
from tests.wire.inprocess import InProcess
from tests.wire.people import ACME, Private
from tests.wire.test_tag_rules import setting

pytestmark = pytest.mark.slow

APP = f"{ACME}/app"
OLD, NEW = image("old", ["old layer"]), image("new", ["new layer"])
SBOM = artifact("SBOM", subject=NEW)
GATE = {"on": ["pull"], "labels": ["owner"], "mode": "enforce"}


@pytest.fixture(scope="module")
def people() -> Iterator[Private]:
    with structlog.testing.capture_logs(), InProcess(open=False) as registry:
        made = Private(registry)
        made.push("publisher", APP, OLD, "build-1")
        made.push("publisher", APP, NEW, "build-2")
        assert setting(made, "PUT", "owner", "owned", ACME, GATE, kind="gates").status == 200
        yield made


def got(people: Private, who: str, method: str, what: str) -> Answer:
    return people.ask(who, method, f"/v2/{APP}/{what}")


def api(people: Private, method: str, path: str, body: object = None, status: int = 200) -> dict[str, object]:
    lines = [("content-type", "application/json")] if body is not None else []
    sent = json.dumps(body).encode() if body is not None else b""
    answer = people.ask("owner", method, f"/api/v1/{path}", sent, lines)
    assert answer.status == status, answer
    found: dict[str, object] = answer.json()
    return found


def until(people: Private, wanted: Callable[[], bool]) -> None:
    for _ in range(400):
        if wanted():
            return
        people.registry.run(asyncio.sleep(0.02))
    raise AssertionError("it did not come to be")


def test_who_may_not_pull_it_still_looks_attaches_and_reads_what_is_attached(people: Private) -> None:
    for who in ("reader", "publisher"):
        for reference in ("build-2", str(NEW.digest)):
            assert got(people, who, "GET", f"manifests/{reference}").status == 403
            assert got(people, who, "HEAD", f"manifests/{reference}").status == 200
    people.push("publisher", APP, SBOM)
    listed = got(people, "reader", "GET", f"referrers/{NEW.digest}").json()["manifests"]
    assert [one["digest"] for one in listed] == [SBOM.digest]
    assert got(people, "reader", "GET", f"manifests/{SBOM.digest}").body == SBOM.content
    assert got(people, "reader", "GET", "tags/list").json()["tags"] == ["build-1", "build-2"]
    held = got(people, "owner", "GET", "manifests/build-2")
    assert (held.status, held.body) == (200, NEW.content)


def test_retention_deletes_and_collection_frees_what_a_gate_holds_back(people: Private) -> None:
    rule = {"delete": [{"tags": ["build-*"]}], "keep": [{"tags": ["build-*"], "newest": 1}]}
    assert setting(people, "PUT", "owner", "builds", ACME, rule, kind="retention-rules").status == 200
    plan = api(people, "POST", "retention-plans", {"path": ACME}, 201)["id"]
    until(people, lambda: api(people, "GET", f"retention-plans/{plan}")["state"] == "planned")
    api(people, "POST", f"retention-plans/{plan}/apply", {"over_brake": True})
    until(people, lambda: api(people, "GET", f"retention-plans/{plan}")["state"] == "applied")
    assert got(people, "reader", "GET", "tags/list").json()["tags"] == ["build-2"]
    assert got(people, "owner", "HEAD", f"manifests/{OLD.digest}").status == 404
    api(people, "POST", "trash-emptyings", {"place": APP})
    people.registry.run(build_collection(Settings(), people.registry.stores).run(0))
    gone = [piece for piece in OLD.blobs if piece not in NEW.blobs]
    assert gone
    for piece in gone:
        assert got(people, "owner", "HEAD", f"blobs/{piece.digest}").status == 404
    for piece in NEW.blobs:
        assert got(people, "owner", "GET", f"blobs/{piece.digest}").body == piece.content
