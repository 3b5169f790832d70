"""Signatures of Notation count by their certificates; what does not hold is told."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from orlop.adapters.signatures.judging import Judge
from orlop.domain.trust.signers import Signers
from orlop.ports.signatures import FoundSignature, JudgedSignature, NamedSigners, SignatureForm
from tests.unit.trust.notaries import Notary
from tests.unit.trust.sigstore import AT, signed_by

IMAGE = "sha256:" + "a" * 64
NOW = int(AT.timestamp())
_SCHEME, _EXPIRY = "io.cncf.notary.signingScheme", "io.cncf.notary.expiry"
_PAYLOAD = "application/vnd.cncf.notary.payload.v1+json"


@pytest.fixture(scope="module")
def notary() -> Notary:
    return Notary()


def judged(found: FoundSignature, signers: Signers, now: int = NOW) -> JudgedSignature:
    return Judge([IMAGE], [NamedSigners("acme at prod/", signers)], now).judge(found)


def raw(key: ec.EllipticCurvePrivateKey, content: bytes) -> bytes:
    """A signature as JOSE and COSE have it (RFC 7518, section 3.4)."""
    return b"".join(half.to_bytes(32, "big") for half in decode_dss_signature(signed_by(key, content)))


def payload(digest: str = IMAGE) -> bytes:
    return json.dumps({"targetArtifact": {"mediaType": "x/y", "digest": digest, "size": 3}}).encode()


def _b64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def jws(
    notary: Notary, said: bytes | None = None, leaf: x509.Certificate | None = None, **header: Any
) -> FoundSignature:
    protected = {"alg": "ES256", "cty": _PAYLOAD, "crit": [_SCHEME], _SCHEME: "notary.x509"} | header
    head, body = _b64url(json.dumps(protected).encode()), _b64url(said or payload())
    chain = [leaf or notary.leaf, notary.ca]
    content = {
        "payload": body,
        "protected": head,
        "header": {"x5c": [base64.b64encode(each.public_bytes(Encoding.DER)).decode() for each in chain]},
        "signature": _b64url(raw(notary.key, f"{head}.{body}".encode())),
    }
    return FoundSignature(form=SignatureForm.JWS, content=json.dumps(content).encode())


def cose(notary: Notary, critical: Sequence[str] = (_SCHEME,), behind: bytes = b"", **header: Any) -> FoundSignature:
    """RFC 9052, section 4.2 and 4.4."""
    protected = cbor2.dumps({1: -7, 2: list(critical), 3: _PAYLOAD, _SCHEME: "notary.x509", **header})
    signature = raw(notary.key, cbor2.dumps(["Signature1", protected, b"", payload()]))
    chain = [each.public_bytes(Encoding.DER) for each in (notary.leaf, notary.ca)]
    content = cbor2.dumps(cbor2.CBORTag(18, [protected, {33: chain}, payload(), signature]))
    return FoundSignature(form=SignatureForm.COSE, content=content + behind)


@pytest.mark.parametrize("form", [jws, cose])
def test_a_signature_counts_by_its_certificate(notary: Notary, form: Any) -> None:
    said = judged(form(notary), notary.signers())
    assert said.problem == ""
    assert [(each.party, each.counts) for each in said.makers] == [("subject 0", True)]
    assert (said.subject, said.who) == (IMAGE, "O=acme,ST=WA,C=US")


def test_subjects_have_to_be_so(notary: Notary) -> None:
    assert judged(jws(notary), notary.signers("*")).makers
    assert judged(jws(notary), notary.signers("C=US, O=other", "O=acme")).makers[0].party == "subject 1"
    assert "it was made by O=acme,ST=WA,C=US" in judged(jws(notary), notary.signers("C=US, O=other")).problem
    assert "issued by nobody who is trusted" in judged(jws(notary), Notary().signers()).problem


def test_an_envelope_demands_nothing_that_is_not_understood(notary: Notary) -> None:
    signers = notary.signers()
    assert "demands to understand 'strange'" in judged(jws(notary, crit=[_SCHEME, "strange"]), signers).problem
    assert "has to be understood" in judged(jws(notary, crit=[]), signers).problem
    assert "has to be understood" in judged(cose(notary, critical=()), signers).problem
    assert "which is not known" in judged(jws(notary, **{_SCHEME: "notary.x509.signingAuthority"}), signers).problem
    assert "and no image" in judged(jws(notary, cty="text/plain"), signers).problem
    assert "no COSE" in judged(cose(notary, behind=b"x"), signers).problem
    assert "a way that goes with the key" in judged(jws(notary, alg="none"), signers).problem


def test_what_is_signed_is_this_image(notary: Notary) -> None:
    other = "sha256:" + "b" * 64
    assert judged(jws(notary, payload(other)), notary.signers()).problem == f"it signs {other}, and not this image"
    found = json.loads(jws(notary).content)
    found["payload"] = _b64url(payload() + b" ")
    forged = FoundSignature(form=SignatureForm.JWS, content=json.dumps(found).encode())
    assert "not made with the key" in judged(forged, notary.signers()).problem


def test_strict_asks_for_times_and_permissive_does_not(notary: Notary) -> None:
    late = NOW + 40 * 86_400
    expired = jws(notary, crit=[_SCHEME, _EXPIRY], **{_EXPIRY: "2026-03-10T00:00:00Z"})
    assert "was valid from" in judged(jws(notary), notary.signers(), late).problem
    assert "it expired at 2026-03-10" in judged(expired, notary.signers()).problem
    expired_cose = cose(notary, (_SCHEME, _EXPIRY), **{_EXPIRY: datetime(2026, 3, 10, tzinfo=UTC)})
    assert "it expired at 2026-03-10" in judged(expired_cose, notary.signers()).problem
    permissive = notary.signers(level="permissive")
    assert judged(jws(notary), permissive, late).makers
    assert judged(expired, permissive).makers


def test_revoked_certificates_do_not_count(notary: Notary) -> None:
    def asked(lists: str, leaf: x509.Certificate | None = None) -> str:
        return judged(jws(notary, leaf=leaf), notary.signers(revocation_lists=lists)).problem

    assert asked(notary.revoking(5)) == ""
    assert "was revoked at 2026-03-09" in asked(notary.revoking(4711))
    assert "is out of date" in asked(notary.revoking(5, until=AT - timedelta(days=1)))
    assert asked(Notary().revoking(4711)) == ""  # Signed by somebody else of that name.
    where = x509.UniformResourceIdentifier("http://crl.example/list")
    told = notary.certificate(
        x509.CRLDistributionPoints([x509.DistributionPoint([where], None, None, None)]),
    )
    assert "no revocation list" in asked("", told)
    assert asked(notary.revoking(5), told) == ""
