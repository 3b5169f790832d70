"""Mounts: a blob becomes visible in a repository only where the client may see it already."""

import pytest

from tests.content import blob
from tests.wire.answer import assert_refused
from tests.wire.inprocess import InProcess

BLOB = blob("base")


def test_a_mount_links_and_copies_nothing(registry: InProcess) -> None:
    registry.push_blob("source/app", BLOB)
    answer = registry.ask("POST", f"/v2/target/app/blobs/uploads/?mount={BLOB.digest}&from=source/app")
    assert (answer.status, answer.body) == (201, b"")
    assert answer.header("location") == f"/v2/target/app/blobs/{BLOB.digest}"
    assert answer.header("docker-content-digest") == BLOB.digest
    assert registry.ask("GET", f"/v2/target/app/blobs/{BLOB.digest}").body == BLOB.content
    assert registry.ask("DELETE", f"/v2/source/app/blobs/{BLOB.digest}").status == 202
    assert registry.ask("GET", f"/v2/target/app/blobs/{BLOB.digest}").body == BLOB.content


@pytest.mark.parametrize("query", ["", "&from="])
def test_a_mount_without_a_source_takes_any(registry: InProcess, query: str) -> None:
    """ "from" is optional: "anonymous mount" ("Mounting a blob from another repository")."""
    registry.push_blob("source", BLOB)
    assert registry.ask("POST", f"/v2/target/blobs/uploads/?mount={BLOB.digest}{query}").status == 201


def test_a_mount_from_a_repository_that_does_not_hold_it_begins_a_session(registry: InProcess) -> None:
    """ "If a registry does not support cross-repository mounting or is unable to mount the requested blob, it SHOULD
    return a 202": also when another repository than the one named holds it, which the answer must not betray."""
    registry.push_blob("secret", BLOB)
    registry.push_blob("public", blob("other"))
    for source in ("public", "nobody", "target"):
        answer = registry.ask("POST", f"/v2/target/blobs/uploads/?mount={BLOB.digest}&from={source}")
        assert answer.status == 202
        assert_refused(registry.ask("GET", f"/v2/target/blobs/{BLOB.digest}"), 404, "BLOB_UNKNOWN")
        session = answer.header("location")
        assert registry.ask("PUT", f"{session}?digest={blob('mine').digest}", blob("mine").content).status == 201


def test_a_mount_of_what_nobody_holds_begins_a_session(registry: InProcess) -> None:
    answer = registry.ask("POST", f"/v2/target/blobs/uploads/?mount={BLOB.digest}")
    assert answer.status == 202
    assert registry.ask("PUT", f"{answer.header('location')}?digest={BLOB.digest}", BLOB.content).status == 201


def test_a_blob_of_another_repository_is_not_visible(registry: InProcess) -> None:
    registry.push_blob("secret", BLOB)
    registry.push_blob("app", blob("other"))
    for method in ("GET", "HEAD", "DELETE"):
        answer = registry.ask(method, f"/v2/app/blobs/{BLOB.digest}")
        assert answer.status == 404
        if method != "HEAD":
            assert_refused(answer, 404, "BLOB_UNKNOWN")
    assert registry.ask("GET", f"/v2/secret/blobs/{BLOB.digest}").status == 200


def test_a_mount_onto_itself_is_fine(registry: InProcess) -> None:
    registry.push_blob("app", BLOB)
    assert registry.ask("POST", f"/v2/app/blobs/uploads/?mount={BLOB.digest}&from=app").status == 201
    assert registry.ask("DELETE", f"/v2/app/blobs/{BLOB.digest}").status == 202
    assert registry.ask("HEAD", f"/v2/app/blobs/{BLOB.digest}").status == 404
