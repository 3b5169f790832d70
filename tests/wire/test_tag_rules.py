"""Rules for tags and for names of repositories: what is refused, by which rule, and from when on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from orlop.adapters.sql.manifests import SqlManifests
from orlop.adapters.sql.repositories import SqlRepositories
from orlop.config.settings import CatalogStore
from orlop.domain.access import Place, PlaceKind, Visibility
from orlop.ports.identity import Group
from orlop.ports.settings import Document
from tests.content import image, index
from tests.wire.answer import Answer, assert_refused
from tests.wire.inprocess import InProcess, Lines
from tests.wire.people import ACME, BY, RIVAL, Private

pytestmark = pytest.mark.slow

ONE, TWO = image("one", ["base", "code"]), image("two", ["base", "more"])
RULE = {"tags": ["v*", "latest"], "except": ["*-rc*"], "immutable": True}
APP = f"{ACME}/app"


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
        for tag in ("v1", "v1-rc1", "dev", "latest"):
            people.push("owner", APP, ONE, tag)
        people.push("owner", APP, TWO, "other")
        yield people


def setting(
    people: Private, method: str, who: str, name: str, place: str, body: object = None, kind: str = "tag-rules"
) -> Answer:
    headers: Lines = [("content-type", "application/json"), ("if-none-match", "*")] if body is not None else []
    sent = json.dumps(body).encode() if body is not None else b""
    return people.ask(who, method, f"/api/v1/{kind}/{name}?path={place}", sent, headers)


def put(people: Private, tag: str, what: Any = TWO, who: str = "publisher", headers: Lines = ()) -> Answer:
    sent = [("content-type", what.manifest.media_type), *headers]
    return people.ask(who, "PUT", f"/v2/{APP}/manifests/{tag}", what.content, sent)


def test_an_immutable_tag_stays_what_it_is_whatever_way_somebody_takes(people: Private) -> None:
    assert put(people, "v1").status == 201, "before the rule it may be moved"
    assert put(people, "v1", ONE).status == 201
    made = setting(people, "PUT", "maintainer", "releases", ACME, RULE)
    assert made.status == 200, made.body
    refused = put(people, "v1")
    assert_refused(refused, 403, "DENIED")
    said = refused.json()["errors"][0]
    assert said["message"] == (
        f"the tag v1 of {APP} is immutable by the tag rule releases of {ACME}/:"
        " it stays what it points at; push under another tag"
    )
    assert said["detail"] == {"action": "overwrite", "rule": "releases", "path": ACME, "tag": "v1"}
    for who in ("publisher", "maintainer", "owner", "root"):
        assert put(people, "v1", who=who).status == 403, "whoever it is"
    several = f"/v2/{APP}/manifests/{TWO.digest}?tag=dev&tag=v1"
    media = [("content-type", TWO.manifest.media_type)]
    assert people.ask("owner", "PUT", several, TWO.content, media).status == 403
    for target in (f"/v2/{APP}/manifests/v1", f"/v2/{APP}/manifests/{ONE.digest}"):
        answer = people.ask("owner", "DELETE", target)
        assert_refused(answer, 403, "DENIED")
        assert "is not removed while that rule holds" in answer.json()["errors"][0]["message"]
    repository = people.ask("owner", "DELETE", f"/api/v1/repositories/{APP}")
    assert repository.status == 403
    assert "immutable by the tag rule releases" in repository.json()["detail"]
    for tag in ("v1", "dev", "latest"):
        assert people.ask("reader", "GET", f"/v2/{APP}/manifests/{tag}").body == ONE.content
    assert setting(people, "DELETE", "maintainer", "releases", ACME).status == 204
    assert put(people, "v1").status == 201, "and after the rule it may be moved again"


def test_what_a_rule_is_not_about_goes_on(people: Private) -> None:
    assert setting(people, "PUT", "maintainer", "releases", ACME, RULE).status == 200
    assert put(people, "v1", ONE).status == 201, "the same digest"
    assert put(people, "v2").status == 201, "a new tag"
    assert put(people, "v1-rc1").status == 201
    assert put(people, "dev").status == 201
    assert people.ask("owner", "DELETE", f"/v2/{APP}/manifests/v1-rc1").status == 202
    other = f"{RIVAL}/app"
    people.push("other", other, ONE, "v1")
    sent = [("content-type", TWO.manifest.media_type)]
    people.push("other", other, TWO)
    assert people.ask("other", "PUT", f"/v2/{other}/manifests/v1", TWO.content, sent).status == 201


def test_a_list_of_referrers_is_appended_to_although_every_tag_is_immutable(people: Private) -> None:
    assert setting(people, "PUT", "owner", "everything", ACME, {"tags": ["*"], "immutable": True}).status == 200
    tag = str(ONE.digest).replace(":", "-")
    for listed in ([], [TWO], [TWO, ONE]):
        assert put(people, tag, index("list", listed)).status == 201
    assert put(people, f"{tag}.sig", TWO).status == 201
    assert put(people, f"{tag}.sig", ONE).status == 201
    assert put(people, "dev").status == 403


def test_rules_of_all_places_above_hold_and_the_nearest_is_named(people: Private) -> None:
    assert setting(people, "PUT", "root", "all", "", {"tags": ["v*"], "immutable": True}).status == 200
    assert "the tag rule all of /:" in put(people, "v1").json()["errors"][0]["message"]
    assert (
        setting(people, "PUT", "owner", "mine", APP, {"tags": ["*"], "except": ["v*"], "immutable": True}).status == 200
    )
    assert "the tag rule all of /:" in put(people, "v1").json()["errors"][0]["message"]
    assert f"the tag rule mine of {APP}/:" in put(people, "dev").json()["errors"][0]["message"]
    found = people.ask("reader", "GET", f"/api/v1/tag-rules?covering={APP}").json()
    assert [(rule["path"], rule["name"]) for rule in found] == [(APP, "mine")], "what is not theirs to see is not shown"
    found = people.ask("root", "GET", f"/api/v1/tag-rules?covering={APP}").json()
    assert [(rule["path"], rule["name"]) for rule in found] == [("", "all"), (APP, "mine")]


def assert_stale(answer: Answer) -> None:
    assert (answer.status, answer.json()["errors"][0]["code"]) == (412, "STALE")


def test_a_push_says_what_it_expects_to_find(people: Private) -> None:
    one, two = ("if-match", f'"{ONE.digest}"'), ("if-match", f'"{TWO.digest}"')
    new = ("if-none-match", "*")
    assert_stale(put(people, "dev", headers=[two]))
    assert_stale(put(people, "dev", headers=[new]))
    assert_stale(put(people, "fresh", headers=[one]))
    assert put(people, "fresh", headers=[new]).status == 201
    assert put(people, "dev", headers=[one]).status == 201
    assert_stale(put(people, "dev", headers=[one]))
    assert_refused(put(people, "dev", headers=[("if-match", "sha256:0")]), 400, "UNSUPPORTED")
    refused = people.ask("owner", "DELETE", f"/v2/{APP}/manifests/dev", headers=[one])
    assert_stale(refused)
    assert people.ask("owner", "DELETE", f"/v2/{APP}/manifests/dev", headers=[two]).status == 202
    manifest = f"/v2/{APP}/manifests/{TWO.digest}"
    assert_stale(people.ask("owner", "DELETE", manifest, headers=[one]))
    assert_stale(people.ask("owner", "DELETE", manifest, headers=[new]))
    assert people.ask("reader", "GET", manifest).status == 200
    assert people.ask("owner", "DELETE", manifest, headers=[two]).status == 202
    assert people.ask("owner", "DELETE", manifest, headers=[one]).status == 404


def _meanwhile(people: Private, monkeypatch: pytest.MonkeyPatch, port: type, method: str) -> None:
    """Have a rule set by another replica once a write has its terms, and before its transaction begins."""
    write = getattr(port, method)

    async def late(self: Any, *arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(port, method, write)
        body = json.dumps(RULE).encode()
        await people.identity.documents.put(Document("tag-rule", "releases", body, path=ACME), BY, rights=False)
        return await write(self, *arguments, **named)

    monkeypatch.setattr(port, method, late)


@pytest.mark.parametrize(
    ("port", "method", "asked", "target"),
    [
        (SqlManifests, "put", "PUT", f"/v2/{APP}/manifests/v1"),
        (SqlManifests, "put", "PUT", f"/v2/{APP}/manifests/{TWO.digest}?tag=v1"),
        (SqlManifests, "untag", "DELETE", f"/v2/{APP}/manifests/v1"),
        (SqlManifests, "delete", "DELETE", f"/v2/{APP}/manifests/{ONE.digest}"),
        (SqlRepositories, "remove", "DELETE", f"/api/v1/repositories/{APP}"),
    ],
)
def test_a_rule_that_is_set_while_a_write_is_under_way_holds_for_it(
    people: Private, monkeypatch: pytest.MonkeyPatch, port: type, method: str, asked: str, target: str
) -> None:
    _meanwhile(people, monkeypatch, port, method)
    content = (TWO.content, [("content-type", TWO.manifest.media_type)]) if asked == "PUT" else (b"", [])
    answer = people.ask("owner", asked, target, *content)
    assert answer.status == 403, answer.body
    assert b"immutable by the tag rule releases of " in answer.body
    assert people.ask("reader", "GET", f"/v2/{APP}/manifests/v1").body == ONE.content


def test_a_write_that_a_new_rule_is_not_about_goes_on(people: Private, monkeypatch: pytest.MonkeyPatch) -> None:
    _meanwhile(people, monkeypatch, SqlManifests, "put")
    assert put(people, "dev").status == 201
    assert put(people, "v1").status == 403


def rule(people: Private, name: str, body: object, place: str = ACME) -> None:
    made = setting(people, "PUT", "owner" if place else "root", name, place, body)
    assert made.status == 200, made.body


def said(answer: Answer) -> str:
    assert_refused(answer, 403, "DENIED")
    message: str = answer.json()["errors"][0]["message"]
    return message


def test_protected_tags_are_changed_by_those_whom_the_rule_names(people: Private) -> None:
    people.registry.run(people.identity.groups.add(Group(name="release"), BY))
    people.registry.run(people.identity.members.set("release", add=("publisher",), by=BY))
    who = {"may_create": ["group:release"], "may_move": ["role:owner", "group:release"], "may_remove": ["root"]}
    rule(people, "prod", {"tags": ["latest", "prod*"], **who})
    which = f"is protected by the tag rule prod of {ACME}/"
    assert said(put(people, "prod-1", who="owner")) == (
        f"the tag prod-1 of {APP} {which}: only group:release may create it; ask for that, or push under another tag"
    )
    assert said(put(people, "latest", who="maintainer")) == (
        f"the tag latest of {APP} {which}: only role:owner or group:release may move it;"
        " ask for that, or push under another tag"
    )
    assert put(people, "latest", ONE, who="maintainer").status == 201, "what it points at already"
    assert put(people, "dev", who="maintainer").status == 201, "of no other tag anything is said"
    assert put(people, "prod-1", who="publisher").status == 201
    assert put(people, "latest", who="owner").status == 201
    several = f"/v2/{APP}/manifests/{ONE.digest}?tag=dev&tag=latest"
    media = [("content-type", ONE.manifest.media_type)]
    assert which in said(people.ask("maintainer", "PUT", several, ONE.content, media))
    assert put(people, "latest", ONE, who="publisher").status == 201
    for target in (f"/v2/{APP}/manifests/latest", f"/v2/{APP}/manifests/{ONE.digest}"):
        assert said(people.ask("owner", "DELETE", target)).endswith(": only root may remove it; ask for that")
    assert people.ask("owner", "DELETE", f"/api/v1/repositories/{APP}").status == 403
    assert people.ask("root", "DELETE", f"/v2/{APP}/manifests/latest").status == 202
    people.deny("publisher", "publisher", Place(PlaceKind.NAMESPACE, ACME))
    assert "grant" in said(put(people, "prod-2")), "a rule gives nobody what they may not do otherwise"


def test_tags_that_are_only_created_and_a_role_for_some_tags_alone(people: Private) -> None:
    rule(people, "once", {"tags": ["*"], "may_move": ["nobody"]})
    rule(people, "builds", {"tags": ["b*"], "may_create": ["role:maintainer"]}, APP)
    assert said(put(people, "dev", who="root")).endswith(": nobody may move it; push under another tag")
    assert put(people, "new").status == 201
    assert people.ask("owner", "DELETE", f"/v2/{APP}/manifests/new").status == 202
    people.grant("publisher", "maintainer", Place(PlaceKind.NAMESPACE, ACME), tags="b1*")
    assert "only role:maintainer may create it" in said(put(people, "b2"))
    assert put(people, "b10").status == 201


def test_how_tags_are_named(people: Private) -> None:
    rule(people, "versions", {"tags": ["*"], "except": ["dev", "pr-*"], "semver": True})
    rule(people, "ours", {"tags": ["pr-*"], "names": ["pr-1*", "pr-2*"]}, APP)
    for tag in ("1.4.0", "v1.4.0-rc.1", "0.0.0", "1.0.0-x-y.7", "dev", "pr-12"):
        assert put(people, tag).status == 201, tag
    for tag in ("v2", "1.4", "01.2.3", "1.2.3-", "1.2.3-01", "vv1.2.3", "V1.2.3", "1.2.3_1", "release"):
        assert said(put(people, tag)) == (
            f"the tag {tag} of {APP} is not named as the tag rule versions of {ACME}/ asks: it is no semantic version,"
            " such as 1.4.0 or v1.4.0-rc.1; push under another tag"
        )
    assert ": it matches none of pr-1*, pr-2*; push under another tag" in said(put(people, "pr-3"))
    assert put(people, "other").status == 201, "what is there stays, and may be pushed as it is"
    assert put(people, "other", ONE).status == 403
    assert people.ask("owner", "DELETE", f"/v2/{APP}/manifests/other").status == 202


WRONG = {
    "'user:eve' names nobody: write a user, a robot as robot+NAME, group:NAME, role:NAME, or nobody": {
        "may_move": ["user:eve"]
    },
    "may_move: nobody stands alone, or is left out": {"may_move": ["nobody", "eve"]},
    "an immutable tag is moved and removed by nobody: leave may_move and may_remove out": {
        "immutable": True,
        "may_remove": ["eve"],
    },
    "the rule would say nothing of its tags: set immutable, who may, or how they are named": {},
    "no tag could be set: none that the rule is about matches one of its names": {"names": ["w*", "x"]},
    "'v 1' is no pattern of tags: letters, digits, . _ - and the wildcard *": {"names": ["v 1"]},
    "'[a-z]+' is no pattern of tags: letters, digits, . _ - and the wildcard *": {
        "tags": ["[a-z]+"],
        "immutable": True,
    },
    "'v?' is no pattern of tags": {"except": ["v?"], "immutable": True},
    "no tag could be set: none that the rule is about is a semantic version": {"tags": ["rel-*"], "semver": True},
}


@pytest.mark.parametrize("people", ["memory"], indirect=True)
def test_a_rule_that_makes_no_sense_is_told_in_a_sentence(people: Private) -> None:
    for words, body in WRONG.items():
        refused = setting(people, "PUT", "owner", "wrong", ACME, {"tags": ["v*"], **body})
        assert refused.status == 400
        assert words in refused.json()["detail"]
    assert people.ask("owner", "GET", f"/api/v1/tag-rules?path={ACME}").json() == []


def test_how_repositories_are_named(people: Private) -> None:
    body = {"names": [f"{ACME}/*-app", f"{ACME}/libs/**"], "depth": 3, "reserved": ["latest"]}
    assert setting(people, "PUT", "maintainer", "layout", ACME, body, "repository-rules").status == 200
    wrong = {
        f"{ACME}/web": f"the name matches none of {ACME}/*-app, {ACME}/libs/**",
        f"{ACME}/libs/a/b": "the name has 4 components, and 3 are allowed",
        f"{ACME}/libs/latest": "latest is reserved",
    }
    piece = ONE.blobs[0]
    sent = [("content-type", ONE.manifest.media_type)]
    for name, words in wrong.items():
        told = (
            f"there is no repository {name}, and the repository rule layout of {ACME}/ lets none of that name be made:"
            f" {words}; push under another name"
        )
        for target in ("", f"?digest={piece.digest}", f"?mount={piece.digest}&from={APP}"):
            assert said(people.ask("owner", "POST", f"/v2/{name}/blobs/uploads/{target}")) == told
        bare = index("none", [])
        put_ = people.ask("owner", "PUT", f"/v2/{name}/manifests/v1", bare.content, [("content-type", bare.media_type)])
        assert said(put_) == told
    for name in (f"{ACME}/web-app", f"{ACME}/libs/a"):
        people.push("publisher", name, ONE, "v1")
    assert people.ask("publisher", "PUT", f"/v2/{APP}/manifests/more", ONE.content, sent).status == 201, "it is there"
    mounted = people.ask("publisher", "POST", f"/v2/{APP}/blobs/uploads/?mount={piece.digest}&from={ACME}/web-app")
    assert mounted.status == 201
    assert setting(people, "DELETE", "maintainer", "layout", ACME, kind="repository-rules").status == 204
    people.push("publisher", f"{ACME}/web", ONE, "v1")


@pytest.mark.parametrize("people", ["memory"], indirect=True)
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "the rule would say nothing of repositories: give names, depth or reserved"),
        ({"names": ["team/*/x"], "depth": 2}, "no repository could be made: every name has more than 2 components"),
        ({"names": ["te am"]}, "'te am' is no pattern of repositories: letters, digits, . _ - / and the wildcard *"),
        ({"reserved": ["a/b"]}, "'a/b' is no component of a name: reserve words such as latest, without / and *"),
    ],
)
def test_a_rule_for_repositories_that_makes_no_sense(people: Private, body: object, words: str) -> None:
    refused = setting(people, "PUT", "owner", "wrong", ACME, body, "repository-rules")
    assert refused.status == 400
    assert words in refused.json()["detail"]
    assert people.ask("owner", "GET", f"/api/v1/repository-rules?path={ACME}").json() == [], "nothing was changed"


def house_rules(people: Private, who: str, query: str) -> dict[str, Any]:
    """Sentences by what they are about, each with its rule or grant; no numbers of grants."""
    answer = people.ask(who, "GET", f"/api/v1/rules?{query}")
    assert answer.status == 200, answer.body
    found = answer.json()
    return {
        about: [
            (one["text"], one["kind"], one["kind"] != "grant" and one["name"], one["place"]) for one in found[about]
        ]
        for about in ("repositories", "tags", "people")
        if found[about] is not None
    }


def test_house_rules_say_what_is_in_force_and_from_where(people: Private) -> None:
    setting(people, "PUT", "root", "all", "", {"tags": ["*"], "except": ["prod", "dev"], "semver": True})
    setting(people, "PUT", "owner", "releases", ACME, RULE)
    protected = {"tags": ["prod"], "may_move": ["group:release", "role:owner"], "may_remove": ["nobody"]}
    setting(people, "PUT", "owner", "prod", APP, protected)
    layout = {"names": [f"{ACME}/*", f"{ACME}/libs/**"], "depth": 3, "reserved": ["latest"]}
    setting(people, "PUT", "owner", "layout", ACME, layout, "repository-rules")
    setting(people, "PUT", "other", "elsewhere", RIVAL, RULE)
    people.registry.run(people.identity.groups.add(Group(name="release"), BY))
    people.grant("group:release", "publisher", Place(PlaceKind.REPOSITORIES, f"{ACME}/a*"), tags="v*")
    people.deny("publisher", "publisher", Place(PlaceKind.REPOSITORIES, APP))
    names = [
        (f"New repositories are named like {ACME}/* or {ACME}/libs/**.", "repository-rule", "layout", f"{ACME}/"),
        ("Names of new repositories have at most 3 components.", "repository-rule", "layout", f"{ACME}/"),
        ("No component of the name of a new repository is latest.", "repository-rule", "layout", f"{ACME}/"),
    ]
    versions = (
        "All tags, but for those named prod or dev, are semantic versions when they are set or moved, such as 1.4.0 or"
        " v1.4.0-rc.1."
    )
    above = [
        (versions, "tag-rule", "all", "/"),
        (
            "Tags named v* or latest, but for those named *-rc*, stay what they point at: nobody moves or removes"
            " them.",
            "tag-rule",
            "releases",
            f"{ACME}/",
        ),
    ]
    own = [
        (
            "Tags named prod are moved only by the group release and whoever has the role owner there.",
            "tag-rule",
            "prod",
            f"{APP}/",
        ),
        ("Tags named prod are removed by nobody.", "tag-rule", "prod", f"{APP}/"),
    ]
    everything = "may make repositories, push content, set new tags, move tags and remove tags."
    denied = everything.replace("may make", "may not make").replace(" and ", " or ")
    mine = [
        (f"maintainer {everything}", "grant", False, f"{ACME}/"),
        (f"owner {everything}", "grant", False, f"{ACME}/"),
    ]
    assert house_rules(people, "guest", f"path={ACME}") == {"repositories": names, "tags": above}
    assert house_rules(people, "guest", f"repository={ACME}/to-be-made") == {"repositories": names, "tags": above}
    assert house_rules(people, "maintainer", f"repository={APP}") == {"repositories": names, "tags": [*above, *own]}
    assert house_rules(people, "root", "") == {
        "repositories": [],
        "tags": above[:1],
        "people": [(f"root {everything}", "grant", False, "/")],
    }
    assert house_rules(people, "owner", f"path={ACME}")["people"] == [
        *mine,
        (
            "publisher may make repositories, push content, set new tags and move tags.",
            "grant",
            False,
            f"{ACME}/",
        ),
    ]
    assert house_rules(people, "owner", f"repository={APP}")["people"] == [
        (
            "Members of the group release may make repositories, push content, set new tags named v* and move tags"
            " named v*.",
            "grant",
            False,
            f"{ACME}/a*",
        ),
        *mine,
        (f"publisher {denied}", "grant", False, APP),
    ]
    people.show("", Visibility.PUBLIC)
    assert people.ask("stranger", "GET", f"/api/v1/rules?repository={APP}").json()["tags"]
    for query in (f"repository={ACME}/to-be-made", f"path={ACME}", f"path={ACME}&repository={APP}"):
        assert "tags" not in people.ask("stranger", "GET", f"/api/v1/rules?{query}").json()
