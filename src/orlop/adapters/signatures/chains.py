"""Whether a certificate leads to one that is trusted (RFC 5280, section 6), for signing code and timestamps.

Names are not constrained and policies not mapped: a certificate that says so as something critical leads nowhere.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtensionOID

from orlop.adapters.signatures.refusals import Refused

#: Certificates from the first to the trusted one, and steps from one to the next that are tried for a chain: eight that
#: could each have issued all others have a hundred thousand orders.
DEPTH, STEPS = 8, 100

_T = TypeVar("_T", bound=x509.ExtensionType)

_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
    }
)
_WEAK = (hashes.MD5, hashes.SHA1)
_RSA_MIN = 2048


def loaded(certificate: bytes) -> x509.Certificate:
    """A certificate in DER, whose extensions can be read. Raises Refused."""
    try:
        found = x509.load_der_x509_certificate(certificate)
        tuple(found.extensions)
        found.public_key()
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, UnsupportedAlgorithm) as cause:
        raise Refused("a certificate that comes with it cannot be read") from cause
    return found


def chain(
    leaf: x509.Certificate,
    between: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    at: int,
    purpose: x509.ObjectIdentifier,
    *,
    purpose_optional: bool = False,
) -> list[x509.Certificate]:
    """From the leaf to an anchor, each of which was valid at a time, in seconds since 1970. Raises Refused.

    `purpose`: what the leaf is for, and it says so, unless that is optional and it says nothing.
    """
    when = datetime.fromtimestamp(at, UTC)
    if leaf in anchors and leaf.subject == leaf.issuer:  # Signs for itself, and was trusted by itself.
        _check(leaf, when)
        _for(leaf, purpose, purpose_optional)
        return [leaf]
    _check(leaf, when)
    constraints = _extension(leaf, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        raise Refused("the certificate that signs is one of an authority")
    usage = _extension(leaf, x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        raise Refused("the certificate that signs is not for signatures")
    _for(leaf, purpose, purpose_optional)
    steps = iter(range(STEPS))
    found = _up([leaf], between, anchors, when, steps)
    if found is None and next(steps, None) is None:
        raise Refused("its certificates lead to each other in too many ways")
    if found is None:
        raise Refused("its certificate was issued by nobody who is trusted, or not for that time")
    return found


def _up(
    so_far: list[x509.Certificate],
    between: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    when: datetime,
    steps: Iterator[int],
) -> list[x509.Certificate] | None:
    """The way from the last so far to an anchor. `steps` counts those that are tried, and ends."""
    child = so_far[-1]
    below = sum(1 for each in so_far[1:] if each.subject != each.issuer)
    for is_anchor, candidates in ((True, anchors), (False, between)):
        for issuer in candidates:
            if issuer in so_far or child.issuer != issuer.subject:
                continue
            if next(steps, None) is None:
                return None
            if not _issued(child, issuer, below, when):
                continue
            if is_anchor:
                return [*so_far, issuer]
            if len(so_far) < DEPTH and (found := _up([*so_far, issuer], between, anchors, when, steps)):
                return found
    return None


def _issued(child: x509.Certificate, issuer: x509.Certificate, below: int, when: datetime) -> bool:
    constraints, usage = _extension(issuer, x509.BasicConstraints), _extension(issuer, x509.KeyUsage)
    if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
        return False
    if constraints.path_length is not None and below > constraints.path_length:
        return False
    try:
        _check(issuer, when)
        child.verify_directly_issued_by(issuer)
    except (Refused, ValueError, TypeError, InvalidSignature):
        return False
    return True


def _check(certificate: x509.Certificate, when: datetime) -> None:
    if not certificate.not_valid_before_utc <= when <= certificate.not_valid_after_utc:
        raise Refused(
            f"its certificate was valid from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} to "
            f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M}, and not at {when:%Y-%m-%d %H:%M} UTC"
        )
    if any(each.critical and each.oid not in _UNDERSTOOD for each in certificate.extensions):
        raise Refused("its certificate demands something that is not understood")
    if isinstance(certificate.signature_hash_algorithm, _WEAK):
        raise Refused("its certificate is signed by way of a hash that can be forged")
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _RSA_MIN:
        raise Refused("its certificate has a key that can be forged")


def _for(leaf: x509.Certificate, purpose: x509.ObjectIdentifier, optional: bool) -> None:
    usages = _extension(leaf, x509.ExtendedKeyUsage)
    if usages is None and optional:
        return
    if usages is None or purpose not in usages:
        raise Refused("its certificate is for something else")


def _extension(certificate: x509.Certificate, kind: type[_T]) -> _T | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def all_loaded(certificates: Iterable[bytes]) -> list[x509.Certificate]:
    """Each of them. Raises Refused."""
    return [loaded(each) for each in certificates]
