"""Manifests, tags and what refers to what: the corners of the specification that registries most often get wrong."""

import json
from typing import Any

import pytest
import structlog

from orlop.adapters.sql.manifests import SqlManifests
from orlop.domain import media_types
from orlop.domain.digest import digest_of
from tests.content import EMPTY, Pushable, artifact, blob, config, image, index
from tests.wire.answer import assert_refused
from tests.wire.inprocess import InProcess

#: Every media type of a manifest, with a document of that type.
OF_EVERY_TYPE = {
    media_types.OCI_MANIFEST: image("app"),
    media_types.OCI_INDEX: index("many", [image("app")]),
}


def put(registry: InProcess, reference: str, document: dict[str, Any], repository: str = "app") -> str:
    """Push a document as it is, under its own media type; its digest."""
    content = json.dumps(document).encode()
    answer = registry.ask(
        "PUT", f"/v2/{repository}/manifests/{reference}", content, [("content-type", document["mediaType"])]
    )
    assert answer.status == 201, answer
    return answer.header("docker-content-digest")


def referrers(registry: InProcess, subject: str, query: str = "", repository: str = "app") -> list[dict[str, Any]]:
    """The entries of a referrers list, which must be a sound index."""
    answer = registry.ask("GET", f"/v2/{repository}/referrers/{subject}{query}")
    assert answer.status == 200
    assert answer.header("content-type") == media_types.OCI_INDEX
    body = answer.json()
    assert (body["schemaVersion"], body["mediaType"]) == (2, media_types.OCI_INDEX)
    entries: list[dict[str, Any]] = body["manifests"]
    return entries


@pytest.mark.parametrize("what", OF_EVERY_TYPE.values(), ids=lambda what: what.name)
def test_a_manifest_is_answered_exactly(registry: InProcess, what: Pushable) -> None:
    """The Content-Type without charset, the real Content-Length also on HEAD, the digest on every answer."""
    registry.push("app", what, "v1")
    for reference in ("v1", what.digest, what.digest.replace(":", "%3A")):
        for method in ("GET", "HEAD"):
            answer = registry.ask(method, f"/v2/app/manifests/{reference}")
            assert answer.status == 200
            assert answer.body == (what.content if method == "GET" else b"")
            assert answer.header("content-type") == what.media_type
            assert answer.header("content-length") == str(what.size)
            assert answer.header("docker-content-digest") == what.digest
            assert answer.header("etag") == f'"{what.digest}"'
            assert ("immutable" in answer.header("cache-control")) == (reference != "v1")


def test_a_blob_is_answered_exactly(registry: InProcess) -> None:
    for piece in (blob("small"), blob("large", 3_000_000)):
        registry.push_blob("app", piece)
        for method in ("GET", "HEAD"):
            answer = registry.ask(method, f"/v2/app/blobs/{piece.digest}")
            assert answer.status == 200
            assert answer.body == (piece.content if method == "GET" else b"")
            assert answer.header("content-type") == "application/octet-stream"
            assert answer.header("content-length") == str(piece.size)
            assert answer.header("docker-content-digest") == piece.digest
            assert answer.header("accept-ranges") == "bytes"


def test_a_push_is_answered_exactly(registry: InProcess) -> None:
    what = image("app")
    registry.push("app", what)
    content = what.content
    for reference in ("v1", what.digest):
        answer = registry.ask("PUT", f"/v2/app/manifests/{reference}", content, [("content-type", what.media_type)])
        assert (answer.status, answer.body) == (201, b"")
        assert answer.header("location") == f"/v2/app/manifests/{what.digest}"
        assert answer.header("docker-content-digest") == what.digest
        assert answer.all("oci-subject") == []


def test_docker_types_are_kept_and_never_converted(registry: InProcess) -> None:
    """An image pushed with Docker's types is answered with them, whatever the client names."""
    document = json.loads(image("app").content) | {"mediaType": media_types.DOCKER_MANIFEST}
    registry.push("app", image("app"))
    digest = put(registry, "v1", document)
    listed = {
        "schemaVersion": 2,
        "mediaType": media_types.DOCKER_LIST,
        "manifests": [{"mediaType": media_types.DOCKER_MANIFEST, "digest": digest, "size": len(json.dumps(document))}],
    }
    put(registry, "list", listed)
    for reference, media_type in (("v1", media_types.DOCKER_MANIFEST), ("list", media_types.DOCKER_LIST)):
        target = f"/v2/app/manifests/{reference}"
        for accept in ("", "*/*", media_type, f"text/html, {media_type};q=0.5", media_types.OCI_MANIFEST):
            answer = registry.ask("GET", target, headers=[("accept", accept)] if accept else [])
            assert (answer.status, answer.header("content-type")) == (200, media_type)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_manifest_may_be_pushed_under_either_digest(registry: InProcess, algorithm: str) -> None:
    what = image("app")
    registry.push("app", what)
    digest = digest_of(what.content, algorithm)
    answer = registry.ask("PUT", f"/v2/app/manifests/{digest}", what.content, [("content-type", what.media_type)])
    assert (answer.status, answer.header("docker-content-digest")) == (201, digest)
    pulled = registry.ask("GET", f"/v2/app/manifests/{digest}")
    assert (pulled.body, pulled.header("docker-content-digest")) == (what.content, digest)


def test_a_push_by_digest_sets_any_number_of_tags(registry: InProcess) -> None:
    """`PUT …/manifests/<digest>?tag=a&tag=b` with `OCI-Tag` for each (the specification's main branch)."""
    what = image("app")
    registry.push("app", what)
    target = f"/v2/app/manifests/{what.digest}"
    headers = [("content-type", what.media_type)]
    answer = registry.ask("PUT", f"{target}?tag=b&tag=a&tag=b&x=c", what.content, headers)
    assert (answer.status, answer.all("oci-tag")) == (201, ["b", "a"])
    assert registry.ask("GET", "/v2/app/tags/list").json()["tags"] == ["a", "b"]
    for bad in ("tag=-x", "tag=", "tag=c&tag=%00", "tag=" + "y" * 129):
        assert_refused(registry.ask("PUT", f"{target}?{bad}", what.content, headers), 400, "TAG_INVALID")
    by_tag = registry.ask("PUT", "/v2/app/manifests/d?tag=e", what.content, headers)
    assert (by_tag.status, by_tag.all("oci-tag")) == (201, []), "the parameter belongs to pushes by digest"
    assert registry.ask("GET", "/v2/app/tags/list").json()["tags"] == ["a", "b", "d"]


def test_deletes_are_202_and_the_next_head_is_404(registry: InProcess) -> None:
    what, other = image("app"), image("other")
    registry.push("app", what, "v1", "v2")
    registry.push("app", other, "v3")
    assert registry.ask("DELETE", "/v2/app/manifests/v1").status == 202
    assert registry.ask("HEAD", "/v2/app/manifests/v1").status == 404
    assert registry.ask("HEAD", "/v2/app/manifests/v2").status == 200, "a deleted tag takes nothing else with it"
    assert registry.ask("HEAD", f"/v2/app/manifests/{what.digest}").status == 200
    deleted = registry.ask("DELETE", f"/v2/app/manifests/{what.digest}")
    assert (deleted.status, deleted.body) == (202, b"")
    for reference in (what.digest, "v2"):
        assert registry.ask("HEAD", f"/v2/app/manifests/{reference}").status == 404
        assert_refused(registry.ask("DELETE", f"/v2/app/manifests/{reference}"), 404, "MANIFEST_UNKNOWN")
    assert registry.ask("GET", "/v2/app/tags/list").json()["tags"] == ["v3"]
    own = what.blobs[0]
    assert registry.ask("DELETE", f"/v2/app/blobs/{own.digest}").status == 202
    assert registry.ask("HEAD", f"/v2/app/blobs/{own.digest}").status == 404
    assert_refused(registry.ask("DELETE", f"/v2/app/blobs/{own.digest}"), 404, "BLOB_UNKNOWN")


def test_what_is_needed_is_not_deleted(registry: InProcess) -> None:
    child = image("app")
    registry.push("app", index("many", [child]), "v1")
    refused = registry.ask("DELETE", f"/v2/app/manifests/{child.digest}")
    assert_refused(refused, 403, "DENIED")
    assert_refused(registry.ask("DELETE", f"/v2/app/blobs/{child.blobs[0].digest}"), 403, "DENIED")
    assert registry.ask("GET", f"/v2/app/manifests/{child.digest}").body == child.content
    assert registry.ask("GET", f"/v2/app/blobs/{child.blobs[0].digest}").body == child.blobs[0].content


def test_a_tag_that_looks_like_a_digest_is_a_tag(registry: InProcess) -> None:
    what = image("app")
    tag = str(image("other").digest).replace(":", "-")
    registry.push("app", what, tag)
    assert registry.ask("GET", f"/v2/app/manifests/{tag}").body == what.content
    assert registry.ask("GET", "/v2/app/tags/list").json()["tags"] == [tag]


def test_documents_of_few_things_are_fine(registry: InProcess) -> None:
    """No layers, an empty index, nested indexes, `data` in a descriptor, foreign layers that nobody pushed."""
    registry.push_blob("app", EMPTY)
    bare = {"schemaVersion": 2, "mediaType": media_types.OCI_MANIFEST, "config": EMPTY.descriptor(), "layers": []}
    put(registry, "no-layers", bare)
    put(registry, "null-layers", bare | {"layers": None})
    put(registry, "data", bare | {"config": EMPTY.descriptor(data="e30=")})
    put(registry, "without", {key: value for key, value in bare.items() if key != "layers"})
    empty = index("empty", [])
    for what in (empty, index("nested", [index("inner", [image("app")]), empty]), image("far", foreign=["away"])):
        registry.push("app", what, what.name)
        assert registry.ask("GET", f"/v2/app/manifests/{what.name}").body == what.content


def test_referrers_of_nothing_are_an_empty_index(registry: InProcess) -> None:
    """ "If … no results … the response MUST be an empty index": also for a repository that nobody ever pushed to."""
    digest = image("app").digest
    assert referrers(registry, digest, repository="nobody/knows") == []
    registry.push("app", image("app"))
    assert referrers(registry, digest) == []
    assert referrers(registry, digest, "?artifactType=a/b") == []
    assert b'"manifests":[]' in registry.ask("GET", f"/v2/app/referrers/{digest}").body


def test_referrers_show_what_the_specification_asks(registry: InProcess) -> None:
    """The artifact type, "from the config's media type" where the manifest has none, and all annotations."""
    subject = image("app")
    registry.push("app", subject)
    notes = {"a": "1", "org.opencontainers.image.created": "2026-01-01T00:00:00Z", "\u00fc": "\u2028"}
    signed = artifact(
        "signature", subject=subject, artifact_type="application/vnd.example.signature", annotations=notes
    )
    plain = image("attached", subject=subject)
    listed = index("listing", [], subject=subject)
    for what in (signed, plain, listed):
        content_type = [("content-type", what.media_type)]
        for piece in what.blobs:
            registry.push_blob("app", piece)
        for reference in (what.digest, what.name):
            answer = registry.ask("PUT", f"/v2/app/manifests/{reference}", what.content, content_type)
            assert (answer.status, answer.header("oci-subject")) == (201, subject.digest)
    entries = {entry["digest"]: entry for entry in referrers(registry, subject.digest)}
    assert list(entries) == sorted(what.digest for what in (signed, plain, listed))
    for what in (signed, plain, listed):
        entry = entries[what.digest]
        assert (entry["mediaType"], entry["size"]) == (what.media_type, what.size)
    assert entries[signed.digest]["artifactType"] == "application/vnd.example.signature"
    assert entries[signed.digest]["annotations"] == notes
    assert entries[plain.digest]["artifactType"] == media_types.OCI_CONFIG
    assert "artifactType" not in entries[listed.digest], "an index has no config to take it from"


def test_referrers_are_filtered_only_when_they_say_so(registry: InProcess) -> None:
    subject = image("app")
    registry.push("app", subject)
    wanted = artifact("sbom", subject=subject, artifact_type="application/vnd.example.sbom")
    for what in (wanted, artifact("signature", subject=subject, artifact_type="application/vnd.example.signature")):
        registry.push("app", what)
    query = "?artifactType=application/vnd.example.sbom"
    assert [entry["digest"] for entry in referrers(registry, subject.digest, query)] == [wanted.digest]
    target = f"/v2/app/referrers/{subject.digest}"
    assert registry.ask("GET", target + query).header("oci-filters-applied") == "artifactType"
    assert registry.ask("GET", target).all("oci-filters-applied") == []
    assert registry.ask("GET", f"{target}?artifactType=").all("oci-filters-applied") == []
    assert referrers(registry, subject.digest, "?artifactType=application/vnd.example") == []


def test_referrers_may_come_before_their_subject_and_go_with_their_manifest(registry: InProcess) -> None:
    subject = image("app")
    early = artifact("sbom", subject=subject)
    registry.push("app", early)
    assert [entry["digest"] for entry in referrers(registry, subject.digest)] == [early.digest]
    assert_refused(registry.ask("GET", f"/v2/app/manifests/{subject.digest}"), 404, "MANIFEST_UNKNOWN")
    registry.push("app", subject)
    assert referrers(registry, subject.digest, repository="other") == []
    assert registry.ask("DELETE", f"/v2/app/manifests/{early.digest}").status == 202
    assert referrers(registry, subject.digest) == []


def test_referrers_of_a_sha512_subject(registry: InProcess) -> None:
    registry.push_blob("app", EMPTY)
    subject = digest_of(image("app").content, "sha512")
    document = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "artifactType": "a/b",
        "config": EMPTY.descriptor(),
        "layers": [],
        "subject": {"mediaType": media_types.OCI_MANIFEST, "digest": subject, "size": 1},
    }
    digest = put(registry, "v1", document)
    assert [entry["digest"] for entry in referrers(registry, subject)] == [digest]


def test_content_pushed_under_the_fallback_tag_is_listed(registry: InProcess) -> None:
    """What a client wrote for a registry without the referrers API shows up in the list of one that has it."""
    subject = image("app")
    attached = artifact("sbom")
    registry.push("app", subject)
    registry.push("app", attached)
    entry = attached.piece.descriptor(artifactType="application/vnd.example.sbom", annotations={"a": "b"})
    tag = str(subject.digest).replace(":", "-")
    put(registry, tag, {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": [entry]})
    assert referrers(registry, subject.digest) == [entry]
    assert referrers(registry, subject.digest, "?artifactType=application/vnd.example.sbom") == [entry]
    assert referrers(registry, subject.digest, "?artifactType=a/b") == []


def test_the_fallback_tag_answers_although_nobody_pushed_it(registry: InProcess) -> None:
    subject = image("app")
    tag = str(subject.digest).replace(":", "-")
    registry.push("app", subject)
    assert_refused(registry.ask("GET", f"/v2/app/manifests/{tag}"), 404, "MANIFEST_UNKNOWN")
    attached = artifact("sbom", subject=subject)
    registry.push("app", attached)
    answer = registry.ask("GET", f"/v2/app/manifests/{tag}", headers=[("accept", media_types.OCI_INDEX)])
    assert (answer.status, answer.header("content-type")) == (200, media_types.OCI_INDEX)
    assert answer.header("docker-content-digest") == digest_of(answer.body)
    assert [entry["digest"] for entry in answer.json()["manifests"]] == [attached.digest]
    assert registry.ask("GET", "/v2/app/tags/list").json()["tags"] == []


def test_a_mirrors_client_is_told_which_namespace_it_got(registry: InProcess) -> None:
    """ "SHOULD return the ns query parameter value in the OCI-Namespace header" (main branch, "Registry Proxying")."""
    what = image("app")
    registry.push("app", what, "v1")
    for target in ("/v2/app/manifests/v1", f"/v2/app/manifests/{what.digest}", f"/v2/app/blobs/{what.blobs[0].digest}"):
        for method in ("GET", "HEAD"):
            for namespace in ("docker.io", "registry.example:5000", "[2001:db8::1]:443"):
                answer = registry.ask(method, f"{target}?ns={namespace}")
                assert (answer.status, answer.header("oci-namespace")) == (200, namespace)
            for odd in ("", "a%0d%0aset-cookie:b=c", "a b", "http://docker.io", "x" * 300, "%ff", "a/b"):
                answer = registry.ask(method, f"{target}?ns={odd}")
                assert (answer.status, answer.all("oci-namespace")) == (200, [])


def test_a_moved_tag_answers_with_the_new_manifest_at_once(registry: InProcess) -> None:
    first, second = image("first"), image("second")
    for _ in range(3):
        for what in (first, second):
            registry.push("app", what, "v1")
            for method in ("GET", "HEAD"):
                assert registry.ask(method, "/v2/app/manifests/v1").header("docker-content-digest") == what.digest
        assert registry.ask("DELETE", "/v2/app/manifests/v1").status == 202
        for _ in range(2):
            assert registry.ask("HEAD", "/v2/app/manifests/v1").status == 404


def test_ping_answers_everybody(registry: InProcess) -> None:
    for target in ("/v2/", "/v2"):
        for method in ("GET", "HEAD"):
            answer = registry.ask(method, target)
            assert answer.status == 200
            assert answer.header("docker-distribution-api-version") == "registry/2.0"
            assert answer.header("content-type") == "application/json"


def test_the_config_is_an_ordinary_blob(registry: InProcess) -> None:
    own = config("app")
    registry.push("app", image("app"))
    assert registry.ask("GET", f"/v2/app/blobs/{own.digest}").json()["author"] == "app"


@pytest.mark.parametrize("reference", ["v1", OF_EVERY_TYPE[media_types.OCI_MANIFEST].digest])
@pytest.mark.parametrize("query", ["", "?ns=docker.io"])
def test_a_defect_is_an_error_that_names_its_request_and_the_log_knows(
    monkeypatch: pytest.MonkeyPatch, reference: str, query: str
) -> None:
    """Whichever way a pull takes, nobody gets the bare error of a server."""

    async def defective(*_: object) -> None:
        raise TypeError("a defect")

    with structlog.testing.capture_logs() as log, InProcess() as registry:
        registry.push("app", OF_EVERY_TYPE[media_types.OCI_MANIFEST], "v1")
        monkeypatch.setattr(SqlManifests, "resolve", defective)
        answer = registry.ask("GET", f"/v2/app/manifests/{reference}{query}")
    assert answer.status == 500
    (error,) = answer.json()["errors"]
    assert error["message"] == "the registry failed; its log says why"
    # What follows pushes fails at the same defect, and names no request.
    (told,) = [entry for entry in log if entry["log_level"] == "error" and "request_id" in entry]
    assert told["request_id"] == answer.header("x-request-id")
    assert told["exc_info"]
