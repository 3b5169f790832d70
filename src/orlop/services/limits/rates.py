"""How often somebody may ask: rates of requests, pulls, uploads and failed sign-ins, and fair shares of what is scarce.

Counted by the account, which for those who have not signed in is their address, and by the address. Of an IPv6 address
the first 64 bits count: the rest is the client's to choose (RFC 4291, section 2.5.1).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from typing import NamedTuple, Protocol

from orlop.domain.access import Caller, SubjectKind
from orlop.domain.errors import TooManyRequests
from orlop.domain.limits import Allowance, Rate, furthest
from orlop.ports.clock import SECOND
from orlop.services.identity.failures import GATED, ProofKind
from orlop.services.limits.counters import Counters


class RateKind(StrEnum):
    """What a request counts as, beside a request."""

    REQUEST = "requests"
    PULL = "pulls"
    """The manifest of an image."""
    UPLOAD = "uploads"
    """An upload that begins."""


class Rates(NamedTuple):
    """How often a minute one may; 0: as often as they like. A whole minute's worth may come at once."""

    requests: int = 0
    pulls: int = 0
    uploads: int = 0


class _Rule(NamedTuple):
    of_subject: bool
    counter: int
    interval: int
    reach: int
    longest: int
    name: str
    quota: int


#: The window of all rates, in seconds.
WINDOW = 60
#: From how many seconds on somebody keeps a place waiting that others want.
LATE = 2.0
#: Whose places in the table a process remembers.
_REMEMBERED = 10_000


class RateLimits:
    """`subject` and `address` are the rates of each; `failed_logins` how often a minute an address may fail."""

    def __init__(
        self, counters: Counters, now: Callable[[], int], subject: Rates, address: Rates, failed_logins: int
    ) -> None:
        self._counters = counters
        self._table = counters.table
        self._now = now
        self._rules = {
            kind: (*_rules(kind, subject, "subject"), *_rules(kind, address, "address")) for kind in RateKind
        }
        self._failed = _rule(0, "failed-logins-address", failed_logins) if failed_logins else None
        self._places: dict[tuple[int, str], _Places] = {}

    @property
    def are_on(self) -> bool:
        """Whether anything is limited but failed sign-ins: if not, there is no need to ask."""
        return any(self._rules.values())

    def admit(self, caller: Caller, kind: RateKind) -> Allowance | None:
        """Count a request; how the caller stands by the rate that is used up the most, None where none is set.

        Raises TooManyRequests, with the allowance that is used up.
        """
        now = self._now()
        table = self._table
        subject = caller.subject
        who = (subject.id, caller.address)
        places = self._places.get(who) or self._placed(who)
        of_subject, subject_hash, of_address, address_hash = places
        if table[of_subject] != subject_hash or table[of_address] != address_hash:
            del self._places[who]  # somebody else took a place
            return self.admit(caller, kind)
        tightest, most, left = None, -1.0, 0
        for rule in self._rules[kind]:
            is_subjects, counter, interval, reach, longest, _, _ = rule
            counter += of_subject if is_subjects else of_address
            ahead = table[counter] - now
            ahead = ahead + interval if 0 <= ahead <= longest else interval
            if ahead > reach:
                raise _refusal(rule, ahead - reach, subject.name if subject.id else caller.address)
            table[counter] = now + ahead
            share = ahead / reach
            if share > most:
                tightest, most, left = rule, share, reach - ahead
        return _allowance(tightest, left) if tightest is not None else None

    def check_login(self, address: str, proof: ProofKind = ProofKind.PASSWORD) -> None:
        """Raises TooManyRequests while an address has failed too often with a kind of proof: look at none then."""
        rule = self._failed if proof in GATED else None
        place = self._counters.find(self._login(address, proof)) if rule is not None else None
        if rule is None or place is None:
            return
        ahead = self._table[place + rule.counter] - self._now()
        if rule.reach - rule.interval < ahead <= rule.longest:
            raise _refusal(rule, ahead + rule.interval - rule.reach, address)

    def login_failed(self, address: str, proof: ProofKind = ProofKind.PASSWORD) -> None:
        """Somebody there failed to sign in."""
        rule = self._failed if proof in GATED else None
        if rule is not None:
            self._counters.take(self._login(address, proof), rule.counter - 1, self._now(), rule.interval, rule.reach)

    def _login(self, address: str, proof: ProofKind) -> int:
        return self._counters.hash_of("failed logins", proof.value, _network(address))

    def _placed(self, who: tuple[int, str]) -> "_Places":
        """Where an account, or nobody's (0), and an address stand."""
        account, address = who
        network = _network(address)
        hash_of = self._counters.hash_of
        subject, of_address = hash_of("subject", f"#{account}" if account else network), hash_of("address", network)
        at_subject, at_address = self._counters.place(subject), self._counters.place(of_address)
        if at_subject == at_address:  # the second took the place of the first: then the address alone counts
            subject = of_address
        if len(self._places) >= _REMEMBERED:
            self._places.clear()
        self._places[who] = places = _Places(at_subject, subject, at_address, of_address)
        return places


class _Places(NamedTuple):
    of_subject: int
    subject_hash: int
    of_address: int
    address_hash: int


class NoPlace(TooManyRequests):
    """Whatever there is for all at once is taken."""


class Slow(Protocol):
    """What somebody does at their place, as far as it depends on them. `late` is for how many seconds they have kept
    it waiting and not made good; `cut` ends it."""

    @property
    def late(self) -> float: ...
    def cut(self) -> None: ...


class Seat:
    """A place that somebody has."""

    __slots__ = ("_leave", "is_anonymous", "slow", "who")

    def __init__(self, leave: Callable[["Seat"], None], who: str | int, slow: Slow | None, is_anonymous: bool) -> None:
        self._leave = leave
        self.who = who
        self.slow = slow
        self.is_anonymous = is_anonymous

    @property
    def late(self) -> float:
        """See Slow."""
        return self.slow.late if self.slow is not None else 0.0

    def leave(self) -> None:
        """Give it back, if it was not taken away."""
        self._leave(self)


class FairShare:
    """`total` places that everybody wants at once, such as those for `uploads` through one process.

    Nobody gets more than their share, which is what is left to each if one more came: a half for the first who comes.
    A caller who has not signed in counts by the address, and all of them together get `anonymous` places. Not `shared`:
    a single caller gets all there are. A caller who keeps their place waiting loses it to the next of those it would be
    taken from.
    `what` is what places are for.
    """

    def __init__(self, total: int, *, shared: bool = True, anonymous: int | None = None, what: str = "upload") -> None:
        self._total = total
        self._anonymous = anonymous if shared and anonymous is not None else total
        self._shared = shared
        self._what = what
        self._seats: dict[Seat, Seat | None] = {}  # those that were taken first come first
        self._held: dict[str | int, int] = {}
        self._strangers = 0
        # With fewer nobody has more than one alone may have: nothing more is looked at, for every blob that is read
        # comes by here.
        self._scarce = min(total // 2, self._anonymous) if shared else total

    def take(self, caller: Caller, slow: Slow | None = None) -> Seat:
        """A place until it is left. Raises NoPlace."""
        is_anonymous = caller.subject.kind is SubjectKind.ANONYMOUS
        who: str | int = _network(caller.address) if is_anonymous else caller.subject.id
        held = self._held.get(who, 0)
        if len(self._seats) >= self._scarce:
            self._find_room(caller, who, held, is_anonymous=is_anonymous)
            held = self._held.get(who, 0)
        seat = Seat(self.left, who, slow, is_anonymous)
        self._seats[seat] = None
        self._held[who] = held + 1
        if is_anonymous:
            self._strangers += 1
        return seat

    def _find_room(self, caller: Caller, who: str | int, held: int, *, is_anonymous: bool) -> None:
        if self._shared and held >= max(1, self._total // (len(self._held) + (1 if held else 2))):
            called = who if is_anonymous else caller.subject.name
            own = [seat for seat in self._seats if seat.who == who]
            self._free(own, f"{called} has too many {self._what}s under way")
        elif is_anonymous and self._strangers >= self._anonymous:
            strangers = [seat for seat in self._seats if seat.is_anonymous]
            self._free(strangers, f"too many {self._what}s at once by those who have not signed in")
        elif len(self._seats) >= self._total:
            self._free(list(self._seats), f"too many {self._what}s at once")

    @contextmanager
    def place(self, caller: Caller, slow: Slow | None = None) -> Iterator[None]:
        """A place until the block ends. Raises NoPlace."""
        seat = self.take(caller, slow)
        try:
            yield
        finally:
            seat.leave()

    def left(self, seat: Seat) -> None:
        """Somebody has left, or had to."""
        if self._seats.pop(seat, seat) is not None:
            return
        if seat.is_anonymous:
            self._strangers -= 1
        held = self._held[seat.who] - 1
        if held:
            self._held[seat.who] = held
        else:
            del self._held[seat.who]

    def _free(self, seats: list[Seat], refusal: str) -> None:
        """Cut off whoever of these keeps their place waiting the longest. Raises NoPlace where nobody does."""
        latest = max(seats, key=lambda each: each.late, default=None)
        if latest is None or latest.slow is None or latest.late < LATE:
            if len(self._seats) >= self._total:
                refusal = f"too many {self._what}s at once"
            raise NoPlace(f"{refusal}; try again in a moment")
        latest.leave()
        latest.slow.cut()


def _rules(kind: RateKind, rates: Rates, whose: str) -> tuple[_Rule, ...]:
    """The rules that a request of a kind comes under."""
    kinds = (RateKind.REQUEST,) if kind is RateKind.REQUEST else (RateKind.REQUEST, kind)
    return tuple(
        _rule(list(RateKind).index(each), f"{each.value}-{whose}", times, of_subject=whose == "subject")
        for each in kinds
        if (times := getattr(rates, each.value))
    )


def _rule(counter: int, name: str, times: int, *, of_subject: bool = False) -> _Rule:
    rate = Rate(times, WINDOW * SECOND, times)
    return _Rule(of_subject, 1 + counter, rate.interval, rate.reach, furthest(rate.reach), name, times)


def _allowance(rule: _Rule, left: int) -> Allowance:
    return Allowance(rule.name, rule.quota, WINDOW, left // rule.interval, -((left - rule.reach) // SECOND))


def _refusal(rule: _Rule, wait: int, who: str) -> TooManyRequests:
    seconds = max(1, -(-wait // SECOND))
    what = rule.name.rpartition("-")[0].replace("-", " ")
    return TooManyRequests(
        f"{who} made more than {rule.quota} {what} a minute; try again in {seconds} s",
        retry_after=seconds,
        allowance=Allowance(rule.name, rule.quota, WINDOW, 0, seconds),
    )


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    """What counts as one client."""
    if ":" not in address:
        return address
    try:
        parsed = IPv6Address(address.partition("%")[0])
    except AddressValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
