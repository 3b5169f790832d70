"""What a measure found, as values: figures by server, and how they stand to what is asked for."""

from collections.abc import Mapping
from typing import NamedTuple

from bench.rounds import Series, ratio

OURS = "orlop"


class Check(NamedTuple):
    """One demand and how it was met: `value` must reach `limit`, or with `at_most` not go beyond it. An `aim` is hoped
    for, not demanded."""

    text: str
    value: float
    limit: float
    at_most: bool = False
    aim: bool = False

    @property
    def met(self) -> bool:
        """Whether the demand is met."""
        return self.value <= self.limit if self.at_most else self.value >= self.limit


class Finding(NamedTuple):
    """The outcome of one measure. `figures` in `unit`, a value for each round; `remarks` say how to read them."""

    work: str
    unit: str
    figures: Mapping[str, Series]
    checks: list[Check]
    remarks: tuple[str, ...] = ()


def compared(
    figures: Mapping[str, Series],
    must: Mapping[str, float],
    aims: Mapping[str, float] | None = None,
    *,
    less_is_better: bool = False,
) -> list[Check]:
    """A check for each server that was measured and that we are to reach so many times."""
    return [
        Check(f"× {name}", ratio(figures[OURS], figures[name], less_is_better=less_is_better), factor, aim=aim)
        for demands, aim in ((must, False), (aims or {}, True))
        for name, factor in demands.items()
        if name in figures
    ]
