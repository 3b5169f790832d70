"""How an upstream fares, as all workers and replicas know it together."""

import msgspec

from orlop.domain.upstreams.breaker import Breaker
from orlop.domain.upstreams.budget import Budget, merge

#: No word of an upstream about its error is kept beyond it.
ERROR_MAX = 300


class UpstreamState(msgspec.Struct, frozen=True, kw_only=True):
    """How an upstream fares. Times are in microseconds since 1970, 0 for never."""

    breaker: Breaker = Breaker()
    last_ok_at: int = 0
    """When it last answered."""
    last_error: str = ""
    """What it last failed at, fit for a line."""
    last_error_at: int = 0
    budgets: tuple[Budget, ...] = ()
    """By account."""
    hits: int = 0
    """Pulls that were served from what is cached, without a byte from the upstream."""
    misses: int = 0
    """Pulls that content was fetched for."""
    bytes_in: int = 0
    """Bytes of manifests and blobs that came from it."""

    @property
    def hit_rate(self) -> float | None:
        """Which part of the pulls was served from what is cached; None before the first."""
        pulls = self.hits + self.misses
        return self.hits / pulls if pulls else None

    def merged(self, report: "UpstreamState") -> "UpstreamState":
        """What it is with what a worker found since it last told: its counts are added, of the rest the newer holds."""
        newer = report if report.breaker.since > self.breaker.since else self
        failed = report if report.last_error_at > self.last_error_at else self
        return UpstreamState(
            breaker=newer.breaker,
            last_ok_at=max(self.last_ok_at, report.last_ok_at),
            last_error=failed.last_error,
            last_error_at=failed.last_error_at,
            budgets=merge(self.budgets, report.budgets),
            hits=self.hits + report.hits,
            misses=self.misses + report.misses,
            bytes_in=self.bytes_in + report.bytes_in,
        )


def bounded_error(text: str) -> str:
    """Words about an error that may be kept and shown: one line, printable, bounded."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return line if len(line) <= ERROR_MAX else f"{line[: ERROR_MAX - 1]}…"
