"""What becomes of promotions, for those who count it."""

from enum import StrEnum
from typing import Protocol


class Became(StrEnum):
    """What becomes of one. `HELD_BACK`: a gate, a rule or a right refused it where it was asked for, and it is not
    kept."""

    DONE = "done"
    WAITING = "waiting"
    HELD_BACK = "held-back"
    REFUSED = "refused"
    EXPIRED = "expired"
    ROLLED_BACK = "rolled-back"


class Counting(Protocol):
    """Hears of it."""

    def __call__(self, outcome: str, count: int = 1) -> None:
        """So many of them."""


def uncounted(outcome: str, count: int = 1) -> None:
    """Where nobody counts."""
