"""A directory server for tests: OpenLDAP with a thousand people, groups in groups, StartTLS and LDAPS."""

import datetime
import ipaddress
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import ldap3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.needs import need
from tests.servers import free_port

BASE = "dc=example,dc=test"
PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
ADMIN, ADMIN_PASSWORD = f"cn=admin,{BASE}", "directory-admin-password"
#: How many people there are beside those that tests name.
CROWD = 1_000

_SCHEMAS = ("core", "cosine", "nis", "inetorgperson")


def password_of(name: str) -> str:
    """What everybody's password is."""
    return f"{name}'s long password"


class Slapd:
    """A server in a folder of its own, listening without TLS, with StartTLS, and with LDAPS."""

    def __init__(self, folder: Path, *, host: str = "127.0.0.1") -> None:
        self.folder = folder
        self.host = host
        self.port, self.secure_port = free_port(), free_port()
        self.ca = folder / "ca.pem"
        self._programs = need("slapd", "slapadd")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def plain(self) -> str:
        """The address that StartTLS makes secure."""
        return f"ldap://{self.host}:{self.port}"

    @property
    def secure(self) -> str:
        """The address that is secure from the first byte."""
        return f"ldaps://{self.host}:{self.secure_port}"

    def make(self, entries: str, certificate_for: str) -> None:
        """Fill it; its certificate is for one name or address."""
        (self.folder / "data").mkdir()
        _certificates(self.folder, certificate_for)
        includes = "\n".join(f"include /etc/ldap/schema/{name}.schema" for name in _SCHEMAS)
        (self.folder / "slapd.conf").write_text(
            f"""{includes}
moduleload back_mdb
pidfile {self.folder}/pid
TLSCACertificateFile {self.folder}/ca.pem
TLSCertificateFile {self.folder}/server.pem
TLSCertificateKeyFile {self.folder}/server.key
sizelimit unlimited
database mdb
maxsize 268435456
suffix "{BASE}"
rootdn "{ADMIN}"
rootpw {ADMIN_PASSWORD}
directory {self.folder}/data
dbnosync
index objectClass,uid,member,cn eq
access to attrs=userPassword by anonymous auth by * none
access to * by * read
"""
        )
        self._add(entries)

    def start(self) -> None:
        """Start, and wait until it listens."""
        urls = f"{self.plain}/ {self.secure}/"
        self._process = subprocess.Popen(
            [self._programs["slapd"], "-f", str(self.folder / "slapd.conf"), "-h", urls, "-d", "0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection((self.host, self.port), timeout=5).close()
            except OSError:
                assert self._process.poll() is None, "slapd ended at once"
                assert time.monotonic() < deadline, "slapd does not listen"
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    @contextmanager
    def administrator(self) -> Iterator[ldap3.Connection]:
        """A connection that may change anything."""
        server = ldap3.Server(self.host, self.port, get_info=ldap3.NONE)
        connection = ldap3.Connection(server, ADMIN, ADMIN_PASSWORD, auto_bind=True)
        try:
            yield connection
        finally:
            connection.unbind()

    def _add(self, entries: str) -> None:
        subprocess.run(
            [self._programs["slapadd"], "-q", "-f", str(self.folder / "slapd.conf")],
            input=entries.encode(),
            check=True,
            env={**os.environ, "LC_ALL": "C"},
            stdout=subprocess.DEVNULL,
        )


@contextmanager
def slapd(folder: Path, entries: str | None = None, *, certificate_for: str = "127.0.0.1") -> Iterator[Slapd]:
    """A server that runs."""
    server = Slapd(folder)
    server.make(company() if entries is None else entries, certificate_for)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def dn(name: str) -> str:
    """Of a person."""
    return f"uid={name},{PEOPLE}"


def group_dn(name: str) -> str:
    """Of a group."""
    return f"cn={name},{GROUPS}"


def person(name: str, *, display: str | None = None) -> str:
    """An entry."""
    identity = uuid.uuid5(uuid.NAMESPACE_URL, name)
    return (
        f"dn: {dn(name)}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {display or name.title()}\nsn: {name}\n"
        f"mail: {name}@example.test\nuserPassword: {password_of(name)}\nentryUUID: {identity}\n\n"
    )


def group(name: str, members: Sequence[str]) -> str:
    """An entry; members are DNs."""
    listed = "".join(f"member: {member}\n" for member in members)
    return f"dn: {group_dn(name)}\nobjectClass: groupOfNames\ncn: {name}\n{listed}\n"


def company() -> str:
    """A thousand people; `engineering` is in `staff`, `backend` in `engineering`, and two groups are in each other."""
    crowd = [f"user{number:04}" for number in range(CROWD)]
    return "".join(
        [
            f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n",
            f"dn: {PEOPLE}\nobjectClass: organizationalUnit\nou: people\n\n",
            f"dn: {GROUPS}\nobjectClass: organizationalUnit\nou: groups\n\n",
            *(person(name) for name in (*crowd, "ada", "grace", "edsger")),
            group("backend", [dn("ada"), dn("user0001")]),
            group("engineering", [group_dn("backend"), dn("grace")]),
            group("staff", [group_dn("engineering"), *(dn(name) for name in crowd)]),
            group("left", [group_dn("right"), dn("edsger")]),
            group("right", [group_dn("left"), dn("grace")]),
        ]
    )


def _certificates(folder: Path, name: str) -> None:
    """An authority of the test's own, and a certificate by it."""
    now = datetime.datetime.now(datetime.UTC)
    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test's authority")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test's directory")])

    def build(
        subject: x509.Name, key: ec.EllipticCurvePrivateKey, extensions: Sequence[tuple[x509.ExtensionType, bool]]
    ) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(authority_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    (folder / "ca.pem").write_bytes(
        build(authority, authority_key, [(x509.BasicConstraints(ca=True, path_length=None), True), (usage, True)])
    )
    (folder / "server.pem").write_bytes(
        build(subject, server_key, [(x509.SubjectAlternativeName([alternative]), False)])
    )
    (folder / "server.key").write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
