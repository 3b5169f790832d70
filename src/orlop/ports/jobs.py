"""Work that never ends and that one process at a time does: leased by name, with a fencing token for every lease."""

from typing import Protocol

import msgspec


class Lease(msgspec.Struct, frozen=True):
    """The right to do `job` until `until` (microseconds since 1970); `fence` is greater than any earlier lease's."""

    job: str
    owner: str
    fence: int
    until: int


class Leases(Protocol):
    """Who does what."""

    async def acquire(self, job: str, owner: str, *, now: int, until: int) -> Lease | None:
        """Lease a job; None while another owner holds it. Nobody holds one for much longer than is asked for here:
        what says so was written by a clock that is wrong."""
        ...

    async def renew(self, lease: Lease, *, until: int) -> Lease | None:
        """Hold on to a lease; None when it was lost, after which the holder must stop."""
        ...

    async def release(self, lease: Lease, *, now: int, outcome: str) -> bool:
        """Let go and record how it ended; False when the lease was lost, and then nothing is recorded."""
        ...
