"""What was used up of rates, by those who came to several replicas."""

from collections.abc import Mapping
from typing import Protocol

#: Until when somebody has used up each of their rates (domain.limits), in microseconds since 1970.
Used = tuple[int, int, int]


class RateLedger(Protocol):
    """Sums up what replicas tell of the same ones. Writes no event, and a power cut may take it."""

    async def tell(self, more: Mapping[int, Used], now: int, furthest: int, *, limit: int) -> dict[int, Used]:
        """Add to what was used up, in microseconds of each rate; how it then stands for all who have used up anything,
        whoever told it, of whom `limit` at most: those that were told of last.

        The caller is a positive number of 63 bits. Nobody's time goes beyond `furthest`; one that lies beyond it
        already, told by a clock that went wrong, counts for nothing, and so does one before `now`.
        """
        ...
