"""Whether a certificate was revoked, by lists that are given (RFC 5280, section 5 and 6.3).

Source of what counts for a signature: notaryproject/specifications, specs/trust-store-trust-policy.md, "Certificate
Revocation Evaluation".
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import AuthorityInformationAccessOID

from orlop.adapters.signatures.refusals import Refused

_LIST = re.compile(r"-----BEGIN X509 CRL-----[A-Za-z0-9+/=\s]+-----END X509 CRL-----", re.ASCII)
_LISTS = 32


def lists_of(text: str) -> list[x509.CertificateRevocationList]:
    """Those of a text in PEM. Raises Refused."""
    try:
        return [x509.load_pem_x509_crl(each.encode()) for each in _LIST.findall(text)[:_LISTS]]
    except ValueError as cause:
        raise Refused("a revocation list that is set cannot be read") from cause


def not_revoked(
    path: Sequence[x509.Certificate], lists: Sequence[x509.CertificateRevocationList], now: int, stamped: int | None
) -> None:
    """Whether none of a path was revoked: whoever says where revocations are found has a list. `stamped`: when a
    timestamp proves that the signature was there at the latest. Raises Refused."""
    when = datetime.fromtimestamp(now, UTC)
    for certificate, issuer in pairwise(path):
        of_issuer = [each for each in lists if each.issuer == issuer.subject and _is_signed_by(each, issuer)]
        current = [each for each in of_issuer if each.next_update_utc is None or when <= each.next_update_utc]
        for each in of_issuer:
            found = _entry(each, certificate)
            if found is not None and not _was_good(found, stamped):
                raise Refused(f"its certificate was revoked at {found.revocation_date_utc:%Y-%m-%d %H:%M} UTC")
        if of_issuer and not current:
            raise Refused(f"the revocation list of {issuer.subject.rfc4514_string()[:200]} is out of date")
        if not of_issuer and _says_where(certificate):
            raise Refused(f"no revocation list of {issuer.subject.rfc4514_string()[:200]} is known")


def _entry(held: x509.CertificateRevocationList, certificate: x509.Certificate) -> x509.RevokedCertificate | None:
    try:
        return held.get_revoked_certificate_by_serial_number(certificate.serial_number)
    except ValueError as cause:
        raise Refused("a revocation list that is set cannot be read") from cause


def _was_good(entry: x509.RevokedCertificate, stamped: int | None) -> bool:
    """Whether a signature is older than what its certificate was revoked for: "If CRL has an invalidity date and
    artifact signature is timestamped then compare the invalidity date with the timestamping date"."""
    if stamped is None:
        return False
    try:
        since = entry.extensions.get_extension_for_class(x509.InvalidityDate).value.invalidity_date_utc
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False
    return datetime.fromtimestamp(stamped, UTC) < since


def _is_signed_by(revoked: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    key: Any = issuer.public_key()
    try:
        return revoked.is_signature_valid(key)
    except (TypeError, ValueError, UnsupportedAlgorithm):  # It has a key of a kind that signs no lists.
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
