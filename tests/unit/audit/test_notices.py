"""What changes nothing is told: at once, then counted, and never so much that a disk fills."""

from collections.abc import Sequence

import pytest

from orlop.domain.access import Caller, Subject
from orlop.domain.errors import Denied, Refused, RegistryError, Unavailable
from orlop.domain.events import Event, EventKind, Origin
from orlop.ports.clock import SECOND
from orlop.services.audit.notices import BURST, HELD, WINDOW, Notices, Pulls
from tests.registry import START, HandClock

ALICE = Caller(Subject("alice", credential="token 3"), "192.0.2.1", "r1")


class Desk:
    """Notices, and everything that was written."""

    def __init__(self, pulls: Pulls = Pulls.ALL, chances: Sequence[float] = ()) -> None:
        self.clock = HandClock()
        self.written: list[Event] = []
        self.away = False
        left = list(chances)
        self.notices = Notices(self, self.clock, lambda: left.pop(0), pulls, sample=10)

    async def write(self, events: Sequence[Event]) -> None:
        """See ports.audit.EventWriter."""
        if self.away:
            raise Unavailable("it is away")
        self.written += events

    async def later(self, seconds: float) -> list[Event]:
        """What is written after so long."""
        self.clock.at += int(seconds * SECOND)
        self.written.clear()
        await self.notices.step()
        return list(self.written)


async def test_a_refusal_says_everything() -> None:
    desk = Desk()
    desk.notices.refused(ALICE, Refused("delete", "team/app", "grant 3 denies", "v1"))
    assert await desk.later(0) == [
        Event(
            at=START,
            kind=EventKind.REFUSED,
            actor="alice",
            repository="team/app",
            tag="v1",
            origin=Origin("token 3", "192.0.2.1", "r1"),
            subject="delete",
            detail="grant 3 denies",
        )
    ]


async def test_an_error_is_told_if_a_rule_refused() -> None:
    desk = Desk()
    denied = Denied("no")
    denied.refused = Refused("pull", "app", "no grant")
    desk.notices.noted(ALICE, denied)
    desk.notices.noted(ALICE, RegistryError("something else"))
    assert [event.repository for event in await desk.later(0)] == ["app"]


async def test_a_failed_sign_in_names_whom_it_was_tried_for() -> None:
    desk = Desk()
    desk.notices.sign_in_failed("admin", "wrong password", address="192.0.2.1", request="r1")
    (event,) = await desk.later(0)
    assert (event.kind, event.actor, event.subject, event.detail) == (
        EventKind.SIGN_IN_FAILED,
        "admin",
        "admin",
        "wrong password",
    )


async def test_the_same_again_is_counted_for_a_minute() -> None:
    desk = Desk()
    refuse(desk, 3)
    (first,) = await desk.later(1)
    assert (first.count, first.first_at, first.at) == (3, START, START)
    refuse(desk, 2)
    desk.clock.at += SECOND
    refuse(desk, 5)
    assert await desk.later(1) == []
    (second,) = await desk.later(60)
    assert (second.count, second.first_at, second.at) == (7, START + SECOND, START + 2 * SECOND)
    assert await desk.later(61) == []
    refuse(desk, 1)
    (third,) = await desk.later(1)
    assert (third.count, third.first_at) == (1, 0)


async def test_a_flood_of_different_refusals_is_counted_together() -> None:
    desk = Desk()
    for number in range(BURST + 500):
        desk.notices.refused(ALICE, Refused("pull", f"guess/{number}", "no grant"))
    assert len(await desk.later(0)) == BURST
    total = BURST
    for _ in range(3):
        for number in range(1_000):
            desk.notices.refused(ALICE, Refused("pull", f"again/{desk.clock.at}/{number}", "no grant"))
        events = await desk.later(60)
        assert len(events) <= 60 * 2 + 1
        total += sum(event.count for event in events)
    total += sum(event.count for event in await desk.later(61))
    assert total == BURST + 500 + 3_000


async def test_memory_is_bounded_and_nothing_goes_uncounted() -> None:
    desk = Desk()
    for number in range(HELD + 500):
        desk.notices.pulled(ALICE, f"app/{number}", "sha256:aa")
    events = await desk.later(0)
    assert len(events) == HELD + 1
    assert sum(event.count for event in events) == HELD + 500


async def test_names_that_clients_make_up_are_cut() -> None:
    desk = Desk()
    desk.notices.sign_in_failed("x" * 10_000, "y" * 10_000, address="192.0.2.1", request="r1")
    (event,) = await desk.later(0)
    assert len(event.actor + event.subject + event.detail) <= 3 * 256


@pytest.mark.parametrize(
    ("pulls", "chances", "told"),
    [(Pulls.NONE, (0.0, 0.0), 0), (Pulls.SAMPLED, (0.05, 0.1), 1), (Pulls.ALL, (), 2)],
)
async def test_pulls_are_told_as_the_setting_says(pulls: Pulls, chances: tuple[float, ...], told: int) -> None:
    desk = Desk(pulls, chances)
    desk.notices.pulled(ALICE, "app", "sha256:aa", "v1")
    desk.notices.pulled(ALICE, "app", "sha256:bb", blob=True)
    events = await desk.later(0)
    kinds = [EventKind.MANIFEST_PULLED, EventKind.BLOB_PULLED]
    assert [event.kind for event in events] == kinds[:told]


async def test_while_the_catalog_is_away_things_wait() -> None:
    desk = Desk()
    refuse(desk, 1)
    desk.away = True
    assert await desk.later(0) == []
    desk.notices.refused(ALICE, Refused("pull", "other", "no grant"))
    assert await desk.later(1) == []
    desk.away = False
    assert sorted(event.repository for event in await desk.later(1)) == ["app", "other"]
    assert await desk.later(1) == []


async def test_at_the_end_everything_is_written() -> None:
    desk = Desk()
    refuse(desk, 1)
    await desk.later(0)
    refuse(desk, 4)
    await desk.notices.flush(everything=True)
    assert [event.count for event in desk.written] == [1, 4]


async def test_a_clock_that_is_set_back_holds_nothing_up() -> None:
    desk = Desk()
    refuse(desk, 1)
    await desk.later(0)
    refuse(desk, 1)
    desk.clock.at -= 10 * WINDOW
    assert len(await desk.later(0)) == 1


def refuse(desk: Desk, count: int) -> None:
    """Refuse the same so often."""
    for _ in range(count):
        desk.notices.refused(ALICE, Refused("pull", "app", "no grant"))
