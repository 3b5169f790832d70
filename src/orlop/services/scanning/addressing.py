"""Where a scanner is and what signs in to it, with secrets fetched anew where they are kept elsewhere."""

import asyncio
from base64 import b64encode
from collections.abc import Callable

from orlop.domain.errors import Unavailable
from orlop.domain.identity.secret_references import SecretReference, parse_secret
from orlop.domain.scanning.protocol import API_KEY
from orlop.domain.scanning.scanner import Scanner
from orlop.ports.scans import Address, ScannerAway

_KEPT = ("env:", "file:")


class Addressing:
    """`fetching` fetches secrets; `registry` is where scanners find this registry unless their settings say so."""

    def __init__(self, fetching: Callable[[SecretReference], str], registry: str) -> None:
        self._fetching = fetching
        self.registry = registry

    async def of(self, scanner: Scanner) -> Address:
        """Raises ScannerAway where a secret is not where it is said to be."""
        kept = scanner.password or scanner.token or scanner.api_key
        if not kept:
            return Address(scanner.url, None, scanner.ca_certificate)
        try:
            secret = await asyncio.to_thread(self._fetched, kept) if kept.startswith(_KEPT) else kept
        except (Unavailable, ValueError) as failure:
            raise ScannerAway(f"its secret: {failure}") from failure
        if not secret.isascii() or not secret.isprintable():
            raise ScannerAway("its secret is no printable ASCII, which a header has to be")
        if scanner.password:
            pair = b64encode(f"{scanner.user}:{secret}".encode()).decode()
            header = ("Authorization", f"Basic {pair}")
        elif scanner.token:
            header = ("Authorization", f"Bearer {secret}")
        else:
            header = (API_KEY, secret)
        return Address(scanner.url, header, scanner.ca_certificate)

    def _fetched(self, text: str) -> str:
        return self._fetching(parse_secret(text))
