"""What clients of a mirror ask for by the name of another registry, upstreams of the root, and pushes below one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.content import Pushable, artifact, image
from tests.wire.answer import assert_refused
from tests.wire.shown import APP, Scene, scene

APP_IMAGE, OTHER = image("app"), image("other", layers=["other"])


@pytest.fixture(name="shown")
def _shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    with scene(tmp_path / "data", monkeypatch) as made:
        yield made


def through_the_mirror(shown: Scene, registry: str, reference: str, what: Pushable, name: str = APP) -> None:
    found = shown.ask("GET", f"/v2/{name}/manifests/{reference}?ns={registry}")
    assert (found.status, found.body) == (200, what.content)
    assert found.header("oci-namespace") == registry
    for piece in what.blobs:
        assert shown.ask("GET", f"/v2/{name}/blobs/{piece.digest}?ns={registry}").body == piece.content


def test_the_name_of_a_registry_leads_to_the_upstream_that_answers_for_it(shown: Scene) -> None:
    shown.show(serves=["docker.io", "registry.example.org:5000"])
    signature = artifact("signature", subject=APP_IMAGE)
    shown.upstream.push(APP, APP_IMAGE, "v1")
    shown.upstream.push(APP, signature)
    for registry in ("docker.io", "registry.example.org:5000"):
        through_the_mirror(shown, registry, "v1", APP_IMAGE)
        through_the_mirror(shown, registry, APP_IMAGE.digest, APP_IMAGE)
    assert shown.ask("GET", f"/v2/{APP}/tags/list?ns=docker.io").json()["tags"] == ["v1"]
    listed = shown.ask("GET", f"/v2/{APP}/referrers/{APP_IMAGE.digest}?ns=docker.io").json()["manifests"]
    assert [each["digest"] for each in listed] == [signature.digest]
    shown.pull(APP_IMAGE, "v1")


def test_what_is_remembered_of_one_registry_is_not_said_of_another(shown: Scene) -> None:
    shown.registry.push(APP, OTHER, "v1")
    shown.show(serves=["docker.io"])
    shown.upstream.push(APP, APP_IMAGE, "v1")
    for _ in range(3):
        assert shown.ask("GET", f"/v2/{APP}/manifests/v1").body == OTHER.content
        through_the_mirror(shown, "docker.io", "v1", APP_IMAGE)


def test_a_registry_that_no_upstream_answers_for_is_to_be_asked_itself(shown: Scene) -> None:
    shown.registry.push(APP, OTHER, "v1")
    shown.show(serves=["docker.io"])
    refused = shown.ask("GET", f"/v2/{APP}/manifests/v1?ns=quay.io")
    assert_refused(refused, 404, "NAME_UNKNOWN")
    assert "ask that registry itself" in refused.json()["errors"][0]["message"]
    own = shown.ask("GET", f"/v2/{APP}/manifests/v1?ns=localhost:5000")
    assert own.body == OTHER.content


def test_an_upstream_of_the_root_is_asked_for_what_is_not_here(shown: Scene) -> None:
    shown.registry.push("team/app", OTHER, "v1")
    shown.show(path="")
    shown.upstream.push("library/debian", APP_IMAGE, "v1")
    shown.upstream.push("team/app", APP_IMAGE, "v2")
    shown.pull(APP_IMAGE, "v1", repository="library/debian")
    asked = len(shown.upstream.asked)
    assert shown.manifest("v1", repository="team/app").body == OTHER.content
    assert shown.manifest("v2", repository="team/app").status == 404, "what is one's own is asked for nowhere else"
    assert shown.ask("GET", "/v2/team/app/tags/list").json()["tags"] == ["v1"]
    assert shown.blob(APP_IMAGE.blobs[0], repository="team/app").status == 404
    assert len(shown.upstream.asked) == asked
    shown.registry.push("team/new", OTHER, "v1")
    assert shown.manifest("v1", repository="team/new").body == OTHER.content


def test_what_one_upstream_brought_is_no_proof_for_another(shown: Scene) -> None:
    """A digest alone gets nobody what others hold: the upstream has to bring it."""
    secret = image("secret", layers=["confidential"])
    shown.registry.push("private/app", secret, "v1")
    shown.show()
    shown.upstream.push(APP, APP_IMAGE, "v1")
    shown.pull(APP_IMAGE, "v1")
    shown.upstream.forget()
    assert_refused(shown.blob(secret.blobs[1]), 404, "BLOB_UNKNOWN")


def test_what_somebody_may_pull_elsewhere_does_not_travel_and_becomes_nobody_elses(shown: Scene) -> None:
    """An upstream can name anything in a manifest: that must not show others what one of its readers may see."""
    ours = image("ours", layers=["confidential"])
    shown.registry.push("private/app", ours, "v1")
    shown.show()
    shown.upstream.push(APP, ours, "v1")
    assert shown.manifest("v1").body == ours.content
    shown.upstream.forget()
    for piece in ours.blobs:
        assert shown.blob(piece).body == piece.content
    assert shown.upstream.asked == []
    assert not any(shown.is_kept(piece) for piece in ours.blobs)


@pytest.mark.parametrize("cached", [False, True])
def test_what_shows_another_registry_takes_no_pushes(shown: Scene, cached: bool) -> None:
    shown.show()
    shown.upstream.push(APP, APP_IMAGE, "v1")
    if cached:
        shown.pull(APP_IMAGE, "v1")
    name, piece = f"hub/{APP}", OTHER.blobs[0]
    put = [("content-type", OTHER.media_type)]
    for refused in (
        shown.ask("POST", f"/v2/{name}/blobs/uploads/"),
        shown.ask("POST", f"/v2/{name}/blobs/uploads/?digest={piece.digest}", piece.content),
        shown.ask("PUT", f"/v2/{name}/manifests/v2", OTHER.content, put),
    ):
        assert_refused(refused, 403, "DENIED")
        assert refused.json()["errors"][0]["message"].startswith(f"hub/ shows {shown.upstream.url} and takes no pushes")
    assert shown.manifest("v2").status == 404
