"""Limits: by subject and address, for each kind of request, for failed sign-ins; counters in a table; fair shares."""

import threading
from contextlib import ExitStack

import pytest

from orlop.domain.access import ANONYMOUS, Caller, Subject
from orlop.domain.errors import TooManyRequests
from orlop.domain.limits import Allowance
from orlop.faces.http.ratelimit import rate_headers
from orlop.ports.clock import SECOND
from orlop.services.limits.counters import COUNTERS, NUMBERS, SLOTS, Counters, counters_of_one
from orlop.services.limits.rates import LATE, FairShare, RateKind, RateLimits, Rates
from tests.registry import HandClock

ALICE = Caller(Subject("alice", id=1), "192.0.2.1", "r1")
BOB = Caller(Subject("bob", id=2), "192.0.2.2", "r2")


class Gate:
    """Limits, and a clock."""

    def __init__(self, subject: Rates = Rates(), address: Rates = Rates(), failed_logins: int = 0) -> None:  # noqa: B008
        self.clock = HandClock()
        self.table = counters_of_one()
        self.given = (subject, address, failed_logins)
        self.limits = self.another()

    def another(self) -> RateLimits:
        """Those of another process on the same table."""
        return RateLimits(Counters(self.table), self.clock.now, *self.given)

    def passes(self, caller: Caller, kind: RateKind = RateKind.REQUEST) -> int:
        """How many requests of a caller pass until one does not."""
        for count in range(1_000):
            try:
                self.limits.admit(caller, kind)
            except TooManyRequests:
                return count
        return 1_000


def test_without_rates_nothing_is_limited() -> None:
    gate = Gate()
    assert not gate.limits.are_on
    assert gate.limits.admit(ALICE, RateKind.PULL) is None
    assert gate.passes(ALICE) == 1_000
    gate.limits.login_failed("192.0.2.1")
    gate.limits.check_login("192.0.2.1")


def test_one_subject_is_limited_and_no_other() -> None:
    gate = Gate(Rates(requests=5))
    assert gate.limits.are_on
    assert gate.passes(ALICE) == 5
    assert gate.passes(BOB) == 5
    with pytest.raises(TooManyRequests) as refusal:
        gate.limits.admit(ALICE, RateKind.REQUEST)
    assert refusal.value.retry_after == 12
    assert refusal.value.allowance == Allowance("requests-subject", 5, 60, 0, 12)
    assert "alice made more than 5 requests a minute; try again in 12 s" in refusal.value.message
    gate.clock.at += 12 * SECOND
    assert gate.passes(ALICE) == 1


def test_an_account_that_is_made_anew_under_an_old_name_is_another() -> None:
    gate = Gate(Rates(requests=5))
    assert gate.passes(ALICE) == 5
    assert gate.passes(Caller(Subject("alice", id=3), "192.0.2.1", "r3")) == 5
    with pytest.raises(TooManyRequests, match="alice made more than 5"):
        gate.limits.admit(ALICE, RateKind.REQUEST)


def test_a_subject_is_one_from_wherever() -> None:
    gate = Gate(Rates(requests=5))
    assert gate.passes(ALICE) == 5
    assert gate.passes(Caller(ALICE.subject, "192.0.2.99", "r3")) == 0


def test_an_address_is_one_whoever_signs_in() -> None:
    gate = Gate(address=Rates(requests=5))
    assert gate.passes(ALICE) == 5
    assert gate.passes(Caller(BOB.subject, ALICE.address, "r3")) == 0
    assert gate.passes(BOB) == 5


def test_who_has_not_signed_in_is_known_by_the_address() -> None:
    gate = Gate(Rates(requests=5))
    assert gate.passes(Caller(ANONYMOUS, "192.0.2.1", "")) == 5
    assert gate.passes(Caller(ANONYMOUS, "192.0.2.2", "")) == 5
    assert gate.passes(Caller(ANONYMOUS, "192.0.2.1", "")) == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "", True),
        ("not an address:", "not an address:", True),
    ],
)
def test_what_counts_as_one_address(one: str, other: str, same: bool) -> None:
    gate = Gate(address=Rates(requests=5))
    assert gate.passes(Caller(ANONYMOUS, one, "")) == 5
    assert gate.passes(Caller(ANONYMOUS, other, "")) == (0 if same else 5)


def test_kinds_are_counted_apart_and_as_requests() -> None:
    gate = Gate(Rates(requests=10, pulls=3, uploads=4))
    assert gate.passes(ALICE, RateKind.PULL) == 3
    assert gate.passes(ALICE, RateKind.UPLOAD) == 4
    # Eight were asked for so far: what is refused as a pull or upload was a request.
    assert gate.passes(ALICE) == 1


def test_the_tightest_rate_is_told() -> None:
    gate = Gate(Rates(requests=100, pulls=4), Rates(requests=50))
    allowance = gate.limits.admit(ALICE, RateKind.PULL)
    assert allowance == Allowance("pulls-subject", 4, 60, 3, 15)
    assert gate.limits.admit(ALICE, RateKind.REQUEST) == Allowance("requests-address", 50, 60, 48, 3)
    assert rate_headers(allowance) == (
        (b"ratelimit-policy", b'"pulls-subject";q=4;w=60'),
        (b"ratelimit", b'"pulls-subject";r=3;t=15'),
    )


def test_failed_sign_ins_of_an_address_are_counted_and_good_ones_are_not() -> None:
    gate = Gate(failed_logins=3)
    for _ in range(3):
        gate.limits.check_login("2001:db8::1")
        gate.limits.login_failed("2001:db8::1")
    with pytest.raises(TooManyRequests) as refusal:
        gate.limits.check_login("2001:db8::2")
    assert refusal.value.retry_after == 20
    gate.limits.check_login("2001:db8:1::2")
    gate.clock.at += 20 * SECOND
    gate.limits.check_login("2001:db8::2")
    assert not gate.limits.are_on


def test_processes_count_together() -> None:
    gate = Gate(Rates(requests=5))
    other = gate.another()
    for limits in (gate.limits, other, gate.limits, other, gate.limits):
        limits.admit(ALICE, RateKind.REQUEST)
    with pytest.raises(TooManyRequests):
        other.admit(ALICE, RateKind.REQUEST)


def test_side_by_side_nobody_gets_much_more(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(Rates(requests=2_000))
    admitted = [0] * 4

    def ask(number: int) -> None:
        limits = gate.another()
        for _ in range(1_000):
            try:
                limits.admit(ALICE, RateKind.REQUEST)
            except TooManyRequests:
                continue
            admitted[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 2_000 <= sum(admitted) <= 2_000 * 1.1


def test_a_full_table_forgets_those_who_used_the_least() -> None:
    counters = Counters(counters_of_one())
    now = 1_000 * SECOND
    busy = counters.hash_of("busy")
    while not counters.take(busy, 0, now, SECOND, 100 * SECOND):
        continue
    for number in range(4 * SLOTS):
        counters.take(counters.hash_of(str(number)), 1, now, SECOND, 100 * SECOND)
    assert counters.take(busy, 0, now, SECOND, 100 * SECOND) > 0
    assert len(counters.table) == NUMBERS == (1 + COUNTERS) * SLOTS


def test_who_lost_their_place_in_the_table_gets_another() -> None:
    gate = Gate(Rates(requests=5))
    gate.limits.admit(ALICE, RateKind.REQUEST)
    for place in range(0, NUMBERS, 1 + COUNTERS):
        gate.table[place] = 7
    assert gate.passes(ALICE) == 5


class TestFairShare:
    """Places that everybody wants."""

    def test_one_alone_gets_half(self) -> None:
        assert self.taken(FairShare(256), ALICE) == 128

    def test_who_comes_later_gets_a_share_too(self) -> None:
        share = FairShare(12)
        with ExitStack() as stack:
            assert self.fill(stack, share, ALICE) == 6
            assert self.fill(stack, share, BOB) == 4
            assert self.fill(stack, share, Caller(Subject("carol", id=3), "192.0.2.3", "")) == 2
            with pytest.raises(TooManyRequests, match="too many uploads at once"), share.place(ALICE):
                pass

    def test_who_has_not_signed_in_shares_with_their_address(self) -> None:
        share = FairShare(12)
        with ExitStack() as stack:
            assert self.fill(stack, share, Caller(ANONYMOUS, "192.0.2.1", "r1")) == 6
            assert self.fill(stack, share, Caller(ANONYMOUS, "192.0.2.1", "r2")) == 0
            assert self.fill(stack, share, Caller(ALICE.subject, "192.0.2.1", "r3")) == 4

    def test_an_account_that_is_made_anew_under_an_old_name_has_a_share_of_its_own(self) -> None:
        share = FairShare(12)
        with ExitStack() as stack:
            assert self.fill(stack, share, ALICE) == 6
            assert self.fill(stack, share, Caller(Subject("alice", id=3), "192.0.2.1", "")) == 4

    def test_where_nothing_is_shared_one_gets_all(self) -> None:
        assert self.taken(FairShare(12, shared=False), ALICE) == 12

    def test_places_are_given_back(self) -> None:
        share = FairShare(2)
        for _ in range(10):
            with share.place(ALICE):
                pass
        with pytest.raises(ZeroDivisionError), share.place(ALICE):
            raise ZeroDivisionError
        assert self.taken(share, ALICE) == 1

    def test_one_place_is_better_than_none(self) -> None:
        assert self.taken(FairShare(1), ALICE) == 1

    def taken(self, share: FairShare, caller: Caller) -> int:
        """How many places somebody gets."""
        with ExitStack() as stack:
            return self.fill(stack, share, caller)

    def fill(self, stack: ExitStack, share: FairShare, caller: Caller) -> int:
        """Take as many as there are."""
        for count in range(1_000):
            try:
                stack.enter_context(share.place(caller))
            except TooManyRequests:
                return count
        return 1_000


class Line:
    """A client that has kept a place waiting for so many seconds."""

    def __init__(self, late: float) -> None:
        self.late = late
        self.is_cut = False

    def cut(self) -> None:
        self.is_cut = True


class TestWhoKeepsAPlaceWaiting:
    """They lose it to the next that it would be taken from."""

    def anonymous(self, number: int) -> Caller:
        return Caller(ANONYMOUS, f"192.0.2.{number}", "")

    def test_the_latest_of_ones_own_goes_first(self) -> None:
        share = FairShare(4)
        lines = [Line(LATE), Line(LATE + 1)]
        others = Line(LATE + 9)
        share.take(self.anonymous(1), others)
        for line in lines:
            share.take(ALICE, line)
        assert [line.is_cut for line in lines] == [True, False], "one place is all that is left to each"
        share.take(ALICE, Line(0))
        assert [line.is_cut for line in lines] == [True, True]
        assert not others.is_cut, "it is another's"

    def test_nobody_goes_who_keeps_up(self) -> None:
        share = FairShare(2)
        line = Line(LATE - 0.1)
        share.take(ALICE, line)
        with pytest.raises(TooManyRequests, match="alice has too many uploads"):
            share.take(ALICE, Line(0))
        assert not line.is_cut

    def test_a_place_that_was_taken_away_is_given_back_once(self) -> None:
        share = FairShare(2)
        seat = share.take(ALICE, Line(LATE))
        share.take(ALICE, Line(0))
        seat.leave()
        with pytest.raises(TooManyRequests):
            share.take(ALICE, Line(0))

    def test_strangers_together_leave_room_for_those_who_sign_in(self) -> None:
        share = FairShare(12, anonymous=4, what="blob")
        lines = [Line(0) for _ in range(4)]
        for number, line in enumerate(lines):
            share.take(self.anonymous(number), line)
        with pytest.raises(TooManyRequests, match="too many blobs at once by those who have not signed in"):
            share.take(self.anonymous(9), Line(0))
        share.take(ALICE, Line(0))
        lines[2].late = LATE
        share.take(self.anonymous(9), Line(0))
        assert [line.is_cut for line in lines] == [False, False, True, False]

    def test_strangers_get_no_more_together_when_every_place_is_taken(self) -> None:
        share = FairShare(12, anonymous=4, what="blob")
        for number in range(4):
            share.take(self.anonymous(number), Line(0))
        lines = [Line(LATE) for _ in range(8)]
        for number, line in enumerate(lines, 1):
            share.take(Caller(Subject(f"user-{number}", id=number), "192.0.2.1", ""), line)
        with pytest.raises(TooManyRequests, match="too many blobs at once; try again"):
            share.take(self.anonymous(9), Line(0))
        assert not any(line.is_cut for line in lines), "those who have signed in make no room for more strangers"
        share.take(ALICE, Line(0))
        assert [line.is_cut for line in lines].count(True) == 1

    def test_where_nothing_is_shared_the_latest_of_all_goes(self) -> None:
        share = FairShare(3, shared=False, anonymous=1)
        lines = [Line(LATE + number) for number in range(3)]
        for line in lines:
            share.take(self.anonymous(1), line)
        share.take(self.anonymous(2), Line(0))
        assert [line.is_cut for line in lines] == [False, False, True]
