"""A namespace that shows another registry: what is asked there, what is kept here, and what clients get meanwhile."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orlop.ports.catalog import By
from tests.content import artifact, blob, image, index, platform_index
from tests.upstreams import Fault, Mode
from tests.wire.answer import assert_refused
from tests.wire.people import ACME, Private
from tests.wire.shown import APP, HERE, Scene, docker_image, scaled_out, scene

#: As long as an answer of the upstream holds where nothing else is said, in seconds.
FRESH = 15 * 60
MOVED = image("moved", layers=["base", "newer"])


@pytest.fixture(name="shown", params=["disk", pytest.param("scaled out", marks=pytest.mark.slow)])
def _shown(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    changes: dict[str, Any] = {}
    if request.param == "scaled out":
        changes = scaled_out(request.getfixturevalue("bucket"), request.getfixturevalue("postgres").catalog())
    with scene(tmp_path / "data", monkeypatch, **changes) as made:
        made.show()
        yield made


def test_a_first_pull_asks_once_for_everything_and_a_second_for_nothing(shown: Scene) -> None:
    app, upstream = platform_index("app"), shown.upstream
    upstream.push(APP, app, "v1")
    shown.pull(app, "v1")
    asked = upstream.counted()
    manifests = {f"/v2/{APP}/manifests/{each.digest}" for each in app.everything()}
    blobs = {f"/v2/{APP}/blobs/{piece.digest}" for each in app.everything() for piece in each.blobs}
    assert set(asked) == manifests | blobs
    assert set(asked.values()) == {1}, "each of them once"
    assert upstream.counted("HEAD") == {f"/v2/{APP}/manifests/v1": 1}
    upstream.forget()
    shown.pull(app, "v1")
    assert upstream.asked == []


@pytest.mark.parametrize("kind", ["docker", "oci", "artifact", "nested"])
def test_content_is_the_upstreams_byte_for_byte(shown: Scene, kind: str) -> None:
    subject = image("app")
    what = {
        "docker": docker_image("old"),
        "oci": subject,
        "artifact": artifact("signature", subject=subject),
        "nested": index("outer", [index("inner", [subject])]),
    }[kind]
    shown.upstream.push(APP, subject)
    shown.upstream.push(APP, what, "v1")
    shown.pull(what, "v1")
    shown.upstream.forget()
    shown.pull(what, what.digest)
    assert shown.upstream.asked == []


def test_referrers_are_the_upstreams(shown: Scene) -> None:
    app = image("app")
    signature = artifact("signature", subject=app)
    sbom = artifact("sbom", subject=app, artifact_type="application/vnd.example.other")
    for each in (app, signature, sbom):
        shown.upstream.push(APP, each)
    found = shown.ask("GET", f"/v2/{HERE}/referrers/{app.digest}").json()
    assert {each["digest"] for each in found["manifests"]} == {signature.digest, sbom.digest}
    some = shown.ask("GET", f"/v2/{HERE}/referrers/{app.digest}?artifactType=application/vnd.example.other").json()
    assert [each["digest"] for each in some["manifests"]] == [sbom.digest]
    for each in (signature, sbom):
        shown.pull(each)


def test_signatures_are_found_also_where_the_upstream_lists_them_under_a_tag(shown: Scene) -> None:
    """As a registry of before there were referrers does (distribution-spec, "Unavailable Referrers API")."""
    app, upstream = image("app"), shown.upstream
    signature = artifact("signature", subject=app)
    listed = index("listed", [signature])
    for each in (app, signature):
        upstream.push(APP, each)
    upstream.push(APP, listed, str(app.digest).replace(":", "-"))
    upstream.misbehave(f"/referrers/{app.digest}", Fault(Mode.MISSING))
    found = shown.ask("GET", f"/v2/{HERE}/referrers/{app.digest}").json()["manifests"]
    assert [each["digest"] for each in found] == [signature.digest]
    shown.pull(signature)
    by_tag = shown.manifest(str(app.digest).replace(":", "-"))
    assert (by_tag.status, by_tag.body) == (200, listed.content)


def test_a_digest_is_never_asked_for_again(shown: Scene) -> None:
    app = image("app")
    shown.upstream.push(APP, app)
    shown.pull(app)
    shown.upstream.forget()
    shown.later(400 * 24 * 3600)
    shown.pull(app)
    assert shown.upstream.asked == []


def test_a_tag_is_asked_for_with_head_when_what_was_said_is_old(shown: Scene) -> None:
    app, upstream = image("app"), shown.upstream
    upstream.push(APP, app, "latest")
    shown.pull(app, "latest")
    shown.later(FRESH - 300)
    upstream.forget()
    shown.pull(app, "latest")
    assert upstream.asked == []
    shown.later(600)
    shown.pull(app, "latest")
    assert [each.method for each in upstream.asked] == ["HEAD"]
    upstream.push(APP, MOVED, "latest")
    shown.pull(app, "latest")
    shown.later(FRESH + 1)
    upstream.forget()
    shown.pull(MOVED, "latest")
    assert upstream.count("GET", "/manifests/") == 1


def test_a_head_of_what_is_not_cached_costs_no_get(shown: Scene) -> None:
    app, upstream = image("app"), shown.upstream
    upstream.push(APP, app, "v1")
    for reference in ("v1", app.digest):
        found = shown.manifest(reference, method="HEAD")
        assert (found.status, found.header("docker-content-digest")) == (200, app.digest)
        assert (found.header("content-length"), found.header("content-type")) == (str(app.size), app.media_type)
    layer = app.blobs[1]
    found = shown.blob(layer, method="HEAD")
    assert (found.status, found.header("content-length")) == (200, str(layer.size))
    assert upstream.count("GET") == 0


def test_what_head_says_of_a_tag_that_moved_get_says_too(shown: Scene) -> None:
    app, upstream = image("app"), shown.upstream
    upstream.push(APP, app, "latest")
    shown.pull(app, "latest")
    upstream.push(APP, MOVED, "latest")
    shown.later(FRESH + 1)
    assert shown.manifest("latest", method="HEAD").header("docker-content-digest") == MOVED.digest
    assert shown.manifest("latest").header("docker-content-digest") == MOVED.digest


def test_a_tag_that_is_gone_there_is_served_for_as_long_as_set(shown: Scene) -> None:
    app, upstream = image("app"), shown.upstream
    shown.show(keep_vanished="2d")
    upstream.push(APP, app, "v1")
    shown.pull(app, "v1")
    upstream.untag(APP, "v1")
    shown.later(FRESH + 1)
    found = shown.manifest("v1")
    assert (found.status, found.body) == (200, app.content)
    assert "does not have this tag" in found.header("warning")
    shown.later(24 * 3600)
    assert shown.manifest("v1").status == 200
    shown.later(24 * 3600 + 1)
    assert_refused(shown.manifest("v1"), 404, "MANIFEST_UNKNOWN")
    assert shown.manifest(app.digest).status == 200
    shown.later(60)
    upstream.push(APP, app, "v1")
    assert shown.manifest("v1").status == 200


def test_what_is_not_there_is_remembered_briefly(shown: Scene) -> None:
    absent = image("absent")
    for reference in ("none", absent.digest):
        assert_refused(shown.manifest(reference), 404, "MANIFEST_UNKNOWN")
        shown.upstream.forget()
        assert_refused(shown.manifest(reference), 404, "MANIFEST_UNKNOWN")
        assert shown.upstream.asked == []
    assert_refused(shown.blob(blob("absent")), 404, "BLOB_UNKNOWN")
    shown.upstream.forget()
    assert_refused(shown.blob(blob("absent")), 404, "BLOB_UNKNOWN")
    assert shown.upstream.asked == []
    shown.upstream.push(APP, absent, "none")
    shown.upstream.push_blob(APP, blob("absent"))
    shown.later(60)
    shown.pull(absent, "none")
    assert shown.blob(blob("absent")).status == 200


def test_what_may_not_be_shown_is_not_there_and_not_asked_for(shown: Scene) -> None:
    shown.show(allow=["team/**"], deny=["team/secret"])
    app = image("app")
    for repository in ("team/app", "team/secret", "other"):
        shown.upstream.push(repository, app, "v1")
    shown.pull(app, "v1", repository="hub/team/app")
    shown.upstream.forget()
    for repository in ("hub/team/secret", "hub/other"):
        assert_refused(shown.manifest("v1", repository=repository), 404, "MANIFEST_UNKNOWN")
        assert shown.ask("GET", f"/v2/{repository}/tags/list").status == 404
        assert shown.ask("GET", f"/v2/{repository}/referrers/{app.digest}").json()["manifests"] == []
        # Nobody who knows a digest gets what another repository here holds, unless that may be pulled anyway.
        assert shown.manifest(app.digest, repository=repository).status == 404
    assert shown.upstream.asked == []


@pytest.mark.parametrize("mode", [Mode.UNAUTHORIZED, Mode.FORBIDDEN])
def test_what_the_upstream_hides_is_not_there_and_signing_in_would_not_help(shown: Scene, mode: Mode) -> None:
    app = image("app")
    shown.upstream.push(APP, app, "v1")
    shown.upstream.misbehave("", Fault(mode))
    answers = [
        shown.manifest("v1"),
        shown.manifest(app.digest),
        shown.manifest("v1", method="HEAD"),
        shown.blob(app.blobs[0]),
        shown.ask("GET", f"/v2/{HERE}/tags/list"),
    ]
    assert [answer.status for answer in answers] == [404] * 5
    assert all(not answer.header("www-authenticate") for answer in answers)


def test_a_blob_that_two_images_share_travels_once(shown: Scene) -> None:
    one, two = image("one", layers=["base", "one"]), image("two", layers=["base", "two"])
    shown.upstream.push("one", one, "v1")
    shown.upstream.push("two", two, "v1")
    shown.pull(one, "v1", repository="hub/one")
    shown.pull(two, "v1", repository="hub/two")
    assert shown.upstream.count("GET", f"/blobs/{blob('base').digest}") == 1


def test_what_there_is_no_room_for_is_not_kept_and_clients_get_it(shown: Scene) -> None:
    small, big = image("small"), image("big", layers=[blob("large", 300_000), "base"])
    shown.upstream.push(APP, small, "small")
    shown.upstream.push(APP, big, "big")
    shown.pull(small, "small")
    shown.set("quota", "room", "hub", {"bytes": "100KiB"})
    for _ in range(2):
        assert shown.manifest("big").body == big.content
        assert shown.blob(big.blobs[1]).body == big.blobs[1].content
        shown.until("nothing is under way", lambda: not _sessions(shown))
    assert not shown.is_kept(big.blobs[1])
    shown.pull(small, "small")


def test_what_is_here_already_is_served_where_there_is_no_room_for_a_link(shown: Scene) -> None:
    large = blob("large", 300_000)
    one, two = image("one", layers=[large]), image("two", layers=[large, "base"])
    shown.upstream.push("one", one, "v1")
    shown.upstream.push("two", two, "v1")
    shown.pull(one, "v1", repository="hub/one")
    shown.set("quota", "room", "hub/two", {"bytes": "100KiB"})
    assert shown.manifest("v1", repository="hub/two").status == 200
    found = shown.blob(large, repository="hub/two")
    assert (found.status, found.body == large.content) == (200, True), found
    assert shown.upstream.count("GET", f"/blobs/{large.digest}") == 1


def test_a_rule_for_tags_pins_one_to_what_is_cached(shown: Scene) -> None:
    app, upstream = image("app"), shown.upstream
    upstream.push(APP, app, "v1", "latest")
    shown.pull(app, "v1")
    shown.pull(app, "latest")
    shown.set("tag-rule", "pinned", "hub", {"tags": ["v*"], "immutable": True})
    upstream.push(APP, MOVED, "v1", "latest")
    shown.later(FRESH + 1)
    upstream.forget()
    for method in ("HEAD", "GET"):
        pinned = shown.manifest("v1", method=method)
        assert (pinned.status, pinned.header("docker-content-digest")) == (200, app.digest)
    assert pinned.header("warning")
    assert upstream.count("GET") == 0, "what may not take its place is not fetched"
    shown.pull(MOVED, "latest")
    assert shown.manifest("v1").header("docker-content-digest") == app.digest


def test_a_tag_leads_where_it_led_while_the_registry_is_read_only(shown: Scene) -> None:
    app, upstream = image("app"), shown.upstream
    upstream.push(APP, app, "latest")
    shown.pull(app, "latest")
    shown.set("read-only", "moving", "", {"reason": "moving the database"})
    upstream.push(APP, MOVED, "latest")
    shown.later(FRESH + 1)
    for method in ("HEAD", "GET", "GET", "HEAD", "GET"):
        found = shown.manifest("latest", method=method)
        assert (found.status, found.header("docker-content-digest")) == (200, app.digest)
        assert found.header("warning") == '299 - "the registry is read-only: moving the database"'
    documents = shown.registry.stores.identity.documents
    shown.registry.run(documents.remove("read-only", "moving", By("admin", 1)))
    shown.later(6)
    shown.pull(MOVED, "latest")


def test_a_tag_leads_where_it_led_while_a_new_one_cools_down(shown: Scene) -> None:
    app, upstream = image("app"), shown.upstream
    shown.show(cool_down="3d")
    upstream.push(APP, app, "latest")
    shown.pull(app, "latest")
    upstream.push(APP, MOVED, "latest")
    shown.later(FRESH + 1)
    for method in ("HEAD", "GET", "HEAD", "GET"):
        found = shown.manifest("latest", method=method)
        assert (found.status, found.header("docker-content-digest")) == (200, app.digest)
    upstream.forget()
    shown.manifest("latest")
    assert upstream.asked == []
    shown.later(3 * 24 * 3600)
    shown.pull(MOVED, "latest")


def test_tags_are_the_upstreams_and_those_that_are_cached_while_it_is_away(shown: Scene) -> None:
    app, upstream = image("app"), shown.upstream
    upstream.push(APP, app, "v1", "v2", "v3")
    shown.pull(app, "v2")
    tags = f"/v2/{HERE}/tags/list"
    assert shown.ask("GET", tags).json()["tags"] == ["v1", "v2", "v3"]
    assert shown.ask("GET", f"{tags}?n=1&last=v1").json()["tags"] == ["v2"]
    for mode in (Mode.AWAY, Mode.ERROR, Mode.BUSY, Mode.CUT):
        upstream.behave()
        upstream.misbehave("/tags/list", Fault(mode, 0.5))
        assert shown.ask("GET", tags).json()["tags"] == ["v2"], mode


def test_head_that_is_answered_wrongly_is_asked_for_with_get(shown: Scene) -> None:
    for number, mode in enumerate((Mode.NO_HEAD, Mode.NO_LENGTH, Mode.NO_DIGEST)):
        app = image(f"app {number}")
        shown.upstream.push(APP, app, f"v{number}")
        shown.upstream.behave()
        shown.upstream.misbehave("", Fault(mode))
        found = shown.manifest(f"v{number}", method="HEAD")
        assert (found.status, found.header("docker-content-digest")) == (200, app.digest), mode
        shown.pull(app, f"v{number}")


def _sessions(shown: Scene) -> list[Any]:
    async def stages() -> list[Any]:
        return [stage async for stage in shown.registry.stores.blobs.inventory.stages()]

    return shown.registry.run(stages())


def test_fifty_at_once_are_one_for_the_upstream(shown: Scene) -> None:
    app, upstream = image("app", layers=["base", blob("large", 3_000_000)]), shown.upstream
    upstream.push(APP, app, "v1")
    everything = [f"/v2/{HERE}/manifests/v1", *(f"/v2/{HERE}/blobs/{piece.digest}" for piece in app.blobs)]
    for target in everything:
        answers = shown.registry.together(*[("GET", target)] * 50)
        assert {answer.status for answer in answers} == {200}
        assert len({answer.body for answer in answers}) == 1
    assert set(upstream.counted().values()) == {1}


def test_a_client_that_leaves_ends_nothing(shown: Scene) -> None:
    large = blob("large", 3_000_000)
    app, upstream = image("app", layers=[large]), shown.upstream
    upstream.push(APP, app, "v1")
    shown.manifest("v1")
    gate = upstream.gate(large.digest, 1_000_000)

    async def leave() -> None:
        asking = asyncio.ensure_future(shown.registry.asked("GET", f"/v2/{HERE}/blobs/{large.digest}"))
        await gate.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

    shown.registry.run(leave())
    gate.open()
    shown.until_kept(large)
    assert upstream.count("GET", large.digest) == 1


def test_who_may_not_pull_learns_nothing_and_nothing_is_fetched_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A private namespace answers as one that does not exist, whether or not the upstream, or the cache, has it."""
    app = image("app")
    with scene(tmp_path / "data", monkeypatch, open=False) as shown:
        people = Private(shown.registry)
        shown.show(path=ACME)
        shown.upstream.push(APP, app, "v1")
        repository = f"{ACME}/{APP}"
        targets = [
            f"/v2/{repository}/manifests/v1",
            f"/v2/{repository}/manifests/{app.digest}",
            f"/v2/{repository}/blobs/{app.blobs[0].digest}",
            f"/v2/{repository}/tags/list",
            f"/v2/{repository}/referrers/{app.digest}",
        ]

        def hidden() -> list[tuple[int, str]]:
            return [
                (answer.status, answer.header("www-authenticate").partition(" ")[0])
                for who in ("stranger", "other", "anonymous")
                for method in ("GET", "HEAD")
                for answer in [people.ask(who, method, target) for target in targets]
            ]

        before = hidden()
        assert shown.upstream.asked == [], "nothing is asked for those who may not pull"
        assert {status for status, _ in before} <= {200, 401, 404}
        assert all(status != 200 for status, _ in before[:3])
        for target in targets:
            assert people.ask("reader", "GET", target).status == 200, target
        shown.later(FRESH + 60)
        shown.upstream.forget()
        assert hidden() == before, "what is cached by now shows no more than what was not"
        assert shown.upstream.asked == []


def test_a_bad_sign_in_at_the_upstream_never_becomes_one_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with scene(tmp_path / "data", monkeypatch, open=False) as shown:
        people = Private(shown.registry)
        shown.show(path=ACME)
        shown.upstream.misbehave("", Fault(Mode.UNAUTHORIZED))
        for target in (f"/v2/{ACME}/{APP}/manifests/v1", f"/v2/{ACME}/{APP}/blobs/{blob('any').digest}"):
            answer = people.ask("reader", "GET", target)
            assert (answer.status, answer.header("www-authenticate")) == (404, "")
