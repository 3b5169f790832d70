"""What workers know together of an upstream."""

from orlop.domain.upstreams.breaker import Breaker
from orlop.domain.upstreams.budget import Budget
from orlop.domain.upstreams.state import ERROR_MAX, UpstreamState, bounded_error


def test_counts_are_added_and_of_the_rest_the_newer_holds() -> None:
    known = UpstreamState(
        breaker=Breaker().failed(50, silent=True),
        last_ok_at=40,
        last_error="it fell silent",
        last_error_at=50,
        budgets=(Budget(account="a", limit=5, told_at=7),),
        hits=1,
        misses=2,
        bytes_in=3,
    )
    report = UpstreamState(
        breaker=Breaker(since=45), last_ok_at=45, budgets=(Budget(account="b"),), hits=10, misses=20, bytes_in=30
    )
    assert known.merged(report) == UpstreamState(
        breaker=known.breaker,
        last_ok_at=45,
        last_error="it fell silent",
        last_error_at=50,
        budgets=(Budget(account="a", limit=5, told_at=7), Budget(account="b")),
        hits=11,
        misses=22,
        bytes_in=33,
    )
    back = UpstreamState(breaker=known.breaker.answered(60))
    assert known.merged(back).breaker.is_closed


def test_the_part_that_was_served_from_what_is_cached() -> None:
    assert UpstreamState().hit_rate is None
    assert UpstreamState(hits=3, misses=1).hit_rate == 0.75


def test_words_of_others_are_one_line_within_bounds() -> None:
    assert bounded_error("a\n\tb\x1b[1m  c") == "a b [1m c"
    assert len(bounded_error("x" * 1000)) == ERROR_MAX
