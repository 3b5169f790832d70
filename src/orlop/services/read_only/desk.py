"""What the API and the pages say of read-only mode."""

from orlop.domain.access import Caller
from orlop.domain.read_only import ReadOnlyStanding
from orlop.services.management.operations import Gate
from orlop.services.read_only.mode import ReadOnlyMode


class ReadOnlyDesk:
    """`mode` is asked by faces before a write; whoever is signed in may see it."""

    def __init__(self, gate: Gate, mode: ReadOnlyMode) -> None:
        self._gate = gate
        self.mode = mode

    async def standing(self, caller: Caller) -> ReadOnlyStanding | None:
        """Why the registry takes no writes; None: it does. Raises Unauthorized, Unavailable."""
        await self._gate.rights(caller)
        return await self.mode.standing()
