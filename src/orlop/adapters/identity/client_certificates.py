"""Reads certificates of clients, and checks those that a proxy passed on: by the authorities and the list of revoked
ones in files, which are read anew when they change."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID

from orlop.domain.durations import SECOND
from orlop.domain.errors import Unauthorized, Unavailable
from orlop.domain.identity.certificates import ClientCertificate, folded

#: A longer certificate is not read, in characters.
_LONGEST = 32 * 1024
_KINDS: tuple[tuple[str, type[x509.DNSName | x509.UniformResourceIdentifier | x509.RFC822Name]], ...] = (
    ("dns:", x509.DNSName),
    ("uri:", x509.UniformResourceIdentifier),
    ("email:", x509.RFC822Name),
)


class _Trusted(msgspec.Struct, frozen=True):
    authorities: tuple[x509.Certificate, ...]
    lists: tuple[x509.CertificateRevocationList, ...]


#: What tells one state of a file from another.
_Stamp = tuple[int, int, int]


class ClientCertificates:
    """See ports.certificates. `authorities` and `revoked`: files in PEM; without the second nothing is revoked."""

    def __init__(self, authorities: Path | None, revoked: Path | None) -> None:
        self._files = tuple(file for file in (authorities, revoked) if file is not None)
        self._authorities = authorities
        self._revoked = revoked
        self._seen: tuple[_Stamp, ...] = ()
        self._trusted = _Trusted((), ())

    async def read(self, pem: str, *, check: bool, now: int) -> ClientCertificate:
        """See CertificateReader."""
        certificate = _parsed(pem)
        if check:
            _check(certificate, await asyncio.to_thread(self._known), datetime.fromtimestamp(now / SECOND, UTC))
        return _said(certificate)

    def _known(self) -> _Trusted:
        if self._authorities is None:
            raise Unauthorized("no authority for certificates of clients is trusted here")
        try:
            stamps = tuple((found.st_ctime_ns, found.st_size, found.st_ino) for found in map(Path.stat, self._files))
            if stamps != self._seen:
                authorities = x509.load_pem_x509_certificates(self._authorities.read_bytes())
                self._trusted = _Trusted(tuple(authorities), _lists(self._revoked))
                self._seen = stamps
        except (OSError, ValueError) as cause:
            raise Unavailable("the authorities for certificates of clients cannot be read", retry_after=5) from cause
        return self._trusted


def _lists(file: Path | None) -> tuple[x509.CertificateRevocationList, ...]:
    """The lists in a file, one after the other. Raises OSError, ValueError."""
    if file is None:
        return ()
    end = b"-----END X509 CRL-----"
    parts = [part + end for part in file.read_bytes().split(end)[:-1]]
    return tuple(x509.load_pem_x509_crl(part) for part in parts)


def _parsed(pem: str) -> x509.Certificate:
    try:
        if len(pem) > _LONGEST:
            raise ValueError
        return x509.load_pem_x509_certificate(pem.encode())
    except (ValueError, x509.InvalidVersion) as cause:
        raise Unauthorized("the client's certificate cannot be read") from cause


def _said(certificate: x509.Certificate) -> ClientCertificate:
    """Raises Unauthorized for one whose names cannot be read."""
    try:
        subject = certificate.subject.rfc4514_string()
        names = [f"subject:{subject}"] if subject else []
        names += [f"{kind}{name}" for kind, type_ in _KINDS for name in _alternatives(certificate, type_)]
        names.append(f"sha256:{certificate.fingerprint(hashes.SHA256()).hex()}")
        ends = int(certificate.not_valid_after_utc.timestamp()) * SECOND
        issuer = certificate.issuer.rfc4514_string()
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as cause:
        raise Unauthorized("the names in the client's certificate cannot be read") from cause
    return ClientCertificate(subject, issuer, tuple(folded(name) for name in names if name.isprintable()), ends)


def _alternatives(
    certificate: x509.Certificate, kind: type[x509.DNSName | x509.UniformResourceIdentifier | x509.RFC822Name]
) -> Sequence[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return extension.value.get_values_for_type(kind)


def _check(certificate: x509.Certificate, trusted: _Trusted, now: datetime) -> None:
    """As TLS checks one, in the words that TLS has no room for. Raises Unauthorized."""
    issuers = [one for one in trusted.authorities if one == certificate or _is_issued(certificate, one)]
    if not issuers:
        raise Unauthorized("the client's certificate comes from no authority that is trusted here")
    if now < certificate.not_valid_before_utc:
        raise Unauthorized("the client's certificate is not valid yet")
    if now > certificate.not_valid_after_utc:
        raise Unauthorized("the client's certificate has expired")
    # An authority that was renewed with its key may be in the file twice.
    issuers = [one for one in issuers if now <= one.not_valid_after_utc]
    if not issuers:
        raise Unauthorized("the authority of the client's certificate has expired")
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        usages = None
    if usages is not None and not {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & {
        *usages
    }:
        raise Unauthorized("the client's certificate is not made for clients")
    for revoked in trusted.lists:
        _refuse_revoked(certificate, issuers, revoked, now)
    if trusted.lists and not any(one.issuer == certificate.issuer for one in trusted.lists):
        raise Unauthorized("nothing is known of which certificates of its authority were revoked")


def _refuse_revoked(
    certificate: x509.Certificate,
    issuers: Sequence[x509.Certificate],
    revoked: x509.CertificateRevocationList,
    now: datetime,
) -> None:
    if revoked.issuer != certificate.issuer:
        return
    keys = [one.public_key() for one in issuers]
    if not any(_is_signed(revoked, key) for key in keys):
        raise Unauthorized("the list of revoked certificates is not signed by the authority that it is of")
    if revoked.next_update_utc is not None and now > revoked.next_update_utc:
        raise Unauthorized("the list of revoked certificates is too old to say that this one is good")
    if revoked.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
        raise Unauthorized("the client's certificate was revoked")


def _is_signed(revoked: x509.CertificateRevocationList, key: CertificatePublicKeyTypes) -> bool:
    try:
        return revoked.is_signature_valid(key)  # type: ignore[arg-type]  # of other keys it says so by TypeError
    except TypeError:
        return False


def _is_issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
        return _may_issue(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False


def _may_issue(authority: x509.Certificate) -> bool:
    """Whether it is one of an authority: the file may hold certificates of clients, too, whose owners sign nobody else.

    "If the basic constraints extension is not present in a version 3 public key certificate, or the extension is
    present but the cA boolean is not asserted, then the certified public key MUST NOT be used to verify certificate
    signatures" (RFC 5280, section 4.2.1.9). Raises ValueError for extensions that cannot be read.
    """
    if authority.version is x509.Version.v1:
        return True
    found = {extension.oid: extension.value for extension in authority.extensions}
    basic = found.get(x509.BasicConstraints.oid)
    usage = found.get(x509.KeyUsage.oid)
    if not isinstance(basic, x509.BasicConstraints) or not basic.ca:
        return False
    return not isinstance(usage, x509.KeyUsage) or usage.key_cert_sign
