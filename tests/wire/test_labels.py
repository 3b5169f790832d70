"""Labels over the wire: who sets and sees which, lists by labels, and what is refused."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import structlog

from orlop.config.settings import CatalogStore
from tests.content import image
from tests.wire.answer import Answer
from tests.wire.inprocess import InProcess, Lines
from tests.wire.people import ACME, RIVAL, Private

pytestmark = pytest.mark.slow

ONE, TWO = image("one"), image("two")
APP, OTHER, THEIRS = f"{ACME}/app", f"{ACME}/other", f"{RIVAL}/app"


@pytest.fixture(name="people", params=["memory", "postgres"], scope="module")
def _people(request: pytest.FixtureRequest) -> Iterator[Private]:
    changes: dict[str, Any] = {"open": False}
    if request.param == "postgres":
        changes["catalog"] = CatalogStore(request.getfixturevalue("postgres").catalog())
    with structlog.testing.capture_logs(), InProcess(None, **changes) as registry:
        people = Private(registry)
        for name in (APP, OTHER):
            people.push("publisher", name, ONE, "prod")
            people.push("publisher", name, TWO, "dev")
        people.push("root", THEIRS, ONE, "prod")
        yield people


def change(people: Private, who: str, name: str, body: dict[str, Any], of: str = "", headers: Lines = ()) -> Answer:
    sent = [("content-type", "application/json"), *headers]
    method = "PUT" if "labels" in body else "PATCH"
    path = f"/api/v1/labels?repository={name}" + (f"&reference={of}" if of else "")
    return people.ask(who, method, path, json.dumps(body).encode(), sent)


def labels(people: Private, name: str, of: str = "", who: str = "reader") -> dict[str, str]:
    answer = people.ask(who, "GET", f"/api/v1/labels?repository={name}" + (f"&reference={of}" if of else ""))
    assert answer.status == 200, answer.body
    found: dict[str, str] = answer.json()["labels"]
    return found


def listed(people: Private, who: str, selector: str, **query: str) -> list[str]:
    more = "".join(f"&{name}={value}" for name, value in query.items())
    found: list[str] = []
    path = f"/api/v1/labelled?selector={quote(selector)}{more}"
    while path:
        answer = people.ask(who, "GET", path)
        assert answer.status == 200, answer.body
        named = ((one["repository"], one["digest"]) for one in answer.json())
        found += [f"{repository}@{digest}" if digest else repository for repository, digest in named]
        link = dict(answer.headers).get("link", "")
        path = link[1 : link.index(">")] if link else ""
    return found


def test_who_pushes_labels_manifests_and_who_edits_rules_labels_the_repository(people: Private) -> None:
    wanted = {"set": {"by": "x"}}
    of_manifest = {who: change(people, who, APP, wanted, "prod").status for who in ("owner", "publisher", "reader")}
    of_repository = {who: change(people, who, APP, wanted).status for who in ("owner", "maintainer", "publisher")}
    assert of_manifest == {"owner": 200, "publisher": 200, "reader": 403}
    assert of_repository == {"owner": 200, "maintainer": 200, "publisher": 403}
    told = [change(people, "stranger", name, wanted) for name in (APP, f"{ACME}/never")]
    assert [answer.status for answer in told] == [403, 403], "nobody learns so which repositories there are"


def test_a_tag_stands_for_what_it_points_at(people: Private) -> None:
    answer = change(people, "publisher", APP, {"set": {"stage": "prod", "of": "tag"}}, "prod")
    assert (answer.json()["digest"], answer.json()["labels"]["of"]) == (ONE.digest, "tag")
    assert labels(people, APP, str(ONE.digest))["of"] == labels(people, APP, "prod")["of"] == "tag"
    assert "of" not in labels(people, APP, "dev")
    missing = people.ask("reader", "GET", f"/api/v1/labels?repository={APP}&reference=never")
    assert (missing.status, missing.json()["code"]) == (404, "MANIFEST_UNKNOWN")


def test_lists_have_what_the_caller_may_pull_page_by_page(people: Private) -> None:
    for who, name in (("owner", APP), ("owner", OTHER), ("root", THEIRS)):
        assert change(people, who, name, {"set": {"listed": "yes"}}).status == 200
        assert change(people, who, name, {"set": {"listed": "yes", "only": "a,b"}}, str(ONE.digest)).status == 200
    here = [name + of for name in (APP, OTHER) for of in ("", f"@{ONE.digest}")]
    theirs = [THEIRS, f"{THEIRS}@{ONE.digest}"]
    for size in ("1", "2", "100"):
        assert listed(people, "reader", "listed=yes", n=size) == here
        assert listed(people, "root", "listed", n=size) == sorted(here + theirs)
    assert listed(people, "stranger", "listed=yes") == []
    assert listed(people, "reader", "listed=yes", place=APP) == here[:2]
    assert listed(people, "reader", "listed=yes", place=f"{ACME}/") == here
    assert listed(people, "reader", "listed=yes", place=RIVAL) == []
    assert listed(people, "reader", r"listed, only=a\,b", place=APP) == [here[1]]
    assert listed(people, "reader", "listed=no") == []
    of_repositories = people.ask("reader", "GET", "/api/v1/labelled-repositories").json()
    assert [one["repository"] for one in of_repositories] == [APP, OTHER]


def test_all_labels_are_replaced_by_whoever_saw_them(people: Private) -> None:
    body = {"labels": {"a": "1"}}
    assert change(people, "owner", OTHER, body, "dev").status == 428
    made = change(people, "owner", OTHER, body, "dev", [("if-none-match", "*")])
    assert made.status == 200
    assert change(people, "owner", OTHER, body, "dev", [("if-none-match", "*")]).status == 412
    seen = made.header("etag")
    assert change(people, "owner", OTHER, {"labels": {"a": "2"}}, "dev", [("if-match", seen)]).status == 200
    late = change(people, "owner", OTHER, {"set": {"b": ""}}, "dev", [("if-match", seen)])
    assert (late.status, late.json()["detail"]) == (
        412,
        f"the labels of {OTHER}@{TWO.digest} were changed meanwhile; look at them again",
    )
    assert labels(people, OTHER, "dev") == {"a": "2"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"set": {"Stage": "x"}}, "'Stage' is no key of a label: it is 1 to 63 lower-case letters"),
        ({"set": {"-a": "x"}}, "'-a' is no key of a label"),
        ({"set": {"": "x"}}, "'' is no key of a label"),
        ({"set": {"a" * 64: "x"}}, "is no key of a label"),
        ({"set": {"/a": "x"}}, "'/a' is no key of a label"),
        ({"set": {"a..b/c": "x"}}, "'a..b/c' is no key of a label"),
        ({"set": {"a/b/c": "x"}}, "'a/b/c' is no key of a label"),
        ({"set": {"a": "x" * 257}}, "the value of the label a is up to 256 characters on one line"),
        ({"set": {"a": "x\ny"}}, "the value of the label a is up to 256 characters on one line"),
        ({"set": {f"k{number}": "" for number in range(65)}}, "labels, and 64 are allowed"),
        ({"set": {"a": "x"}, "remove": ["a"]}, "the label a is set and removed at once"),
        ({"remove": ["never"]}, f"{APP} has no label never"),
        ({"sets": {}}, "there is no field sets; the nearest known one is set"),
    ],
)
def test_what_is_no_label_is_refused_in_a_sentence(people: Private, body: dict[str, Any], said: str) -> None:
    before = labels(people, APP)
    answer = change(people, "owner", APP, body)
    assert answer.status in {400, 404}, answer.body
    assert said in answer.json()["detail"]
    assert labels(people, APP) == before


@pytest.mark.parametrize("selector", ["", "=x", "stage!=prod", "a,", ",", "A=b", ",".join(f"k{n}" for n in range(65))])
def test_a_selector_that_is_none_is_refused(people: Private, selector: str) -> None:
    answer = people.ask("reader", "GET", f"/api/v1/labelled?selector={quote(selector)}")
    assert answer.status == 400
    assert "is no key of a label" in answer.json()["detail"] or "up to 64 labels" in answer.json()["detail"]


@pytest.mark.parametrize("key", ["a", "a" * 63, "a.b-c_d", f"{'a' * 63}.example/stage", "1"])
def test_keys_are_those_of_kubernetes_in_lower_case(people: Private, key: str) -> None:
    assert change(people, "owner", OTHER, {"set": {key: "ä" * 256}}, "prod").status == 200
    assert labels(people, OTHER, "prod")[key] == "ä" * 256
