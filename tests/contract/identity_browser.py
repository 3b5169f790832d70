"""What every catalog keeps to about sign-ins in a browser (ports.browser), and how long sessions go on."""

import asyncio

import msgspec
import pytest

from orlop.domain.errors import Conflict, NotFound, TooManyRequests
from orlop.ports.browser import SignOn, Step
from orlop.ports.catalog import By
from orlop.ports.clock import HOUR, SECOND
from orlop.ports.identity import Account, Identity, Session

NOW = 1_800_000_000 * SECOND
BY = By("admin", NOW)
STEP = Step(id="s" * 64, kind="oidc", body=b'{"a":1}', address="192.0.2.1", expires_at=NOW + HOUR)
ADA = SignOn(provider="one", external="sub-1", account="ada", refresh_token="r-1", checked_at=NOW)


def step(name: str, **more: object) -> Step:
    return msgspec.structs.replace(STEP, id=name, **more)


class StepsKit:
    """Steps. Needs the fixture `identity`: an empty one, for each test."""

    async def test_a_step_is_there_until_it_is_taken(self, identity: Identity) -> None:
        await identity.steps.begin(STEP, now=NOW)
        assert await identity.steps.get(STEP.id, "oidc", NOW) == STEP
        assert await identity.steps.take(STEP.id, "oidc", NOW) == STEP
        assert await identity.steps.get(STEP.id, "oidc", NOW) is None
        assert await identity.steps.take(STEP.id, "oidc", NOW) is None

    async def test_of_many_who_take_it_one_gets_it(self, identity: Identity) -> None:
        await identity.steps.begin(STEP, now=NOW)
        taken = await asyncio.gather(*(identity.steps.take(STEP.id, "oidc", NOW) for _ in range(8)))
        assert [each for each in taken if each] == [STEP]

    async def test_a_step_of_another_kind_is_none(self, identity: Identity) -> None:
        await identity.steps.begin(STEP, now=NOW)
        assert await identity.steps.get(STEP.id, "passkey", NOW) is None
        assert await identity.steps.take(STEP.id, "passkey", NOW) is None
        assert await identity.steps.get(STEP.id, "oidc", NOW) == STEP

    async def test_what_expired_is_over(self, identity: Identity) -> None:
        await identity.steps.begin(STEP, now=NOW)
        assert await identity.steps.get(STEP.id, "oidc", STEP.expires_at) is None
        assert await identity.steps.take(STEP.id, "oidc", STEP.expires_at) is None

    async def test_nothing_is_begun_twice(self, identity: Identity) -> None:
        await identity.steps.begin(STEP, now=NOW)
        with pytest.raises(Conflict):
            await identity.steps.begin(msgspec.structs.replace(STEP, kind="passkey"), now=NOW)
        later = msgspec.structs.replace(STEP, kind="passkey", expires_at=NOW + 3 * HOUR)
        await identity.steps.begin(later, now=STEP.expires_at)
        assert await identity.steps.get(STEP.id, "passkey", STEP.expires_at) == later

    async def test_of_many_who_begin_the_same_one_does(self, identity: Identity) -> None:
        begun = await asyncio.gather(*(identity.steps.begin(STEP, now=NOW) for _ in range(8)), return_exceptions=True)
        assert sorted(type(each).__name__ for each in begun) == ["Conflict"] * 7 + ["NoneType"]

    async def test_an_address_has_so_many_under_way(self, identity: Identity) -> None:
        for number in range(3):
            await identity.steps.begin(step(f"a{number}"), now=NOW, at_most=3)
        with pytest.raises(TooManyRequests):
            await identity.steps.begin(step("a3"), now=NOW, at_most=3)
        await identity.steps.begin(step("b", address="192.0.2.2"), now=NOW, at_most=3)
        await identity.steps.begin(step("c"), now=NOW)
        await identity.steps.begin(step("d", expires_at=NOW + 3 * HOUR), now=STEP.expires_at, at_most=3)

    async def test_what_is_over_is_forgotten(self, identity: Identity) -> None:
        await identity.steps.begin(STEP, now=NOW)
        await identity.steps.begin(step("later", expires_at=NOW + 3 * HOUR), now=NOW)
        await identity.steps.forget(NOW + 2 * HOUR)
        assert await identity.steps.get(STEP.id, "oidc", NOW) is None
        assert await identity.steps.get("later", "oidc", NOW) is not None


class SignOnsKit:
    """Sign-ons. Needs the fixture `identity`: an empty one, for each test."""

    async def test_the_newest_of_somebody_is_kept(self, identity: Identity) -> None:
        await identity.accounts.add(Account(name="ada"), BY)
        await identity.sign_ons.put(ADA)
        newer = msgspec.structs.replace(ADA, refresh_token="r-2", checked_at=NOW + 1)
        await identity.sign_ons.put(newer)
        assert await identity.sign_ons.due("one", NOW + HOUR, 10) == (newer,)

    async def test_those_who_are_due_come_longest_ago_first(self, identity: Identity) -> None:
        made = []
        for number, age in enumerate([3, 1, 2, 0]):
            name = f"user{number}"
            await identity.accounts.add(Account(name=name), BY)
            made.append(msgspec.structs.replace(ADA, external=name, account=name, checked_at=NOW - age))
            await identity.sign_ons.put(made[-1])
        await identity.sign_ons.put(msgspec.structs.replace(made[0], provider="two", external="x"))
        assert await identity.sign_ons.due("one", NOW, 10) == (made[0], made[2], made[1])
        assert await identity.sign_ons.due("one", NOW, 2) == (made[0], made[2])
        assert await identity.sign_ons.due("three", NOW, 2) == ()

    async def test_a_renewal_is_of_what_is_still_so(self, identity: Identity) -> None:
        await identity.accounts.add(Account(name="ada"), BY)
        await identity.sign_ons.put(ADA)
        second = msgspec.structs.replace(ADA, refresh_token="r-2", checked_at=NOW + 1)
        assert await identity.sign_ons.renewed(ADA, second)
        assert not await identity.sign_ons.renewed(ADA, msgspec.structs.replace(ADA, refresh_token="r-3"))
        assert await identity.sign_ons.due("one", NOW + HOUR, 10) == (second,)

    async def test_one_that_is_removed_is_gone(self, identity: Identity) -> None:
        await identity.accounts.add(Account(name="ada"), BY)
        await identity.sign_ons.put(ADA)
        await identity.sign_ons.remove("one", "sub-1")
        await identity.sign_ons.remove("one", "sub-1")
        assert await identity.sign_ons.due("one", NOW + HOUR, 10) == ()
        assert not await identity.sign_ons.renewed(ADA, ADA)

    async def test_it_goes_with_its_account(self, identity: Identity) -> None:
        with pytest.raises(NotFound):
            await identity.sign_ons.put(ADA)
        await identity.accounts.add(Account(name="ada"), BY)
        await identity.sign_ons.put(ADA)
        await identity.accounts.remove("ada", BY)
        assert await identity.sign_ons.due("one", NOW + HOUR, 10) == ()

    async def test_a_refresh_token_is_not_shown(self, identity: Identity) -> None:
        await identity.accounts.add(Account(name="ada"), BY)
        await identity.sign_ons.put(ADA)
        assert "r-1" not in repr(await identity.sign_ons.due("one", NOW + HOUR, 10))


class LongerSessionsKit:
    """How long sessions go on. Needs the fixture `identity`: an empty one, for each test."""

    async def test_a_session_goes_on_but_never_ends_sooner(self, identity: Identity) -> None:
        await identity.accounts.add(Account(name="ada"), BY)
        await identity.sessions.add(Session(id="a", account="ada", created_at=NOW, expires_at=NOW + HOUR), BY)
        for wanted, until in ((NOW + 2 * HOUR, NOW + 2 * HOUR), (NOW + HOUR, NOW + 2 * HOUR)):
            await identity.sessions.extend("a", wanted)
            found = await identity.sessions.get("a")
            assert found is not None
            assert found[0].expires_at == until
        await identity.sessions.extend("gone", NOW + HOUR)
