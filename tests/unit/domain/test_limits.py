"""The arithmetic of rates: bursts, steady flow, clocks that jump."""

from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.limits import Bucket, Rate, take

MINUTE = 60_000_000
TEN = Rate(10, MINUTE, 10)


def test_a_burst_is_taken_whole_and_then_one_at_a_time() -> None:
    bucket, now = Bucket(), 1_000 * MINUTE
    for _ in range(10):
        bucket, wait = bucket.take(now, TEN)
        assert not wait
    bucket, wait = bucket.take(now, TEN)
    assert wait == MINUTE // 10
    same, wait = bucket.take(now + wait - 1, TEN)
    assert (same, wait) == (bucket, 1)
    bucket, wait = bucket.take(now + MINUTE // 10, TEN)
    assert not wait


def test_after_a_while_everything_is_there_again() -> None:
    used = 0
    for _ in range(3):
        for place in range(10):
            used, wait = take(used, 7 * MINUTE + place, TEN.interval, TEN.reach, TEN.reach)
            assert not wait
        used = max(0, used - MINUTE)  # as if a minute had gone by


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    used, wait = take(0, 1_000 * MINUTE, TEN.interval, TEN.reach, TEN.reach)
    assert take(used, 10 * MINUTE, TEN.interval, TEN.reach, TEN.reach) == (10 * MINUTE + TEN.interval, 0)
    assert not wait


def test_a_rate_above_one_a_microsecond_is_one_a_microsecond() -> None:
    assert Rate(10**9, MINUTE, 5).interval == 1


@given(
    times=st.integers(1, 1000),
    burst=st.integers(1, 1000),
    steps=st.lists(st.integers(0, 10_000_000), max_size=200),
)
def test_never_more_than_a_burst_and_the_rate(times: int, burst: int, steps: list[int]) -> None:
    rate = Rate(times, MINUTE, burst)
    used, start = 0, 10**15
    now, admitted = start, 0
    for step in steps:
        now += step
        used, wait = take(used, now, rate.interval, rate.reach, rate.reach)
        admitted += not wait
        assert admitted <= burst + (now - start) / rate.interval
        assert wait <= rate.reach + rate.interval
        if wait:
            assert take(used, now + wait, rate.interval, rate.reach, rate.reach)[1] == 0
