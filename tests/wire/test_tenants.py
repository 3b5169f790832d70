"""What tenants of one registry cannot do to each other, and that what was taken away is gone at the next request."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from orlop.config.settings import CatalogStore, Log
from orlop.domain.access import Conditions, Limit, Place, PlaceKind, Visibility
from orlop.domain.access.actions import Action
from orlop.domain.names import RepositoryName
from orlop.domain.pages import PageRequest
from orlop.ports.identity import Document
from tests.content import blob, image
from tests.wire.answer import assert_refused
from tests.wire.inprocess import InProcess
from tests.wire.people import ACME, BY, RIVAL, Private

pytestmark = pytest.mark.slow

APP = image("app", ["base", "code"])
OTHER = image("other", ["base"])
BASE, NEW = blob("base"), blob("new")
ACMES = Place(PlaceKind.NAMESPACE, ACME)

_ENGINES = ["memory", "disk", pytest.param("postgres", marks=pytest.mark.slow)]


@pytest.fixture(name="people", params=_ENGINES)
def _people(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Private]:
    """A registry that asks who comes, on each catalog."""
    changes: dict[str, Any] = {"open": False}
    if request.param == "postgres":
        changes["catalog"] = CatalogStore(request.getfixturevalue("postgres").catalog())
    with (
        structlog.testing.capture_logs(),
        InProcess(None if request.param == "memory" else tmp_path / "data", **changes) as registry,
    ):
        people = Private(registry)
        people.push("owner", f"{ACME}/app", APP, "v1")
        yield people


def test_a_grant_that_is_removed_counts_no_more_at_the_next_request(people: Private) -> None:
    people.join("guest2")
    grant = people.grant("guest2", "reader", ACMES)
    for _ in range(3):
        assert people.ask("guest2", "GET", f"/v2/{ACME}/app/manifests/v1").status == 200
    people.registry.run(people.identity.grants.remove(grant.grant.id, BY))
    assert_refused(people.ask("guest2", "GET", f"/v2/{ACME}/app/manifests/v1"), 404, "MANIFEST_UNKNOWN")
    assert people.ask("guest2", "GET", "/v2/_catalog").json() == {"repositories": []}
    people.grant("guest2", "reader", ACMES)
    assert people.ask("guest2", "GET", f"/v2/{ACME}/app/manifests/v1").status == 200
    people.deny("guest2", "guest", ACMES)
    assert_refused(people.ask("guest2", "GET", f"/v2/{ACME}/app/manifests/v1"), 403, "DENIED")


def test_a_secret_that_is_revoked_opens_nothing_at_the_next_request(people: Private) -> None:
    assert people.ask("reader", "HEAD", f"/v2/{ACME}/app/manifests/v1").status == 200
    found = people.registry.run(people.identity.secrets.of("reader", PageRequest()))
    people.registry.run(people.identity.secrets.revoke("reader", found.items[0].id, BY))
    answer = people.ask("reader", "HEAD", f"/v2/{ACME}/app/manifests/v1")
    assert (answer.status, answer.header("www-authenticate").split(" ")[0]) == (401, "Bearer")


def test_a_namespace_opens_and_closes(people: Private) -> None:
    target = f"/v2/{ACME}/app/manifests/v1"
    assert people.ask("anonymous", "GET", target).status == 401
    people.show(ACME, Visibility.PUBLIC)
    assert people.ask("anonymous", "GET", target).body == APP.content
    assert people.ask("anonymous", "GET", f"/v2/{ACME}/app/tags/list").json()["tags"] == ["v1"]
    assert people.ask("stranger", "GET", target).status == 200
    assert people.ask("anonymous", "DELETE", target).status == 401
    people.show(ACME, Visibility.INTERNAL)
    assert people.ask("anonymous", "GET", target).status == 401
    assert people.ask("stranger", "GET", target).status == 200
    people.show(ACME, Visibility.PRIVATE)
    assert people.ask("stranger", "GET", target).status == 404


def test_a_mount_takes_nothing_that_the_caller_may_not_pull(people: Private) -> None:
    """RELIABILITY: "mount of it → 202, not 201; anonymous mount only where the caller may pull a repository that holds
    the blob"."""
    for query in (f"&from={ACME}/app", "&from=none", f"&from={RIVAL}/mine", ""):
        answer = people.ask("other", "POST", f"/v2/{RIVAL}/mine/blobs/uploads/?mount={BASE.digest}{query}")
        assert answer.status == 202, query
        assert people.ask("other", "HEAD", f"/v2/{RIVAL}/mine/blobs/{BASE.digest}").status == 404
    people.grant("other", "guest", ACMES)
    for query in (f"&from={ACME}/app", ""):
        target = f"{RIVAL}/mine{len(query)}"
        assert people.ask("other", "POST", f"/v2/{target}/blobs/uploads/?mount={BASE.digest}{query}").status == 201
        assert people.ask("other", "GET", f"/v2/{target}/blobs/{BASE.digest}").body == BASE.content


def test_a_mount_from_anywhere_finds_what_the_caller_may_pull_however_many_others_hold_it(people: Private) -> None:
    for number in range(40):
        target = f"/v2/{ACME}/more{number:02}/blobs/uploads/?mount={BASE.digest}&from={ACME}/app"
        assert people.ask("owner", "POST", target).status == 201
    mount = f"/v2/{RIVAL}/mine/blobs/uploads/?mount={BASE.digest}"
    assert people.ask("other", "POST", mount).status == 202
    assert people.ask("other", "POST", f"/v2/{RIVAL}/z/blobs/uploads/?digest={BASE.digest}", BASE.content).status == 201
    assert people.ask("other", "POST", mount).status == 201
    people.show("public", Visibility.PUBLIC)
    people.grant("owner", "owner", Place(PlaceKind.NAMESPACE, "public"))
    posted = people.ask("owner", "POST", f"/v2/public/new/blobs/uploads/?digest={NEW.digest}", NEW.content)
    assert posted.status == 201
    assert people.ask("other", "POST", f"/v2/{RIVAL}/mine/blobs/uploads/?mount={NEW.digest}").status == 201
    people.deny("other", "guest", Place(PlaceKind.REPOSITORIES, "public/*"))
    assert people.ask("other", "POST", f"/v2/{RIVAL}/fresh/blobs/uploads/?mount={NEW.digest}&from=none").status == 202
    people.registry.run(_unlinked(people, f"{RIVAL}/mine"))
    assert people.ask("other", "POST", f"/v2/{RIVAL}/fresh/blobs/uploads/?mount={NEW.digest}").status == 202


@pytest.mark.parametrize("query", [f"&from={ACME}/app", ""])
def test_a_token_that_is_too_narrow_for_a_mount_is_asked_to_be_wider(people: Private, query: str) -> None:
    """Only where its owner may pull what they want: to everybody else there is nothing to mount."""

    def bearer(who: str, *scopes: str) -> list[tuple[str, str]]:
        asked = "".join(f"&scope={scope}" for scope in scopes)
        token = people.ask(who, "GET", f"/token?service=orlop{asked}").json()["token"]
        return [("authorization", f"Bearer {token}")]

    mount = f"/v2/{RIVAL}/mine/blobs/uploads/?mount={BASE.digest}{query}"
    push = f"repository:{RIVAL}/mine:pull,push"
    assert people.registry.ask("POST", mount, headers=bearer("other", push)).status == 202
    people.grant("other", "guest", ACMES)
    refused = people.registry.ask("POST", mount, headers=bearer("other", push))
    pull = f"repository:{ACME}/app:pull"
    assert refused.status == 401
    assert f'scope="{push} {pull}"' in refused.header("www-authenticate")
    assert people.registry.ask("POST", mount, headers=bearer("other", push, pull)).status == 201


def test_a_push_that_begins_with_a_look_is_challenged_for_all_of_it(people: Private) -> None:
    """Clients look which blobs are there, and some keep the first token that they get. It holds what its owner may, so
    who only pulls gets one to pull with."""
    there, missing = f"/v2/{ACME}/app/blobs/{BASE.digest}", f"/v2/{ACME}/app/blobs/{NEW.digest}"
    scope = f"repository:{ACME}/app:pull,push"
    tokenless = [("authorization", f"Bearer {people.ask('owner', 'GET', '/token?service=orlop').json()['token']}")]
    for headers in ([], tokenless):
        for target in (there, missing):
            challenged = people.registry.ask("HEAD", target, headers=headers)
            assert (challenged.status, challenged.body) == (401, b"")
            assert f'scope="{scope}"' in challenged.header("www-authenticate")
        for method, target in (("GET", there), ("HEAD", f"/v2/{ACME}/app/manifests/v1")):
            challenged = people.registry.ask(method, target, headers=headers)
            assert challenged.status == 401
            assert f'scope="repository:{ACME}/app:pull"' in challenged.header("www-authenticate")

    def bearer(who: str) -> list[tuple[str, str]]:
        token = people.ask(who, "GET", f"/token?service=orlop&scope={scope}").json()["token"]
        return [("authorization", f"Bearer {token}")]

    upload = f"/v2/{ACME}/app/blobs/uploads/"
    for who, allowed in (("publisher", 202), ("reader", 403)):
        assert people.registry.ask("HEAD", there, headers=bearer(who)).status == 200
        assert people.registry.ask("HEAD", missing, headers=bearer(who)).status == 404
        assert people.registry.ask("POST", upload, headers=bearer(who)).status == allowed
    people.show(ACME, Visibility.PUBLIC)
    for headers in ([], bearer("anonymous"), bearer("stranger")):
        assert people.registry.ask("HEAD", there, headers=headers).status == 200
        assert people.registry.ask("HEAD", missing, headers=headers).status == 404


def test_who_may_pull_may_not_mount_into_it(people: Private) -> None:
    answer = people.ask("reader", "POST", f"/v2/{ACME}/app/blobs/uploads/?mount={BASE.digest}&from={ACME}/app")
    assert_refused(answer, 403, "DENIED")


@pytest.mark.parametrize("thief", ["publisher", "owner"])
def test_an_upload_is_nobody_elses(people: Private, thief: str) -> None:
    owner = "maintainer"
    session = people.ask(owner, "POST", f"/v2/{ACME}/app/blobs/uploads/").header("location")
    assert people.ask(owner, "PATCH", session, b"ne").status == 202
    for method, target, body in (
        ("GET", session, b""),
        ("PATCH", session, b"x"),
        ("PUT", f"{session}?digest={NEW.digest}", b""),
        ("DELETE", session, b""),
    ):
        assert_refused(people.ask(thief, method, target, body), 404, "BLOB_UPLOAD_UNKNOWN")
    elsewhere = session.replace(f"{ACME}/app", f"{ACME}/lib")
    assert_refused(people.ask(owner, "GET", elsewhere), 404, "BLOB_UPLOAD_UNKNOWN")
    status = people.ask(owner, "GET", session)
    assert (status.status, status.header("range")) == (204, "0-1")
    assert people.ask(owner, "PUT", f"{session}?digest={NEW.digest}", NEW.content[2:]).status in {201, 400}


def test_an_upload_is_not_that_of_an_account_made_anew_under_the_same_name(people: Private) -> None:
    place = Place(PlaceKind.NAMESPACE, ACME)
    people.join("passing")
    people.grant("passing", "publisher", place)
    session = people.ask("passing", "POST", f"/v2/{ACME}/app/blobs/uploads/").header("location")
    session = people.ask("passing", "PATCH", session, b"ne").header("location")
    assert people.ask("passing", "GET", session).status == 204
    people.registry.run(people.identity.accounts.remove("passing", BY))
    people.leave("passing")
    people.join("passing")
    people.grant("passing", "publisher", place)
    for method, query in (("GET", ""), ("PATCH", ""), ("PUT", f"?digest={NEW.digest}"), ("DELETE", "")):
        assert_refused(people.ask("passing", method, session + query), 404, "BLOB_UPLOAD_UNKNOWN")


def test_the_end_of_an_upload_that_is_repeated_tells_strangers_nothing(people: Private) -> None:
    made_up = "00000000-0000-4000-8000-000000000000"
    target = f"/v2/{ACME}/app/blobs/uploads/{made_up}?digest={BASE.digest}"
    assert people.ask("publisher", "PUT", target).status == 201  # the repository holds it, and they may push there
    assert_refused(people.ask("reader", "PUT", target), 403, "DENIED")
    assert_refused(people.ask("other", "PUT", target), 403, "DENIED")
    mine = f"/v2/{RIVAL}/mine/blobs/uploads/{made_up}?digest={BASE.digest}"
    assert_refused(people.ask("other", "PUT", mine), 404, "BLOB_UPLOAD_UNKNOWN")


def test_to_create_is_not_to_update_nor_the_other_way_round(people: Private) -> None:
    _role(people, "updater", Action.PULL, Action.PUSH_NEW, Action.TAG, Action.OVERWRITE)
    _role(people, "creator", Action.CREATE)
    people.join("updater")
    people.join("creator")
    people.grant("updater", "updater", ACMES)
    people.grant("creator", "creator", ACMES)
    people.push("updater", f"{ACME}/app", OTHER, "v1")
    refused = people.ask("updater", "POST", f"/v2/{ACME}/fresh/blobs/uploads/")
    assert_refused(refused, 403, "DENIED")
    assert "create" in refused.body.decode()
    assert_refused(people.put("updater", f"{ACME}/fresh", APP, "v1"), 403, "DENIED")
    for repository in ("app", "fresh"):
        assert_refused(people.ask("creator", "POST", f"/v2/{ACME}/{repository}/blobs/uploads/"), 403, "DENIED")
        assert_refused(people.put("creator", f"{ACME}/{repository}", APP, "v9"), 403, "DENIED")
    assert people.ask("root", "GET", "/v2/_catalog").json() == {"repositories": [f"{ACME}/app"]}


def test_a_release_is_not_overwritten_by_who_may_not(people: Private) -> None:
    _role(people, "overwriting", Action.OVERWRITE, Action.UNTAG)
    people.deny("maintainer", "overwriting", ACMES, tags="v*")
    people.push("maintainer", f"{ACME}/app", OTHER, "edge")
    assert people.put("maintainer", f"{ACME}/app", APP, "v1").status == 201, "it points there already"
    refused = people.put("maintainer", f"{ACME}/app", OTHER, "v1")
    assert_refused(refused, 403, "DENIED")
    assert refused.json()["errors"][0]["detail"]["tag"] == "v1"
    assert people.put("maintainer", f"{ACME}/app", APP, "edge").status == 201
    assert people.put("maintainer", f"{ACME}/app", OTHER, "v2").status == 201, "it was not there yet"
    assert_refused(people.ask("maintainer", "DELETE", f"/v2/{ACME}/app/manifests/v1"), 403, "DENIED")
    assert people.ask("maintainer", "DELETE", f"/v2/{ACME}/app/manifests/edge").status == 202
    assert people.ask("reader", "GET", f"/v2/{ACME}/app/manifests/v1").body == APP.content


@pytest.mark.parametrize("denied", [Action.UNTAG, Action.OVERWRITE])
def test_a_release_goes_neither_by_its_tag_nor_by_its_digest_nor_with_its_repository(
    people: Private, denied: Action
) -> None:
    _role(people, "denied", denied)
    people.deny("owner", "denied", ACMES, tags="v*")
    people.push("maintainer", f"{ACME}/app", OTHER, "edge")
    for reference in ("v1", APP.digest):
        refused = people.ask("owner", "DELETE", f"/v2/{ACME}/app/manifests/{reference}")
        assert_refused(refused, 403, "DENIED")
        assert refused.json()["errors"][0]["detail"]["tag"] == "v1"
    tagging = [("content-type", APP.media_type)]
    target = f"/v2/{ACME}/app/manifests/{OTHER.digest}?tag=edge&tag=v1"
    if denied is Action.OVERWRITE:
        assert_refused(people.ask("owner", "PUT", target, OTHER.content, tagging), 403, "DENIED")
    assert people.ask("reader", "GET", f"/v2/{ACME}/app/manifests/v1").body == APP.content
    assert people.ask("owner", "DELETE", f"/v2/{ACME}/app/manifests/{OTHER.digest}").status == 202
    assert people.ask("maintainer", "DELETE", f"/v2/{ACME}/app/manifests/{APP.digest}").status == 202


def test_a_manifest_with_tags_is_deleted_by_who_may_remove_these(people: Private) -> None:
    _role(people, "deleting", Action.PULL, Action.DELETE)
    people.join("deleting")
    people.grant("deleting", "deleting", ACMES)
    assert_refused(people.ask("deleting", "DELETE", f"/v2/{ACME}/app/manifests/{APP.digest}"), 403, "DENIED")
    assert people.ask("owner", "DELETE", f"/v2/{ACME}/app/manifests/v1").status == 202
    assert people.ask("deleting", "DELETE", f"/v2/{ACME}/app/manifests/{APP.digest}").status == 202


def test_a_grant_for_digests_alone_opens_no_tag(people: Private) -> None:
    people.join("pinned")
    people.grant("pinned", "guest", ACMES, conditions=Conditions(only_by_digest=True))
    for _ in range(2):
        assert people.ask("pinned", "GET", f"/v2/{ACME}/app/manifests/{APP.digest}").status == 200
        assert_refused(people.ask("pinned", "GET", f"/v2/{ACME}/app/manifests/v1"), 403, "DENIED")


def test_a_grant_for_a_network_opens_nothing_from_elsewhere(people: Private) -> None:
    people.join("local")
    people.grant("local", "guest", ACMES, conditions=Conditions(networks=("10.0.0.0/8",)))
    assert_refused(people.ask("local", "GET", f"/v2/{ACME}/app/manifests/v1"), 404, "MANIFEST_UNKNOWN")
    people.grant("local", "guest", ACMES, conditions=Conditions(networks=("127.0.0.0/8",)))
    assert people.ask("local", "GET", f"/v2/{ACME}/app/manifests/v1").status == 200


def test_a_narrow_token_is_no_more_than_it_says(people: Private) -> None:
    people.join("reader", (Limit(frozenset({Action.PULL}), Place(PlaceKind.REPOSITORIES, f"{ACME}/lib")),))
    refused = people.ask("reader", "GET", f"/v2/{ACME}/app/tags/list")
    assert refused.status in {403, 404}
    assert people.ask("reader", "GET", "/v2/").status == 200


def test_who_signs_in_as_nobody_is_known(people: Private) -> None:
    """`GET /v2/` asks whether a client is signed in: without a token it is told where to get one, with one it is."""
    assert people.ask("anonymous", "GET", "/v2/").status == 401
    token = people.ask("anonymous", "GET", "/token?service=orlop").json()["token"]
    bearer = [("authorization", f"Bearer {token}")]
    assert people.registry.ask("GET", "/v2/", headers=bearer).status == 200
    assert people.registry.ask("GET", f"/v2/{ACME}/app/manifests/v1", headers=bearer).status == 401


def test_a_token_is_for_what_it_says_and_for_the_repository_that_it_was_made_for(people: Private) -> None:
    def bearer(scope: str) -> list[tuple[str, str]]:
        answer = people.ask("owner", "GET", f"/token?service=orlop&scope={scope}")
        return [("authorization", f"Bearer {answer.json()['token']}")]

    pull = bearer(f"repository:{ACME}/app:pull")
    for _ in range(2):
        assert people.registry.ask("GET", f"/v2/{ACME}/app/manifests/v1", headers=pull).status == 200
    refused = people.registry.ask("POST", f"/v2/{ACME}/app/blobs/uploads/", headers=pull)
    assert refused.status == 401
    assert f'scope="repository:{ACME}/app:pull,push"' in refused.header("www-authenticate")
    assert 'error="insufficient_scope"' in refused.header("www-authenticate")
    assert people.registry.ask("GET", f"/v2/{ACME}/lib/manifests/v1", headers=pull).status == 401
    assert people.registry.ask("GET", "/v2/_catalog", headers=pull).status == 401
    listing = bearer("registry:catalog:*")
    assert people.registry.ask("GET", "/v2/_catalog", headers=listing).json() == {"repositories": [f"{ACME}/app"]}
    people.registry.run(people.registry.stores.catalog.repositories.remove(RepositoryName(f"{ACME}/app"), BY))
    people.push("owner", f"{ACME}/app", APP, "v1")
    assert people.registry.ask("GET", f"/v2/{ACME}/app/manifests/v1", headers=pull).status == 401
    again = bearer(f"repository:{ACME}/app:pull")
    assert people.registry.ask("GET", f"/v2/{ACME}/app/manifests/v1", headers=again).status == 200


def test_the_access_log_says_who_and_with_what_and_no_secret(capfd: pytest.CaptureFixture[str]) -> None:
    with structlog.testing.capture_logs() as events, InProcess(open=False, log=Log(access=True)) as registry:
        people = Private(registry)
        text = people.join("reader")
        people.ask("reader", "GET", "/v2/")
        people.ask("anonymous", "GET", f"/v2/{ACME}/app/manifests/v1")
    lines = capfd.readouterr().out
    assert re.search(r'"subject":"reader","credential":"[^"]+ \d+[^"]*"', lines)
    assert '"subject":"anonymous","error":"UNAUTHORIZED"' in lines
    assert text not in lines
    assert text not in repr(events)


async def _unlinked(people: Private, repository: str) -> None:
    await people.registry.stores.catalog.links.unlink(RepositoryName(repository), NEW.digest, BY)


def _role(people: Private, name: str, *actions: Action) -> None:
    body = b'{"actions":[' + b",".join(b'"%s"' % action.value.encode() for action in actions) + b"]}"
    people.registry.run(people.identity.documents.put(Document("role", name, body), BY))
