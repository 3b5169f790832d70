"""Trying again: for as long as a restart or a failover usually takes, and no longer than a client waits."""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import NamedTuple, TypeVar

from orlop.adapters.sql.postgres.failures import FAILED, Trouble, reason, refuses_writes, trouble
from orlop.domain.errors import StoreRefusesWrites, Unavailable

T = TypeVar("T")

#: For how long something is tried, in seconds.
PATIENCE = 4.0
#: Between two tries, in seconds: about the first at first, twice as long each time, and no longer than the last.
FIRST_WAIT = 0.005
LONGEST_WAIT = 0.5


class Surroundings(NamedTuple):
    """What the machine gives: a clock in seconds, sleep, random numbers in [0, 1), and names nobody else gives."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    random: Callable[[], float]
    new_id: Callable[[], str]


async def patiently(
    surroundings: Surroundings, attempt: Callable[[], Awaitable[T]], consequence: str = "nothing was changed"
) -> T:
    """What `attempt` returns, once it does; it is made again while that may help.

    Raises Unavailable when it does not, saying what is the `consequence`; cause kept.
    """
    end = surroundings.monotonic() + PATIENCE
    for tries in count():
        try:
            return await attempt()
        except FAILED as cause:
            meaning = trouble(cause)
            if meaning is None:
                raise
            wait = min(FIRST_WAIT * 2 ** min(tries, 16), LONGEST_WAIT) * (0.5 + surroundings.random())
            if meaning is Trouble.REFUSED or surroundings.monotonic() + wait > end:
                kind = StoreRefusesWrites if refuses_writes(cause) else Unavailable
                raise kind(f"{reason(cause)}; {consequence}") from cause
        await surroundings.sleep(wait)
    raise AssertionError("unreachable")
