"""What every driver keeps to about leases on jobs (ports.jobs.Leases)."""

from orlop.ports.clock import SECOND
from orlop.ports.jobs import Lease, Leases
from tests.contract.scene import START

NOW = START
LATER = NOW + 60 * SECOND


class LeasesKit:
    """Needs the fixture `leases`: no job was ever done."""

    async def test_a_job_is_leased_to_one_owner(self, leases: Leases) -> None:
        lease = await leases.acquire("collect", "one", now=NOW, until=LATER)
        assert lease == Lease("collect", "one", lease.fence if lease else 0, LATER)
        assert await leases.acquire("collect", "two", now=NOW, until=LATER) is None
        assert await leases.acquire("collect", "two", now=LATER - 1, until=LATER + 1) is None
        other = await leases.acquire("expire", "two", now=NOW, until=LATER)
        assert other is not None

    async def test_a_lease_that_ran_out_goes_to_the_next_with_a_higher_fence(self, leases: Leases) -> None:
        first = await leases.acquire("collect", "one", now=NOW, until=LATER)
        second = await leases.acquire("collect", "two", now=LATER, until=LATER + 5)
        assert first is not None
        assert second is not None
        assert second.fence > first.fence
        assert await leases.renew(first, until=LATER + 9) is None
        assert await leases.release(first, now=LATER, outcome="late") is False
        assert await leases.acquire("collect", "three", now=LATER + 4, until=LATER + 9) is None
        assert await leases.renew(second, until=LATER + 9) == Lease("collect", "two", second.fence, LATER + 9)

    async def test_an_owner_may_take_its_own_job_again_and_its_old_lease_is_void(self, leases: Leases) -> None:
        first = await leases.acquire("collect", "one", now=NOW, until=LATER)
        again = await leases.acquire("collect", "one", now=NOW, until=LATER)
        assert first is not None
        assert again is not None
        assert again.fence > first.fence
        assert await leases.renew(first, until=LATER) is None
        assert await leases.release(first, now=NOW, outcome="void") is False

    async def test_renewing_moves_the_end(self, leases: Leases) -> None:
        lease = await leases.acquire("collect", "one", now=NOW, until=LATER)
        assert lease is not None
        renewed = await leases.renew(lease, until=LATER + 5)
        assert renewed == Lease("collect", "one", lease.fence, LATER + 5)
        assert await leases.acquire("collect", "two", now=LATER + 4, until=LATER + 9) is None
        assert await leases.acquire("collect", "two", now=LATER + 5, until=LATER + 9) is not None

    async def test_a_lease_that_nobody_took_over_can_be_renewed_late(self, leases: Leases) -> None:
        lease = await leases.acquire("collect", "one", now=NOW, until=LATER)
        assert lease is not None
        assert await leases.renew(lease, until=LATER + 60) is not None

    async def test_a_lease_that_a_clock_far_ahead_wrote_keeps_nobody_from_a_job(self, leases: Leases) -> None:
        length, hour = 60 * SECOND, 3_600 * SECOND
        ahead = await leases.acquire("collect", "ahead", now=NOW + length, until=NOW + 2 * length)
        assert ahead is not None
        assert await leases.acquire("collect", "two", now=NOW, until=LATER) is None, "a minute ahead is no wrong clock"
        assert await leases.renew(ahead, until=NOW + hour) is not None
        taken = await leases.acquire("collect", "two", now=NOW, until=LATER)
        assert taken is not None
        assert taken.fence > ahead.fence
        assert await leases.renew(ahead, until=NOW + hour) is None

    async def test_letting_go_lets_the_next_one_in_at_once(self, leases: Leases) -> None:
        first = await leases.acquire("collect", "one", now=NOW, until=LATER)
        assert first is not None
        assert await leases.release(first, now=NOW + 1, outcome="done") is True
        assert await leases.release(first, now=NOW + 1, outcome="done") is False
        assert await leases.renew(first, until=LATER) is None
        second = await leases.acquire("collect", "two", now=NOW + 1, until=LATER)
        assert second is not None
        assert second.fence > first.fence
