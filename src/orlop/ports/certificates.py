"""Certificates: when those end that the registry is set up with, and what those of clients say."""

from collections.abc import Sequence
from typing import Protocol

from orlop.domain.certificates import Certificate
from orlop.domain.identity.certificates import ClientCertificate


class Certificates(Protocol):
    """Those that the settings name."""

    async def standing(self) -> Sequence[Certificate]:
        """Each file, as it is now; one that cannot be read says so."""
        ...


class CertificateReader(Protocol):
    """Reads certificates of clients; who does knows which authorities are trusted."""

    async def read(self, pem: str, *, check: bool, now: int) -> ClientCertificate:
        """What a certificate in PEM says. `check`: nobody has looked at it yet, so that its issuer, its time and
        whether it was revoked are looked at; `now` in microseconds since 1970.

        Raises Unauthorized with what is wrong with it, Unavailable when it cannot be looked at.
        """
        ...
