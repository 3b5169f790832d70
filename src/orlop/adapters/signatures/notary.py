"""Whether a signature of Notation was made under a certificate that is trusted.

Sources: notaryproject/specifications, specs/signature-specification.md ("Certificate Requirements", "Algorithm
Selection"), specs/signature-envelope-cose.md, and specs/trust-store-trust-policy.md ("Signature Verification").
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise
from typing import Any

import cbor2
import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from orlop.adapters.signatures.chains import all_loaded, chain
from orlop.adapters.signatures.refusals import Refused
from orlop.domain.trust.material import CERTIFICATES_MAX, Unreadable, pem_certificates
from orlop.domain.trust.notation import EXPIRY, STAMP, NotationClaim, check_header, subject_of
from orlop.domain.trust.roots import Authority, Validity
from orlop.domain.trust.signers import CERTIFICATES, Level, Signers
from orlop.domain.trust.subjects import is_subject

_SHA256, _SHA384, _SHA512 = hashes.SHA256(), hashes.SHA384(), hashes.SHA512()
#: By the name of an algorithm: RSASSA-PSS (RFC 7518, section 3.5) and ECDSA (section 3.4) with the curve it goes with.
_RSA = {"PS256": _SHA256, "PS384": _SHA384, "PS512": _SHA512}
_ECDSA: dict[str, tuple[Any, str, int]] = {
    "ES256": (_SHA256, "secp256r1", 32),
    "ES384": (_SHA384, "secp384r1", 48),
    "ES512": (_SHA512, "secp521r1", 66),
}
#: The same by their numbers in COSE (RFC 9053, section 2.1; RFC 8230, section 2).
_COSE = {-7: "ES256", -35: "ES384", -36: "ES512", -37: "PS256", -38: "PS384", -39: "PS512"}
_ALG, _CRIT, _CONTENT_TYPE, _X5CHAIN = 1, 2, 3, 33
_SIGN_1 = 18

#: How the attributes of a subject are called.
_NAMES = {
    NameOID.COUNTRY_NAME: "C",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.LOCALITY_NAME: "L",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.COMMON_NAME: "CN",
}
_LIST = re.compile(r"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)
_LISTS = 32


class Known(msgspec.Struct, frozen=True):
    """By which of the subjects of a setting somebody is known, and as whom."""

    party: int
    name: str


def cose_claim(content: bytes) -> NotationClaim:
    """What a COSE_Sign1 says (RFC 9052, section 4.2). Raises Unreadable."""
    try:
        found = _cbor(content)
        if isinstance(found, cbor2.CBORTag) and found.tag == _SIGN_1:
            found = found.value
        protected, unprotected, payload, signature = found
        header = _cbor(protected)
        critical = header.get(_CRIT)
        certificates = unprotected.get(_X5CHAIN)
        certificates = [certificates] if isinstance(certificates, bytes) else list(certificates)
        stamp = unprotected.get(STAMP, b"")
        expires = header.get(EXPIRY)
        if isinstance(expires, cbor2.CBORTag):
            expires = expires.value
        expires = int(expires.timestamp()) if isinstance(expires, datetime) else int(expires or 0)
        algorithm = _COSE[header[_ALG]]
        bytes_alone = (protected, payload, signature, stamp, *certificates)
        if not all(isinstance(each, bytes) for each in bytes_alone) or len(certificates) > CERTIFICATES_MAX:
            raise Unreadable("it is no COSE of Notation")
        check_header(header, critical if critical is None else list(critical), header.get(_CONTENT_TYPE))
        return NotationClaim(
            # RFC 9052, section 4.4.
            signed=cbor2.dumps(["Signature1", protected, b"", payload]),
            signature=signature,
            algorithm=algorithm,
            subject=subject_of(payload),
            certificates=tuple(certificates),
            expires=expires,
            timestamp=stamp,
        )
    except Unreadable:
        raise
    except Exception as cause:  # A library that reads what a stranger wrote raises whatever it likes.
        raise Unreadable("it is no COSE of Notation") from cause


def _cbor(content: bytes) -> Any:
    """One value and nothing behind it."""
    stream = BytesIO(content)
    found = cbor2.CBORDecoder(stream).decode()
    if stream.read(1):
        raise Unreadable("it is no COSE of Notation")
    return found


def known(claim: NotationClaim, signers: Signers, now: int) -> Known:
    """By whom a signature was made, once what the level demands holds. `now`: in seconds since 1970. Raises Refused."""
    if not claim.certificates:
        raise Refused("no certificate comes with it")
    leaf, *between = all_loaded(claim.certificates)
    _check_signature(claim, leaf)
    anchors = all_loaded(pem_certificates(signers.certificates, CERTIFICATES))
    strict = signers.level is Level.STRICT
    at = _time(claim, signers, leaf, now) if strict else _some_time(leaf, now)
    path = chain(leaf, between, anchors, at, ExtendedKeyUsageOID.CODE_SIGNING, purpose_optional=True)
    if strict:
        if claim.expires and now > claim.expires:
            raise Refused(f"it expired at {datetime.fromtimestamp(claim.expires, UTC):%Y-%m-%d %H:%M} UTC")
        _not_revoked(path, signers, now)
    said = _subject(leaf)
    for place, wanted in enumerate(signers.subjects):
        if is_subject(wanted, said):
            return Known(place, leaf.subject.rfc4514_string()[:300])
    raise Refused(f"it was made by {leaf.subject.rfc4514_string()[:300]}")


def _time(claim: NotationClaim, signers: Signers, leaf: x509.Certificate, now: int) -> int:
    """When it was made, as far as it is proven: by a timestamp, or else the certificate has to be valid now."""
    if not (claim.timestamp and signers.timestamp_certificates):
        return now
    from orlop.adapters.signatures.timestamps import stamped  # It takes a while to import.

    certificates = pem_certificates(signers.timestamp_certificates, CERTIFICATES)
    always = Validity(0, None)
    # Each of them may be the root, with the others on the way to it.
    return stamped(
        claim.timestamp,
        claim.signature,
        [Authority((*certificates[:n], *certificates[n + 1 :], each), always) for n, each in enumerate(certificates)],
    )


def _some_time(leaf: x509.Certificate, now: int) -> int:
    """A time at which its certificate was valid, where nobody asks when that was: now, or its last moment."""
    first, last = (int(each.timestamp()) for each in (leaf.not_valid_before_utc, leaf.not_valid_after_utc))
    return max(first, min(now, last))


def _check_signature(claim: NotationClaim, leaf: x509.Certificate) -> None:
    key = leaf.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey) and claim.algorithm in _RSA:
            hashed_by = _RSA[claim.algorithm]
            pss = padding.PSS(padding.MGF1(hashed_by), hashed_by.digest_size)
            key.verify(claim.signature, claim.signed, pss, hashed_by)
            return
        if isinstance(key, ec.EllipticCurvePublicKey) and claim.algorithm in _ECDSA:
            hashed_by, curve, size = _ECDSA[claim.algorithm]
            if key.curve.name == curve and len(claim.signature) == 2 * size:
                halves = (int.from_bytes(part, "big") for part in (claim.signature[:size], claim.signature[size:]))
                key.verify(encode_dss_signature(*halves), claim.signed, ec.ECDSA(hashed_by))
                return
    except (InvalidSignature, ValueError) as cause:
        raise Refused("it was not made with the key of its certificate") from cause
    raise Refused("it was not made in a way that goes with the key of its certificate")


def _not_revoked(path: Sequence[x509.Certificate], signers: Signers, now: int) -> None:
    """RFC 5280, section 6.3, with the lists that are given: whoever says where revocations are found has one."""
    try:
        lists = [x509.load_pem_x509_crl(each.encode()) for each in _LIST.findall(signers.revocation_lists)[:_LISTS]]
    except ValueError as cause:
        raise Refused("a revocation list that is set cannot be read") from cause
    when = datetime.fromtimestamp(now, UTC)
    for certificate, issuer in pairwise(path):
        of_issuer = [each for each in lists if each.issuer == issuer.subject and _is_signed_by(each, issuer)]
        current = [each for each in of_issuer if each.next_update_utc is None or when <= each.next_update_utc]
        for each in of_issuer:
            found = each.get_revoked_certificate_by_serial_number(certificate.serial_number)
            if found is not None:
                raise Refused(f"its certificate was revoked at {found.revocation_date_utc:%Y-%m-%d %H:%M} UTC")
        if of_issuer and not current:
            raise Refused(f"the revocation list of {issuer.subject.rfc4514_string()[:200]} is out of date")
        if not of_issuer and _says_where(certificate):
            raise Refused(f"no revocation list of {issuer.subject.rfc4514_string()[:200]} is known")


def _is_signed_by(revoked: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    key: Any = issuer.public_key()
    try:
        return revoked.is_signature_valid(key)
    except TypeError:  # It has a key of a kind that signs no lists.
        return False


def _says_where(certificate: x509.Certificate) -> bool:
    """Whether revocations of it are to be found somewhere."""
    return any(
        isinstance(each.value, x509.CRLDistributionPoints | x509.FreshestCRL)
        or (
            isinstance(each.value, x509.AuthorityInformationAccess)
            and any(of.access_method == AuthorityInformationAccessOID.OCSP for of in each.value)
        )
        for each in certificate.extensions
    )


def _subject(leaf: x509.Certificate) -> Mapping[str, str]:
    return {_NAMES[each.oid]: str(each.value) for each in leaf.subject if each.oid in _NAMES}
