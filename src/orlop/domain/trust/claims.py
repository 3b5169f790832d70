"""What a signature says: of which digest, and what it states of it. Both forms of cosign, and attestations.

Sources: "Simple Signing" of Red Hat as cosign uses it (sigstore/cosign, specs/SIGNATURE_SPEC.md), the DSSE envelope
(secure-systems-lab/dsse, protocol.md), in-toto statements (in-toto/attestation, spec/v1/statement.md), and Sigstore's
bundles (sigstore/protobuf-specs, sigstore_bundle.proto).
"""

import re
from collections.abc import Mapping

import msgspec

from orlop.domain.trust.material import Material, Unreadable, WrittenMaterial, annotated_material, bundle_material
from orlop.domain.trust.material import decoded as _decoded
from orlop.domain.trust.material import parsed as _parsed

#: Bytes of a payload, and of a bundle with all that it brings.
PAYLOAD_MAX, BUNDLE_MAX = 1024 * 1024, 2 * 1024 * 1024
#: Signatures of one envelope, and subjects of one statement, that are looked at.
SIGNATURES_MAX, SUBJECTS_MAX = 16, 1_000

#: The type of a layer that is a payload to be signed as such, and where its signature stands.
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature"
#: The type of a layer that is an envelope, of an attestation.
DSSE = "application/vnd.dsse.envelope.v1+json"
#: The version of a bundle by its media type.
BUNDLES = {
    "application/vnd.dev.sigstore.bundle+json;version=0.1": "0.1",
    "application/vnd.dev.sigstore.bundle+json;version=0.2": "0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.3": "0.3",
    "application/vnd.dev.sigstore.bundle.v0.3+json": "0.3",
}
IN_TOTO = "application/vnd.in-toto+json"
#: A statement that says no more than that its subject was signed (cosign 3).
PLAIN_SIGNATURE = "https://sigstore.dev/cosign/sign/v1"

_STATEMENTS = frozenset({"https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"})
_TYPES = frozenset({"cosign container image signature", "atomic container signature"})
_HEX = re.compile(r"[0-9a-f]{64}|[0-9a-f]{128}", re.ASCII)


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed by whoever can make one of `signatures` over `signed`: that `subjects`, digests, are what it
    names. `hashed`: `signed` is the SHA-256 of what was signed, which is not here. `predicate`: the type of an
    attestation, empty for a plain signature. `payload`: that of an
    envelope."""

    signed: bytes
    signatures: tuple[bytes, ...]
    subjects: frozenset[str]
    material: Material
    hashed: bool = False
    predicate: str = ""
    payload: bytes = b""


class _Image(msgspec.Struct, frozen=True):
    digest: str = msgspec.field(name="docker-manifest-digest")


class _Critical(msgspec.Struct, frozen=True):
    image: _Image
    type: str


class _Simple(msgspec.Struct, frozen=True):
    critical: _Critical


class _Signature(msgspec.Struct, frozen=True):
    sig: str


class _Envelope(msgspec.Struct, frozen=True):
    payload: str
    payload_type: str = msgspec.field(name="payloadType")
    signatures: tuple[_Signature, ...]


class _Subject(msgspec.Struct, frozen=True):
    digest: dict[str, str]


class _Statement(msgspec.Struct, frozen=True):
    type: str = msgspec.field(name="_type")
    predicate_type: str = msgspec.field(name="predicateType")
    subject: tuple[_Subject, ...]


class _Digest(msgspec.Struct, frozen=True):
    algorithm: str
    digest: str


class _Message(msgspec.Struct, frozen=True):
    digest: _Digest = msgspec.field(name="messageDigest")
    signature: str


class _Bundle(msgspec.Struct, frozen=True):
    media_type: str = msgspec.field(name="mediaType")
    material: WrittenMaterial = msgspec.field(name="verificationMaterial")
    envelope: _Envelope | None = msgspec.field(name="dsseEnvelope", default=None)
    message: _Message | None = msgspec.field(name="messageSignature", default=None)


def simple_claim(payload: bytes, annotations: Mapping[str, str]) -> Claim:
    """What stands in a layer of cosign's signatures, with the signature in its annotations. Raises Unreadable."""
    said = _parsed(payload, _Simple, "the payload is no simple signing")
    if said.critical.type not in _TYPES:
        raise Unreadable(f"the payload is of the type {said.critical.type[:80]!r}, which signs no image")
    return Claim(
        signed=payload,
        signatures=(_decoded(annotations.get(SIGNATURE_ANNOTATION, "")),),
        subjects=frozenset({said.critical.image.digest}),
        material=annotated_material(annotations),
    )


def envelope_claim(content: bytes, annotations: Mapping[str, str]) -> Claim:
    """What a DSSE envelope holds that is the layer of an attestation. Raises Unreadable."""
    envelope = _parsed(content, _Envelope, "it is no DSSE envelope")
    return _claim_of(envelope, annotated_material(annotations))


def bundle_claim(content: bytes) -> Claim:
    """What a bundle of Sigstore holds. Raises Unreadable."""
    bundle = _parsed(content, _Bundle, "it is no bundle of Sigstore")
    if bundle.media_type not in BUNDLES:
        raise Unreadable(f"the bundle is of the type {bundle.media_type[:80]!r}, which is not known")
    material = bundle_material(bundle.material, BUNDLES[bundle.media_type])
    if bundle.envelope is not None:
        return _claim_of(bundle.envelope, material)
    if bundle.message is None:
        raise Unreadable("the bundle holds no signature")
    digest = _decoded(bundle.message.digest.digest)
    if bundle.message.digest.algorithm != "SHA2_256" or len(digest) != 32:
        raise Unreadable("the bundle signs something that it does not name by a SHA-256")
    return Claim(
        signed=digest,
        hashed=True,
        signatures=(_decoded(bundle.message.signature),),
        subjects=frozenset({f"sha256:{digest.hex()}"}),
        material=material,
    )


def authenticated(payload_type: str, payload: bytes) -> bytes:
    """What is signed of an envelope: its pre-authentication encoding (protocol.md, "Signature Definition")."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _claim_of(envelope: _Envelope, material: Material) -> Claim:
    if envelope.payload_type != IN_TOTO:
        raise Unreadable(f"the envelope holds {envelope.payload_type[:80]!r}, and no in-toto statement")
    if not 0 < len(envelope.signatures) <= SIGNATURES_MAX:
        raise Unreadable(f"the envelope has {len(envelope.signatures)} signatures; 1 to {SIGNATURES_MAX} are looked at")
    payload = _decoded(envelope.payload)
    statement = _parsed(payload, _Statement, "the envelope holds no in-toto statement")
    if statement.type not in _STATEMENTS:
        raise Unreadable(f"the statement is of the type {statement.type[:80]!r}, which is not known")
    if len(statement.subject) > SUBJECTS_MAX:
        raise Unreadable(f"the statement has {len(statement.subject)} subjects; {SUBJECTS_MAX} are looked at")
    return Claim(
        signed=authenticated(envelope.payload_type, payload),
        signatures=tuple(_decoded(each.sig) for each in envelope.signatures),
        subjects=frozenset(
            f"{algorithm}:{value}"
            for subject in statement.subject
            for algorithm, value in subject.digest.items()
            if algorithm in {"sha256", "sha512"} and _HEX.fullmatch(value)
        ),
        material=material,
        payload=payload,
        predicate="" if statement.predicate_type == PLAIN_SIGNATURE else statement.predicate_type[:300],
    )
