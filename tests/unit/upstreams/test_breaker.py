"""When an upstream is asked, and when it is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.durations import DAY, SECOND
from orlop.domain.upstreams.breaker import FAILURES, LONGEST_REST, PROBE, REST, Breaker, BreakerState

NOW = 20_000 * DAY

steps = st.lists(
    st.tuples(st.sampled_from(["asks", "answers", "fails", "falls silent"]), st.integers(0, 90 * SECOND)), max_size=60
)


def after(breaker: Breaker, what: str, now: int) -> Breaker:
    match what:
        case "answers":
            return breaker.answered(now)
        case "fails":
            return breaker.failed(now)
        case "falls silent":
            return breaker.failed(now, silent=True)
        case _:
            return breaker.probed(now) if breaker.is_due(now) else breaker


def test_a_few_failures_in_a_row_open_it() -> None:
    breaker = Breaker()
    for _ in range(FAILURES - 1):
        breaker = breaker.failed(NOW)
        assert breaker.is_closed
    assert breaker.answered(NOW).failures == 0
    opened = breaker.failed(NOW)
    assert (opened.state, opened.until, opened.away_since) == (BreakerState.OPEN, NOW + REST, NOW)


def test_silence_opens_it_at_once() -> None:
    assert Breaker().failed(NOW, silent=True).state is BreakerState.OPEN


def test_its_rest_doubles_up_to_a_minute() -> None:
    breaker, now, rests = Breaker(), NOW, []
    for _ in range(6):
        breaker = breaker.failed(now, silent=True)
        rests.append(breaker.until - now)
        assert not breaker.is_due(breaker.until - 1)
        assert breaker.is_due(breaker.until)
        now = breaker.until
        breaker = breaker.probed(now)
    assert rests == [5 * SECOND, 10 * SECOND, 20 * SECOND, 40 * SECOND, 60 * SECOND, 60 * SECOND]
    assert breaker.away_since == NOW
    assert breaker.answered(now + SECOND) == Breaker(since=now + SECOND)


def test_one_probe_at_a_time_and_a_lost_one_is_followed_by_another() -> None:
    probing = Breaker().failed(NOW, silent=True).probed(NOW + REST)
    assert probing.state is BreakerState.HALF_OPEN
    assert not probing.is_due(NOW + REST + PROBE - 1)
    assert probing.is_due(NOW + REST + PROBE)


def test_what_began_before_it_opened_does_not_prolong_its_rest() -> None:
    opened = Breaker().failed(NOW, silent=True)
    assert opened.failed(NOW + SECOND, silent=True) == opened


@pytest.mark.parametrize("back", [SECOND, DAY])
def test_a_clock_that_is_set_back_keeps_it_open_no_longer(back: int) -> None:
    opened = Breaker().failed(NOW + 2 * DAY, silent=True)
    assert opened.is_due(NOW + 2 * DAY - DAY - back)


@given(steps)
def test_it_opens_only_for_failures_and_never_for_long(happened: list[tuple[str, int]]) -> None:
    breaker, now, failures = Breaker(), NOW, 0
    for what, passed in happened:
        now += passed
        before = breaker
        breaker = after(breaker, what, now)
        failures = 0 if what == "answers" else failures + (what in {"fails", "falls silent"})
        assert (breaker.away_since > 0) is not breaker.is_closed
        if what == "answers":
            assert breaker.is_closed
        if before.is_closed and not breaker.is_closed:
            assert failures >= FAILURES or what == "falls silent"
            assert breaker.away_since == now
        if not breaker.is_closed:
            assert breaker.until - breaker.since <= max(LONGEST_REST, PROBE)
            assert breaker.is_due(breaker.until)
        if before.state is BreakerState.HALF_OPEN and what == "asks" and breaker is not before:
            assert now - before.since >= PROBE
