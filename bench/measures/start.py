"""From the start of the program to its first answer."""

from bench.field import Field
from bench.findings import Check, Finding
from bench.rounds import take_turns

_MUST = 1.0
_AIM = 0.5


def to_ready(field: Field) -> Finding:
    """With the large catalog, and with a hundred of everything beside it."""
    plan = field.plan
    large, small = field.large(), field.small()
    of_large = f"{plan.large_repositories * 9 + plan.large_tags:,} tags"

    def large_turn() -> float:
        with field.ours(large) as server:
            return server.ready_after

    def small_turn() -> float:
        with field.ours(small) as server:
            return server.ready_after

    figures = take_turns({of_large: large_turn, "100 repositories": small_turn}, plan.rounds)
    taken = figures[of_large].median
    checks = [Check("s", taken, _MUST, at_most=True), Check("s", taken, _AIM, at_most=True, aim=True)]
    return Finding("start to ready", "s", figures, checks)
