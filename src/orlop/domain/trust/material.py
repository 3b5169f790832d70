"""What comes with a signature so that it can be checked: certificates, entries of transparency logs, and timestamps.

Sources: Sigstore's bundles (sigstore/protobuf-specs, sigstore_bundle.proto, sigstore_rekor.proto), and the annotations
of cosign (sigstore/cosign, specs/SIGNATURE_SPEC.md, "Certificate", "Bundle", "RFC3161Timestamp").
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

import msgspec

#: Certificates, entries and timestamps that are looked at, and hashes of a proof: a log of 2^64 entries has 64.
CERTIFICATES_MAX, ENTRIES_MAX, TIMESTAMPS_MAX, HASHES_MAX = 8, 4, 4, 64

CERTIFICATE_ANNOTATION = "dev.sigstore.cosign/certificate"
CHAIN_ANNOTATION = "dev.sigstore.cosign/chain"
LOG_ANNOTATION = "dev.sigstore.cosign/bundle"
TIMESTAMP_ANNOTATION = "dev.sigstore.cosign/rfc3161timestamp"

#: Both alphabets are one, and a line may end.
_ALPHABET = str.maketrans({"-": "+", "_": "/", "\r": "", "\n": ""})
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----", re.ASCII)


class Unreadable(Exception):
    """It is no signature of a form that is known; the message says why."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """That an entry is in a log (RFC 9162, section 2.1.3). `checkpoint`: what the log signed of itself, as a note."""

    index: int
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a log. `at`: when the log took it in, in seconds since 1970, 0 where it does not say; `promise`: its
    signature that it will be in there; empty where there is none."""

    log: bytes
    index: int
    kind: str
    version: str
    at: int
    body: bytes
    promise: bytes = b""
    proof: Proof | None = None


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """`certificates`: in DER, that of the signer first, none where a key that is known signs; `timestamps`: answers of
    authorities (RFC 3161). `proven`: whether each entry must prove that it is in its log, and not only promise it.
    `rooted`: whether a root may be among the certificates, which counts for nothing."""

    certificates: tuple[bytes, ...] = ()
    entries: tuple[LogEntry, ...] = ()
    timestamps: tuple[bytes, ...] = ()
    proven: bool = False
    rooted: bool = False


class _Bytes(msgspec.Struct, frozen=True):
    raw: str = msgspec.field(name="rawBytes")


class _Chain(msgspec.Struct, frozen=True):
    certificates: tuple[_Bytes, ...]


class _LogId(msgspec.Struct, frozen=True, rename="camel"):
    key_id: str


class _KindVersion(msgspec.Struct, frozen=True):
    kind: str = ""
    version: str = ""


class _Promise(msgspec.Struct, frozen=True, rename="camel"):
    signed_entry_timestamp: str = ""


class _Checkpoint(msgspec.Struct, frozen=True):
    envelope: str = ""


class _Proof(msgspec.Struct, frozen=True, rename="camel"):
    root_hash: str = ""
    tree_size: str | int = 0
    log_index: str | int = 0
    hashes: tuple[str, ...] = ()
    checkpoint: _Checkpoint | None = None


class _Entry(msgspec.Struct, frozen=True, rename="camel"):
    log_id: _LogId
    canonicalized_body: str
    log_index: str | int = 0
    kind_version: _KindVersion | None = None
    integrated_time: str | int = 0
    inclusion_promise: _Promise | None = None
    inclusion_proof: _Proof | None = None


class _Timestamp(msgspec.Struct, frozen=True, rename="camel"):
    signed_timestamp: str


class _Timestamps(msgspec.Struct, frozen=True):
    rfc3161: tuple[_Timestamp, ...] = msgspec.field(name="rfc3161Timestamps", default=())


class WrittenMaterial(msgspec.Struct, frozen=True, rename="camel"):
    """The field `verificationMaterial` of a bundle."""

    certificate: _Bytes | None = None
    chain: _Chain | None = msgspec.field(name="x509CertificateChain", default=None)
    public_key: dict[str, Any] | None = None
    tlog_entries: tuple[_Entry, ...] = ()
    timestamp_verification_data: _Timestamps | None = None


def bundle_material(written: WrittenMaterial, version: str) -> Material:
    """What a bundle of a version, such as `0.3`, brings. Raises Unreadable."""
    if sum(each is not None for each in (written.certificate, written.chain, written.public_key)) != 1:
        raise Unreadable("the bundle has not one of certificate, certificates and key")
    if written.chain is not None and version == "0.3":
        raise Unreadable("a bundle of version 0.3 has one certificate, and no chain")
    if written.chain is not None and not written.chain.certificates:
        raise Unreadable("the bundle has a chain of no certificates")
    certificates = (
        written.chain.certificates if written.chain else (written.certificate,) if written.certificate else ()
    )
    stamps = written.timestamp_verification_data
    entries = tuple(map(_entry, _few(written.tlog_entries, ENTRIES_MAX, "entries of logs")))
    if version == "0.1" and any(not one.promise for one in entries):
        raise Unreadable("an entry of a bundle of version 0.1 has a promise of its log")
    return Material(
        certificates=tuple(decoded(one.raw) for one in _few(certificates, CERTIFICATES_MAX, "certificates")),
        entries=entries,
        timestamps=tuple(
            decoded(one.signed_timestamp)
            for one in _few(stamps.rfc3161 if stamps else (), TIMESTAMPS_MAX, "timestamps")
        ),
        proven=version != "0.1",
    )


class _Payload(msgspec.Struct, frozen=True, rename="camel"):
    body: str
    integrated_time: int
    log_index: int
    log_id: str = msgspec.field(name="logID")


class _LogBundle(msgspec.Struct, frozen=True):
    promise: str = msgspec.field(name="SignedEntryTimestamp")
    payload: _Payload = msgspec.field(name="Payload")


class _Kind(msgspec.Struct, frozen=True, rename="camel"):
    kind: str
    api_version: str


class _Stamp(msgspec.Struct, frozen=True):
    signed: str = msgspec.field(name="SignedRFC3161Timestamp")


def annotated_material(annotations: Mapping[str, str]) -> Material:
    """What cosign writes into annotations of a layer. Raises Unreadable."""
    texts = [annotations.get(name, "") for name in (CERTIFICATE_ANNOTATION, CHAIN_ANNOTATION)]
    certificates = tuple(each for text in texts for each in pem_certificates(text))
    entries: tuple[LogEntry, ...] = ()
    if text := annotations.get(LOG_ANNOTATION, ""):
        said = parsed(text.encode(), _LogBundle, "the entry of a log beside the signature cannot be read")
        body = decoded(said.payload.body)
        kind = parsed(body, _Kind, "the entry of a log beside the signature cannot be read")
        try:
            log = bytes.fromhex(said.payload.log_id)
        except ValueError as cause:
            raise Unreadable("the entry beside the signature names no log") from cause
        entries = (
            LogEntry(
                log=log,
                index=said.payload.log_index,
                kind=kind.kind,
                version=kind.api_version,
                at=said.payload.integrated_time,
                body=body,
                promise=decoded(said.promise),
            ),
        )
    timestamps: tuple[bytes, ...] = ()
    if text := annotations.get(TIMESTAMP_ANNOTATION, ""):
        stamp = parsed(text.encode(), _Stamp, "the timestamp beside the signature cannot be read")
        timestamps = (decoded(stamp.signed),)
    return Material(certificates=certificates, entries=entries, timestamps=timestamps, rooted=True)


def pem_certificates(text: str, most: int = CERTIFICATES_MAX) -> tuple[bytes, ...]:
    """The certificates of a text in PEM, in DER (RFC 7468, section 5). Raises Unreadable."""
    found = _PEM.findall(text)
    return tuple(decoded("".join(each.split())) for each in _few(found, most, "certificates"))


def _entry(written: _Entry) -> LogEntry:
    kind = written.kind_version or _KindVersion()
    promise, proof = written.inclusion_promise, written.inclusion_proof
    return LogEntry(
        log=decoded(written.log_id.key_id),
        index=_number(written.log_index),
        kind=kind.kind,
        version=kind.version,
        at=_number(written.integrated_time),
        body=decoded(written.canonicalized_body),
        promise=decoded(promise.signed_entry_timestamp) if promise else b"",
        proof=_proof(proof) if proof else None,
    )


def _proof(written: _Proof) -> Proof:
    return Proof(
        index=_number(written.log_index),
        size=_number(written.tree_size),
        root=decoded(written.root_hash),
        hashes=tuple(map(decoded, _few(written.hashes, HASHES_MAX, "hashes of a proof"))),
        checkpoint=written.checkpoint.envelope if written.checkpoint else "",
    )


def decoded(text: str) -> bytes:
    """Base64, in the alphabet of either kind (RFC 4648, sections 4 and 5). Raises Unreadable."""
    try:
        return base64.b64decode(text.translate(_ALPHABET), validate=True)
    except (binascii.Error, ValueError) as cause:
        raise Unreadable("a signature or payload in it is no base64") from cause


def parsed(content: bytes, form: Any, otherwise: str) -> Any:
    """JSON in a form. Raises Unreadable, with `otherwise`."""
    try:
        return msgspec.json.decode(content, type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise Unreadable(otherwise) from cause


def _number(text: str | int) -> int:
    """A number of 64 bits, which JSON of protocol buffers has as a text."""
    if isinstance(text, str) and not (text.isascii() and text.isdigit() and len(text) < 20):
        raise Unreadable("a number in the bundle is none")
    number = int(text)
    if not 0 <= number < 1 << 63:
        raise Unreadable("a number in the bundle is none that a log has")
    return number


def _few(found: Any, most: int, what: str) -> Any:
    if len(found) > most:
        raise Unreadable(f"it brings {len(found)} {what}, and {most} are looked at")
    return found
