"""Files of certificates that the settings name, looked at anew when they change."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from cryptography import x509

from orlop.domain.certificates import Certificate
from orlop.domain.durations import SECOND

#: No file is read that is larger, in bytes: all authorities of a machine are a quarter of that.
_LARGEST = 1 << 20


class CertificateFiles:
    """See ports.certificates.Certificates. `files` by the settings that name them."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files
        self._known: dict[str, tuple[tuple[int, int, int], Certificate]] = {}

    async def standing(self) -> list[Certificate]:
        """See ports.certificates.Certificates."""
        return await asyncio.to_thread(self._look) if self._files else []

    def _look(self) -> list[Certificate]:
        return [self._of(name, file) for name, file in self._files.items()]

    def _of(self, name: str, file: Path) -> Certificate:
        try:
            found = file.stat()
            stamp = (found.st_ctime_ns, found.st_size, found.st_ino)
            known = self._known.get(name)
            if known is not None and known[0] == stamp:
                return known[1]
            read = read_first_end(name, file)
        except OSError as error:
            return Certificate(name, "", 0, f"{file} cannot be read: {error.strerror}")
        self._known[name] = stamp, read
        return read


def read_first_end(name: str, file: Path) -> Certificate:
    """What ends first in a file of certificates. Raises OSError."""
    with file.open("rb") as opened:
        content = opened.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        return Certificate(name, "", 0, f"{file} is larger than {_LARGEST} bytes")
    try:
        first = min(x509.load_pem_x509_certificates(content), key=lambda one: one.not_valid_after_utc)
    except ValueError:
        return Certificate(name, "", 0, f"{file} holds no certificate in PEM")
    return Certificate(name, first.subject.rfc4514_string()[:200], _microseconds(first.not_valid_after_utc))


def _microseconds(at: datetime) -> int:
    return int(at.timestamp()) * SECOND
