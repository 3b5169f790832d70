"""The trash over the wire: a delete is what it was for clients, and is taken back whole, or not and why."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from orlop.bootstrap.server.services import build_collection
from orlop.config import Settings
from orlop.config.settings import CatalogStore
from orlop.domain.access import Place, PlaceKind
from orlop.domain.names import fallback_tag
from orlop.services.stores.verify import Ages, Verification
from tests.content import Pushable, artifact, image, index
from tests.wire.answer import Answer
from tests.wire.inprocess import InProcess
from tests.wire.people import ACME, Private

pytestmark = pytest.mark.slow

ONE, TWO = image("one", ["base", "code"]), image("two", ["base", "more"])
SBOM, SIGNATURE = artifact("sbom", subject=ONE), image("signature")
INNER = index("inner", [ONE])
OUTER = index("outer", [INNER])
APP = f"{ACME}/app"


@pytest.fixture(name="people", params=["memory", "postgres"])
def _people(request: pytest.FixtureRequest) -> Iterator[Private]:
    changes: dict[str, Any] = {"open": False}
    if request.param == "postgres":
        changes["catalog"] = CatalogStore(request.getfixturevalue("postgres").catalog())
    with structlog.testing.capture_logs(), InProcess(None, **changes) as registry:
        people = Private(registry)
        people.push("publisher", APP, ONE, "v1", "v2")
        yield people
        stores = registry.stores
        ages = Ages(1 << 60, 1 << 60, 1 << 60)
        verification = Verification(
            stores.catalog.inspection,
            stores.blobs.reader,
            stores.blobs.inventory,
            _Now(),
            orphans=stores.catalog.orphans,
            ages=ages,
        )
        assert registry.run(verification.run()).findings == []


class _Now:
    def now(self) -> int:
        return 1 << 60


def post(people: Private, who: str, what: str, **body: object) -> Answer:
    sent = json.dumps(body).encode()
    return people.ask(who, "POST", f"/api/v1/trash-{what}", sent, [("content-type", "application/json")])


def restore(people: Private, who: str = "owner", repository: str = APP, **what: object) -> Answer:
    return post(people, who, "restorations", repository=repository, **what)


def delete(people: Private, *what: Pushable | str, repository: str = APP) -> None:
    """Delete tags and manifests; at once they are not there."""
    for one in what:
        target = f"/v2/{repository}/manifests/{one if isinstance(one, str) else one.digest}"
        assert people.ask("owner", "DELETE", target).status == 202
        assert people.ask("owner", "HEAD", target).status == 404
        assert people.ask("owner", "GET", target).status == 404


def tags(people: Private) -> list[str]:
    found: list[str] = people.ask("reader", "GET", f"/v2/{APP}/tags/list").json()["tags"]
    return found


def pulled(people: Private, reference: str) -> bytes:
    return people.ask("reader", "GET", f"/v2/{APP}/manifests/{reference}").body


def listed(people: Private, who: str = "owner", place: str = "/") -> list[dict[str, Any]]:
    answer = people.ask(who, "GET", f"/api/v1/trash?place={place}")
    assert answer.status == 200, answer
    found: list[dict[str, Any]] = answer.json()
    return found


def collect(people: Private, grace: int = 0) -> None:
    """What the server collects, without a grace."""
    people.registry.run(build_collection(Settings(), people.registry.stores).run(grace))


def test_of_two_tags_of_a_digest_the_one_that_is_deleted_disappears_everywhere_and_comes_back(people: Private) -> None:
    delete(people, "v1")
    assert tags(people) == ["v2"]
    assert pulled(people, "v2") == ONE.content
    [entry] = listed(people)
    assert (entry["kind"], entry["name"], entry["tags"]) == ("tag", APP, ["v1"])
    done = restore(people, tag="v1")
    assert done.status == 200, done.body
    assert done.json() == {
        "kind": "manifest",
        "manifests": [],
        "tags": [{"name": "v1", "digest": str(ONE.digest)}],
    }
    assert tags(people) == ["v1", "v2"]
    assert listed(people) == []


def test_a_tag_brings_its_signatures_and_sbom_along(people: Private) -> None:
    signature = f"{fallback_tag(ONE.digest)}.sig"
    people.push("publisher", APP, SBOM)
    people.push("publisher", APP, SIGNATURE, signature)
    delete(people, ONE, SBOM, SIGNATURE)
    collect(people)
    assert restore(people, tag="v1").status == 200
    assert pulled(people, "v1") == pulled(people, "v2") == ONE.content
    referrers = people.ask("reader", "GET", f"/v2/{APP}/referrers/{ONE.digest}").json()["manifests"]
    assert [entry["digest"] for entry in referrers] == [SBOM.digest]
    assert pulled(people, signature) == SIGNATURE.content
    for what in (ONE, SBOM, SIGNATURE):
        for piece in what.blobs:
            assert people.ask("reader", "GET", f"/v2/{APP}/blobs/{piece.digest}").body == piece.content


def test_deleted_collected_and_pushed_again_it_is_pulled_at_once(people: Private) -> None:
    delete(people, ONE)
    assert post(people, "owner", "emptyings", place=APP).json() == {"entries": 1}
    collect(people)
    for piece in ONE.blobs:
        assert people.ask("reader", "GET", f"/v2/{APP}/blobs/{piece.digest}").status == 404
    people.push("publisher", APP, ONE, "v1")
    assert pulled(people, "v1") == ONE.content
    for piece in ONE.blobs:
        assert people.ask("reader", "GET", f"/v2/{APP}/blobs/{piece.digest}").body == piece.content


def test_an_index_that_another_lists_stays_when_its_tag_goes(people: Private) -> None:
    people.push("publisher", APP, INNER, "b")
    people.push("publisher", APP, OUTER, "a")
    delete(people, "b")
    collect(people)
    for what in (OUTER, INNER, ONE):
        assert pulled(people, what.digest) == what.content
    delete(people, OUTER, INNER, ONE)
    collect(people)
    assert restore(people, tag="a").status == 200
    for what in (OUTER, INNER, ONE):
        assert pulled(people, what.digest) == what.content
    assert "b" not in tags(people), "it had been removed before"


def test_a_repository_comes_back_whole(people: Private) -> None:
    assert people.ask("owner", "DELETE", f"/api/v1/repositories/{APP}").status == 204
    assert people.ask("owner", "GET", f"/v2/{APP}/tags/list").status == 404
    assert APP not in people.ask("owner", "GET", "/v2/_catalog").json()["repositories"]
    collect(people)
    done = restore(people)
    assert done.status == 200, done.body
    assert done.json()["kind"] == "repository"
    assert tags(people) == ["v1", "v2"]
    for piece in ONE.blobs:
        assert people.ask("reader", "GET", f"/v2/{APP}/blobs/{piece.digest}").body == piece.content
    assert people.ask("owner", "GET", "/v2/_catalog").json()["repositories"] == [APP]


def test_a_name_that_is_taken_is_told_and_not_overwritten(people: Private) -> None:
    delete(people, ONE)
    people.push("publisher", APP, TWO, "v1")
    refused = restore(people, tag="v1")
    assert refused.status == 409
    assert refused.json()["detail"] == (
        f"the tag v1 of {APP} points at {TWO.digest} meanwhile, and is not overwritten; restore {APP}@{ONE.digest}"
        " with --untagged, and point the tag at it then"
    )
    assert pulled(people, "v1") == TWO.content
    assert restore(people, digest=str(ONE.digest)).status == 409
    assert restore(people, digest=str(ONE.digest), untagged=True).status == 200
    assert pulled(people, ONE.digest) == ONE.content
    assert tags(people) == ["v1"]


def test_a_rule_that_forbids_the_push_forbids_the_way_back(people: Private) -> None:
    delete(people, ONE)
    rule = json.dumps({"tags": ["v1"], "may_create": ["role:owner"]}).encode()
    lines = [("content-type", "application/json"), ("if-none-match", "*")]
    assert people.ask("owner", "PUT", f"/api/v1/tag-rules/mine?path={ACME}", rule, lines).status == 200
    refused = restore(people, "publisher", tag="v1")
    assert refused.status == 403
    assert "the tag v1 of acme/app is protected by the tag rule mine of acme/" in refused.json()["detail"]
    assert restore(people, "reader", tag="v1").status == 403
    assert restore(people, "stranger", tag="v1").status == 404
    assert restore(people, "other", tag="v1").status == 404
    assert restore(people, "owner", tag="v1").status == 200


def test_everybody_sees_what_they_may(people: Private) -> None:
    delete(people, ONE)
    names = {who: [entry["deleted_by"] for entry in listed(people, who)] for who in ("owner", "root", "reader")}
    assert names == {"owner": ["owner"], "root": ["owner"], "reader": [""]}
    for who in ("stranger", "other"):
        assert listed(people, who) == []
    for place, seen in ((f"{ACME}/", 1), (APP, 1), (f"{ACME}/ap", 0), ("rival/", 0)):
        assert len(listed(people, place=place)) == seen
    assert people.ask("owner", "GET", "/api/v1/trash?place=Not%20a%20place").status == 400
    [entry] = listed(people)
    for who, status in (("maintainer", 403), ("reader", 403), ("stranger", 404), ("owner", 200), ("owner", 404)):
        assert post(people, who, "emptyings", number=entry["number"]).status == status
    assert listed(people) == []
    assert restore(people, tag="v1").status == 404


def test_a_namespace_comes_back_with_its_settings_and_grants_or_not_at_all(people: Private) -> None:
    lines = [("content-type", "application/json"), ("if-none-match", "*")]
    path = f"{ACME}/lab"
    made = json.dumps({"visibility": "public", "description": "trials"}).encode()
    assert people.ask("owner", "PUT", f"/api/v1/namespaces/{path}", made, lines).status == 200
    rule = json.dumps({"tags": ["v*"], "immutable": True}).encode()
    assert people.ask("owner", "PUT", f"/api/v1/tag-rules/fixed?path={path}", rule, lines).status == 200
    people.grant("stranger", "reader", Place(PlaceKind.NAMESPACE, path))
    assert people.ask("owner", "DELETE", f"/api/v1/namespaces/{path}").status == 204
    [entry] = listed(people, place=f"{path}/")
    assert (entry["kind"], entry["name"]) == ("namespace", f"{path}/")
    for who, status in (("maintainer", 403), ("other", 403), ("owner", 200), ("owner", 404)):
        done = post(people, who, "restorations", namespace=path)
        assert done.status == status, done.body
    back = people.ask("owner", "GET", f"/api/v1/namespaces/{path}").json()
    assert (back["visibility"], back["description"]) == ("public", "trials")
    rules = people.ask("owner", "GET", f"/api/v1/tag-rules?path={path}").json()
    assert [one["body"] for one in rules] == [{"tags": ["v*"], "immutable": True}]
    grants = people.ask("owner", "GET", "/api/v1/grants").json()
    assert ("stranger", path) in {(grant["principal"], grant["place"]["path"]) for grant in grants}

    people.grant("stranger", "maintainer", Place(PlaceKind.NAMESPACE, path))
    assert people.ask("owner", "DELETE", f"/api/v1/namespaces/{path}").status == 204
    people.leave("stranger")
    assert people.ask("root", "DELETE", "/api/v1/users/stranger").status == 204
    refused = post(people, "owner", "restorations", namespace=path)
    assert refused.status == 404, "a grant is for somebody who is gone"
    assert people.ask("owner", "GET", f"/api/v1/namespaces/{path}").status == 404
    assert [entry["kind"] for entry in listed(people, place=f"{path}/")] == ["namespace"]


@pytest.mark.parametrize(("keep", "status"), [("0", 404), ("4w", 200)])
def test_the_nearest_rule_says_how_long(people: Private, keep: str, status: int) -> None:
    lines = [("content-type", "application/json"), ("if-none-match", "*")]
    for path, what in ((ACME, "1h"), (APP, keep)):
        body = json.dumps({"keep": what}).encode()
        assert people.ask("owner", "PUT", f"/api/v1/trash-rules/rule?path={path}", body, lines).status == 200
    delete(people, ONE)
    assert len(listed(people)) == (status == 200)
    assert restore(people, tag="v1").status == status
    wrong = people.ask("owner", "PUT", f"/api/v1/trash-rules/wrong?path={APP}", b'{"keep": "soon"}', lines)
    assert wrong.status == 400
    assert "'soon' is no time to keep: write 12h, 7d, 4w, or 0 for not at all" in wrong.json()["detail"]


@pytest.mark.parametrize("people", ["memory"], indirect=True)
@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"tag": "v9"}, "the trash holds nothing of a tag v9 of acme/app; orlop trash ls lists what it holds"),
        ({"number": 99}, "there is no entry 99 of acme/app in the trash"),
        ({}, "there is no repository acme/app in the trash; orlop trash ls lists what is"),
    ],
)
def test_what_is_not_there_is_told(people: Private, what: dict[str, object], words: str) -> None:
    refused = restore(people, **what)
    assert refused.status == 404
    assert refused.json()["detail"] == words


@pytest.mark.parametrize("people", ["memory"], indirect=True)
def test_what_is_asked_wrongly_is_told(people: Private) -> None:
    for body in ({"tag": "v1", "number": 1}, {"tag": "no tag!"}, {"digest": "sha256:0"}, {"number": -1}):
        assert restore(people, **body).status == 400
    assert post(people, "owner", "restorations", repository=APP, namespace=ACME).status == 400
    assert post(people, "owner", "restorations", namespace=ACME, tag="v1").status == 400
    for body in ({}, {"place": "/", "number": 1}, {"place": "No/"}):
        assert post(people, "owner", "emptyings", **body).status == 400
