"""What every driver keeps to about what was used up of rates (ports.rates.RateLedger)."""

import asyncio

from orlop.ports.rates import Used
from tests.contract.cast import Cast

NOW, UNTIL = 1_000_000, 2_000_000
ALICE, BOB = 7, (1 << 63) - 1


class RatesKit:
    """Needs the fixture `cast`: on an empty catalog."""

    async def test_what_replicas_tell_adds_up(self, cast: Cast) -> None:
        assert await _tell(cast, {ALICE: (10, 0, 5)}) == {ALICE: (NOW + 10, NOW, NOW + 5)}
        both = await _tell(cast, {ALICE: (20, 1, 0), BOB: (0, 3, 0)})
        assert both == {ALICE: (NOW + 30, NOW + 1, NOW + 5), BOB: (NOW, NOW + 3, NOW)}
        assert await _tell(cast, {}) == both

    async def test_what_has_flowed_back_is_not_counted_again(self, cast: Cast) -> None:
        await _tell(cast, {ALICE: (10, 300, 0)})
        later = NOW + 100
        assert await _tell(cast, {ALICE: (10, 10, 0)}, now=later) == {ALICE: (later + 10, NOW + 310, later)}

    async def test_nobody_goes_beyond_the_furthest(self, cast: Cast) -> None:
        assert await _tell(cast, {ALICE: (999_999, 2_000_000, 0)}) == {ALICE: (UNTIL - 1, UNTIL, NOW)}
        assert await _tell(cast, {ALICE: (2, 2, 0)}) == {ALICE: (UNTIL, UNTIL, NOW)}

    async def test_what_a_clock_that_went_wrong_told_counts_for_nothing(self, cast: Cast) -> None:
        await _tell(cast, {ALICE: (10, 0, 0)}, now=10 * UNTIL, until=11 * UNTIL)
        assert await _tell(cast, {ALICE: (5, 0, 0)}) == {ALICE: (NOW + 5, NOW, NOW)}

    async def test_who_has_used_up_nothing_is_not_told_of(self, cast: Cast) -> None:
        await _tell(cast, {ALICE: (10, 0, 0), BOB: (500, 0, 0)})
        assert await _tell(cast, {}, now=NOW + 10) == {BOB: (NOW + 500, NOW, NOW)}
        assert await _tell(cast, {}, now=UNTIL + 1) == {}

    async def test_those_told_of_last_come_first_where_there_are_too_many(self, cast: Cast) -> None:
        for number in range(1, 6):
            await _tell(cast, {number: (500_000, 0, 0)}, now=NOW + number, until=UNTIL + number)
        told = await cast.identity.rates.tell({}, NOW + 9, UNTIL + 9, limit=2)
        assert set(told) == {4, 5}

    async def test_those_who_tell_at_once_all_count(self, cast: Cast) -> None:
        await asyncio.gather(*(_tell(cast, {ALICE: (1, 0, 2), BOB: (1, 1, 1)}) for _ in range(8)))
        assert await _tell(cast, {}) == {ALICE: (NOW + 8, NOW, NOW + 16), BOB: (NOW + 8, NOW + 8, NOW + 8)}

    async def test_it_is_no_change_of_who_may_do_what(self, cast: Cast) -> None:
        async with cast.unchanged():
            await _tell(cast, {ALICE: (1, 1, 1)})


async def _tell(cast: Cast, more: dict[int, Used], now: int = NOW, until: int = UNTIL) -> dict[int, Used]:
    return await cast.identity.rates.tell(more, now, until, limit=100)
