"""What answers say of limits, and which account asks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.durations import DAY, HOUR, MINUTE, SECOND
from orlop.domain.upstreams.budget import Budget, Need, Told, choose, free_at, merge, retry_after, told

NOW = 20_000 * DAY
NOW_SECONDS = NOW // SECOND

SAID = {
    "docker hub": (
        {"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76;w=21600", "docker-ratelimit-source": "192.0.2.1"},
        Told(100, 76, NOW + 6 * HOUR),
    ),
    "draft 05": (
        {"ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "50", "ratelimit-reset": "30"},
        Told(100, 50, NOW + 30 * SECOND),
    ),
    "draft 07": ({"ratelimit": "limit=100, remaining=50, reset=5"}, Told(100, 50, NOW + 5 * SECOND)),
    "draft 10": (
        {"ratelimit-policy": '"default";q=100;w=60', "ratelimit": '"default";r=50;t=30'},
        Told(100, 50, NOW + 30 * SECOND),
    ),
    "draft 10, two": (
        {"ratelimit-policy": '"hour";q=1000;w=3600, "day";q=5000;w=86400', "ratelimit": '"hour";r=999, "day";r=20'},
        Told(5000, 20, NOW + DAY),
    ),
    "github": (
        {"x-ratelimit-limit": "60", "x-ratelimit-remaining": "3", "x-ratelimit-reset": str(NOW_SECONDS + 120)},
        Told(60, 3, NOW + 120 * SECOND),
    ),
    "more is left than there is": (
        {"ratelimit-limit": "10;w=60", "ratelimit-remaining": "20"},
        Told(10, 10, NOW + MINUTE),
    ),
    "no window": ({"x-ratelimit-limit": "10", "x-ratelimit-remaining": "2"}, Told(10, 2, NOW + MINUTE)),
}


@pytest.mark.parametrize(("headers", "expected"), SAID.values(), ids=SAID)
def test_what_is_said_of_limits(headers: dict[str, str], expected: Told) -> None:
    assert told(headers, NOW) == expected


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"ratelimit-limit": "100;w=21600"},
        {"ratelimit-limit": "many", "ratelimit-remaining": "few"},
        {"ratelimit-limit": "0;w=60", "ratelimit-remaining": "0"},
        {"ratelimit": '"a";r=5;t=1'},
        {"ratelimit": "limit=, remaining=;;;,,=", "ratelimit-policy": '"a";q=;w'},
    ],
)
def test_what_cannot_be_read_says_nothing(headers: dict[str, str]) -> None:
    assert told(headers, NOW) is None


@given(
    st.dictionaries(
        st.sampled_from(
            [
                *("ratelimit", "ratelimit-policy", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
                *("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
            ]
        ),
        st.text('0123456789;=,wqrt"a limitremainingreset', max_size=60) | st.text(max_size=30),
    )
)
def test_whatever_is_said_is_read_within_bounds(headers: dict[str, str]) -> None:
    said = told(headers, NOW)
    assert said is None or (0 <= said.remaining <= said.limit and NOW < said.full_at <= NOW + 31 * DAY)


def test_what_can_wait_stops_at_the_reserve() -> None:
    budget = Budget(account="a").after(Told(100, 10, NOW + HOUR), NOW)
    assert not budget.allows(Need.AGAIN, NOW)
    assert budget.allows(Need.FIRST, NOW)
    assert budget.free_at(Need.AGAIN, NOW) == NOW + HOUR
    assert budget.allows(Need.AGAIN, NOW + HOUR)
    assert not budget.after(Told(100, 0, NOW + HOUR), NOW).allows(Need.FIRST, NOW)


def test_of_ten_or_fewer_one_is_kept() -> None:
    assert Budget(account="a").after(Told(5, 1, NOW + HOUR), NOW).allows(Need.AGAIN, NOW) is False


@pytest.mark.parametrize(
    ("budget", "retry_after", "rest"),
    [
        (Budget(account=""), 7, 7 * SECOND),
        (Budget(account=""), 0, SECOND),
        (Budget(account=""), None, MINUTE),
        (Budget(account="").after(Told(100, 0, NOW + 6 * HOUR), NOW), None, 36 * MINUTE),
        (Budget(account="").after(Told(100, 0, NOW + MINUTE), NOW), None, 30 * SECOND),
        (Budget(account=""), 10**9, DAY),
    ],
)
def test_an_account_that_got_429_rests(budget: Budget, retry_after: int | None, rest: int) -> None:
    refused = budget.refused(retry_after, NOW)
    assert refused.blocked_until == NOW + rest
    assert not refused.allows(Need.FIRST, NOW + rest - 1)
    assert not refused.blocked(NOW + rest)
    assert choose([refused], Need.FREE, NOW) is None


def test_a_clock_that_is_set_back_blocks_no_longer() -> None:
    assert not Budget(account="").refused(60, NOW + 3 * DAY).blocked(NOW)


def test_the_account_with_most_left_asks() -> None:
    few, many = (Budget(account=name).after(Told(100, left, NOW + HOUR), NOW) for name, left in (("a", 40), ("b", 60)))
    assert choose([few, many], Need.AGAIN, NOW) == many
    assert choose([few, many, Budget(account="c")], Need.AGAIN, NOW) == Budget(account="c")
    assert choose([few, many.refused(9, NOW)], Need.AGAIN, NOW) == few
    assert choose([few, few], Need.AGAIN, NOW) is few


def test_what_does_not_count_goes_by_any_account_that_is_not_blocked() -> None:
    empty = Budget(account="a").after(Told(100, 0, NOW + HOUR), NOW)
    assert choose([empty], Need.AGAIN, NOW) is None
    assert choose([empty], Need.FREE, NOW) == empty


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Fri, 04 Oct 2024 00:00:10 GMT"}, None),
        ({"x-retry-after": str(NOW_SECONDS + 90)}, 90),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "9" * 40}, None),
        ({}, None),
    ],
)
def test_how_long_it_asks_to_wait(headers: dict[str, str], seconds: int | None) -> None:
    assert retry_after(headers, NOW) == seconds


budgets = st.builds(
    Budget,
    account=st.sampled_from("abc"),
    limit=st.integers(0, 200),
    remaining=st.integers(0, 200),
    told_at=st.integers(NOW - HOUR, NOW),
    full_at=st.integers(NOW - HOUR, NOW + 6 * HOUR),
    blocked_until=st.integers(NOW - HOUR, NOW + HOUR),
)


@given(st.lists(budgets, max_size=4), st.sampled_from(Need))
def test_whom_it_chooses_may_be_used_and_none_has_more(known: list[Budget], need: Need) -> None:
    chosen = choose(known, need, NOW)
    usable = [each for each in known if each.allows(need, NOW)]
    assert (chosen is None) is (not usable)
    if chosen is None:
        assert not known or free_at(known, need, NOW) > NOW
        return
    assert chosen in usable
    assert free_at(known, need, NOW) == NOW
    left = chosen.left(NOW)
    assert left is None or all(each.left(NOW) is not None and (each.left(NOW) or 0) <= left for each in usable)


@given(st.lists(st.lists(budgets, unique_by=lambda each: each.account), min_size=1, max_size=3))
def test_what_processes_know_is_the_same_in_whatever_order_it_is_told(known: list[list[Budget]]) -> None:
    forwards = backwards = ()
    for one in known:
        forwards = merge(forwards, one)
    for one in reversed(known):
        backwards = merge(backwards, one)
    assert forwards == backwards
    assert merge(forwards, forwards) == forwards


@given(
    st.lists(st.tuples(st.sampled_from(Need), st.integers(0, 10 * MINUTE)), max_size=150),
    st.lists(st.integers(1, 60), min_size=1, max_size=3),
)
def test_no_account_is_overdrawn_and_the_reserve_is_for_what_is_not_here(
    asked: list[tuple[Need, int]], limits: list[int]
) -> None:
    """Against an upstream that counts in windows of six hours, and says so with each answer."""
    window = 6 * HOUR
    there = {str(place): (limit, limit, NOW + window) for place, limit in enumerate(limits)}
    known = {account: Budget(account=account) for account in there}
    now = NOW
    for need, passed in asked:
        now += passed
        there = {
            account: (limit, limit if now >= ends else left, ends if now < ends else now + window)
            for account, (limit, left, ends) in there.items()
        }
        chosen = choose([known[account] for account in there], need, now)
        if chosen is None:
            continue
        limit, left, ends = there[chosen.account]
        assert left > 0 or need is Need.FREE
        assert need in {Need.FIRST, Need.FREE} or not chosen.told_at or now >= chosen.full_at or left > chosen.reserve
        left -= need is not Need.FREE
        there[chosen.account] = limit, left, ends
        said = told(
            {
                "ratelimit-limit": f"{limit}",
                "ratelimit-remaining": f"{left}",
                "ratelimit-reset": str(-(-(ends - now) // SECOND)),
            },
            now,
        )
        assert said is not None
        known[chosen.account] = chosen.after(said, now)
