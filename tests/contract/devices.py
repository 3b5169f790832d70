"""A program that is signed in by a browser, on every catalog: a code and its token are each good once."""

import asyncio
from hashlib import sha256

import pytest

from orlop.domain.access import ANONYMOUS, Caller
from orlop.domain.errors import NotFound, RegistryError, TooManyRequests, Unauthorized
from orlop.domain.identity.devices import DeviceExpired, DevicePending, DeviceRefused
from orlop.domain.pages import PageRequest
from orlop.ports.catalog import By
from orlop.ports.clock import HOUR, SECOND
from orlop.ports.identity import Account, Identity, Session
from orlop.services.access.decisions import Access
from orlop.services.identity.devices import DeviceCodes, DeviceSignIn, DeviceTerms
from orlop.services.identity.failures import ProofKind
from orlop.services.identity.lockout import ACCOUNT_FROM_ADDRESS, Lockout
from orlop.services.identity.sessions import Visitor, subject_of
from orlop.services.management.operations import Gate

NOW = 1_800_000_000 * SECOND
BY = By("admin", NOW)
PROGRAM = Caller(ANONYMOUS, "203.0.113.9", "r")
TERMS = DeviceTerms(None, NOW + HOUR)


class Clock:
    """Moves when told to."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> int:
        return self.at


class Unknown:
    """Changes that nobody counts, so that nothing is remembered."""

    def current(self) -> int | None:
        return None


class Flow:
    """Devices on a catalog, and one account that confirms."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.clock = Clock()
        self._drawn = 0
        access = Access(identity.facts, Unknown(), self.clock, everyone=False)
        lockout = Lockout(identity.attempts, self.clock, ProofKind.DEVICE)
        self.devices = DeviceSignIn(
            identity.steps,
            identity.accounts,
            identity.secrets,
            Gate(access, self.clock),
            lockout,
            self.clock,
            self._draw,
            lambda _: None,
        )

    def _draw(self, count: int) -> bytes:
        self._drawn += 1
        return sha256(b"%d" % self._drawn).digest()[:count]

    async def visitor(self) -> Visitor:
        """Ada, in a browser."""
        account = await self.identity.accounts.get("ada")
        if account is None:
            account = await self.identity.accounts.add(Account(name="ada"), BY)
        session = Session(id="s", account="ada", created_at=NOW, expires_at=NOW + HOUR)
        return Visitor(Caller(subject_of(account, ""), "192.0.2.1", "r"), account, session)

    async def begun(self) -> DeviceCodes:
        return await self.devices.begin(PROGRAM, "orlop login")

    async def redeem(self, codes: DeviceCodes) -> str:
        """The account, after as long as a program waits."""
        self.clock.at += 5 * SECOND
        return (await self.devices.redeem(PROGRAM, codes.device))[0]


class DevicesKit:
    """Needs the fixture `identity`: an empty one, for each test."""

    async def test_a_code_that_was_confirmed_gives_a_token_once(self, identity: Identity) -> None:
        flow = Flow(identity)
        codes, visitor = await flow.begun(), await flow.visitor()
        with pytest.raises(DevicePending):
            await flow.redeem(codes)
        await flow.devices.decide(visitor, codes.user.lower(), TERMS)
        assert await flow.redeem(codes) == "ada"
        with pytest.raises(DeviceExpired):
            await flow.redeem(codes)
        [kept] = (await identity.secrets.of("ada", PageRequest())).items
        assert (kept.kind, kept.expires_at, kept.created_by) == ("token", NOW + HOUR, "ada")

    async def test_of_many_who_fetch_it_one_gets_it(self, identity: Identity) -> None:
        flow = Flow(identity)
        codes, visitor = await flow.begun(), await flow.visitor()
        await flow.devices.decide(visitor, codes.user, TERMS)
        flow.clock.at += 5 * SECOND
        fetched = await asyncio.gather(
            *(flow.devices.redeem(PROGRAM, codes.device) for _ in range(8)), return_exceptions=True
        )
        assert len([each for each in fetched if not isinstance(each, BaseException)]) == 1
        assert all(isinstance(each, RegistryError) for each in fetched if isinstance(each, BaseException))
        assert len((await identity.secrets.of("ada", PageRequest())).items) == 1

    async def test_of_many_who_decide_one_does(self, identity: Identity) -> None:
        flow = Flow(identity)
        codes, visitor = await flow.begun(), await flow.visitor()
        answers = [flow.devices.decide(visitor, codes.user, terms) for terms in (TERMS, None) * 4]
        decided = await asyncio.gather(*answers, return_exceptions=True)
        assert len([each for each in decided if not isinstance(each, BaseException)]) == 1

    async def test_what_was_refused_or_is_over_gives_none(self, identity: Identity) -> None:
        flow = Flow(identity)
        visitor = await flow.visitor()
        refused, late = await flow.begun(), await flow.begun()
        await flow.devices.decide(visitor, refused.user, None)
        with pytest.raises(DeviceRefused):
            await flow.redeem(refused)
        flow.clock.at = NOW + 600 * SECOND
        with pytest.raises(NotFound):
            await flow.devices.look(visitor, late.user)
        with pytest.raises(DeviceExpired):
            await flow.redeem(late)

    async def test_a_look_at_a_code_of_ones_own_forgives_no_guesses(self, identity: Identity) -> None:
        flow = Flow(identity)
        codes, visitor = await flow.begun(), await flow.visitor()
        for _ in range(ACCOUNT_FROM_ADDRESS.free - 1):
            with pytest.raises(NotFound):
                await flow.devices.look(visitor, "BBBB-BBBB")
            assert (await flow.devices.look(visitor, codes.user)).client == "orlop login"
        with pytest.raises(NotFound):
            await flow.devices.look(visitor, "BBBB-BBBB")
        with pytest.raises(TooManyRequests):
            await flow.devices.look(visitor, codes.user)
        flow.clock.at += SECOND
        assert (await flow.devices.look(visitor, codes.user)).client == "orlop login", "right ones count for nothing"

    async def test_whoever_signed_out_everywhere_confirmed_nothing(self, identity: Identity) -> None:
        flow = Flow(identity)
        codes, visitor = await flow.begun(), await flow.visitor()
        await flow.devices.decide(visitor, codes.user, TERMS)
        await identity.sessions.end_logins("ada", By("ada", NOW + SECOND))
        with pytest.raises(Unauthorized):
            await flow.redeem(codes)
        assert not (await identity.secrets.of("ada", PageRequest())).items
