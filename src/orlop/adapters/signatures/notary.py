"""Whether a signature of Notation was made under a certificate that is trusted.

Sources: notaryproject/specifications, specs/signature-specification.md ("Certificate Requirements", "Algorithm
Selection"), specs/signature-envelope-cose.md, and specs/trust-store-trust-policy.md ("Signature Verification").
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

import cbor2
import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from orlop.adapters.signatures.chains import all_loaded, chain
from orlop.adapters.signatures.refusals import Refused
from orlop.adapters.signatures.revocation import lists_of, not_revoked
from orlop.domain.trust.material import CERTIFICATES_MAX, Unreadable, pem_certificates
from orlop.domain.trust.notation import EXPIRY, STAMP, NotationClaim, check_header, subject_of
from orlop.domain.trust.roots import Authority, Validity
from orlop.domain.trust.signers import CERTIFICATES, Level, Signers
from orlop.domain.trust.subjects import is_subject

if TYPE_CHECKING:
    from orlop.adapters.signatures.timestamps import Stamp

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
#: What reading one raises: the library for what is no CBOR, and what has another form than a COSE of Notation.
_UNREADABLE = (cbor2.CBORError, ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)
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
    except _UNREADABLE as cause:
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
    if signers.level is Level.STRICT:
        stamp = _stamp(claim, signers)
        times = (now, now) if stamp is None else (stamp.earliest, stamp.latest)
        path = _path(leaf, between, anchors, times[0])
        if times[1] != times[0]:
            _path(leaf, between, anchors, times[1])
        # "The artifact is considered expired when the current time is greater than or equal to expiry time."
        if claim.expires and now >= claim.expires:
            raise Refused(f"it expired at {datetime.fromtimestamp(claim.expires, UTC):%Y-%m-%d %H:%M} UTC")
        lists = lists_of(signers.revocation_lists)
        not_revoked(path, lists, now, None if stamp is None else stamp.earliest)
        if stamp is not None:
            not_revoked(stamp.path, lists, now, None)
    else:
        _path(leaf, between, anchors, _some_time(leaf, now))
    said = _subject(leaf)
    for place, wanted in enumerate(signers.subjects):
        if is_subject(wanted, said):
            return Known(place, leaf.subject.rfc4514_string()[:300])
    raise Refused(f"it was made by {leaf.subject.rfc4514_string()[:300]}")


def changes_at(claim: NotationClaim, signers: Signers, now: int) -> int:
    """When it may be another who is known though nothing changes, in seconds since 1970: a certificate or a list begins
    or ends to hold, or the signature expires; 0: never. Raises Refused."""
    anchors = pem_certificates(signers.certificates, CERTIFICATES)
    moments = [claim.expires]
    for each in all_loaded([*claim.certificates, *anchors]):
        moments += [int(each.not_valid_before_utc.timestamp()), int(each.not_valid_after_utc.timestamp()) + 1]
    for held in lists_of(signers.revocation_lists):
        moments += [int(held.next_update_utc.timestamp()) + 1] if held.next_update_utc is not None else []
    return min((each for each in moments if each > now), default=0)


def _path(
    leaf: x509.Certificate, between: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate], at: int
) -> list[x509.Certificate]:
    return chain(leaf, between, anchors, at, ExtendedKeyUsageOID.CODE_SIGNING, purpose_optional=True)


def _stamp(claim: NotationClaim, signers: Signers) -> "Stamp | None":
    """When it was made, as far as that is proven by a timestamp; None: the certificate has to be valid now."""
    if not (claim.timestamp and signers.timestamp_certificates):
        return None
    from orlop.adapters.signatures.timestamps import stamp_of  # It takes a while to import.

    certificates = pem_certificates(signers.timestamp_certificates, CERTIFICATES)
    always = Validity(0, None)
    # Each of them may be the root, with the others on the way to it.
    return stamp_of(
        claim.timestamp,
        claim.signature,
        [Authority((*certificates[:n], *certificates[n + 1 :], each), always) for n, each in enumerate(certificates)],
        bound=True,
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


def _subject(leaf: x509.Certificate) -> Mapping[str, str]:
    return {_NAMES[each.oid]: str(each.value) for each in leaf.subject if each.oid in _NAMES}
