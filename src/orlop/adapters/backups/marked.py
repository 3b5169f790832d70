"""Whether backups at a place are encrypted: told without the library that opens them."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import Protocol

from orlop.domain.backup import BACKUPS
from orlop.domain.errors import NotFound
from orlop.ports.backup import BackupTarget

#: It lies there where they are.
MARKER = f"{BACKUPS}sealed.json"


class SizedTarget(BackupTarget, Protocol):
    """A place that says how large something is."""

    async def sizes(self, keys: Sequence[str]) -> dict[str, int]:
        """Of those that are there, in bytes. Raises Unavailable."""
        ...


async def is_sealed(target: BackupTarget) -> bool:
    """Whether what lies there is encrypted. Raises Unavailable."""
    try:
        async with aclosing(target.read(MARKER)) as pieces:
            async for _ in pieces:
                break
    except NotFound:
        return False
    return True
