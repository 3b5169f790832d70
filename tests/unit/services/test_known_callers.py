"""What is remembered of those who pull ends the moment that anything about it may be otherwise."""

import pytest

from orlop.adapters.sql.catalog import OpenCatalog
from orlop.adapters.sql.memory import open_memory
from orlop.domain.access import ANONYMOUS, Action, Caller, Conditions, Decision, Place, PlaceKind, Subject
from orlop.domain.errors import Unavailable
from orlop.ports.catalog import By
from orlop.ports.clock import SECOND
from orlop.ports.events import Changes
from orlop.ports.identity import Account, AccountChange, NewGrant
from orlop.services.access import known_callers as module
from orlop.services.access.decisions import Access
from orlop.services.access.known_callers import KnownCaller, KnownCallers
from orlop.services.identity.remembered import Proof
from tests.registry import HandClock

BY = By("admin", 1)
TEAM = Place(PlaceKind.NAMESPACE, "team")
APP = "team/app"


class Sight:
    """Changes of a catalog that goes away when the test says so, for as many seconds as it says."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self.away = 0.0

    def place(self, repository: str) -> int:
        """See ports.events."""
        return 0

    def current(self, place: int = 0) -> int | None:
        """See ports.events."""
        return None if self.away else self._changes.current()

    def last(self) -> tuple[int, float] | None:
        """See ports.events."""
        count = self._changes.current()
        assert count is not None
        return (count, self.away) if self.away else None


class Desk:
    """Says who comes with a header: whoever it names; until a time that the test sets."""

    def __init__(self, opened: OpenCatalog) -> None:
        self._opened = opened
        self.asked = 0
        self.is_away = False
        self.until, self.ends = 1 << 62, 0

    async def caller(self, authorization: str, *, address: str, request: str) -> Caller:
        """See services.authentication."""
        self.asked += 1
        if self.is_away:
            raise Unavailable("the database is away")
        account = await self._opened.identity.accounts.get(authorization)
        subject = Subject(account.name, id=account.id) if account is not None else ANONYMOUS
        return Caller(subject, address, request)

    def believed(self, authorization: str) -> Proof | None:
        """See services.authentication."""
        return Proof(ANONYMOUS, self.until, ends=self.ends)


class Scene:
    """A catalog in memory, somebody in it, and what a process remembers of them."""

    def __init__(self, *, everyone: bool = False, grace: float = 300) -> None:
        self.opened = open_memory()
        self.clock = HandClock()
        self.desk = Desk(self.opened)
        self.sight = Sight(self.opened.access_changes)
        self.access = Access(self.opened.identity.facts, self.sight, self.clock, everyone=everyone)
        self.known_callers = KnownCallers(self.desk, self.access, self.sight, self.clock, bytes, grace=grace)

    async def alice(self, *grants: NewGrant) -> None:
        """An account with grants."""
        await self.opened.identity.accounts.add(Account(name="alice"), BY)
        for grant in grants:
            await self.opened.identity.grants.add(grant, BY)

    async def decided(self, header: bytes = b"alice") -> KnownCaller:
        """Somebody pulls, and it is remembered if it may be."""
        known_caller = await self.known_callers.take(header, "10.0.0.1", "r")
        caller = Caller(known_caller.subject, "10.0.0.1")
        decision = await self.access.decide(caller, Action.PULL, repository=APP)
        self.known_callers.remember(known_caller, APP, decision)
        return known_caller

    def goes_away(self, seconds: float) -> None:
        """The catalog, so many seconds ago: nobody finds out anything there."""
        self.sight.away = seconds
        self.desk.is_away = True
        self.clock.at += int(seconds * SECOND)

    async def taken(self, header: bytes = b"alice", *, by_digest: bool = True) -> str:
        """Who comes with a header, if they may still pull."""
        known_caller = await self.known_callers.take(header, "10.0.0.1", "r", by_digest=by_digest)
        return known_caller.subject.name if known_caller.may_pull(APP, self.clock.now()) else ""

    def recalled(self, header: bytes = b"alice") -> bool:
        """Whether the next pull needs nothing decided."""
        now = self.clock.now()
        known_caller = self.known_callers.recall(self.known_callers.key(header), now)
        return known_caller is not None and known_caller.may_pull(APP, now)


def reader(**more: object) -> NewGrant:
    """A grant to pull."""
    return NewGrant(principal="alice", role="reader", place=TEAM, **more)  # type: ignore[arg-type]


async def test_who_may_pull_is_remembered_until_rights_change() -> None:
    scene = Scene()
    await scene.alice(reader())
    assert not scene.recalled()
    await scene.decided()
    assert scene.recalled()
    assert not scene.recalled(b"bob")
    await scene.opened.identity.grants.add(reader(tags="v*"), BY)
    assert not scene.recalled()
    await scene.decided()
    assert scene.recalled()


async def test_who_may_not_is_not_remembered() -> None:
    scene = Scene()
    await scene.alice()
    await scene.decided()
    assert not scene.recalled()


@pytest.mark.parametrize(
    "conditions", [Conditions(networks=("10.0.0.0/8",)), Conditions(only_by_digest=True)], ids=["network", "digest"]
)
async def test_what_depends_on_the_request_is_not_remembered(conditions: Conditions) -> None:
    scene = Scene()
    await scene.alice(reader(conditions=conditions))
    await scene.decided()
    assert not scene.recalled()


async def test_a_grant_is_remembered_no_longer_than_it_lasts() -> None:
    scene = Scene()
    await scene.alice(reader(expires_at=scene.clock.at + 3 * SECOND))
    await scene.decided()
    scene.clock.at += 3 * SECOND - 1
    assert scene.recalled()
    scene.clock.at += 1
    assert not scene.recalled()


async def test_a_credential_and_an_account_are_believed_no_longer_than_they_last() -> None:
    scene = Scene()
    await scene.alice(reader())
    scene.desk.until = scene.clock.at + 2 * SECOND
    await scene.decided()
    scene.clock.at += 2 * SECOND
    assert not scene.recalled()
    scene.desk.until = 1 << 62
    await scene.opened.identity.accounts.change("alice", AccountChange(expires_at=scene.clock.at + SECOND), BY)
    await scene.decided()
    assert scene.recalled()
    scene.clock.at += SECOND
    assert not scene.recalled()


async def test_a_credential_is_looked_at_anew_after_a_while_and_what_was_decided_stays() -> None:
    scene = Scene()
    await scene.alice(reader())
    await scene.decided()
    await scene.decided()
    assert scene.desk.asked == 1
    scene.clock.at += 5 * SECOND
    assert not scene.recalled()
    await scene.known_callers.take(b"alice", "10.0.0.1", "r")
    assert scene.desk.asked == 2
    assert scene.recalled()


async def test_a_clock_that_is_set_back_makes_nothing_hold_longer() -> None:
    scene = Scene()
    await scene.alice(reader())
    await scene.decided()
    scene.clock.at -= 1
    assert not scene.recalled()


async def test_what_is_decided_while_rights_change_is_not_remembered() -> None:
    scene = Scene()
    await scene.alice(reader())
    known_caller = await scene.known_callers.take(b"alice", "10.0.0.1", "r")
    await scene.opened.identity.accounts.add(Account(name="bob"), BY)
    await scene.opened.identity.grants.add(NewGrant(principal="bob", role="reader", place=TEAM), BY)
    scene.known_callers.remember(known_caller, APP, Decision(True, "a rule"))
    assert not scene.recalled()
    assert known_caller.pulls == {}


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CREDENTIALS", 2)
    monkeypatch.setattr(module, "PLACES", 3)
    scene = Scene()
    await scene.alice()
    for header in (b"alice", b"alice2", b"alice3"):
        known_caller = await scene.known_callers.take(header, "", "")
    now = scene.clock.now()
    assert scene.known_callers.recall(scene.known_callers.key(b"alice"), now) is None
    assert scene.known_callers.recall(scene.known_callers.key(b"alice3"), now) is known_caller
    for number in range(20):
        scene.known_callers.remember(known_caller, f"team/{number}", Decision(True, "a rule"))
        assert len(known_caller.pulls) <= 3


async def test_where_everybody_may_do_everything_nobody_is_asked() -> None:
    scene = Scene(everyone=True)
    assert scene.recalled(b"anything at all")
    assert (await scene.known_callers.take(b"x", "", "")).subject is ANONYMOUS
    assert scene.desk.asked == 0


async def test_while_the_catalog_is_away_those_who_pulled_before_go_on_by_digest() -> None:
    scene = Scene()
    await scene.alice(reader())
    await scene.decided()
    scene.goes_away(60)
    assert not scene.recalled()
    assert await scene.taken() == "alice"
    with pytest.raises(Unavailable):
        await scene.taken(by_digest=False)
    with pytest.raises(Unavailable):
        await scene.taken(b"bob")


async def test_nobody_goes_on_for_longer_than_the_grace() -> None:
    scene = Scene()
    await scene.alice(reader())
    await scene.decided()
    scene.goes_away(299)
    assert await scene.taken() == "alice"
    scene.goes_away(301)
    with pytest.raises(Unavailable):
        await scene.taken()


async def test_nobody_goes_on_who_was_not_let_in_under_the_last_rights_that_were_seen() -> None:
    scene = Scene()
    await scene.alice(reader())
    await scene.decided()
    await scene.opened.identity.accounts.add(Account(name="carol"), BY)  # any change of who may do what
    scene.goes_away(10)
    with pytest.raises(Unavailable):
        await scene.taken()


async def test_a_credential_that_ends_meanwhile_is_worth_nothing() -> None:
    scene = Scene()
    await scene.alice(reader())
    scene.desk.until = scene.desk.ends = scene.clock.at + 30 * SECOND
    await scene.decided()
    scene.goes_away(29)
    assert await scene.taken() == "alice"
    scene.goes_away(2)
    with pytest.raises(Unavailable):
        await scene.taken()


async def test_a_catalog_that_answers_is_asked_even_if_its_changes_were_not_seen() -> None:
    scene = Scene()
    await scene.alice(reader())
    await scene.decided()
    await scene.opened.identity.accounts.change("alice", AccountChange(disabled="left"), BY)
    scene.sight.away = 3
    asked = scene.desk.asked
    with pytest.raises(Exception, match="alice"):
        await scene.taken()
    assert scene.desk.asked == asked + 1


async def test_without_a_grace_nobody_goes_on() -> None:
    scene = Scene(grace=0)
    await scene.alice(reader())
    await scene.decided()
    scene.goes_away(1)
    with pytest.raises(Unavailable):
        await scene.taken()
