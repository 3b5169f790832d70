"""Gates that ask for signatures and SBOMs: what is signed by whom, wherever that stands, and what becomes of it."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from orlop.domain import media_types
from orlop.domain.digest import Digest
from orlop.domain.trust.claims import DSSE, IN_TOTO, SIGNATURE_ANNOTATION, SIMPLE_SIGNING
from orlop.ports.by import By
from orlop.ports.settings import Document
from tests.content import EMPTY, Piece, Pushable, config, image, index, stating
from tests.unit.trust.sigstore import new_key, signed_by
from tests.wire.inprocess import InProcess

OURS, STRANGE = new_key(), new_key()
_SPDX = "https://spdx.dev/Document"


@pytest.fixture(scope="module")
def registry() -> Iterator[InProcess]:
    with InProcess() as made:
        yield made


def put(registry: InProcess, kind: str, name: str, path: str, body: dict[str, Any]) -> None:
    documents = registry.stores.identity.documents
    registry.run(documents.put(Document(kind, name, json.dumps(body).encode(), path=path), By("admin", 1)))


def trust(registry: InProcess, path: str, key: ec.EllipticCurvePrivateKey) -> None:
    """Signers of a place, by their key."""
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    put(registry, "signers", "release-team", path, {"keys": [pem]})


def gated(registry: InProcess, path: str) -> None:
    trust(registry, path, OURS)
    put(registry, "gate", "signed", path, {"signed_by": ["release-team"], "mode": "enforce"})


def signature(of: Digest, key: ec.EllipticCurvePrivateKey) -> Pushable:
    """As cosign 2 writes it (sigstore/cosign, specs/SIGNATURE_SPEC.md)."""
    claim = {
        "critical": {
            "identity": {"docker-reference": ""},
            "image": {"docker-manifest-digest": of},
            "type": "cosign container image signature",
        },
        "optional": None,
    }
    payload = Piece("payload", SIMPLE_SIGNING, json.dumps(claim).encode())
    made = base64.b64encode(signed_by(key, payload.content)).decode()
    own = config("signature")
    layer = payload.descriptor(annotations={SIGNATURE_ANNOTATION: made})
    return stating("signature", [own.descriptor(), layer], [own, payload])


def sign(registry: InProcess, repository: str, of: Digest, key: ec.EllipticCurvePrivateKey) -> None:
    registry.push(repository, signature(of, key), f"sha256-{of.hex}.sig")


def said(registry: InProcess, repository: str, reference: str) -> str:
    """What is said of a pull that is refused; empty where it is not."""
    answer = registry.ask("GET", f"/v2/{repository}/manifests/{reference}")
    return str(json.loads(answer.body)["errors"][0]["message"]) if answer.status == 403 else ""


def test_who_has_to_sign_is_named_and_why_others_do_not_count(registry: InProcess) -> None:
    gated(registry, "prod")
    app = image("signed app")
    registry.push("prod/app", app, "1")
    begin = "gate signed on prod refuses app:1: it is not signed by release-team: "
    end = "; have it signed by release-team"
    assert said(registry, "prod/app", "1") == f"{begin}nobody signed it{end}"
    sign(registry, "prod/app", app.digest, STRANGE)
    assert said(registry, "prod/app", "1").startswith(begin)
    assert "nobody" not in said(registry, "prod/app", "1")
    sign(registry, "prod/app", app.digest, OURS)
    assert said(registry, "prod/app", "1") == ""
    assert said(registry, "prod/app", str(app.digest)) == ""


def test_a_signature_of_an_index_counts_for_what_it_lists_and_not_the_other_way(registry: InProcess) -> None:
    gated(registry, "fleet")
    one, two = image("fleet one"), image("fleet two")
    both = index("fleet both", [one, two])
    registry.push("fleet/app", both, "all")
    sign(registry, "fleet/app", one.digest, OURS)
    assert said(registry, "fleet/app", str(one.digest)) == ""
    assert said(registry, "fleet/app", str(two.digest))
    assert said(registry, "fleet/app", "all")
    sign(registry, "fleet/app", both.digest, OURS)
    assert [said(registry, "fleet/app", each) for each in ("all", str(one.digest), str(two.digest))] == ["", "", ""]


def test_a_signature_counts_for_its_own_digest_alone(registry: InProcess) -> None:
    gated(registry, "replayed")
    app, other = image("replayed app"), image("replayed other")
    registry.push("replayed/app", app, "1")
    registry.push("replayed/app", signature(other.digest, OURS), f"sha256-{app.digest.hex}.sig")
    assert said(registry, "replayed/app", "1")


def test_a_verdict_goes_with_the_signers_and_with_the_signature(registry: InProcess) -> None:
    gated(registry, "turned")
    app = image("turned app")
    registry.push("turned/app", app, "1")
    sign(registry, "turned/app", app.digest, OURS)
    assert said(registry, "turned/app", "1") == ""
    trust(registry, "turned", STRANGE)
    assert said(registry, "turned/app", "1")
    trust(registry, "turned", OURS)
    assert said(registry, "turned/app", "1") == ""
    tag = f"sha256-{app.digest.hex}.sig"
    assert registry.ask("DELETE", f"/v2/turned/app/manifests/{tag}").status == 202
    assert "nobody signed it" in said(registry, "turned/app", "1")


def test_signers_that_are_gone_close_the_gate(registry: InProcess) -> None:
    gated(registry, "gone")
    app = image("gone app")
    registry.push("gone/app", app, "1")
    sign(registry, "gone/app", app.digest, OURS)
    assert said(registry, "gone/app", "1") == ""
    documents = registry.stores.identity.documents
    registry.run(documents.remove("signers", "release-team", By("admin", 1), path="gone"))
    assert "is not signed by release-team: no signers of that name are set here" in said(registry, "gone/app", "1")


def test_all_signers_that_are_named_have_to_have_signed(registry: InProcess) -> None:
    gated(registry, "two")
    pem = STRANGE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    put(registry, "signers", "auditors", "", {"keys": [pem]})
    put(registry, "gate", "audited", "two/strict", {"signed_by": ["release-team", "auditors"], "mode": "enforce"})
    app = image("two app")
    for repository in ("two/app", "two/strict/app"):
        registry.push(repository, app, "1")
        sign(registry, repository, app.digest, OURS)
    assert said(registry, "two/app", "1") == ""
    assert "gate audited on two/strict refuses app:1: it is not signed by auditors" in said(
        registry, "two/strict/app", "1"
    )


def envelope(predicate: str) -> Piece:
    """An attestation: a DSSE envelope around a statement (secure-systems-lab/dsse, protocol.md)."""
    statement = {"_type": "https://in-toto.io/Statement/v1", "subject": [], "predicateType": predicate, "predicate": {}}
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    text = {"payload": payload, "payloadType": IN_TOTO, "signatures": [{"sig": "AA=="}]}
    return Piece(f"envelope {predicate}", DSSE, json.dumps(text).encode())


@pytest.mark.parametrize(
    ("predicate", "passes"),
    [(_SPDX, True), ("https://cyclonedx.org/bom", True), ("https://slsa.dev/provenance/v1", False)],
)
def test_an_sbom_that_cosign_attests_is_one(registry: InProcess, predicate: str, passes: bool) -> None:
    put(registry, "gate", "listed", "attested", {"require_sbom": True, "mode": "enforce"})
    app = image(f"attested {predicate}")
    repository = f"attested/{app.digest.hex[:8]}"
    registry.push(repository, app, "1")
    assert "it has no SBOM" in said(registry, repository, "1")
    own, layer = config("attestation"), envelope(predicate)
    told = layer.descriptor(annotations={"predicateType": predicate})
    registry.push(
        repository, stating("attestation", [own.descriptor(), told], [own, layer]), f"sha256-{app.digest.hex}.att"
    )
    assert (said(registry, repository, "1") == "") is passes


def test_an_sbom_that_a_builder_attests_in_the_index_is_one(registry: InProcess) -> None:
    put(registry, "gate", "listed", "built", {"require_sbom": True, "mode": "enforce"})
    app, own = image("built app"), config("built attestation")
    statement = Piece("statement", IN_TOTO, b"{}")
    told = statement.descriptor(annotations={"in-toto.io/predicate-type": _SPDX})
    attestation = stating("built attestation", [own.descriptor(), told], [own, statement])
    marks = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": app.digest}
    document = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_INDEX,
        "manifests": [
            app.piece.descriptor(platform={"os": "linux", "architecture": "amd64"}),
            attestation.piece.descriptor(platform={"os": "unknown", "architecture": "unknown"}, annotations=marks),
        ],
    }
    registry.push("built/app", app, "bare")
    assert "it has no SBOM" in said(registry, "built/app", "bare")
    both = Pushable(Piece("both", media_types.OCI_INDEX, json.dumps(document).encode()), (), (app, attestation))
    registry.push("built/app", both, "1")
    assert said(registry, "built/app", "1") == ""
    assert said(registry, "built/app", "bare") == ""


def test_an_sbom_in_a_bundle_of_a_referrer_is_one(registry: InProcess) -> None:
    put(registry, "gate", "listed", "bundled", {"require_sbom": True, "mode": "enforce"})
    bundle = "application/vnd.dev.sigstore.bundle.v0.3+json"
    app = image("bundled app")
    registry.push("bundled/app", app, "1")
    assert "it has no SBOM" in said(registry, "bundled/app", "1")
    layer = Piece("bundle", bundle, b"{}")
    document = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "artifactType": bundle,
        "config": EMPTY.descriptor(),
        "layers": [layer.descriptor()],
        "subject": app.piece.descriptor(),
        "annotations": {"dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": _SPDX},
    }
    piece = Piece("referrer", media_types.OCI_MANIFEST, json.dumps(document).encode())
    registry.push("bundled/app", Pushable(piece, (EMPTY, layer)), "sbom")
    assert said(registry, "bundled/app", "1") == ""


def test_what_engines_do_not_run_is_not_asked_for_a_signature(registry: InProcess) -> None:
    gated(registry, "passing")
    app = image("passing app")
    registry.push("passing/app", app, "1")
    sign(registry, "passing/app", app.digest, STRANGE)
    assert said(registry, "passing/app", f"sha256-{app.digest.hex}.sig") == ""
    assert registry.ask("HEAD", "/v2/passing/app/manifests/1").status == 200
