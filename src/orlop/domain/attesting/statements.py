"""Statements about images as they are signed, and as cosign reads them: envelopes, and bundles of Sigstore.

Sources: in-toto statements (in-toto/attestation, spec/v1/statement.md), the DSSE envelope (secure-systems-lab/dsse,
envelope.md), and Sigstore's bundles with a public key (sigstore/protobuf-specs, sigstore_bundle.proto).
"""

from base64 import b64encode
from typing import Any

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.names import Tag
from orlop.domain.trust.claims import IN_TOTO, authenticated

#: The type of a statement that both versions of cosign accept.
_STATEMENT = "https://in-toto.io/Statement/v0.1"
#: The media type of a bundle that is made here.
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"

#: Types of predicates of this project (ADR 51). Docs/signing.md has the schema of each.
RECEIPT_TYPE = "orlop:attestation/push-receipt/v1"
DECISION_TYPE = "orlop:attestation/promotion/v1"


class Signed(msgspec.Struct, frozen=True):
    """A statement with the signature over it. `key`: the one that made it, `sha256:` and the digest of its public part
    as SubjectPublicKeyInfo in DER."""

    payload: bytes
    signature: bytes
    key: str

    @property
    def hint(self) -> str:
        """The key as a bundle of cosign names it: that digest in base64."""
        return b64encode(bytes.fromhex(self.key.removeprefix("sha256:"))).decode()


def statement(repository: str, digest: Digest, predicate_type: str, predicate: bytes) -> bytes:
    """The statement that something holds of an image; the same bytes for the same words. `predicate`: JSON."""
    said = {
        "_type": _STATEMENT,
        "subject": [{"name": repository, "digest": {digest.algorithm: digest.hex}}],
        "predicateType": predicate_type,
        "predicate": msgspec.Raw(predicate),
    }
    return msgspec.json.encode(said)


def attestations_tag(subject: Digest) -> Tag | None:
    """Below which cosign 2 keeps and looks for attestations of a manifest (sigstore/cosign, specs/SIGNATURE_SPEC.md);
    None: it knows no digests of that kind."""
    return Tag(f"sha256-{subject.hex}.att") if subject.algorithm == "sha256" else None


def to_sign(payload: bytes) -> bytes:
    """What a key signs of a statement."""
    return authenticated(IN_TOTO, payload)


def envelope(signed: Signed) -> bytes:
    """The envelope that stands in a layer below a tag `.att`."""
    return msgspec.json.encode(_envelope(signed))


def bundle(signed: Signed) -> bytes:
    """The bundle that stands in a referrer."""
    said = {
        "mediaType": BUNDLE,
        "verificationMaterial": {"publicKey": {"hint": signed.hint}},
        "dsseEnvelope": _envelope(signed),
    }
    return msgspec.json.encode(said)


def _envelope(signed: Signed) -> dict[str, Any]:
    return {
        "payload": b64encode(signed.payload).decode(),
        "payloadType": IN_TOTO,
        "signatures": [{"keyid": "", "sig": b64encode(signed.signature).decode()}],
    }
