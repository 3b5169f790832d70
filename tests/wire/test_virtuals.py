"""Virtual repositories: what is asked for is looked for in the members, for whoever may see it there as well."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog

from orlop.config.outbound import Outbound
from orlop.config.settings import CatalogStore
from orlop.domain.access import Place, PlaceKind, Visibility
from orlop.domain.events import EventKind
from tests.clientside.loopback import Loopback, serving
from tests.clientside.memoryregistry import MemoryRegistry
from tests.content import Pushable, blob, image, index
from tests.wire.answer import Answer, assert_refused
from tests.wire.inprocess import InProcess
from tests.wire.people import ACME, RIVAL, Private
from tests.wire.test_tag_rules import setting

pytestmark = pytest.mark.slow

ONE, TWO, THREE = image("one", ["base", "code"]), image("two", ["base", "more"]), image("three", ["third"])
#: Where the other registries of these tests are.
LOOPBACK = Outbound("127.0.0.0/8")
SHOWN = {"members": [f"{ACME}/", f"{RIVAL}/"], "push_to": f"{ACME}/"}


@contextmanager
def served(data: Path | None = None, **changes: Any) -> Iterator[Private]:
    with structlog.testing.capture_logs(), InProcess(data, open=False, outbound=LOOPBACK, **changes) as registry:
        people = Private(registry)
        people.show("all", Visibility.INTERNAL)
        people.push("owner", f"{ACME}/app", ONE, "v1", "v3")
        people.push("other", f"{RIVAL}/app", TWO, "v1", "v2")
        people.push("other", f"{RIVAL}/theirs", THREE, "v1")
        yield people


@pytest.fixture(name="people")
def _people() -> Iterator[Private]:
    with served() as people:
        yield people


@pytest.fixture(params=["disk", "postgres"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Private]:
    """The same with a catalog on disk, and in PostgreSQL."""
    changes: dict[str, Any] = {}
    if request.param == "postgres":
        changes["catalog"] = CatalogStore(request.getfixturevalue("postgres").catalog())
    with served(tmp_path / "data", **changes) as people:
        yield people


def virtual(people: Private, body: dict[str, Any] | None = None, who: str = "root", place: str = "all") -> Answer:
    return setting(people, "PUT", who, "all", place, body or SHOWN, kind="virtuals")


def token(people: Private, who: str, *scopes: str) -> list[tuple[str, str]]:
    """The headers of somebody who fetched a token for these."""
    query = "&".join(f"scope={scope}" for scope in scopes)
    answer = people.ask(who, "GET", f"/token?service=orlop&{query}")
    assert answer.status == 200, answer.body
    return [("authorization", f"Bearer {answer.json()['token']}")]


def pull(people: Private, who: str, reference: str, name: str = "all/app") -> Answer:
    return people.ask(who, "GET", f"/v2/{name}/manifests/{reference}")


def test_the_first_member_that_has_it_answers(people: Private) -> None:
    people.grant("owner", "reader", Place(PlaceKind.NAMESPACE, RIVAL))
    assert_refused(pull(people, "owner", "v1"), 404, "MANIFEST_UNKNOWN")
    assert virtual(people).status == 200
    assert pull(people, "owner", "v1").body == ONE.content
    assert pull(people, "owner", "v2").body == TWO.content
    assert pull(people, "owner", TWO.digest).body == TWO.content
    assert pull(people, "owner", "v1", "all/theirs").body == THREE.content
    head = people.ask("owner", "HEAD", "/v2/all/app/manifests/v2")
    assert (head.status, head.header("docker-content-digest")) == (200, TWO.digest)
    for what in (ONE, TWO):
        for piece in what.blobs:
            assert people.ask("owner", "GET", f"/v2/all/app/blobs/{piece.digest}").body == piece.content
    part = people.ask("owner", "GET", f"/v2/all/app/blobs/{blob('more').digest}", headers=[("range", "bytes=1-3")])
    assert (part.status, part.body) == (206, blob("more").content[1:4])
    assert_refused(pull(people, "owner", "v4"), 404, "MANIFEST_UNKNOWN")
    assert_refused(people.ask("owner", "GET", f"/v2/all/app/blobs/{blob('none').digest}"), 404, "BLOB_UNKNOWN")
    listed = people.ask("root", "GET", "/v2/_catalog").json()["repositories"]
    assert listed == [f"{ACME}/app", f"{RIVAL}/app", f"{RIVAL}/theirs"], "only what there is"


def test_what_is_pushed_to_a_virtual_is_pulled_from_it_on_any_store(stored: Private) -> None:
    for who in ("owner", "root"):
        assert_refused(pull(stored, who, "v1"), 404, "MANIFEST_UNKNOWN")
    assert virtual(stored).status == 200
    stored.push("publisher", "all/new", THREE, "v1")
    for name in ("all/new", f"{ACME}/new"):
        assert pull(stored, "reader", "v1", name).body == THREE.content
    assert pull(stored, "root", "v2").body == TWO.content
    assert stored.ask("root", "GET", "/v2/all/app/tags/list").json()["tags"] == ["v1", "v2", "v3"]
    assert setting(stored, "DELETE", "root", "all", "all", kind="virtuals").status == 204
    assert_refused(pull(stored, "root", "v2"), 404, "MANIFEST_UNKNOWN")


def test_what_was_remembered_before_the_virtual_is_not_given_after_it(people: Private) -> None:
    people.push("root", "all/app", THREE, "v1")
    for _ in range(3):
        assert pull(people, "root", "v1").body == THREE.content
    assert virtual(people).status == 200
    for _ in range(3):
        assert pull(people, "root", "v1").body == ONE.content
    assert setting(people, "DELETE", "root", "all", "all", kind="virtuals").status == 204
    assert pull(people, "root", "v1").body == THREE.content
    for _ in range(3):
        assert pull(people, "root", "v1", f"{ACME}/app").body == ONE.content


def test_what_somebody_may_not_see_in_a_member_is_not_there_for_them(people: Private) -> None:
    assert virtual(people).status == 200
    assert pull(people, "reader", "v1").body == ONE.content
    assert pull(people, "other", "v1").body == TWO.content
    assert_refused(pull(people, "other", ONE.digest), 404, "MANIFEST_UNKNOWN")
    assert_refused(people.ask("other", "GET", f"/v2/all/app/blobs/{blob('code').digest}"), 404, "BLOB_UNKNOWN")
    assert_refused(pull(people, "stranger", "v1"), 404, "MANIFEST_UNKNOWN")
    assert people.ask("other", "GET", "/v2/all/app/tags/list").json()["tags"] == ["v1", "v2"]
    assert_refused(people.ask("stranger", "GET", "/v2/all/app/tags/list"), 404, "NAME_UNKNOWN")
    assert_refused(pull(people, "anonymous", "v1"), 401, "UNAUTHORIZED")
    people.show("all", Visibility.PRIVATE)
    assert_refused(pull(people, "reader", "v1"), 404, "MANIFEST_UNKNOWN")
    people.show("all", Visibility.PUBLIC)
    asked = pull(people, "anonymous", "v1")
    assert_refused(asked, 401, "UNAUTHORIZED")
    assert 'scope="repository:all/app:pull"' in asked.header("www-authenticate")
    people.show(RIVAL, Visibility.PUBLIC)
    assert pull(people, "anonymous", "v2").body == TWO.content


def test_tags_are_those_of_all_members_in_pages(people: Private) -> None:
    people.grant("owner", "reader", Place(PlaceKind.NAMESPACE, RIVAL))
    assert virtual(people).status == 200
    whole = people.ask("owner", "GET", "/v2/all/app/tags/list")
    assert whole.json() == {"name": "all/app", "tags": ["v1", "v2", "v3"]}
    assert not whole.header("link")
    first = people.ask("owner", "GET", "/v2/all/app/tags/list?n=2")
    assert first.json()["tags"] == ["v1", "v2"]
    assert first.header("link") == '</v2/all/app/tags/list?n=2&last=v2>; rel="next"'
    assert people.ask("owner", "GET", "/v2/all/app/tags/list?n=2&last=v2").json()["tags"] == ["v3"]
    assert people.ask("owner", "GET", "/v2/all/app/tags/list?n=0").json()["tags"] == []
    assert_refused(people.ask("owner", "GET", "/v2/all/none/tags/list"), 404, "NAME_UNKNOWN")


def test_referrers_are_those_of_all_members(people: Private) -> None:
    people.grant("owner", "reader", Place(PlaceKind.NAMESPACE, RIVAL))
    here, there = image("sbom", subject=ONE), image("signature", subject=ONE)
    people.push("owner", f"{ACME}/app", here)
    people.push("other", f"{RIVAL}/app", there)
    assert virtual(people).status == 200

    def referrers(who: str, query: str = "") -> Answer:
        return people.ask(who, "GET", f"/v2/all/app/referrers/{ONE.digest}{query}")

    listed = [entry["digest"] for entry in referrers("owner").json()["manifests"]]
    assert listed == sorted([here.digest, there.digest])
    assert [entry["digest"] for entry in referrers("reader").json()["manifests"]] == [here.digest]
    page = referrers("owner", "?n=1")
    assert [entry["digest"] for entry in page.json()["manifests"]] == listed[:1]
    assert page.header("link").startswith(f"</v2/all/app/referrers/{ONE.digest}?n=1&last=")
    assert referrers("stranger").json()["manifests"] == []


def test_a_push_goes_to_the_member_that_is_named_for_it(people: Private) -> None:
    assert virtual(people).status == 200
    begun = people.ask("publisher", "POST", "/v2/all/new/blobs/uploads/")
    assert begun.status == 202
    assert begun.header("location").startswith("/v2/all/new/blobs/uploads/")
    piece = blob("third")
    half = len(piece.content) // 2
    went = people.ask("publisher", "PATCH", begun.header("location"), piece.content[:half])
    assert went.status == 202, went.body
    stands = people.ask("publisher", "GET", went.header("location"))
    assert (stands.status, stands.header("range")) == (204, f"0-{half - 1}")
    done = people.ask("publisher", "PUT", f"{went.header('location')}?digest={piece.digest}", piece.content[half:])
    assert (done.status, done.header("location")) == (201, f"/v2/all/new/blobs/{piece.digest}")
    people.push("publisher", "all/new", THREE, "v1")
    assert people.ask("reader", "GET", f"/v2/{ACME}/new/manifests/v1").body == THREE.content
    assert pull(people, "reader", "v1", "all/new").body == THREE.content
    assert people.put("publisher", "all/new", THREE, "v2").header("location") == (
        f"/v2/all/new/manifests/{THREE.digest}"
    )
    assert_refused(people.put("reader", "all/new", THREE, "v3"), 403, "DENIED")
    assert_refused(people.put("other", "all/new", THREE, "v3"), 403, "DENIED")
    assert people.ask("owner", "DELETE", "/v2/all/new/manifests/v2").status == 202
    assert people.ask("reader", "GET", f"/v2/{ACME}/new/tags/list").json()["tags"] == ["v1"]
    listed = people.ask("root", "GET", "/v2/_catalog").json()["repositories"]
    assert f"{ACME}/new" in listed
    assert "all/new" not in listed


def pushed_as_clients_do(people: Private, who: str, name: str, what: Pushable, tag: str) -> Answer:
    """Blobs and manifests are looked for first, and what is there is not sent."""
    for pushable in what.everything():
        for piece in pushable.blobs:
            if people.ask(who, "HEAD", f"/v2/{name}/blobs/{piece.digest}").status == 404:
                posted = people.ask(who, "POST", f"/v2/{name}/blobs/uploads/?digest={piece.digest}", piece.content)
                assert posted.status == 201, posted
        digest = pushable.digest
        if pushable is not what and people.ask(who, "HEAD", f"/v2/{name}/manifests/{digest}").status == 404:
            assert people.put(who, name, pushable, digest).status == 201
    return people.put(who, name, what, tag)


@pytest.mark.parametrize("deep", [False, True])
def test_what_a_client_does_not_send_because_another_member_has_it_is_put_there(people: Private, deep: bool) -> None:
    people.grant("owner", "reader", Place(PlaceKind.NAMESPACE, RIVAL))
    there = index("both", [TWO, THREE])
    people.push("other", f"{RIVAL}/app", index("deep", [there]) if deep else there, "both")
    assert virtual(people).status == 200
    what = index("deep", [there]) if deep else there
    for new in (what, image("four", ["base", "more", "four"])):
        pushed = pushed_as_clients_do(people, "owner", "all/app", new, "new")
        assert pushed.status == 201, pushed.body
        assert pull(people, "reader", "new", f"{ACME}/app").body == new.content
        for pushable in new.everything():
            assert pull(people, "reader", pushable.digest, f"{ACME}/app").body == pushable.content
            for piece in pushable.blobs:
                assert people.ask("reader", "GET", f"/v2/{ACME}/app/blobs/{piece.digest}").body == piece.content
    assert people.put("publisher", "all/x", TWO, "v1").status == 404, "what they may not pull is not put there for them"
    assert_refused(people.put("publisher", "all/app", image("five", ["nowhere"]), "v1"), 404, "MANIFEST_BLOB_UNKNOWN")


def test_rules_and_quotas_of_the_member_hold(people: Private) -> None:
    assert virtual(people).status == 200
    assert setting(people, "PUT", "owner", "fixed", ACME, {"tags": ["v*"], "immutable": True}).status == 200
    people.push("publisher", "all/app", THREE)
    refused = people.put("publisher", "all/app", THREE, "v1")
    assert_refused(refused, 403, "DENIED")
    assert "the tag rule fixed of acme/" in refused.json()["errors"][0]["message"]
    assert setting(people, "PUT", "root", "small", ACME, {"bytes": "1KiB"}, kind="quotas").status == 200
    large = blob("large", 2_000)
    full = people.ask("publisher", "POST", f"/v2/all/app/blobs/uploads/?digest={large.digest}", large.content)
    assert_refused(full, 403, "DENIED")
    assert "the quota small of acme/" in full.json()["errors"][0]["message"]


def test_without_a_member_for_it_no_push_is_taken(people: Private) -> None:
    assert virtual(people, {"members": [f"{ACME}/", f"{RIVAL}/"]}).status == 200
    for answer in (
        people.ask("root", "POST", "/v2/all/app/blobs/uploads/"),
        people.put("root", "all/app", ONE, "v9"),
        people.ask("root", "DELETE", "/v2/all/app/manifests/v1"),
    ):
        assert_refused(answer, 403, "DENIED")
        [said] = answer.json()["errors"]
        assert said["message"] == f"the virtual of all/ takes no pushes; push to {ACME}/app"
    stranger = people.ask("stranger", "POST", "/v2/all/app/blobs/uploads/")
    assert stranger.json()["errors"][0]["message"] == "the virtual of all/ takes no pushes"
    assert_refused(people.ask("anonymous", "POST", "/v2/all/app/blobs/uploads/"), 401, "UNAUTHORIZED")
    assert pull(people, "root", "v1").body == ONE.content


def test_tokens_are_for_the_name_and_good_for_what_it_stands_for(people: Private) -> None:
    assert virtual(people).status == 200
    ask = people.registry.ask
    pulling = token(people, "publisher", "repository:all/app:pull")
    assert ask("GET", "/v2/all/app/manifests/v1", b"", pulling).body == ONE.content
    assert ask("GET", "/v2/all/app/tags/list", b"", pulling).json()["tags"] == ["v1", "v3"]
    direct = ask("GET", f"/v2/{ACME}/app/manifests/v1", b"", pulling)
    assert_refused(direct, 401, "UNAUTHORIZED")
    narrow = ask("POST", "/v2/all/app/blobs/uploads/", b"", pulling)
    assert_refused(narrow, 401, "UNAUTHORIZED")
    assert 'scope="repository:all/app:pull,push"' in narrow.header("www-authenticate")
    pushing = token(people, "publisher", "repository:all/app:pull,push")
    assert ask("POST", "/v2/all/app/blobs/uploads/", b"", pushing).status == 202
    reading = token(people, "reader", "repository:all/app:pull,push")
    assert_refused(ask("POST", "/v2/all/app/blobs/uploads/", b"", reading), 403, "DENIED")
    assert ask("GET", "/v2/all/app/manifests/v1", b"", token(people, "other", "repository:all/app:pull")).body == (
        TWO.content
    )


def test_blobs_are_mounted_from_and_to_a_virtual(people: Private) -> None:
    assert virtual(people).status == 200
    base = blob("base").digest
    for target, source in (("all/two", "all/app"), (f"{ACME}/three", "all/app"), ("all/four", f"{ACME}/app")):
        mounted = people.ask("publisher", "POST", f"/v2/{target}/blobs/uploads/?mount={base}&from={source}")
        assert (mounted.status, mounted.header("location")) == (201, f"/v2/{target}/blobs/{base}")
    headers = token(people, "publisher", "repository:all/five:pull,push", "repository:all/app:pull")
    asked = people.registry.ask("POST", f"/v2/all/five/blobs/uploads/?mount={base}&from=all/app", b"", headers)
    assert asked.status == 201
    third = blob("third").digest
    asked = people.ask("publisher", "POST", f"/v2/all/six/blobs/uploads/?mount={third}&from=all/theirs")
    assert asked.status == 202, "they may not pull it from where it is"


def test_nobody_shows_or_takes_pushes_for_what_they_may_not_themselves(people: Private) -> None:
    people.grant("owner", "owner", Place(PlaceKind.NAMESPACE, "all"))
    assert_refused_setting(virtual(people, who="maintainer"), 403)
    refused = virtual(people, who="owner")
    assert_refused_setting(refused, 403)
    assert f"on {RIVAL}/" in refused.json()["detail"]
    mine = {"members": [f"{ACME}/"], "push_to": f"{ACME}/"}
    assert virtual(people, mine, who="owner").status == 200
    people.grant("owner", "reader", Place(PlaceKind.NAMESPACE, RIVAL))
    assert setting(people, "DELETE", "owner", "all", "all", kind="virtuals").status == 204
    assert virtual(people, {**SHOWN, "push_to": f"{RIVAL}/"}, who="owner").status == 403
    assert virtual(people, who="owner").status == 200
    events = people.registry.run(people.registry.stores.catalog.outbox.events(0, 1_000))
    told = [(event.kind, event.actor) for event in events if event.subject == "virtual all"]
    changed, deleted = EventKind.DOCUMENT_CHANGED, EventKind.DOCUMENT_DELETED
    assert told == [(changed, "owner"), (deleted, "owner"), (changed, "owner")]


def assert_refused_setting(answer: Answer, status: int) -> None:
    assert answer.status == status, answer.body


@pytest.mark.parametrize(
    ("place", "body", "said"),
    [
        ("all", {"members": ["all/"]}, "lie in each other"),
        ("all", {"members": ["all/x/"]}, "lie in each other"),
        ("all/x", {"members": ["all/"]}, "lie in each other"),
        ("", {"members": [f"{ACME}/"]}, "a virtual is of a namespace"),
        ("more", {"members": ["v/"]}, "is shown by the virtual of v/"),
        ("more", {"members": ["v/x/"]}, "is shown by the virtual of v/"),
        (ACME, {"members": [f"{RIVAL}/"]}, "no virtual shows another"),
        ("all", {"members": ["Team/"]}, "is no namespace"),
        ("all", {"members": []}, "length"),
        ("all", {"members": [f"{ACME}/", ACME]}, "each is named once"),
        ("all", {"members": [f"{ACME}/"], "push_to": f"{RIVAL}/"}, "push_to: name a member"),
        ("all", {"members": [f"{ACME}/"], "order": "best-first"}, "best-first"),
        ("all", {"members": [f"{ACME}/"], "push-to": f"{ACME}/"}, "push_to"),
    ],
)
def test_what_shows_itself_or_another_is_refused(refusing_people: Private, place: str, body: Any, said: str) -> None:
    answer = setting(refusing_people, "PUT", "root", "made", place, body, kind="virtuals")
    assert_refused_setting(answer, 400)
    assert said in json.dumps(answer.json())


@pytest.fixture(scope="module")
def refusing_people() -> Iterator[Private]:
    with structlog.testing.capture_logs(), InProcess(open=False) as registry:
        people = Private(registry)
        made = setting(people, "PUT", "root", "v", "v", {"members": [f"{ACME}/"]}, kind="virtuals")
        assert made.status == 200, made.body
        yield people


@pytest.fixture
def remote(people: Private) -> Iterator[tuple[Loopback, MemoryRegistry]]:
    """Another registry, which `hub/` shows: it has `app` with v1 and v9, and `tools`."""
    registry = MemoryRegistry()
    registry.keep("app", THREE, "v1", "v9")
    registry.keep("tools", TWO, "v1", "v2")
    serving_it = serving(registry.handle)
    loopback = people.registry.run(serving_it.__aenter__())
    made = setting(people, "PUT", "root", "hub", "hub", {"url": loopback.url}, kind="upstreams")
    assert made.status == 200, made.body
    yield loopback, registry
    people.registry.run(serving_it.__aexit__(None, None, None))


def asked_for(loopback: Loopback, name: str) -> list[str]:
    return [seen.path for seen in loopback.seen if seen.path.startswith(f"/v2/{name}/")]


HUB = {"members": ["hub/", f"{ACME}/"], "push_to": f"{ACME}/"}


def test_what_another_registry_has_is_shown_with_what_is_here(
    people: Private, remote: tuple[Loopback, MemoryRegistry]
) -> None:
    assert virtual(people, HUB).status == 200
    people.grant("reader", "reader", Place(PlaceKind.NAMESPACE, "hub"))
    for _ in range(2):
        assert pull(people, "reader", "v2", "all/tools").body == TWO.content
        assert pull(people, "reader", TWO.digest, "all/tools").body == TWO.content
        for piece in TWO.blobs:
            assert people.ask("reader", "GET", f"/v2/all/tools/blobs/{piece.digest}").body == piece.content
    assert people.ask("reader", "GET", "/v2/all/tools/tags/list").json()["tags"] == ["v1", "v2"]
    assert pull(people, "reader", "v1").body == ONE.content
    assert_refused(pull(people, "publisher", "v2", "all/tools"), 404, "MANIFEST_UNKNOWN")
    people.push("publisher", "all/mine", ONE, "v1")
    assert pull(people, "reader", "v1", "all/mine").body == ONE.content
    people.grant("publisher", "reader", Place(PlaceKind.NAMESPACE, "hub"))
    several = index("several", [THREE])
    remote[1].keep("three", several, "v1")
    assert pushed_as_clients_do(people, "publisher", "all/three", several, "own").status == 201
    assert pull(people, "reader", "own", f"{ACME}/three").body == several.content
    assert people.ask("reader", "GET", f"/v2/{ACME}/three/blobs/{blob('third').digest}").body == blob("third").content
    assert remote[1].faults == []


def test_a_name_that_is_here_is_never_asked_for_elsewhere(
    people: Private, remote: tuple[Loopback, MemoryRegistry]
) -> None:
    """Dependency confusion: not for a tag that is missing here, not for a digest, not by who may not see it here."""
    people.grant("reader", "reader", Place(PlaceKind.NAMESPACE, "hub"))
    people.grant("stranger", "reader", Place(PlaceKind.NAMESPACE, "hub"))
    assert virtual(people, HUB).status == 200
    for who in ("reader", "stranger", "root"):
        for reference in ("v9", THREE.digest):
            assert_refused(pull(people, who, reference), 404, "MANIFEST_UNKNOWN")
        for piece in (*THREE.blobs, blob("none")):
            assert_refused(people.ask(who, "GET", f"/v2/all/app/blobs/{piece.digest}"), 404, "BLOB_UNKNOWN")
        assert people.ask(who, "GET", f"/v2/all/app/referrers/{THREE.digest}").json()["manifests"] == []
    assert people.ask("reader", "GET", "/v2/all/app/tags/list").json()["tags"] == ["v1", "v3"]
    assert_refused(people.ask("stranger", "GET", "/v2/all/app/tags/list"), 404, "NAME_UNKNOWN")
    mount = f"/v2/{ACME}/x/blobs/uploads/?mount={THREE.blobs[0].digest}&from=all/app"
    assert people.ask("owner", "POST", mount).status == 202
    assert asked_for(remote[0], "app") == []
    assert pull(people, "reader", "v9", "hub/app").body == THREE.content, "by its own name it is there"
    assert_refused(pull(people, "reader", "v9"), 404, "MANIFEST_UNKNOWN")
    assert people.ask("root", "DELETE", f"/api/v1/repositories/{ACME}/app").status == 204
    assert pull(people, "reader", "v9").body == THREE.content, "and now no name here is in the way"


def test_as_listed_the_registry_that_stands_first_is_asked_first(
    people: Private, remote: tuple[Loopback, MemoryRegistry]
) -> None:
    people.grant("reader", "reader", Place(PlaceKind.NAMESPACE, "hub"))
    assert virtual(people, {**HUB, "order": "as-listed"}).status == 200
    assert pull(people, "reader", "v1").body == THREE.content
    assert pull(people, "reader", "v3").body == ONE.content
    assert people.ask("reader", "GET", "/v2/all/app/tags/list").json()["tags"] == ["v1", "v3", "v9"]


def test_while_another_registry_is_away_nobody_gets_something_else_in_its_place(people: Private) -> None:
    made = setting(people, "PUT", "root", "hub", "hub", {"url": "http://127.0.0.1:1"}, kind="upstreams")
    assert made.status == 200
    people.push("other", f"{RIVAL}/tools", THREE, "v1")
    listed = {"members": ["hub/", f"{RIVAL}/"], "order": "as-listed"}
    assert virtual(people, listed).status == 200
    assert_refused(pull(people, "root", "v1", "all/tools"), 503, "UNAVAILABLE")
