"""Whether a signature was made under a certificate of an identity, as Sigstore does it: keyless.

Sources: the specification of clients (sigstore/architecture-docs, client-spec.md, section 4, "Verification"), and
Fulcio's certificates (sigstore/fulcio, docs/certificate-specification.md and docs/oid-info.md).
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from orlop.adapters.signatures.certified import certified
from orlop.adapters.signatures.chains import all_loaded, chain
from orlop.adapters.signatures.keys import made, ways
from orlop.adapters.signatures.logs import about, logged
from orlop.adapters.signatures.refusals import Refused
from orlop.domain.trust.claims import Claim
from orlop.domain.trust.roots import TrustedRoot

_ISSUER_1 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_ISSUER_2 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_NAME = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7")


class Identity(msgspec.Struct, frozen=True):
    """Who signed: as whom they were known, and who vouched for it."""

    subject: str
    issuer: str


def identified(claim: Claim, root: TrustedRoot) -> Identity:
    """Who made a signature, once all that proves it holds. Raises Refused."""
    material = claim.material
    if not material.certificates:
        raise Refused("no certificate comes with it")
    leaf, *between = all_loaded(material.certificates)
    if not material.rooted and any(each.subject == each.issuer for each in between):
        raise Refused("it brings a root of its own")
    signature = next(
        (each for each in claim.signatures if made(ways(leaf.public_key(), hashed=claim.hashed), [each], claim.signed)),
        None,
    )
    if signature is None:
        raise Refused("it was not made with the key of its certificate")
    verifier = [leaf.public_bytes(Encoding.DER), _key_of(leaf)]
    times = proven_times(claim, root, signature, verifier)
    if not times:
        raise Refused("nothing vouches for when it was made")
    for at in times:
        issuer = _issuer(leaf, between, root, at)
        if root.certificate_logs:
            certified(leaf, issuer, root.certificate_logs)
    return _identity(leaf)


def proven_times(claim: Claim, root: TrustedRoot, signature: bytes, verifier: Sequence[bytes]) -> list[int]:
    """When a signature was there already, by all logs and authorities that it names, in seconds since 1970. What it
    brings has to hold: a log's entry has to be there where the root names logs. Raises Refused."""
    material = claim.material
    # The same promise twice would be one log that vouches as two.
    if root.logs and not material.entries:
        raise Refused("it stands in no log of signatures")
    times: list[int] = []
    if root.timestamps and material.timestamps:
        from orlop.adapters.signatures.timestamps import stamped  # It takes a while to import.

        times = [stamped(each, signature, root.timestamps) for each in material.timestamps]
    stamps = tuple(times)
    for entry in material.entries if root.logs else ():
        about(entry, claim, signature, verifier)
        at = logged(entry, root.logs, proven=material.proven, stamped=stamps)
        times += [at] if at else []
    return times


def keyed(claim: Claim, root: TrustedRoot, key: Any, signature: bytes) -> None:
    """Whether what comes with a signature by a key that is known holds. Raises Refused."""
    proven_times(claim, root, signature, [key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)])


def _issuer(
    leaf: x509.Certificate, between: Sequence[x509.Certificate], root: TrustedRoot, at: int
) -> x509.Certificate:
    """The certificate by which the leaf was issued, of an authority that was trusted then. Raises Refused."""
    refused = Refused("its certificate was issued by nobody who is trusted, or not for that time")
    for authority in root.authorities:
        if not authority.span.holds(at):
            continue
        *trusted, anchor = all_loaded(authority.certificates)
        try:
            return chain(leaf, [*trusted, *between], [anchor], at, ExtendedKeyUsageOID.CODE_SIGNING)[1]
        except Refused as cause:
            refused = cause
    raise refused


def _identity(leaf: x509.Certificate) -> Identity:
    try:
        names = list(leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        names = []
    if len(names) != 1:
        raise Refused("its certificate does not name one identity")
    (name,) = names
    if isinstance(name, x509.RFC822Name | x509.UniformResourceIdentifier):
        return Identity(name.value, _vouched(leaf))
    if isinstance(name, x509.OtherName) and name.type_id == _NAME:
        return Identity(_text(name.value), _vouched(leaf))
    raise Refused("its certificate names no identity of a kind that is known")


def _vouched(leaf: x509.Certificate) -> str:
    for oid in (_ISSUER_2, _ISSUER_1):
        try:
            found = leaf.extensions.get_extension_for_oid(oid).value
        except x509.ExtensionNotFound:
            continue
        if isinstance(found, x509.UnrecognizedExtension):
            return _text(found.value) if oid == _ISSUER_2 else found.value.decode("utf-8", "replace")
    raise Refused("its certificate does not say who vouched for the identity")


def _text(written: bytes) -> str:
    """A UTF8String in DER (X.690, sections 8.1.3 and 8.23)."""
    try:
        kind, size, *_ = written
        start = 2 if size < 0x80 else 2 + (size & 0x7F)
        size = size if size < 0x80 else int.from_bytes(written[2:start], "big")
        if kind != 0x0C or start + size != len(written):
            raise Refused("its certificate cannot be read")
        return written[start:].decode()
    except (ValueError, UnicodeDecodeError) as cause:
        raise Refused("its certificate cannot be read") from cause


def _key_of(leaf: x509.Certificate) -> bytes:
    return leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
