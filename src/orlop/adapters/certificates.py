"""TLS by certificates and keys that stand in settings: whom to trust, and what to show. Nothing is fetched here."""

import ssl
import tempfile
from pathlib import Path


class Unusable(Exception):
    """Certificates or a key that are none, or do not belong together; says why."""


def context(ca: str = "", certificate: str = "", key: str = "", *, beside: bool = False) -> ssl.SSLContext:
    """Checks certificates and names; TLS 1.2 at least. All are PEM; empty ones are those of the machine, and none.

    `beside`: the authorities `ca` are trusted beside those of the machine, not in their place. Raises Unusable.
    """
    try:
        made = ssl.create_default_context(cadata=(ca or None) if not beside else None)
        if ca and beside:
            made.load_verify_locations(cadata=ca)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        if certificate:
            _show(made, certificate, key)
    except (ssl.SSLError, TypeError, ValueError) as cause:  # what is not ASCII is no text to the library
        raise Unusable(str(getattr(cause, "reason", None) or cause)) from cause
    return made


def _show(made: ssl.SSLContext, certificate: str, key: str) -> None:
    """The library reads certificates from files alone: they are there for a moment, for this user."""
    with tempfile.TemporaryDirectory(prefix="orlop-") as folder:
        files = Path(folder, "certificate.pem"), Path(folder, "key.pem")
        for file, text in zip(files, (certificate, key), strict=True):
            file.touch(mode=0o600)
            file.write_text(text)
        made.load_cert_chain(*files, password=_no_password)


def _no_password() -> str:
    """A key with a password cannot be read, rather than asked for at a terminal."""
    return ""
