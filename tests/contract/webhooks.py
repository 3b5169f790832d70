"""What every catalog keeps to about deliveries of webhooks (ports.webhooks)."""

import msgspec
import pytest

from orlop.adapters.sql.catalog import OpenCatalog
from orlop.domain.errors import Stale
from orlop.domain.pages import PageRequest
from orlop.domain.webhooks.facts import TEST
from orlop.domain.webhooks.schedule import LIVES, WELL, Health
from orlop.ports.catalog import By
from orlop.ports.clock import SECOND
from orlop.ports.following import Follower, Stream
from orlop.ports.identity import Namespace
from orlop.ports.jobs import Lease
from orlop.ports.settings import Document
from orlop.ports.webhooks import (
    ATTEMPTS_MAX,
    Attempt,
    Backlog,
    Delivery,
    DeliveryState,
    NewDelivery,
    Outcome,
    Troubled,
    Waiting,
)
from tests.contract.scene import START

FOLLOWER = Follower("webhooks", Stream.OUTBOX, "webhooks", "follow-webhooks")
ROOT = By("root", START)
HOOK, OTHER = "team:deploys", ":all"
BAD = Health(1, START, START + SECOND, 0, "it is away")


def new(lane: str = "team/app", hook: str = HOOK, event: int = 1) -> NewDelivery:
    """An event for a hook."""
    return NewDelivery(hook, lane, event, "tag.set", b'{"event":1}')


class Desk:
    """Adds and delivers as those who hold the leases."""

    def __init__(self, opened: OpenCatalog, following: Lease, delivering: Lease) -> None:
        self.store = opened.webhooks
        self.queue = opened.webhooks.queue
        self.log = opened.webhooks.log
        self.opened = opened
        self.following = following
        self.delivering = delivering
        self.position = 0

    async def add(self, *deliveries: NewDelivery) -> None:
        """Add deliveries, as of one event more."""
        await self.store.intake.add(deliveries, FOLLOWER, self.position, self.position + 1, self.following, START)
        self.position += 1

    async def attempted(
        self, delivery: Delivery, state: DeliveryState, *, due: int = 0, health: Health = WELL, paused: bool = False
    ) -> None:
        """Write down that it was tried."""
        fine = state is DeliveryState.DELIVERED
        answer = ("ok", "") if fine else ("", "it is away")
        attempt = Attempt(delivery.attempts + 1, START + 5, 7, 200 if fine else 0, *answer)
        outcome = Outcome(state, due or delivery.due_at, attempt, health, paused)
        await self.queue.record(delivery, outcome, By("orlop", START + 5), self.delivering)

    async def ids(self, hook: str = HOOK, *, dead: bool = False) -> list[int]:
        """Those that are listed."""
        return [each.id for each in (await self.log.page(hook, PageRequest(10), dead=dead)).items]


async def desk(opened: OpenCatalog) -> Desk:
    """With the leases."""
    leases = [
        await opened.leases.acquire(job, "me", now=START, until=START + SECOND) for job in (FOLLOWER.job, "deliver")
    ]
    following, delivering = leases
    assert following is not None
    assert delivering is not None
    return Desk(opened, following, delivering)


class IntakeKit:
    """Needs the fixture `opened`: an empty catalog."""

    async def test_deliveries_come_with_the_cursor_or_not_at_all(self, opened: OpenCatalog) -> None:
        here = await desk(opened)
        await here.add(new(), new(hook=OTHER))
        assert await opened.cursors.position(FOLLOWER) == 1
        with pytest.raises(Stale):  # as one who was there before, and comes again
            await here.store.intake.add([new()], FOLLOWER, 0, 1, here.following, START)
        await opened.leases.acquire(FOLLOWER.job, "else", now=START + SECOND, until=START + 2 * SECOND)
        with pytest.raises(Stale):
            await here.add(new())
        assert len(await here.ids()) == len(await here.ids(OTHER)) == 1
        assert await opened.cursors.position(FOLLOWER) == 1

    async def test_without_deliveries_the_cursor_moves_alone(self, opened: OpenCatalog) -> None:
        here = await desk(opened)
        await here.add()
        assert await opened.cursors.position(FOLLOWER) == 1
        assert await here.queue.waiting() == ()


class DeliveryQueueKit:
    """Needs the fixture `opened`: an empty catalog."""

    async def test_lanes_are_in_order_and_give_what_is_due_of_those_that_come_first(self, opened: OpenCatalog) -> None:
        here = await desk(opened)
        await here.add(new("b"), new("a"), new("b", event=2), new("c"), new("z", OTHER))
        assert [waiting.hook for waiting in await here.queue.waiting()] == [OTHER, HOOK]
        assert await here.queue.lanes(HOOK, START, 9) == ("b", "a", "c")
        assert await here.queue.lanes(HOOK, START, 2) == ("b", "a")
        assert await here.queue.lanes(HOOK, START - 1, 9) == ()
        first, second = await here.queue.of_lane(HOOK, "b", 9)
        assert (first.event, second.event) == (1, 2)
        assert first.id < second.id
        await here.attempted(first, DeliveryState.PENDING, due=START + 9, health=BAD)
        assert await here.queue.lanes(HOOK, START + 8, 9) == ("a", "c"), "nothing of a lane overtakes what is before it"
        assert await here.queue.lanes(HOOK, START + 9, 9) == ("b", "a", "c")
        [again, _] = await here.queue.of_lane(HOOK, "b", 9)
        assert (again.attempts, again.error, again.tried_at) == (1, "it is away", START + 5)
        await here.attempted(again, DeliveryState.DELIVERED)
        assert [each.event for each in await here.queue.of_lane(HOOK, "b", 9)] == [2]

    async def test_hooks_in_trouble_are_those_that_fail_and_those_that_something_was_given_up_of(
        self, opened: OpenCatalog
    ) -> None:
        here = await desk(opened)
        assert await here.log.troubled(9) == ()
        await here.add(new(), new("other"), new("z", OTHER))
        assert await here.log.troubled(9) == (), "what waits is no trouble"
        [delivery] = await here.queue.of_lane(HOOK, "team/app", 9)
        [elsewhere] = await here.queue.of_lane(OTHER, "z", 9)
        await here.attempted(delivery, DeliveryState.DEAD)
        await here.attempted(elsewhere, DeliveryState.PENDING, health=BAD)
        assert await here.log.troubled(9) == (Troubled(OTHER, BAD, 0), Troubled(HOOK, WELL, 1))
        assert await here.log.troubled(1) == (Troubled(OTHER, BAD, 0),)
        attempt = Attempt(1, START, 7, 500, "", "it is away")
        await here.log.tried(NewDelivery("tried:only", "", 0, TEST, b"{}"), attempt, DeliveryState.DEAD, ROOT)
        assert len(await here.log.troubled(9)) == 2, "a test that failed is nobody's trouble"

    async def test_an_attempt_tells_how_the_hook_fares(self, opened: OpenCatalog) -> None:
        here = await desk(opened)
        await here.add(new(), new("other"))
        [delivery] = await here.queue.of_lane(HOOK, "team/app", 9)
        [other] = await here.queue.of_lane(HOOK, "other", 9)
        await here.attempted(delivery, DeliveryState.PENDING, health=BAD)
        assert await here.queue.waiting() == (Waiting(HOOK, BAD),)
        assert await here.log.health(HOOK) == BAD
        await here.attempted(other, DeliveryState.DELIVERED)
        assert await here.queue.waiting() == (Waiting(HOOK, WELL),)
        await here.attempted(msgspec.structs.replace(delivery, attempts=1), DeliveryState.DEAD, health=BAD)
        assert await here.ids(dead=True) == [delivery.id]
        assert await here.ids() == [other.id, delivery.id]
        assert [attempt.number for attempt in await here.log.attempts(delivery.id)] == [1, 2]
        [attempt] = await here.log.attempts(other.id)
        assert attempt == Attempt(1, START + 5, 7, 200, "ok", "")

    async def test_who_lost_the_lease_writes_nothing_down(self, opened: OpenCatalog) -> None:
        here = await desk(opened)
        await here.add(new())
        [delivery] = await here.queue.of_lane(HOOK, "team/app", 9)
        await opened.leases.acquire("deliver", "else", now=START + SECOND, until=START + 2 * SECOND)
        with pytest.raises(Stale):
            await here.attempted(delivery, DeliveryState.DELIVERED)
        assert (await here.queue.of_lane(HOOK, "team/app", 9)) == (delivery,)
        assert await here.log.attempts(delivery.id) == ()
        for nothing in (
            here.queue.abandon(HOOK, "gone", START, 9, here.delivering),
            here.queue.expire(START * 2, "late", START, 9, here.delivering),
            here.queue.sweep(START * 2, 9, here.delivering),
        ):
            with pytest.raises(Stale):
                await nothing

    async def test_a_pause_is_an_event_at_the_place_of_the_hook(self, opened: OpenCatalog) -> None:
        here = await desk(opened)
        await here.add(new())
        [delivery] = await here.queue.of_lane(HOOK, "team/app", 9)
        paused = msgspec.structs.replace(BAD, paused_at=START + 5)
        await here.attempted(delivery, DeliveryState.PENDING, health=paused, paused=True)
        [event] = [each for each in await opened.catalog.outbox.events(0, 9) if each.kind == "webhook.paused"]
        assert (event.repository, event.subject, event.detail) == ("team", "webhook deploys", "it is away")
        assert (await here.log.backlog()).paused == 1
        await here.log.resume(HOOK, ROOT)
        assert await here.log.health(HOOK) == WELL
        assert (await here.log.backlog()).paused == 0

    async def test_a_hook_that_is_made_anew_does_not_fare_as_the_one_before_it(self, opened: OpenCatalog) -> None:
        here = await desk(opened)
        documents, namespaces = opened.identity.documents, opened.identity.namespaces
        paused = msgspec.structs.replace(BAD, paused_at=START + 5)

        async def paused_hook(lane: str) -> str:
            document = Document("webhook", "deploys", b"{}", path="team")
            made = (await documents.put(document, ROOT, rights=False)).identity
            assert await here.ids(made) == []
            await here.add(new(lane, made), new(lane, OTHER))
            for hook in (made, OTHER):
                [delivery] = await here.queue.of_lane(hook, lane, 9)
                assert (delivery.path, delivery.name) == (("team", "deploys") if hook == made else ("", "all"))
                await here.attempted(delivery, DeliveryState.DEAD, health=paused, paused=True)
            assert await here.log.health(made) == paused
            assert await here.log.last(HOOK) == made
            return made

        first = await paused_hook("a")
        await documents.remove("webhook", "deploys", ROOT, path="team", rights=False)
        assert await here.log.health(first) == WELL
        await namespaces.put(Namespace(path="team"), ROOT)
        second = await paused_hook("b")
        assert second > first
        await namespaces.remove("team", ROOT)
        assert await here.log.health(second) == WELL
        assert await here.log.health(OTHER) == paused

    async def test_what_an_earlier_release_wrote_is_found_by_place_and_name(self, opened: OpenCatalog) -> None:
        here = await desk(opened)
        await here.add(new(), new(hook="team:deploys-too"), new(hook="team:deploys2:000000000007"))
        assert await here.log.last(HOOK) == HOOK
        assert await here.log.last("team:deploy") == ""

    async def test_what_nobody_can_deliver_is_given_up(self, opened: OpenCatalog) -> None:
        here = await desk(opened)
        await here.add(new("a"), new("b"), new("a", OTHER))
        assert await here.queue.abandon(HOOK, "the webhook was removed", START + 1, 9, here.delivering) == 2
        assert len(await here.ids(dead=True)) == 2
        assert await here.queue.expire(START + LIVES, "late", START + 1, 9, here.delivering) == 0
        assert await here.queue.expire(START + LIVES + 1, "late", START + 1, 9, here.delivering) == 1
        assert await here.queue.waiting() == ()
        [gone] = (await here.log.page(OTHER, PageRequest(9), dead=True)).items
        assert gone.error == "late"

    async def test_what_is_over_is_forgotten_after_a_while(self, opened: OpenCatalog) -> None:
        here = await desk(opened)
        await here.add(new("a"), new("b"))
        [delivery] = await here.queue.of_lane(HOOK, "a", 9)
        await here.attempted(delivery, DeliveryState.DELIVERED)
        assert await here.queue.sweep(START, 9, here.delivering) == 0
        assert await here.queue.sweep(START + 1, 9, here.delivering) == 1
        assert await here.log.get(delivery.id) is None
        assert await here.log.attempts(delivery.id) == ()
        assert len(await here.ids()) == 1, "what is pending stays"


class DeliveryLogKit:
    """Needs the fixture `opened`: an empty catalog."""

    async def test_pages_go_backwards(self, opened: OpenCatalog) -> None:
        here = await desk(opened)
        await here.add(*(new(event=number) for number in range(5)))
        first = await here.log.page(HOOK, PageRequest(3), dead=False)
        assert [each.event for each in first.items] == [4, 3, 2]
        assert first.more
        last = await here.log.page(HOOK, PageRequest(3, str(first.items[-1].id)), dead=False)
        assert [each.event for each in last.items] == [1, 0]
        assert not last.more

    async def test_what_was_given_up_is_sent_again_with_its_id(self, opened: OpenCatalog) -> None:
        here = await desk(opened)
        await here.add(new())
        [delivery] = await here.queue.of_lane(HOOK, "team/app", 9)
        await here.attempted(delivery, DeliveryState.DEAD, health=BAD)
        again = await here.log.redeliver(delivery.id, START + LIVES + 9, By("root", START + 9))
        assert again is not None
        assert (again.id, again.message, again.state, again.due_at) == (
            delivery.id,
            delivery.message,
            DeliveryState.PENDING,
            START + 9,
        )
        assert await here.queue.lanes(HOOK, START + 9, 9) == ("team/app",)
        assert await here.log.redeliver(delivery.id + 1, START, ROOT) is None
        events = [each for each in await opened.catalog.outbox.events(0, 9) if each.kind == "webhook.redelivered"]
        assert [(each.actor, each.repository) for each in events] == [("root", "team")]

    async def test_a_try_is_written_down_and_never_pending(self, opened: OpenCatalog) -> None:
        here = await desk(opened)
        attempt = Attempt(1, START, 3, 500, "no", "the receiver answered 500")
        tried = await here.log.tried(new(""), attempt, DeliveryState.DEAD, ROOT)
        assert (tried.state, tried.status, tried.attempts) == (DeliveryState.DEAD, 500, 1)
        assert await here.log.attempts(tried.id) == (attempt,)
        assert await here.queue.waiting() == ()

    async def test_the_last_attempts_are_told_of_what_is_sent_again_and_again(self, opened: OpenCatalog) -> None:
        here = await desk(opened)
        await here.add(new())
        for _ in range(ATTEMPTS_MAX + 3):
            [delivery] = (await here.log.page(HOOK, PageRequest(1), dead=False)).items
            await here.attempted(delivery, DeliveryState.DEAD)
            await here.log.redeliver(delivery.id, START + LIVES, ROOT)
        told = [attempt.number for attempt in await here.log.attempts(delivery.id)]
        assert told == list(range(4, ATTEMPTS_MAX + 4))

    async def test_the_backlog_is_counted(self, opened: OpenCatalog) -> None:
        here = await desk(opened)
        assert await here.log.backlog() == Backlog()
        await here.add(new("a"), new("b"), new("c", OTHER))
        [delivery] = await here.queue.of_lane(HOOK, "a", 9)
        await here.attempted(delivery, DeliveryState.DEAD)
        assert await here.log.backlog() == Backlog(2, START, 1, 0)
