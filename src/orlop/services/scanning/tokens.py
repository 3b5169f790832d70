"""What a scanner pulls with: good for one repository, for reading alone, and for as long as its scan lasts."""

from collections.abc import Callable
from hashlib import sha256

from orlop.domain.access import Action, Limit, Place, PlaceKind, Subject
from orlop.domain.access.subjects import SYSTEM
from orlop.ports.clock import Clock
from orlop.ports.scans import Scans
from orlop.ports.settings import place_of
from orlop.services.identity.remembered import Proof

#: So it begins, which no other credential does.
PREFIX = "orlopscan-"
_BYTES = 32
#: Gates and quarantine wait for what a scanner says, and hold nothing back from it.
_READING = frozenset({Action.PING, Action.PULL, Action.PULL_HELD})


def drawn(draw: Callable[[int], bytes]) -> str:
    """A new one, of 256 random bits."""
    return f"{PREFIX}{draw(_BYTES).hex()}"


def hashed(token: str) -> str:
    """What is kept of one."""
    return sha256(token.encode("ascii", "replace")).hexdigest()


class ScanTokens:
    """Believes them: each is looked up at each request, so that none outlives its scan."""

    def __init__(self, scans: Scans, clock: Clock) -> None:
        self._scans = scans
        self._clock = clock

    async def proof(self, token: str) -> Proof | None:
        """The registry itself, for pulling from the repository of the scan alone; None: there is no such scan now."""
        found = await self._scans.of_secret(hashed(token), self._clock.now())
        if found is None:
            return None
        number, wanted = found
        limit = Limit(_READING, Place(PlaceKind.REPOSITORIES, wanted.repository))
        credential = f"scan {number} by {place_of(wanted.scanner)[1]}"
        return Proof(Subject(SYSTEM.name, SYSTEM.kind, credential=credential, limits=(limit,)), self._clock.now())
