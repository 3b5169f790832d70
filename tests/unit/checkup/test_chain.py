"""A certificate as clients judge it: trusted, without what stands between, for another name, with another's key."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from orlop.adapters.chain_probe import ChainProbe
from orlop.domain import checkup
from orlop.domain.checkup import ChainFacts, Verdict
from orlop.domain.errors import Unavailable

_NOW = datetime.now(UTC)


class Made:
    """A certificate and its key."""

    def __init__(self, name: str, by: "Made | None", *, host: str = "") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        above = by or self
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(above.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_NOW - timedelta(days=1))
            .not_valid_after(_NOW + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=not host, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(above.key.public_key()),
                critical=False,
            )
        )
        if host:
            names = x509.SubjectAlternativeName([x509.DNSName(host)])
            usage = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH])
            builder = builder.add_extension(names, critical=False).add_extension(usage, critical=False)
        else:
            usages = dict.fromkeys(
                (
                    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
                    *("key_agreement", "encipher_only", "decipher_only"),
                ),
                False,
            )
            builder = builder.add_extension(
                x509.KeyUsage(**usages, key_cert_sign=True, crl_sign=True),
                critical=True,
            )
        self.certificate = builder.sign(above.key, hashes.SHA256())

    @property
    def secret(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


@pytest.fixture(scope="module")
def made() -> tuple[Made, Made, Made]:
    root = Made("root", None)
    between = Made("between", root)
    return root, between, Made("leaf", between, host="registry.example")


def look(
    folder: Path, made: tuple[Made, Made, Made], *, whole: bool = True, host: str = "", key: Made | None = None
) -> ChainFacts:
    root, between, leaf = made
    (folder / "roots").write_bytes(root.pem)
    (folder / "cert").write_bytes(leaf.pem + (between.pem if whole else b""))
    (folder / "key").write_bytes((key or leaf).secret)
    probe = ChainProbe(folder / "cert", folder / "key", host, folder / "roots")
    return asyncio.run(probe.look())


def test_a_whole_chain_is_trusted_and_one_without_what_is_between_is_not(
    tmp_path: Path, made: tuple[Made, Made, Made]
) -> None:
    facts = look(tmp_path, made)
    assert (facts.host, facts.names, facts.trouble, facts.above) == ("registry.example", ("registry.example",), "", 1)
    assert checkup.chain(facts).verdict is Verdict.OK
    broken = look(tmp_path, made, whole=False)
    assert broken.trouble
    assert checkup.chain(broken).verdict is Verdict.WARN
    assert look(tmp_path, made, host="other.example").trouble


def test_a_key_that_does_not_fit(tmp_path: Path, made: tuple[Made, Made, Made]) -> None:
    with pytest.raises(Unavailable, match="the key belongs to another certificate"):
        look(tmp_path, made, key=made[0])
