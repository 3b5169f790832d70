"""How much is measured: the full run, and the quick one of the inner loop."""

from typing import NamedTuple


class Plan(NamedTuple):
    """Sizes and lengths. Times in seconds, sizes in bytes."""

    quick: bool
    rounds: int
    seconds: int
    """How long a server is under load in one turn."""
    warming: int
    """How long a server is under load, at least, before the first turn of a work whose answers servers may remember."""
    repositories: int
    """With five tags each, in what every server holds."""
    large_repositories: int
    """With nine tags each, in the catalog that shows how cost grows."""
    large_tags: int
    """In the one large repository of that catalog."""
    referrers: int
    huge_blob: int

    @property
    def more_rounds(self) -> int:
        """Of a work whose figures differ by a third, because it waits for the disk or for memory, or is a p99."""
        return 3 * self.rounds


FULL = Plan(
    quick=False,
    rounds=5,
    seconds=4,
    warming=40,
    repositories=20_000,
    large_repositories=100_000,
    large_tags=100_000,
    referrers=10_000,
    huge_blob=20 << 30,
)
QUICK = Plan(
    quick=True,
    rounds=3,
    seconds=2,
    warming=4,
    repositories=2_000,
    large_repositories=10_000,
    large_tags=10_000,
    referrers=10_000,
    huge_blob=2 << 30,
)
