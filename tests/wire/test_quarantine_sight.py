"""Who learns of what waits in quarantine, by whichever way they ask."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import structlog

from orlop.config.jobs import JobSettings
from orlop.config.settings import CatalogStore
from orlop.domain.access import Place, PlaceKind, Visibility
from tests.content import Pushable, artifact, image, index
from tests.wire.answer import Answer, assert_refused
from tests.wire.inprocess import InProcess
from tests.wire.people import ACME, RIVAL, Private
from tests.wire.test_tag_rules import setting

pytestmark = pytest.mark.slow

APP = f"{ACME}/app"
SHOWN, WAITS = image("shown"), image("waits", ["base", "secret"], annotations={"org.example.team": "blue"})
SIGNATURE = artifact("signature", subject=WAITS)
#: All that tells of an image by its digest.
BY_DIGEST = (
    *("images", "image-packages", "image-licences", "image-vulnerabilities", "image-signatures", "image-texts"),
    *("attached-sboms", "scan-reports", "gate-verdicts", "labels"),
)


@pytest.fixture(scope="module", params=["memory", "postgres"])
def people(request: pytest.FixtureRequest) -> Iterator[Private]:
    """The publisher pushed WAITS into quarantine, under the tag 2, and its signature."""
    changes: dict[str, Any] = {"jobs": JobSettings(serve=False)}
    if request.param == "postgres":
        changes["catalog"] = CatalogStore(request.getfixturevalue("postgres").catalog())
    with structlog.testing.capture_logs(), InProcess(open=False, **changes) as registry:
        made = Private(registry)
        made.push("publisher", APP, SHOWN, "1")
        assert setting(made, "PUT", "owner", "in", ACME, {"person": True}, kind="quarantine-rules").status == 200
        made.push("publisher", APP, WAITS, "2")
        made.push("publisher", APP, SIGNATURE)
        actions = ["list", "pull", "push-new", "tag", "scan-read", "delete", "untag"]
        lines = [("content-type", "application/json"), ("if-none-match", "*")]
        role = json.dumps({"actions": actions}).encode()
        assert made.ask("root", "PUT", "/api/v1/roles/deleter", role, lines).status == 200
        made.join("deleter")
        made.grant("deleter", "deleter", Place(PlaceKind.NAMESPACE, ACME))
        yield made


def got(people: Private, who: str, path: str) -> Answer:
    return people.ask(who, "GET", f"/api/v1/{path}")


def of_image(name: str, what: Pushable) -> str:
    more = "&on=pull" if name == "gate-verdicts" else ""
    return f"{name}?repository={APP}&reference={what.digest}{more}"


@pytest.mark.parametrize("name", BY_DIGEST)
def test_by_its_digest_it_is_told_to_whoever_pushed_it_or_decides(people: Private, name: str) -> None:
    asked = of_image(name, WAITS)
    for who in ("publisher", "maintainer", "owner", "root"):
        assert got(people, who, asked).status in {200, 409}, who  # 409: it was not read yet
    for who in ("reader", "deleter"):
        answer = got(people, who, asked)
        assert (answer.status, answer.json()["code"]) == (404, "MANIFEST_UNKNOWN"), (who, answer.body)
        assert got(people, who, of_image(name, SHOWN)).status in {200, 409}


def test_comparisons_of_images_do_not_tell_of_it(people: Private) -> None:
    asked = f"image-differences?from={APP}@{SHOWN.digest}&to={APP}@{WAITS.digest}"
    assert got(people, "reader", asked).status == 404
    assert got(people, "publisher", asked).status == 200


def test_by_the_specification_it_is_there_for_the_same(people: Private) -> None:
    for who, wanted in {"reader": 404, "deleter": 404, "publisher": 200, "maintainer": 200, "owner": 200}.items():
        for method in ("GET", "HEAD"):
            answer = people.ask(who, method, f"/v2/{APP}/manifests/{WAITS.digest}")
            assert answer.status == wanted, (who, method)
        assert people.ask(who, "GET", f"/v2/{APP}/manifests/2").status == 404
        tags = people.ask(who, "GET", f"/v2/{APP}/tags/list").json()["tags"]
        assert tags == ["1"], "no list has it, whoever asks"
    assert_refused(people.ask("deleter", "DELETE", f"/v2/{APP}/manifests/{WAITS.digest}"), 404, "MANIFEST_UNKNOWN")
    [only] = people.ask("reader", "GET", f"/v2/{APP}/referrers/{WAITS.digest}").json()["manifests"]
    assert only["digest"] == SIGNATURE.digest, "what only says something of it is not held"


@pytest.mark.parametrize("who", ["reader", "publisher", "owner"])
def test_no_search_finds_it_and_nothing_counts_it(people: Private, who: str) -> None:
    found = [*found_by(people, who, WAITS.digest[:30]), *found_by(people, who, "annotation:org.example.team=blue")]
    assert found == []
    assert [hit["digest"] for hit in found_by(people, who, SHOWN.digest[:30])] == [SHOWN.digest]
    assert got(people, who, f"untagged-manifests?repository={APP}").json() == []
    counted = got(people, who, f"repositories/{APP}").json()
    assert (counted["tags"], counted["manifests"]) == (1, 2), "what is shown, and the signature"


def found_by(people: Private, who: str, line: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = got(people, who, f"search?q={quote(line)}").json()["hits"]
    return [hit for hit in found if hit["kind"] in {"digest", "annotation", "label"}]


def test_whoever_does_not_see_it_does_not_bring_it_out(people: Private) -> None:
    """By rolling a tag back to it, by a label on it, or through a virtual that fills another repository from it."""
    people.grant("reader", "publisher", Place(PlaceKind.NAMESPACE, f"{RIVAL}/take"))
    taken = index("taken", [WAITS])
    people.show("all", Visibility.INTERNAL)
    body = {"members": [f"{ACME}/", f"{RIVAL}/take/"], "push_to": f"{RIVAL}/take/"}
    assert setting(people, "PUT", "root", "all", "all", body, kind="virtuals").status == 200
    for who, wanted in {"reader": 404, "publisher": 200}.items():
        assert people.ask(who, "GET", f"/v2/all/app/manifests/{WAITS.digest}").status == wanted, who
    put = people.put("reader", "all/app", taken, "1")
    assert_refused(put, 404, "MANIFEST_BLOB_UNKNOWN")
    people.join("tagger")
    lines = [("content-type", "application/json")]
    people.grant("tagger", "publisher", Place(PlaceKind.NAMESPACE, ACME))
    back = json.dumps({"repository": APP, "tag": "1", "digest": WAITS.digest}).encode()
    answer = people.ask("tagger", "POST", "/api/v1/tag-rollbacks", back, [*lines, ("if-match", f'"{SHOWN.digest}"')])
    assert answer.status == 404, answer.body
    label = json.dumps({"set": {"a": "b"}}).encode()
    answer = people.ask("tagger", "PATCH", f"/api/v1/labels?repository={APP}&reference={WAITS.digest}", label, lines)
    assert answer.status == 404, answer.body
    assert people.ask("tagger", "GET", f"/v2/{APP}/manifests/{WAITS.digest}").status == 404
