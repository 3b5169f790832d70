"""The certificate that a server is to show, as a client would judge it: does its key fit, and who would trust it."""

import asyncio
import ssl
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from orlop.domain.checkup import ChainFacts
from orlop.domain.errors import Unavailable


class ChainProbe:
    """See ports.checkup.ChainProbe. `host`: by which name clients know the server; empty: one that the certificate
    is for. `authorities`: those that clients trust, of this machine where none are named."""

    def __init__(self, cert: Path, key: Path, host: str, authorities: Path | None = None) -> None:
        self._cert = cert
        self._key = key
        self._host = host
        self._authorities = authorities

    async def look(self) -> ChainFacts:
        """See ports.checkup.ChainProbe."""
        return await asyncio.to_thread(self._look)

    def _look(self) -> ChainFacts:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self._cert, self._key, password="")
            leaf, *others = x509.load_pem_x509_certificates(self._cert.read_bytes())
        except ssl.SSLError as cause:
            words = "the key belongs to another certificate" if cause.reason == "KEY_VALUES_MISMATCH" else cause.reason
            raise Unavailable(f"{self._cert} and {self._key} cannot be used: {words}") from cause
        except (OSError, ValueError) as cause:
            raise Unavailable(f"{self._cert} and {self._key} cannot be used: {cause}") from cause
        names = _names(leaf)
        host = self._host or next((name for name in names if "*" not in name), "")
        return ChainFacts(host, names, self._trouble(leaf, others, host), len(others))

    def _trouble(self, leaf: x509.Certificate, others: list[x509.Certificate], host: str) -> str:
        """Why a client would not trust it; empty: one that trusts the authorities would."""
        trusted = self._trusted()
        if not trusted:
            return "this machine trusts no authority"
        if not host:
            return "it is for no name"
        builder = PolicyBuilder().store(Store(trusted)).time(datetime.now(UTC))
        try:
            builder.build_server_verifier(x509.DNSName(host)).verify(leaf, others)
        except VerificationError as failure:
            return str(failure)[:300]
        except ValueError as failure:
            return f"{host}: {failure}"[:300]
        return ""

    def _trusted(self) -> list[x509.Certificate]:
        file = self._authorities or Path(ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt")
        try:
            return x509.load_pem_x509_certificates(file.read_bytes())
        except (OSError, ValueError):
            return []


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(names.get_values_for_type(x509.DNSName))
