"""Manifests that must be refused, by tag and by digest, and large and odd ones that must not."""

import json

import pytest

from orlop.domain.digest import digest_of
from tests.content import Pushable, artifact, blob, config
from tests.content import image as sound_image
from tests.wire.answer import assert_refused
from tests.wire.documents import ALL, CONFIG, INDEX, LAYER, OCI, Document, image, index
from tests.wire.inprocess import InProcess


def test_the_documents_would_be_fine_but_for_what_is_wrong_with_them(registry: InProcess) -> None:
    for piece in (CONFIG, LAYER):
        registry.push_blob("app", piece)
    for document, media_type in ((image(), OCI), (index(), INDEX)):
        content = json.dumps(document).encode()
        assert registry.ask("PUT", "/v2/app/manifests/v1", content, [("content-type", media_type)]).status == 201


@pytest.mark.parametrize("document", ALL, ids=lambda document: document.what)
def test_a_bad_manifest_is_refused(refusing: InProcess, document: Document) -> None:
    headers = [("content-type", document.content_type)] if document.content_type else []
    for reference in ("v1", "new", digest_of(document.content), digest_of(document.content, "sha512")):
        answer = refusing.ask("PUT", f"/v2/app/manifests/{reference}", document.content, headers)
        assert_refused(answer, document.status, document.code)


def test_a_manifest_of_exactly_4_mib_is_taken(registry: InProcess) -> None:
    """ "Client and registry implementations SHOULD expect to be able to support manifest pushes of at least 4
    megabytes" (distribution-spec, "Pushing Manifests")."""
    what = sound_image("app")
    registry.push("app", what)
    content = what.content.ljust(4 * 1024 * 1024)
    answer = registry.ask("PUT", "/v2/app/manifests/large", content, [("content-type", what.media_type)])
    assert answer.status == 201
    pulled = registry.ask("GET", "/v2/app/manifests/large")
    assert pulled.body == content
    assert pulled.header("docker-content-digest") == digest_of(content)


def test_a_manifest_whose_digest_is_another_is_refused(refusing: InProcess) -> None:
    content = json.dumps(image()).encode()
    other = digest_of(content + b" ")
    answer = refusing.ask("PUT", f"/v2/app/manifests/{other}", content, [("content-type", OCI)])
    assert_refused(answer, 400, "DIGEST_INVALID")
    assert answer.json()["errors"][0]["detail"] == {"expected": other, "actual": digest_of(content)}


def test_a_header_that_would_be_stored_must_be_printable(refusing: InProcess) -> None:
    for value in ("application/json\x01", "\xe4", "\x7f"):
        answer = refusing.ask("PUT", "/v2/app/manifests/v1", b"{}", [("content-type", value)])
        assert_refused(answer, 400, "UNSUPPORTED")


def test_every_missing_digest_is_named_in_the_refusal(refusing: InProcess) -> None:
    missing = [blob(f"absent {number}") for number in range(3)]
    content = json.dumps(image(layers=[piece.descriptor() for piece in (LAYER, *missing)])).encode()
    answer = refusing.ask("PUT", "/v2/app/manifests/v1", content, [("content-type", OCI)])
    assert_refused(answer, 404, "MANIFEST_BLOB_UNKNOWN")
    assert answer.json()["errors"][0]["detail"] == {"digests": [piece.digest for piece in missing]}


@pytest.mark.parametrize("size", [0, 2**63 - 1])
def test_a_foreign_layer_may_claim_any_size_that_is_a_number_of_bytes(registry: InProcess, size: int) -> None:
    registry.push_blob("app", CONFIG)
    layer = {
        "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "digest": blob("foreign").digest,
        "size": size,
        "urls": ["https://example.com/layer"],
    }
    content = json.dumps(image(layers=[layer])).encode()
    assert registry.ask("PUT", "/v2/app/manifests/v1", content, [("content-type", OCI)]).status == 201
    assert registry.ask("GET", "/v2/app/manifests/v1").body == content


def test_what_a_manifest_says_beside_what_the_registry_reads_is_kept_byte_for_byte(registry: InProcess) -> None:
    for piece in (CONFIG, LAYER):
        registry.push_blob("app", piece)
    odd = image(**{"x-unknown": [1, None, {"a": 1e3}], "annotations": {"": "", "\u2028": "\U0001f433\u0000"}})
    content = ("\n" + json.dumps(odd, indent=3, ensure_ascii=False) + "\r\n\t ").encode()
    assert registry.ask("PUT", "/v2/app/manifests/v1", content, [("content-type", OCI)]).status == 201
    assert registry.ask("GET", "/v2/app/manifests/v1").body == content


def test_the_content_type_may_have_parameters_and_any_case(registry: InProcess) -> None:
    """ "The registry SHOULD ignore parameters on the Content-Type header" (distribution-spec, "Pushing Manifests");
    "type and subtype tokens are case-insensitive" (RFC 9110, section 8.3.1)."""
    what: Pushable = sound_image("app")
    registry.push("app", what)
    for value in (f"{OCI}; charset=utf-8", f"{OCI};a=b;c=d", OCI.upper(), OCI.replace("oci", "OCI") + " ; x=y"):
        put = registry.ask("PUT", "/v2/app/manifests/v1", what.content, [("content-type", value)])
        assert put.status == 201, value
        assert registry.ask("GET", "/v2/app/manifests/v1").header("content-type") == OCI


def test_the_content_type_may_be_left_to_the_manifest(registry: InProcess) -> None:
    for what in (sound_image("app"), artifact("sbom")):
        registry.push("app", what)
        for headers in ([], [("content-type", "application/json")], [("content-type", "application/octet-stream")]):
            assert registry.ask("PUT", "/v2/app/manifests/v1", what.content, headers).status == 201
            assert registry.ask("GET", "/v2/app/manifests/v1").header("content-type") == what.media_type


def test_config_of_another_image_is_fine_when_it_is_there(registry: InProcess) -> None:
    registry.push_blob("app", config("other"))
    content = json.dumps(image(config=config("other").descriptor(), layers=[])).encode()
    assert registry.ask("PUT", "/v2/app/manifests/v1", content, [("content-type", OCI)]).status == 201
