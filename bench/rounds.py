"""Servers that take turns: what was measured in each round, and how two of them compare."""

from collections.abc import Callable, Iterator, Mapping
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
    """Every server once in each round. Each round begins with another server, so that none always follows the same."""
    values: dict[str, list[float]] = {name: [] for name in turns}
    for number in range(rounds):
        for name in _rotated(list(turns), number):
            values[name].append(turns[name]())
    return {name: Series(tuple(each)) for name, each in values.items()}


def _rotated(names: list[str], by: int) -> Iterator[str]:
    yield from (names[(by + index) % len(names)] for index in range(len(names)))


def ratio(ours: Series, theirs: Series, *, less_is_better: bool = False) -> float:
    """How many times better ours are: the median of the rounds' ratios, for a round shares one state of the machine."""
    pairs = zip(ours.values, theirs.values, strict=True)
    return median(theirs / ours if less_is_better else ours / theirs for ours, theirs in pairs)
