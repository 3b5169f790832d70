"""Argon2id off the loop: right and wrong, for accounts that are there and that are not, and how many at once."""

import asyncio
from collections.abc import Iterator
from threading import Event

import pytest

from orlop.adapters.identity.passwords import AT_ONCE, WAITING, Argon2Hasher
from orlop.domain.errors import TooManyRequests


@pytest.fixture
def hasher() -> Iterator[Argon2Hasher]:
    """One of its own."""
    hasher = Argon2Hasher()
    yield hasher
    hasher.close()


@pytest.fixture
def quick() -> Iterator[Argon2Hasher]:
    """One whose hashes cost nearly nothing."""
    hasher = Argon2Hasher(memory_kib=8, passes=1)
    yield hasher
    hasher.close()


async def test_a_password_matches_its_hash_alone(hasher: Argon2Hasher) -> None:
    kept = await hasher.hash("a rather long phrase")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert "phrase" not in kept
    assert await hasher.verify(kept, "a rather long phrase")
    assert not await hasher.verify(kept, "a rather long phrase ")
    assert await hasher.hash("a rather long phrase") != kept, "each has its own salt"


async def test_nobody_has_a_password(hasher: Argon2Hasher) -> None:
    assert not await hasher.verify(None, "a rather long phrase")
    assert not await hasher.verify(None, "")


async def test_nobody_costs_as_much_as_somebody(hasher: Argon2Hasher) -> None:
    kept = await hasher.hash("a rather long phrase")
    assert hasher._nobody.split("$")[:4] == kept.split("$")[:4], "the same function under the same costs"


@pytest.mark.parametrize(
    "kept", ["", "plain", "$argon2id$", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$v=19$m=8,t=1,p=1$x$y"]
)
async def test_a_damaged_hash_matches_nothing(hasher: Argon2Hasher, kept: str) -> None:
    assert not await hasher.verify(kept, kept)


async def test_a_crowd_is_sent_away_while_the_first_are_served(quick: Argon2Hasher) -> None:
    hasher = quick
    asked = [asyncio.ensure_future(hasher.verify(None, "x")) for _ in range(AT_ONCE + WAITING + 5)]
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(each, TooManyRequests) for each in done) == 5
    assert done.count(False) == AT_ONCE + WAITING
    assert not await hasher.verify(None, "x"), "and after them others are"


async def test_who_goes_away_gives_up_their_place_only_when_it_is_free(quick: Argon2Hasher) -> None:
    held = Event()
    waiting = [asyncio.ensure_future(quick._run(held.wait)) for _ in range(AT_ONCE)]
    waiting += [asyncio.ensure_future(quick.verify(None, "x")) for _ in range(WAITING)]
    await asyncio.sleep(0)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    with pytest.raises(TooManyRequests):
        await quick.verify(None, "x")
    held.set()
