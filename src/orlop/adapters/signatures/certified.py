"""Whether a log of certificates promised to take one in (RFC 6962, section 3.2), as Fulcio writes it into its own."""

import hashlib
from calendar import timegm
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from orlop.adapters.signatures.keys import checks_of, made
from orlop.adapters.signatures.refusals import Refused
from orlop.domain.trust.roots import Log

#: Promises of one certificate that are looked at.
_MOST = 8


def certified(leaf: x509.Certificate, issuer: x509.Certificate, logs: Sequence[Log]) -> None:
    """Raises Refused unless a log that is trusted promised it."""
    try:
        promises = list(leaf.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value)[
            :_MOST
        ]
    except (x509.ExtensionNotFound, ValueError) as cause:
        raise Refused("no log of certificates promised to take its certificate in") from cause
    for promise in promises:
        at = _milliseconds(promise)
        found = [log for log in logs if log.id == promise.log_id and log.span.holds(at // 1000)]
        signed = _signed(promise, leaf, issuer, at)
        if any(made(checks_of(log.key), [promise.signature], signed) for log in found):
            return
    raise Refused("no log of certificates that is trusted promised to take its certificate in")


def _milliseconds(promise: x509.certificate_transparency.SignedCertificateTimestamp) -> int:
    return timegm(promise.timestamp.timetuple()) * 1000 + promise.timestamp.microsecond // 1000


def _signed(
    promise: x509.certificate_transparency.SignedCertificateTimestamp,
    leaf: x509.Certificate,
    issuer: x509.Certificate,
    at: int,
) -> bytes:
    """RFC 6962, section 3.2: the structure `digitally-signed`, of a certificate before the promise was written in."""
    key = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    body = leaf.tbs_precertificate_bytes
    return b"".join(
        (
            b"\0",  # the version, v1
            b"\0",  # the type: certificate_timestamp
            at.to_bytes(8, "big"),
            b"\0\1",  # the type of the entry: precert_entry
            hashlib.sha256(key).digest(),
            len(body).to_bytes(3, "big"),
            body,
            len(promise.extension_bytes).to_bytes(2, "big"),
            promise.extension_bytes,
        )
    )
