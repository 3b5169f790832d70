"""What users of other registries reported as broken, of tags and what they point at: here it holds."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from orlop.config.settings import CatalogStore
from tests.content import image, index
from tests.wire.inprocess import InProcess
from tests.wire.people import ACME, Private

pytestmark = pytest.mark.slow

ONE, TWO = image("one", ["base", "code"]), image("two", ["base", "more"])
INNER = index("inner", [ONE])
OUTER = index("outer", [INNER, TWO])
APP = f"{ACME}/app"


@pytest.fixture(name="people", params=["memory", "postgres"])
def _people(request: pytest.FixtureRequest) -> Iterator[Private]:
    changes: dict[str, Any] = {"open": False}
    if request.param == "postgres":
        changes["catalog"] = CatalogStore(request.getfixturevalue("postgres").catalog())
    with structlog.testing.capture_logs(), InProcess(None, **changes) as registry:
        yield Private(registry)


def status(people: Private, reference: str, method: str = "GET") -> int:
    return people.ask("owner", method, f"/v2/{APP}/manifests/{reference}").status


def tags(people: Private) -> list[str]:
    found: list[str] = people.ask("reader", "GET", f"/v2/{APP}/tags/list").json()["tags"]
    return found


def test_an_index_in_an_index_goes_on_without_a_tag_of_its_own(people: Private) -> None:
    people.push("publisher", APP, OUTER, "outer")
    people.push("publisher", APP, INNER, "inner")
    assert status(people, "inner", "DELETE") == 202
    for what in (OUTER, INNER, ONE, TWO):
        assert people.ask("reader", "GET", f"/v2/{APP}/manifests/{what.digest}").body == what.content
        for piece in what.blobs:
            assert people.ask("reader", "GET", f"/v2/{APP}/blobs/{piece.digest}").body == piece.content
    refused = people.ask("owner", "DELETE", f"/v2/{APP}/manifests/{INNER.digest}")
    assert refused.status == 403
    assert f"the index {OUTER.digest} names this manifest" in refused.json()["errors"][0]["message"]
    untagged = people.ask("owner", "GET", f"/api/v1/untagged-manifests?repository={APP}").json()
    assert untagged == [], "an index leads to them"


def test_of_two_tags_of_a_digest_exactly_the_one_that_is_deleted_disappears(people: Private) -> None:
    people.push("publisher", APP, ONE, "a", "b")
    for tag in ("a", "b"):
        assert [status(people, tag), status(people, tag, "HEAD")] == [200, 200], "and is remembered now"
    assert status(people, "a", "DELETE") == 202
    assert [status(people, "a"), status(people, "a", "HEAD")] == [404, 404]
    assert [status(people, "b"), status(people, "b", "HEAD"), status(people, ONE.digest)] == [200, 200, 200]
    assert tags(people) == ["b"]
    assert people.ask("owner", "GET", f"/api/v1/repositories/{APP}").json()["tags"] == 1
    assert status(people, "a", "DELETE") == 404
    assert status(people, "b", "DELETE") == 202
    assert (tags(people), status(people, "b"), status(people, ONE.digest)) == ([], 404, 200)
    untagged = people.ask("owner", "GET", f"/api/v1/untagged-manifests?repository={APP}").json()
    assert [one["digest"] for one in untagged] == [ONE.digest]


def test_what_is_there_before_a_rule_stays_and_what_is_pushed_obeys(people: Private) -> None:
    people.push("publisher", APP, ONE, "latest", "v1")
    rules = {
        "tag-rules/versions": {"tags": ["*"], "semver": True},
        "tag-rules/fixed": {"tags": ["v*"], "immutable": True},
        "repository-rules/layout": {"names": [f"{ACME}/libs/*"]},
    }
    for path, body in rules.items():
        sent = [("content-type", "application/json"), ("if-none-match", "*")]
        made = people.ask("owner", "PUT", f"/api/v1/{path}?path={ACME}", json.dumps(body).encode(), sent)
        assert made.status == 200, made.body
    for tag in ("latest", "v1"):
        assert status(people, tag) == 200
        assert people.put("publisher", APP, ONE, tag).status == 201, "it may be pushed again as it is"
    people.push("publisher", APP, TWO)
    refused = {tag: people.put("publisher", APP, TWO, tag).json()["errors"][0]["message"] for tag in ("latest", "v1")}
    assert "is not named as the tag rule versions of acme/ asks" in refused["latest"]
    assert "the tag v1 of acme/app is" in refused["v1"]
    assert "is not named as" in people.put("publisher", APP, TWO, "other").json()["errors"][0]["message"]
    assert people.put("publisher", APP, TWO, "1.0.0").status == 201
    assert tags(people) == ["1.0.0", "latest", "v1"]
