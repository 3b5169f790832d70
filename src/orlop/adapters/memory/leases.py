"""Leases on jobs."""

from dataclasses import dataclass

from orlop.ports.jobs import Lease


@dataclass(slots=True)
class _Job:
    lease: Lease
    held: bool = True
    finished_at: int | None = None
    outcome: str | None = None


class MemoryLeases:
    """See ports.jobs.Leases."""

    def __init__(self) -> None:
        self._jobs: dict[str, _Job] = {}

    async def acquire(
        self, job: str, owner: str, *, now: int, until: int, not_after: int | None = None
    ) -> Lease | None:
        known = self._jobs.get(job)
        if known is None:
            lease = Lease(job, owner, 1, until)
            self._jobs[job] = _Job(lease)
            return lease
        if known.held and known.lease.until > now and known.lease.owner != owner:
            return None
        if not_after is not None and known.finished_at is not None and known.finished_at > not_after:
            return None
        known.lease = Lease(job, owner, known.lease.fence + 1, until)
        known.held = True
        return known.lease

    async def renew(self, lease: Lease, *, until: int) -> Lease | None:
        known = self._held(lease)
        if known is None:
            return None
        known.lease = Lease(lease.job, lease.owner, lease.fence, until)
        return known.lease

    async def release(self, lease: Lease, *, now: int, outcome: str) -> bool:
        known = self._held(lease)
        if known is None:
            return False
        known.held, known.finished_at, known.outcome = False, now, outcome
        return True

    def holds(self, lease: Lease) -> bool:
        """Whether a lease is still its owner's."""
        return self._held(lease) is not None

    def _held(self, lease: Lease) -> _Job | None:
        known = self._jobs.get(lease.job)
        return known if known is not None and known.held and known.lease.fence == lease.fence else None
