"""Servers that take turns: what was measured in each round, and how two of them compare."""

import random
from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple

Turn = Callable[[], float]


class Series(NamedTuple):
    """One figure of one server, once in each round."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle of all rounds."""
        return median(self.values)


def take_turns(turns: Mapping[str, Turn], rounds: int) -> dict[str, Series]:
    """Every server once in each round, in an order drawn for each round, the same in every run: none always follows the
    same, whose leavings (dirty or freed memory, a busy disk) it would always find."""
    drawn = random.Random(rounds)
    values: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(rounds):
        for name in drawn.sample(list(turns), len(turns)):
            values[name].append(turns[name]())
    return {name: Series(tuple(each)) for name, each in values.items()}


def ratio(ours: Series, theirs: Series, *, less_is_better: bool = False) -> float:
    """How many times better ours are: the median of the rounds' ratios, for a round shares one state of the machine."""
    pairs = zip(ours.values, theirs.values, strict=True)
    return median(theirs / ours if less_is_better else ours / theirs for ours, theirs in pairs)
