"""What was used up of rates, in memory."""

from collections.abc import Mapping

from orlop.domain.limits import together
from orlop.ports.rates import Used


class MemoryRates:
    """See ports.rates.RateLedger."""

    def __init__(self) -> None:
        self._rows: dict[int, Used] = {}  # those that were told of last come last

    async def tell(self, more: Mapping[int, Used], now: int, furthest: int, *, limit: int) -> dict[int, Used]:
        for who, (first, second, third) in more.items():
            one, two, three = self._rows.pop(who, (0, 0, 0))
            self._rows[who] = (
                together(one, first, now, furthest),
                together(two, second, now, furthest),
                together(three, third, now, furthest),
            )
        self._rows = {who: used for who, used in self._rows.items() if max(used) > now}
        return dict([*reversed(self._rows.items())][:limit])
