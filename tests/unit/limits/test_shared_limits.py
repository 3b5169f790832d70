"""Replicas that count rates together: each in its own memory, and what was used up elsewhere within a second."""

import pytest

from orlop.adapters.sql.identity.rates import SqlRates
from orlop.adapters.sql.memory import open_memory
from orlop.domain.access import Caller, Subject
from orlop.domain.errors import TooManyRequests, Unavailable
from orlop.ports.clock import SECOND
from orlop.services.limits import shared as shared_limits
from orlop.services.limits.counters import Counters, counters_of_one
from orlop.services.limits.rates import RateKind, RateLimits, Rates
from orlop.services.limits.shared import SharedLimits
from tests.catalogs import rows
from tests.registry import HandClock

pytestmark = pytest.mark.early

ALICE = Caller(Subject("alice", id=1), "192.0.2.1", "r1")
RATES = Rates(requests=60, pulls=30)


class Away(SqlRates):
    """A ledger that can be away."""

    is_away = False

    async def tell(self, *args: object, **named: object) -> dict[int, tuple[int, int, int]]:
        if self.is_away:
            raise Unavailable("the database is away")
        return await super().tell(*args, **named)  # type: ignore[arg-type]


class Replica:
    """Limits of their own, and what is told of them."""

    def __init__(self, clock: HandClock, ledger: SqlRates) -> None:
        self.counters = Counters(counters_of_one(), b"one catalog")
        self.limits = RateLimits(self.counters, clock.now, RATES, Rates(), 4)
        self.shared = SharedLimits(self.counters, ledger, clock)

    def passes(self, kind: RateKind = RateKind.REQUEST, most: int = 1_000) -> int:
        """How many requests of Alice pass until one does not."""
        for count in range(most):
            try:
                self.limits.admit(ALICE, kind)
            except TooManyRequests:
                return count
        return most


class Replicas:
    """Two of them."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.catalog = open_memory()
        self.ledger = Away(self.catalog.engine)
        self.first, self.second = (Replica(self.clock, self.ledger) for _ in range(2))

    async def second_passes(self, seconds: float = 1) -> None:
        """And everybody tells everybody, which shows a moment later."""
        self.clock.at += int(seconds * SECOND)
        for replica in (self.first, self.second, self.first):
            await replica.shared.tell()


@pytest.fixture
def replicas() -> Replicas:
    return Replicas()


async def test_who_used_up_all_at_one_replica_gets_nothing_at_another(replicas: Replicas) -> None:
    assert replicas.first.passes() == 60
    await replicas.second_passes()
    assert replicas.second.passes() == 1, "more than flowed back within a second"
    assert replicas.first.passes() == 1


@pytest.mark.slow
async def test_what_was_too_much_is_waited_for(replicas: Replicas) -> None:
    assert replicas.first.passes() + replicas.second.passes() == 120
    await replicas.second_passes()
    for _ in range(58):
        assert replicas.first.passes() + replicas.second.passes() == 0
        await replicas.second_passes()
    await replicas.second_passes()
    assert replicas.first.passes() > 0


@pytest.mark.slow
async def test_for_ever_both_together_get_the_rate_and_little_more(replicas: Replicas) -> None:
    passed = 0
    for _ in range(240):
        passed += replicas.first.passes() + replicas.second.passes()
        await replicas.second_passes()
    assert 240 <= passed <= 240 + 2 * 60 + 2


async def test_of_a_little_nobody_is_told(replicas: Replicas) -> None:
    replicas.first.passes(most=3)
    await replicas.second_passes(0)
    assert replicas.second.passes() == 60
    assert rows(replicas.catalog, "SELECT * FROM rates") == [], "the catalog was written to for three requests"


async def test_each_rate_is_shared_for_itself(replicas: Replicas) -> None:
    assert replicas.first.passes(RateKind.PULL) == 30
    await replicas.second_passes(0)
    assert replicas.second.passes(RateKind.PULL) == 0
    assert replicas.second.passes() == 28, "each pull is a request, and so is one that was refused"


async def test_failed_sign_ins_are_shared(replicas: Replicas) -> None:
    for _ in range(4):
        replicas.first.limits.login_failed("192.0.2.9")
    replicas.second.limits.check_login("192.0.2.9")
    await replicas.second_passes(0)
    with pytest.raises(TooManyRequests):
        replicas.second.limits.check_login("192.0.2.9")


async def test_telling_again_adds_nothing(replicas: Replicas) -> None:
    replicas.first.passes(most=30)
    for _ in range(5):
        await replicas.second_passes(0)
    assert replicas.second.passes() == 30


async def test_those_of_whom_nobody_tells_back_are_told_of_once(
    replicas: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_limits, "_HEARD", 0)
    replicas.first.passes(most=30)
    for _ in range(5):
        await replicas.second_passes(0)
    heard = await replicas.ledger.tell({}, replicas.clock.at, replicas.clock.at + 120 * SECOND, limit=10)
    assert max(max(used) for used in heard.values()) == replicas.clock.at + 30 * SECOND


@pytest.mark.slow
async def test_what_flowed_back_is_free_again_at_both(replicas: Replicas) -> None:
    assert replicas.first.passes() == 60
    await replicas.second_passes()
    for _ in range(70):
        await replicas.second_passes()
    assert replicas.second.passes() == 60


async def test_while_the_ledger_is_away_each_counts_alone_and_tells_later(replicas: Replicas) -> None:
    replicas.ledger.is_away = True
    replicas.first.passes(most=40)
    with pytest.raises(Unavailable):
        await replicas.second_passes(0)
    assert replicas.second.passes(most=10) == 10
    replicas.ledger.is_away = False
    await replicas.second_passes(0)
    assert replicas.first.passes() == 10
    assert replicas.second.passes() == 10, "told of in the next second"


@pytest.mark.parametrize("years", [-10, 10])
async def test_a_clock_that_jumps_shuts_nobody_out(replicas: Replicas, years: int) -> None:
    assert replicas.first.passes() == 60
    await replicas.second_passes(0)
    await replicas.second_passes(years * 365 * 86_400)
    assert replicas.first.passes() == 60
    await replicas.second_passes(0)
    assert replicas.second.passes() == 0
