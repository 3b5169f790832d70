"""The history of tags and the way back, over the wire: who sees what, and what a rollback is refused with."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from orlop.config.settings import CatalogStore
from tests.content import artifact, image, index
from tests.wire.answer import Answer
from tests.wire.inprocess import InProcess, Lines
from tests.wire.people import ACME, Private

pytestmark = pytest.mark.slow

ONE, TWO = image("one", ["base", "code"]), image("two", ["base", "more"])
SBOM = artifact("sbom", subject=ONE)
APP = f"{ACME}/app"
GONE = f"sha256:{'0' * 64}"


@pytest.fixture(name="people", params=["memory", "postgres"])
def _people(request: pytest.FixtureRequest) -> Iterator[Private]:
    changes: dict[str, Any] = {"open": False}
    if request.param == "postgres":
        changes["catalog"] = CatalogStore(request.getfixturevalue("postgres").catalog())
    with structlog.testing.capture_logs(), InProcess(None, **changes) as registry:
        people = Private(registry)
        people.push("publisher", APP, ONE, "prod")
        people.push("maintainer", APP, TWO, "prod")
        yield people


def history(people: Private, who: str = "owner", tag: str = "prod", **query: str) -> list[dict[str, Any]]:
    more = "".join(f"&{name}={value}" for name, value in query.items())
    answer = people.ask(who, "GET", f"/api/v1/tag-history?repository={APP}&tag={tag}{more}")
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.json()
    return found


def roll_back(people: Private, who: str, tag: str, digest: str, headers: Lines = ()) -> Answer:
    body = json.dumps({"repository": APP, "tag": tag, "digest": str(digest)}).encode()
    sent = [("content-type", "application/json"), *headers]
    return people.ask(who, "POST", "/api/v1/tag-rollbacks", body, sent)


def pulled(people: Private, tag: str = "prod") -> bytes:
    return people.ask("reader", "GET", f"/v2/{APP}/manifests/{tag}").body


def test_who_moved_a_tag_from_where_to_where_also_when_it_is_gone(people: Private) -> None:
    assert people.ask("owner", "DELETE", f"/v2/{APP}/manifests/prod").status == 202
    people.push("publisher", APP, ONE, "prod")
    moves = [(move["actor"], move["previous"], move["digest"], move["held"]) for move in history(people)]
    assert moves == [
        ("publisher", None, ONE.digest, True),
        ("owner", TWO.digest, None, False),
        ("maintainer", ONE.digest, TWO.digest, True),
        ("publisher", None, ONE.digest, True),
    ]
    assert people.ask("owner", "DELETE", f"/v2/{APP}/manifests/{ONE.digest}").status == 202
    newest, *_, oldest = history(people)
    assert (newest["digest"], newest["previous"]) == (None, ONE.digest)
    assert (oldest["digest"], oldest["held"]) == (ONE.digest, False)
    assert history(people, tag="never") == []


def test_pages_go_on_where_the_last_one_ended(people: Private) -> None:
    answer = people.ask("owner", "GET", f"/api/v1/tag-history?repository={APP}&tag=prod&n=1")
    link = answer.header("link")
    assert link.endswith('>; rel="next"')
    following = people.ask("owner", "GET", link[1 : link.index(">")])
    assert [answer.json()[0]["digest"], following.json()[0]["digest"]] == [TWO.digest, ONE.digest]
    assert "link" not in dict(following.headers)


def test_the_moves_of_all_tags_of_a_repository(people: Private) -> None:
    people.push("publisher", APP, ONE, "v1")

    def moves(who: str, more: str = "") -> tuple[list[tuple[str, str, str]], str]:
        answer = people.ask(who, "GET", f"/api/v1/history?repository={APP}{more}")
        assert answer.status == 200, answer.body
        link = dict(answer.headers).get("link", "")
        found = [(move["tag"], move["digest"], move["actor"]) for move in answer.json()]
        return found, link.partition("&last=")[2].partition(">")[0]

    everything = [
        ("v1", ONE.digest, "publisher"),
        ("prod", TWO.digest, "maintainer"),
        ("prod", ONE.digest, "publisher"),
    ]
    assert moves("owner") == (everything, "")
    assert moves("reader")[0] == [(tag, digest, "") for tag, digest, _ in everything]
    first, last = moves("owner", "&n=2")
    assert first == everything[:2]
    assert moves("owner", f"&n=2&last={last}") == (everything[2:], "")
    assert people.ask("stranger", "GET", f"/api/v1/history?repository={APP}").status == 404


def test_names_are_told_to_those_who_read_the_audit_log_and_everybodys_own_to_them(people: Private) -> None:
    names = {who: [move["actor"] for move in history(people, who)] for who in ("owner", "root", "maintainer", "reader")}
    everyone = ["maintainer", "publisher"]
    assert names == {"owner": everyone, "root": everyone, "maintainer": ["maintainer", ""], "reader": ["", ""]}
    assert people.ask("stranger", "GET", f"/api/v1/tag-history?repository={APP}&tag=prod").status == 404


def test_so_are_the_names_of_those_who_locked(people: Private) -> None:
    sent = [("content-type", "application/json")]
    for who, digest in (("maintainer", ONE.digest), ("owner", TWO.digest)):
        body = json.dumps({"repository": APP, "digest": str(digest), "reason": "audit"}).encode()
        assert people.ask(who, "POST", "/api/v1/locks", body, sent).status == 204

    def named(who: str) -> dict[str, str]:
        answer = people.ask(who, "GET", f"/api/v1/locks?repository={APP}")
        return {lock["digest"]: lock["actor"] for lock in answer.json()}

    assert named("owner") == named("root") == {ONE.digest: "maintainer", TWO.digest: "owner"}
    assert named("maintainer") == {ONE.digest: "maintainer", TWO.digest: ""}
    assert named("reader") == {ONE.digest: "", TWO.digest: ""}


def test_a_lock_takes_the_right_to_it_and_a_reason(people: Private) -> None:
    sent = [("content-type", "application/json")]

    def lock(who: str, reason: str = "audit", digest: str = ONE.digest) -> Answer:
        body = json.dumps({"repository": APP, "digest": str(digest), "reason": reason}).encode()
        return people.ask(who, "POST", "/api/v1/locks", body, sent)

    def lift(who: str, reason: str = "over") -> Answer:
        return people.ask(who, "DELETE", f"/api/v1/locks?repository={APP}&digest={ONE.digest}&reason={reason}")

    def locked() -> list[str]:
        return [one["digest"] for one in people.ask("owner", "GET", f"/api/v1/locks?repository={APP}").json()]

    for who in ("reader", "publisher", "stranger"):
        refused = lock(who)
        assert (refused.status, refused.json()["code"]) == (403, "DENIED")
        assert refused.json()["detail"].startswith(f"{who} has no grant for policy-edit on {APP}"), refused.body
    assert lock("owner", " ").json()["detail"] == "say why, in 1 to 512 characters on one line"
    assert lock("owner", "a\nb", GONE).json()["detail"] == f"{APP} holds no manifest {GONE}"
    assert locked() == []
    assert lock("maintainer").status == 204
    refused = lift("maintainer")
    assert refused.status == 403
    assert refused.json()["detail"].startswith(f"maintainer has no grant for admin on {APP}"), refused.body
    assert lift("owner", "%20").json()["detail"] == "say why, in 1 to 512 characters on one line"
    assert locked() == [ONE.digest]
    assert lift("owner").status == 204


def test_what_a_tag_pointed_at_at_a_time(people: Private) -> None:
    def at(time: str) -> Answer:
        return people.ask("reader", "GET", f"/api/v1/tag-at?repository={APP}&tag=prod&at={time}")

    newest, first = history(people)
    assert [at(move["at"]).json()["digest"] for move in (first, newest)] == [ONE.digest, TWO.digest]
    assert at("2100-01-01T00:00:00Z").json()["digest"] == TWO.digest
    before = at("2001-02-03T04:05:06Z")
    assert before.status == 404
    assert before.json()["detail"] == f"{APP} had no tag prod at that time: its history begins later"
    assert people.ask("owner", "DELETE", f"/v2/{APP}/manifests/prod").status == 202
    gone = at("2100-01-01T00:00:00Z").json()["detail"]
    assert gone == f"{APP} had no tag prod at that time: it had been removed by then; its history says when"
    never = people.ask("reader", "GET", f"/api/v1/tag-at?repository={APP}&tag=no&at=2100-01-01T00:00:00Z")
    assert never.json()["detail"].endswith(": there never was one")
    assert at("yesterday").status == 400


def test_a_rollback_is_a_push_like_any_other(people: Private) -> None:
    two = [("if-match", f'"{TWO.digest}"')]
    assert roll_back(people, "reader", "prod", ONE.digest).status == 403
    assert roll_back(people, "stranger", "prod", ONE.digest).status == 404
    assert roll_back(people, "publisher", "prod", ONE.digest, [("if-match", f'"{ONE.digest}"')]).status == 412
    assert roll_back(people, "publisher", "prod", ONE.digest, [("if-none-match", "*")]).status == 412
    assert pulled(people) == TWO.content
    assert roll_back(people, "publisher", "prod", ONE.digest, two).status == 204
    assert pulled(people) == ONE.content
    newest = history(people)[0]
    assert (newest["actor"], newest["previous"], newest["digest"]) == ("publisher", TWO.digest, ONE.digest)
    rule = json.dumps({"tags": ["prod"], "immutable": True}).encode()
    lines = [("content-type", "application/json"), ("if-none-match", "*")]
    assert people.ask("owner", "PUT", f"/api/v1/tag-rules/fixed?path={ACME}", rule, lines).status == 200
    refused = roll_back(people, "owner", "prod", TWO.digest)
    assert refused.status == 403
    assert "is immutable by the tag rule fixed of acme/" in refused.json()["detail"]
    assert roll_back(people, "owner", "prod", ONE.digest).status == 204, "it points there already"


def test_a_removed_tag_comes_back_with_what_refers_to_it(people: Private) -> None:
    people.push("publisher", APP, SBOM)
    assert people.ask("owner", "DELETE", f"/v2/{APP}/manifests/prod").status == 202
    assert roll_back(people, "owner", "prod", ONE.digest, [("if-none-match", "*")]).status == 204
    assert pulled(people) == ONE.content
    referrers = people.ask("reader", "GET", f"/v2/{APP}/referrers/{ONE.digest}").json()["manifests"]
    assert [entry["digest"] for entry in referrers] == [SBOM.digest]


def test_an_index_comes_back_too(people: Private) -> None:
    several = index("several", [ONE, TWO])
    people.push("publisher", APP, several, "multi")
    people.push("publisher", APP, ONE, "multi")
    assert roll_back(people, "publisher", "multi", several.digest).status == 204
    assert pulled(people, "multi") == several.content


def test_what_was_deleted_is_told_missing_and_where_it_is(people: Private) -> None:
    assert people.ask("owner", "DELETE", f"/v2/{APP}/manifests/{ONE.digest}").status == 202
    refused = roll_back(people, "publisher", "prod", ONE.digest)
    assert refused.status == 404
    assert refused.json()["detail"] == (
        f"the tag prod cannot point at {ONE.digest}: {APP} does not hold that manifest any more, and it lies in the"
        " trash: bring it back by orlop trash restore --untagged first"
    )
    body, sent = json.dumps({"place": APP}).encode(), [("content-type", "application/json")]
    assert people.ask("owner", "POST", "/api/v1/trash-emptyings", body, sent).status == 200
    for digest in (ONE.digest, GONE):
        refused = roll_back(people, "publisher", "prod", digest)
        assert refused.status == 404
        assert refused.json()["detail"] == (
            f"the tag prod cannot point at {digest}: {APP} does not hold that manifest any more, or never did;"
            " push it again, or choose one that is held"
        )
    assert pulled(people) == TWO.content


@pytest.mark.parametrize("bad", [("no tag!", ONE.digest), ("prod", "sha256:0"), ("prod", "prod")])
def test_what_is_no_tag_or_digest_is_told(people: Private, bad: tuple[str, str]) -> None:
    assert roll_back(people, "owner", *bad).status == 400
    assert roll_back(people, "owner", "prod", ONE.digest, [("if-match", "prod")]).status == 400
