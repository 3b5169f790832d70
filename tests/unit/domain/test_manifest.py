"""Bytes to manifests: what is read out of sound ones, and that nothing else comes of bad ones than a refusal."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain import media_types
from orlop.domain.errors import ManifestInvalid
from orlop.domain.manifest import MAX_REFERENCES, EdgeKind, parse_index_entries, parse_manifest
from tests.content import FOREIGN_LAYER, Piece, artifact, blob, config, image, index
from tests.wire.documents import ALL, CONFIG, LAYER, OCI
from tests.wire.documents import image as document

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def test_an_image() -> None:
    what = image("app", layers=["base", "code"], foreign=["far"], annotations={"a": "b"})
    manifest = what.manifest
    assert not manifest.is_index
    assert (manifest.media_type, manifest.artifact_type) == (OCI, media_types.OCI_CONFIG)
    assert manifest.annotations == {"a": "b"}
    assert manifest.subject is None
    assert [(edge.kind, edge.digest, edge.size, edge.foreign) for edge in manifest.edges] == [
        (EdgeKind.CONFIG, config("app").digest, config("app").size, False),
        (EdgeKind.LAYER, blob("base").digest, blob("base").size, False),
        (EdgeKind.LAYER, blob("code").digest, blob("code").size, False),
        (EdgeKind.LAYER, blob("far").digest, blob("far").size, True),
    ]
    assert manifest.content_size == config("app").size + blob("base").size + blob("code").size


def test_an_index_of_manifests_and_blobs() -> None:
    cached = Piece("cache", "application/vnd.buildkit.cacheconfig.v0", b"{}")
    manifest = index("many", [image("a"), index("inner", []), cached]).manifest
    assert manifest.is_index
    assert [edge.kind for edge in manifest.edges] == [EdgeKind.MANIFEST, EdgeKind.MANIFEST, EdgeKind.BLOB]
    assert manifest.artifact_type == ""


def test_an_artifact_and_its_subject() -> None:
    subject = image("app")
    manifest = artifact("sbom", subject=subject, artifact_type="a/b").manifest
    assert (manifest.subject, manifest.artifact_type) == (subject.digest, "a/b")


def test_content_that_is_named_twice_counts_once() -> None:
    assert image("app", ["base", "base"]).manifest.content_size == config("app").size + blob("base").size


def test_only_layers_may_be_foreign() -> None:
    text = json.dumps(document(config=CONFIG.descriptor(mediaType=FOREIGN_LAYER))).encode()
    assert not any(edge.foreign for edge in parse_manifest(text, OCI).edges)


@pytest.mark.parametrize(
    ("content_type", "media_type", "taken"),
    [
        ("", OCI, OCI),
        (OCI, None, OCI),
        ("", None, OCI),
        ("application/json", None, OCI),
        ("application/octet-stream", media_types.DOCKER_MANIFEST, media_types.DOCKER_MANIFEST),
        (media_types.DOCKER_MANIFEST, None, media_types.DOCKER_MANIFEST),
        (f"{OCI.upper()}; charset=utf-8", OCI, OCI),
    ],
)
def test_where_the_media_type_comes_from(content_type: str, media_type: str | None, taken: str) -> None:
    content = json.dumps(document(mediaType=media_type or ...)).encode()
    assert parse_manifest(content, content_type).media_type == taken


def test_an_index_without_any_media_type_is_one_by_its_manifests() -> None:
    assert parse_manifest(b'{"schemaVersion": 2, "manifests": null}', "").media_type == media_types.OCI_INDEX


def test_references_have_a_limit() -> None:
    most = document(layers=[LAYER.descriptor()] * (MAX_REFERENCES - 1))
    assert len(parse_manifest(json.dumps(most).encode(), OCI).edges) == MAX_REFERENCES
    with pytest.raises(ManifestInvalid, match="references"):
        parse_manifest(json.dumps(document(layers=[LAYER.descriptor()] * MAX_REFERENCES)).encode(), OCI)


@pytest.mark.parametrize("bad", [case for case in ALL if case.code == "MANIFEST_INVALID"], ids=lambda case: case.what)
def test_what_is_wrong_is_said_in_a_sentence(bad: msgspec.Struct) -> None:
    sizes_that_only_the_store_knows = {"layer: size is not that of the blob", "layer: size 0 for a blob that has bytes"}
    sizes_that_only_the_store_knows |= {"config: size is not that of the blob"}
    what, content, content_type = (getattr(bad, name) for name in ("what", "content", "content_type"))
    if what in sizes_that_only_the_store_knows:
        assert parse_manifest(content, content_type).edges
        return
    with pytest.raises(ManifestInvalid) as refusal:
        parse_manifest(content, content_type)
    assert 8 < len(refusal.value.message) < 500


@given(st.binary(max_size=200), st.text(max_size=20))
def test_any_bytes_are_a_manifest_or_refused(content: bytes, content_type: str) -> None:
    try:
        manifest = parse_manifest(content, content_type)
    except ManifestInvalid:
        return
    document = json.loads(content)
    assert document["schemaVersion"] == 2
    assert manifest.is_index is ("manifests" in document)


@given(
    st.fixed_dictionaries(
        {"schemaVersion": st.just(2)},
        optional=dict.fromkeys(("mediaType", "config", "layers", "manifests", "subject", "annotations", "x"), _JSON),
    ),
    st.sampled_from(["", *sorted(media_types.MANIFESTS)]),
)
def test_any_document_is_a_manifest_or_refused(value: object, content_type: str) -> None:
    content = json.dumps(value).encode()
    try:
        manifest = parse_manifest(content, content_type)
    except ManifestInvalid:
        return
    assert manifest.media_type in media_types.MANIFESTS
    assert all(edge.size >= 0 for edge in manifest.edges)


def test_entries_of_an_index_as_they_were_written() -> None:
    entry = image("app").piece.descriptor(
        platform={"os": "linux", "architecture": "arm64", "os.version": "1", "variant": "v8"},
        annotations={"a": "b"},
        artifactType="a/b",
        urls=["https://example.com"],
        data="e30=",
    )
    odd = image("odd").piece.descriptor(platform={"os": 7})
    content = json.dumps({"schemaVersion": 2, "manifests": [entry, odd]}).encode()
    first, second = parse_index_entries(content)
    assert json.loads(msgspec.json.encode(first)) == entry
    assert second.platform is None, "a platform that is none hides itself, not the entry"
    with pytest.raises(ManifestInvalid):
        parse_index_entries(b"[]")
