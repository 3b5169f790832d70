"""What needs a caller: everything that knows of trouble is asked, and each tells only what the caller may see."""

from collections.abc import Sequence

from orlop.domain.access import Caller
from orlop.domain.attention import Concern, Severity
from orlop.services.attention.sources import Source
from orlop.services.management.operations import Gate

#: Of each kind so many are told.
EACH = 20


class Attention:
    """Costs a few queries, each of which is bounded, whatever there is."""

    def __init__(self, gate: Gate, sources: Sequence[Source]) -> None:
        self._gate = gate
        self._sources = sources

    async def of(self, caller: Caller) -> tuple[Concern, ...]:
        """What needs them, the urgent first. Raises Unauthorized."""
        seeing = await self._gate.administers(caller)
        found: list[Concern] = []
        for source in self._sources:
            found += (await source(caller, seeing))[:EACH]
        return tuple(sorted(found, key=lambda concern: concern.severity is not Severity.ERROR))
