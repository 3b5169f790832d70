"""An authority that issues certificates, and lists those that it revoked, for tests."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = timedelta(days=1)
_PEM = serialization.Encoding.PEM


class Authority:
    """Signs what is asked of it. Files lie in `folder`: `NAME.crt` and `NAME.key` for each certificate."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self._serials: dict[str, int] = {}
        self.file = folder / f"{name}.pem"
        self.renew()

    @classmethod
    def by_a_client(cls, folder: Path, certificate: Path) -> "Authority":
        """What the owner of a client's certificate can sign with its key."""
        made = cls(folder, "stolen")
        key = serialization.load_pem_private_key(certificate.with_suffix(".key").read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        made._key = key
        made._name = x509.load_pem_x509_certificate(certificate.read_bytes()).subject
        return made

    def renew(self, *, days: tuple[float, float] = (-30, 30)) -> None:
        """A certificate of its own, good from then to then in days from now, with the key and name of before."""
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(self._name).issuer_name(self._name)
        builder = builder.public_key(self._key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now + days[0] * _DAY).not_valid_after(now + days[1] * _DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signs=True), critical=True)
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
        )
        self.file.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(_PEM))

    def issue(
        self,
        name: str,
        *alternatives: x509.GeneralName,
        days: tuple[float, float] = (-1, 2),
        server: bool = False,
        subject: str | None = None,
    ) -> Path:
        """A certificate for NAME, good from then to then in days from now; its file. `subject`: another common name."""
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        self._serials[name] = x509.random_serial_number()
        usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = x509.CertificateBuilder().subject_name(_named(name if subject is None else subject))
        builder = builder.issuer_name(self._name).public_key(key.public_key()).serial_number(self._serials[name])
        builder = builder.not_valid_before(now + days[0] * _DAY).not_valid_after(now + days[1] * _DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
        )
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (self.folder / f"{name}.key").write_bytes(private)
        file = self.folder / f"{name}.crt"
        file.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(_PEM))
        return file

    def revoke(self, *names: str, days: tuple[float, float] = (-1, 2), file: str = "revoked.pem") -> Path:
        """A list of these, good from then to then in days from now, put where it is read as a whole; its file."""
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self._name)
        builder = builder.last_update(now + days[0] * _DAY).next_update(now + days[1] * _DAY)
        for name in names:
            entry = x509.RevokedCertificateBuilder().serial_number(self._serials[name])
            builder = builder.add_revoked_certificate(entry.revocation_date(now - _DAY).build())
        (self.folder / "new").write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(_PEM))
        return (self.folder / "new").replace(self.folder / file)


def loopback() -> Sequence[x509.GeneralName]:
    """The names of a server here."""
    return x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")


def _named(name: str) -> x509.Name:
    if not name:
        return x509.Name([])
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
