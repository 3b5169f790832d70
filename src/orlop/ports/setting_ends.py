"""When settings end by themselves."""

from typing import Protocol

import msgspec

from orlop.domain.settings import Ends


class EndingSetting(msgspec.Struct, frozen=True):
    """A setting that ends by itself."""

    kind: str
    path: str
    name: str
    ends: Ends


class SettingEnds(Protocol):
    """When settings end by themselves. Each end is told of once, and once before where it asks for that."""

    async def tell(self, now: int, limit: int) -> int:
        """Write an event for so many of which something is to be told by now; how many."""
        ...

    async def ending(self, kind: str, now: int, limit: int) -> tuple[EndingSetting, ...]:
        """The next of a kind to end after now."""
        ...
