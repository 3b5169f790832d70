"""When the certificates end that the registry is set up with."""

from collections.abc import Sequence
from typing import Protocol

from orlop.domain.certificates import Certificate


class Certificates(Protocol):
    """Those that the settings name."""

    async def standing(self) -> Sequence[Certificate]:
        """Each file, as it is now; one that cannot be read says so."""
        ...
