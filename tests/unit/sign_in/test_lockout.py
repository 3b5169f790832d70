"""Who guesses passwords waits; who has the right one gets through, whatever others do."""

import pytest

from orlop.adapters.sql.memory import open_memory
from orlop.domain.errors import TooManyRequests
from orlop.services.identity.lockout import ACCOUNT, ACCOUNT_FROM_ADDRESS, ADDRESS, Lockout, network_of
from tests.catalogs import rows
from tests.unit.sign_in.scene import ELSEWHERE, HOME, HandClock


class Guessing:
    """A lockout, and somebody who guesses."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.catalog = open_memory()
        self.attempts = self.catalog.identity.attempts
        self.lockout = Lockout(self.attempts, self.clock)

    async def fail(self, times: int, name: str = "alice", address: str = HOME) -> None:
        """So many failures, each as soon as it may be."""
        for _ in range(times):
            self.clock.forward(await self.wait(name, address))
            await self.lockout.failed(name, address)

    async def wait(self, name: str = "alice", address: str = HOME, *, known: bool = False) -> int:
        """How long an attempt has to wait, in seconds."""
        try:
            await self.lockout.refuse(name, address, known=known)
        except TooManyRequests as refusal:
            return refusal.retry_after
        return 0


async def test_the_wait_doubles_after_five_failures_up_to_a_quarter_of_an_hour() -> None:
    guessing, waits = Guessing(), []
    for _ in range(18):
        await guessing.fail(1)
        waits.append(await guessing.wait())
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]


async def test_the_refusal_says_how_long() -> None:
    guessing = Guessing()
    await guessing.fail(7)
    with pytest.raises(TooManyRequests, match="try again in 4 seconds"):
        await guessing.lockout.refuse("alice", HOME, known=False)


async def test_the_wait_gets_shorter_as_time_goes_by_and_ends() -> None:
    guessing = Guessing()
    await guessing.fail(9)
    assert await guessing.wait() == 16
    guessing.clock.forward(10.5)
    assert await guessing.wait() == 6
    guessing.clock.forward(5.5)
    assert await guessing.wait() == 0


async def test_somebody_elsewhere_and_another_account_do_not_wait() -> None:
    guessing = Guessing()
    await guessing.fail(12)
    assert await guessing.wait() > 60
    assert await guessing.wait(address=ELSEWHERE) == 0
    assert await guessing.wait(name="bob") == 0


async def test_a_crowd_that_guesses_at_one_account_waits_but_not_its_owner() -> None:
    guessing = Guessing()
    for number in range(ACCOUNT.free + 3):
        await guessing.lockout.failed("alice", f"203.0.113.{number}")
    assert await guessing.wait(address=ELSEWHERE) == 8
    assert await guessing.wait(address=HOME, known=True) == 0
    for number in range(100):
        await guessing.lockout.failed("alice", f"198.18.0.{number}")
    assert await guessing.wait(address=ELSEWHERE) == ACCOUNT.longest, "and from anywhere it ends"


async def test_who_tries_many_names_from_one_address_waits_but_not_who_is_known_there() -> None:
    guessing = Guessing()
    for number in range(ADDRESS.free + 20):
        await guessing.lockout.failed(f"user{number}", HOME)
    assert await guessing.wait(name="alice") == ADDRESS.longest
    assert await guessing.wait(name="alice", known=True) == 0


async def test_who_is_known_somewhere_still_waits_for_their_own_failures() -> None:
    guessing = Guessing()
    await guessing.fail(8)
    assert await guessing.wait(known=True) == 8


async def test_success_forgets_failures_of_the_account_but_not_of_the_address() -> None:
    guessing = Guessing()
    for number in range(ADDRESS.free + 20):
        await guessing.lockout.failed(f"user{number}", HOME)
    await guessing.lockout.failed("mallory", HOME)
    await guessing.lockout.succeeded("mallory", HOME)
    assert await guessing.wait(name="mallory") == ADDRESS.longest


async def test_failures_are_forgotten_after_a_day() -> None:
    guessing = Guessing()
    await guessing.fail(14)
    guessing.clock.forward(24 * 3600 + 1)
    await guessing.fail(1)
    assert await guessing.wait() == 0


async def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    guessing = Guessing()
    await guessing.fail(14)
    guessing.clock.forward(-3600 * 24 * 365)
    assert await guessing.wait() == 0


async def test_a_clock_that_is_a_little_behind_lets_nobody_in() -> None:
    guessing = Guessing()
    await guessing.fail(14)
    guessing.clock.forward(-5)
    assert await guessing.wait() == 512


async def test_what_is_typed_where_a_name_belongs_is_not_kept() -> None:
    guessing = Guessing()
    await guessing.lockout.failed("my secret password", HOME)
    keys = rows(guessing.catalog, "SELECT key FROM attempts")
    assert keys
    for (key,) in keys:
        assert "secret" not in key
        assert len(key) < 100


@pytest.mark.parametrize("name", ["", "x" * 100_000, "\ud800", "a from b", "alice\0"])
async def test_any_name_is_counted(name: str) -> None:
    guessing = Guessing()
    await guessing.fail(6, name=name)
    assert await guessing.wait(name=name) == 2


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
        ("unix:", "unix:"),
        ("x" * 100, "x" * 64),
    ],
)
def test_what_one_customer_has_counts_as_one_address(address: str, network: str) -> None:
    assert network_of(address) == network


def test_the_rules_say_what_they_do() -> None:
    assert ACCOUNT_FROM_ADDRESS.longest == 900
    assert ACCOUNT.longest <= 300
    assert ADDRESS.longest <= 60
    assert ACCOUNT_FROM_ADDRESS.wait(10_000) == 900
