"""Who answers expressions of gates, which strangers wrote and which may ask for more than there is."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from orlop.domain.gates.given import Given


class Expressions(Protocol):
    """See the module."""

    async def check(self, expression: str, *, findings: bool) -> str:
        """Why it cannot be asked at all: it does not parse, names what is not given, or answers neither true nor false;
        empty: it can. `findings`: those are given. Raises Unavailable where expressions cannot be asked at all."""
        ...

    async def judge(self, expressions: Sequence[str], given: Given) -> Mapping[str, str]:
        """Why an image does not meet each, as half a sentence; empty: it does. What cannot be answered within the
        bounds is not met. Raises Unavailable as `check`."""
        ...
