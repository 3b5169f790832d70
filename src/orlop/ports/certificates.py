"""Certificates of clients, as somebody reads them who knows which authorities are trusted."""

from typing import Protocol

from orlop.domain.identity.certificates import ClientCertificate


class CertificateReader(Protocol):
    """Reads certificates of clients."""

    async def read(self, pem: str, *, check: bool, now: int) -> ClientCertificate:
        """What a certificate in PEM says. `check`: nobody has looked at it yet, so that its issuer, its time and
        whether it was revoked are looked at; `now` in microseconds since 1970.

        Raises Unauthorized with what is wrong with it, Unavailable when it cannot be looked at.
        """
        ...
