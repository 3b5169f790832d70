"""Leases on jobs, as rows."""

from orlop.adapters.sql.engine import Engine, Session
from orlop.domain.errors import Stale
from orlop.domain.leases import is_held
from orlop.ports.jobs import Lease


class SqlLeases:
    """See ports.jobs.Leases."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def acquire(self, job: str, owner: str, *, now: int, until: int) -> Lease | None:
        async def script(tx: Session) -> Lease | None:
            row = await tx.one("job_get", job)
            if row is None:
                await tx.run("job_create", job)
                row = await tx.one("job_get", job)
            assert row is not None
            holder, fence, lease_until = row
            if holder != owner and is_held(lease_until, now, until - now):
                return None
            await tx.run("job_lease", job, owner, fence + 1, until, now)
            return Lease(job, owner, fence + 1, until)

        # Durable: a database that forgets a lease in a crash, which its holder survives, would give a fence twice.
        return await self._engine.write(script, changes=False)

    async def renew(self, lease: Lease, *, until: int) -> Lease | None:
        async def script(tx: Session) -> Lease | None:
            row = await tx.one("job_renew", lease.job, lease.owner, lease.fence, until)
            return Lease(lease.job, lease.owner, lease.fence, until) if row else None

        return await self._engine.write(script, durable=False, changes=False)

    async def release(self, lease: Lease, *, now: int, outcome: str) -> bool:
        async def script(tx: Session) -> bool:
            return await tx.one("job_release", lease.job, lease.owner, lease.fence, now, outcome) is not None

        return await self._engine.write(script, durable=False, changes=False)


async def hold(tx: Session, lease: Lease) -> None:
    """Let a transaction take effect only while a lease holds. Raises Stale."""
    if await tx.one("job_held", lease.job, lease.owner, lease.fence) is None:
        raise Stale(f"the lease of {lease.job} was lost")
