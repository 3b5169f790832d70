"""How often somebody may ask: rates of requests, pulls, uploads and failed sign-ins, and fair shares of what is scarce.

Counted by the account, which for those who have not signed in is their address, and by the address. Of an IPv6 address
the first 64 bits count: the rest is the client's to choose (RFC 4291, section 2.5.1).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import lru_cache, partial
from ipaddress import AddressValueError, IPv6Address
from itertools import count
from typing import NamedTuple, Protocol

from orlop.domain.access import Caller, SubjectKind
from orlop.domain.errors import TooManyRequests
from orlop.domain.limits import Allowance, Rate, furthest
from orlop.ports.clock import SECOND
from orlop.services.counters import Counters
from orlop.services.failures import GATED, ProofKind


class Kind(StrEnum):
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


class Limits:
    """`subject` and `address` are the rates of each; `failed_logins` how often a minute an address may fail."""

    def __init__(
        self, counters: Counters, now: Callable[[], int], subject: Rates, address: Rates, failed_logins: int
    ) -> None:
        self._counters = counters
        self._table = counters.table
        self._now = now
        self._rules = {kind: (*_rules(kind, subject, "subject"), *_rules(kind, address, "address")) for kind in Kind}
        self._failed = _rule(0, "failed-logins-address", failed_logins) if failed_logins else None
        self._places: dict[tuple[int, str], _Places] = {}

    @property
    def are_on(self) -> bool:
        """Whether anything is limited but failed sign-ins: if not, there is no need to ask."""
        return any(self._rules.values())

    def admit(self, caller: Caller, kind: Kind) -> Allowance | None:
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


class _Seat(NamedTuple):
    who: str | int
    is_anonymous: bool
    slow: Slow | None


class FairShare:
    """`total` places that everybody wants at once, such as those for `uploads` through one process.

    Nobody gets more than their share, which is what is left to each if one more came: a half for the first who comes.
    Who has not signed in counts by the address, and all of them together get `anonymous` places. Not `shared`: whoever
    comes gets all there are. Whoever keeps their place waiting loses it to the next of those it would be taken from.
    `what` is what places are for.
    """

    def __init__(self, total: int, *, shared: bool = True, anonymous: int | None = None, what: str = "upload") -> None:
        self._total = total
        self._anonymous = anonymous if shared and anonymous is not None else total
        self._shared = shared
        self._what = what
        self._seats: dict[int, _Seat] = {}
        self._held: dict[str | int, int] = {}
        self._numbers = count()

    def take(self, caller: Caller, slow: Slow | None = None) -> Callable[[], None]:
        """A place until what it gives is called. Raises NoPlace."""
        is_anonymous = caller.subject.kind is SubjectKind.ANONYMOUS
        called = _network(caller.address) if is_anonymous else caller.subject.name
        who = called if is_anonymous else caller.subject.id
        others = len(self._held) - (who in self._held)
        full = f"too many {self._what}s at once; try again in a moment"
        if self._shared and self._held.get(who, 0) >= max(1, self._total // (others + 2)):
            refusal = f"{called} has too many {self._what}s under way at once; try again when one is done"
            own = [number for number, seat in self._seats.items() if seat.who == who]
            self._free(own, refusal if len(self._seats) < self._total else full)
        elif is_anonymous and self._anonymous < self._total and self._strangers() >= self._anonymous:
            refusal = f"too many {self._what}s at once by those who have not signed in; try again in a moment"
            self._free([number for number, seat in self._seats.items() if seat.is_anonymous], refusal)
        elif len(self._seats) >= self._total:
            self._free(list(self._seats), full)
        number = next(self._numbers)
        self._seats[number] = _Seat(who, is_anonymous, slow)
        self._held[who] = self._held.get(who, 0) + 1
        return partial(self._leave, number)

    @contextmanager
    def place(self, caller: Caller, slow: Slow | None = None) -> Iterator[None]:
        """A place until the block ends. Raises NoPlace."""
        leave = self.take(caller, slow)
        try:
            yield
        finally:
            leave()

    def _strangers(self) -> int:
        return sum(seat.is_anonymous for seat in self._seats.values())

    def _free(self, numbers: list[int], refusal: str) -> None:
        """Cut off whoever of these keeps their place waiting the longest. Raises NoPlace where nobody does."""
        number = max(numbers, key=lambda each: _late(self._seats[each]), default=None)
        seat = self._seats[number] if number is not None else None
        if number is None or seat is None or seat.slow is None or seat.slow.late < LATE:
            raise NoPlace(refusal)
        self._leave(number)
        seat.slow.cut()

    def _leave(self, number: int) -> None:
        seat = self._seats.pop(number, None)
        if seat is None:  # it was taken away
            return
        self._held[seat.who] -= 1
        if not self._held[seat.who]:
            del self._held[seat.who]


def _late(seat: _Seat) -> float:
    return seat.slow.late if seat.slow is not None else 0.0


def _rules(kind: Kind, rates: Rates, whose: str) -> tuple[_Rule, ...]:
    """The rules that a request of a kind comes under."""
    kinds = (Kind.REQUEST,) if kind is Kind.REQUEST else (Kind.REQUEST, kind)
    return tuple(
        _rule(list(Kind).index(each), f"{each.value}-{whose}", times, of_subject=whose == "subject")
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
