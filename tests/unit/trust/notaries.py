"""An authority of certificates, and a signer of Notation that it knows.

Source: notaryproject/specifications, specs/signature-specification.md, "Certificate Requirements".
"""

from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from orlop.domain.trust.signers import Signers
from tests.unit.trust.sigstore import AT, authority_certificate, new_key


class Notary:
    """An authority, and a signer that it knows as `C=US, ST=WA, O=acme`."""

    def __init__(self, at: datetime = AT) -> None:
        self._at = at
        self.ca_key, self.key = new_key(), new_key()
        self.ca = authority_certificate("acme root", self.ca_key)
        self.leaf = self.certificate()

    def certificate(self, *extensions: x509.ExtensionType, until: datetime | None = None) -> x509.Certificate:
        parts = (
            (NameOID.COUNTRY_NAME, "US"),
            (NameOID.STATE_OR_PROVINCE_NAME, "WA"),
            (NameOID.ORGANIZATION_NAME, "acme"),
        )
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign"), False
        ) | dict.fromkeys(("crl_sign", "encipher_only", "decipher_only"), False)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(*part) for part in parts]))
            .issuer_name(self.ca.subject)
            .public_key(self.key.public_key())
            .serial_number(4711)
            .not_valid_before(self._at - timedelta(days=30))
            .not_valid_after(until or self._at + timedelta(days=30))
            .add_extension(x509.KeyUsage(digital_signature=True, **usage), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        )
        for each in extensions:
            builder = builder.add_extension(each, critical=False)
        return builder.sign(self.ca_key, hashes.SHA256())

    def revoking(
        self, *serials: int, until: datetime = AT + timedelta(days=3), invalid_since: datetime | None = None
    ) -> str:
        """A revocation list in PEM; `invalid_since`: when what it names is said to have gone wrong."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.ca.subject)
            .last_update(AT - timedelta(days=9))
            .next_update(until)
        )
        for each in serials:
            revoked = x509.RevokedCertificateBuilder().serial_number(each).revocation_date(AT - timedelta(days=5))
            if invalid_since is not None:
                revoked = revoked.add_extension(x509.InvalidityDate(invalid_since), critical=False)
            builder = builder.add_revoked_certificate(revoked.build())
        return builder.sign(self.ca_key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    def signers(self, *subjects: str, **more: Any) -> Signers:
        certificates = self.ca.public_bytes(Encoding.PEM).decode()
        return Signers(certificates=certificates, subjects=subjects or ("C=US, ST=WA, O=acme",), **more)

    @property
    def private(self) -> bytes:
        """The key of the signer, as PKCS #8 in PEM."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def authority(self) -> bytes:
        """The root, in PEM."""
        return self.ca.public_bytes(Encoding.PEM)

    @property
    def chain(self) -> bytes:
        """The signer's certificate and the root, in PEM."""
        return self.leaf.public_bytes(Encoding.PEM) + self.authority
