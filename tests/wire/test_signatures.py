"""Signatures that are many, large, deep, or put where they do not belong: looked at within bounds, with the reason."""

import base64
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from orlop.domain import media_types
from orlop.domain.trust.claims import BUNDLE_MAX, SIGNATURE_ANNOTATION, SIMPLE_SIGNING
from orlop.domain.trust.notation import ARTIFACT, JWS
from orlop.services.trust.found import MANIFESTS, SIGNATURES
from tests.content import EMPTY, Piece, Pushable, image
from tests.managed import PASSWORD, Managed
from tests.servers import OrlopServer
from tests.unit.trust.notaries import Notary
from tests.unit.trust.sigstore import authority_certificate, new_key
from tests.unit.trust.test_notation import jws, payload

pytestmark = pytest.mark.slow

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
KEY = new_key()
NOTARY = Notary(datetime.now(UTC))


@pytest.fixture(scope="module", name="registry")
def _registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    folder = tmp_path_factory.mktemp("signatures")
    server = OrlopServer(folder, {"open": False, "admin_password": PASSWORD, "workers": 1})
    server.start()
    try:
        made = Managed(server)
        public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        known = NOTARY.signers()
        made.put("signers/team?path=prod", {"keys": [public]})
        made.put("signers/notary?path=prod", {"certificates": known.certificates, "subjects": list(known.subjects)})
        yield made
    finally:
        server.kill()


def said(registry: Managed, repository: str, what: Pushable) -> Any:
    return registry.ask("GET", f"image-signatures?repository={repository}&reference={what.digest}")


def simple(of: Pushable, number: int = 0, key: ec.EllipticCurvePrivateKey = KEY) -> tuple[Piece, dict[str, str]]:
    """A payload of cosign, and what stands beside it."""
    critical = {"image": {"docker-manifest-digest": of.digest}, "type": "cosign container image signature"}
    content = json.dumps({"critical": critical, "optional": {"number": number}}).encode()
    signature = key.sign(content, ec.ECDSA(hashes.SHA256()))
    return Piece(f"payload {number}", SIMPLE_SIGNING, content), {
        SIGNATURE_ANNOTATION: base64.b64encode(signature).decode()
    }


def holding(
    layers: Sequence[tuple[Piece, dict[str, str]]], subject: Pushable | None = None, kind: str = ""
) -> Pushable:
    """A manifest of signatures."""
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "config": EMPTY.descriptor(),
        "layers": [piece.descriptor(annotations=annotations) for piece, annotations in layers],
    }
    if subject is not None:
        document |= {"artifactType": kind, "subject": subject.piece.descriptor()}
    piece = Piece("signatures", media_types.OCI_MANIFEST, json.dumps(document).encode())
    return Pushable(piece, (EMPTY, *dict.fromkeys(each for each, _ in layers)))


def tag_of(what: Pushable) -> str:
    return what.digest.replace(":", "-") + ".sig"


def signed_by(found: Any) -> dict[str, int]:
    return {one["name"]: one["signed"] for one in found["signers"]}


def test_of_a_thousand_signatures_some_are_looked_at_and_that_is_said(registry: Managed) -> None:
    one = image("thousand")
    registry.push("prod/thousand", one, "1")
    piece, annotations = simple(one)
    many = [(piece, {SIGNATURE_ANNOTATION: base64.b64encode(b"%d" % number).decode()}) for number in range(1_000)]
    registry.push("prod/thousand", holding([(piece, annotations), *many]), tag_of(one))
    found = said(registry, "prod/thousand", one)
    assert (len(found["signatures"]), found["more"]) == (SIGNATURES, True)
    assert signed_by(found) == {"team": 1, "notary": 0}
    assert {each["problem"] for each in found["signatures"][1:]} != {""}


def test_of_many_manifests_some_are_looked_at_and_that_is_said(registry: Managed) -> None:
    one = image("many")
    registry.push("prod/many", one, "1")
    for number in range(MANIFESTS + 1):
        piece = Piece(f"no signature {number}", JWS, b'{"number": %d}' % number)
        registry.push("prod/many", holding([(piece, {})], one, ARTIFACT))
    found = said(registry, "prod/many", one)
    assert (len(found["signatures"]), found["more"]) == (MANIFESTS, True)
    assert {each["problem"] for each in found["signatures"]} == {"it is no JWS of Notation"}


@pytest.mark.parametrize(
    ("name", "piece", "problem"),
    [
        (
            "oversized",
            Piece("oversized", BUNDLE, b" " * (BUNDLE_MAX + 1)),
            f"it has {BUNDLE_MAX + 1} bytes, and {BUNDLE_MAX} are looked at",
        ),
        ("deep", Piece("deep", BUNDLE, b'{"verificationMaterial":' * 80_000), "it is no bundle of Sigstore"),
        ("huge", Piece("huge", BUNDLE, b'{"a":[' + b"[]," * 690_000 + b"[]]}"), "it is no bundle of Sigstore"),
    ],
)
def test_what_is_large_or_deep_is_refused(registry: Managed, name: str, piece: Piece, problem: str) -> None:
    one = image(name)
    registry.push(f"prod/{name}", one, "1")
    registry.push(f"prod/{name}", holding([(piece, {})], one, BUNDLE))
    registry.push(f"prod/{name}", holding([simple(one)]), tag_of(one))
    found = said(registry, f"prod/{name}", one)
    assert [each["problem"] for each in found["signatures"] if each["form"] == "bundle"] == [problem]
    assert signed_by(found)["team"] == 1, "what is wrong with one is nothing to another"


def test_a_thousand_certificates_are_refused(registry: Managed) -> None:
    one = image("certificates")
    registry.push("prod/certificates", one, "1")
    content = json.loads(jws(NOTARY, payload(str(one.digest))).content)
    content["header"]["x5c"] = [*content["header"]["x5c"], *(["AAAA"] * 998)]
    piece = Piece("thousand", JWS, json.dumps(content).encode())
    registry.push("prod/certificates", holding([(piece, {})], one, ARTIFACT))
    (verdict,) = said(registry, "prod/certificates", one)["signatures"]
    assert verdict["problem"] == "it brings 1000 certificates, and 8 are looked at"


def test_certificates_that_lead_in_circles_are_given_up(registry: Managed) -> None:
    """Each of them could have issued each other one: their orders are beyond counting."""
    one = image("circles")
    registry.push("prod/circles", one, "1")
    strange = Notary(datetime.now(UTC))
    content = json.loads(jws(strange, payload(str(one.digest))).content)
    circle = [authority_certificate("acme root", strange.ca_key).public_bytes(Encoding.DER) for _ in range(7)]
    content["header"]["x5c"] = [content["header"]["x5c"][0], *(base64.b64encode(each).decode() for each in circle)]
    registry.push("prod/circles", holding([(Piece("circles", JWS, json.dumps(content).encode()), {})], one, ARTIFACT))
    (verdict,) = said(registry, "prod/circles", one)["signatures"]
    assert "lead to each other in too many ways" in verdict["problem"]


def test_a_signature_from_another_repository_counts_for_its_own_image_alone(registry: Managed) -> None:
    one, other = image("here"), image("elsewhere")
    registry.push("prod/here", one, "1")
    registry.push("dev/elsewhere", other, "1")
    signature = holding([simple(other)])
    registry.push("dev/elsewhere", signature, tag_of(other))
    registry.push("prod/here", signature, tag_of(one))
    found = said(registry, "prod/here", one)
    assert signed_by(found) == {"team": 0, "notary": 0}
    assert [each["problem"] for each in found["signatures"]] == [f"it signs {other.digest}, and not this image"]
    # The image itself, with what signs it, counts wherever it is: what is signed is a digest.
    registry.push("prod/copied", other, "1")
    registry.push("prod/copied", signature, tag_of(other))
    assert signed_by(said(registry, "prod/copied", other)) == {"team": 1, "notary": 0}


def test_what_was_verified_is_counted(registry: Managed) -> None:
    def counted() -> dict[str, float]:
        lines = (line for line in registry.scraped().splitlines() if line.startswith("orlop_signature"))
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    one = image("counted")
    registry.push("prod/counted", one, "1")
    registry.push("prod/counted", holding([simple(one), simple(one, 1, new_key())]), tag_of(one))
    before = counted()
    said(registry, "prod/counted", one)
    said(registry, "prod/counted", one)
    after = counted()
    assert {name: value - before.get(name, 0) for name, value in after.items() if "_bucket" not in name} | {
        "orlop_signature_verification_seconds_sum": 0
    } == {
        'orlop_signatures_verified_total{outcome="counts"}': 1,
        'orlop_signatures_verified_total{outcome="refused"}': 1,
        'orlop_signature_verdicts_total{source="verified"}': 2,
        'orlop_signature_verdicts_total{source="kept"}': 2,
        "orlop_signature_verification_seconds_count": 1,
        "orlop_signature_verification_seconds_sum": 0,
    }
