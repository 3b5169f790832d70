"""Delivers: for each hook a few at once, those of one repository in order, each until it arrives or a day is over.

A receiver that hangs or is away holds up its own hook alone, and that rests for longer and longer; those that are slow
share half of the places, and where others wait for one a hook has its place for a turn. One process does so, under a
lease; each attempt is written down before the next of its lane begins, so a process that is killed leaves what it was
sending to be sent once more.
"""

import asyncio
from collections.abc import Callable

import structlog

from orlop.domain.errors import RegistryError
from orlop.domain.webhooks.hook import Webhook
from orlop.domain.webhooks.schedule import Health, next_attempt
from orlop.ports.catalog import By
from orlop.ports.clock import HOUR, SECOND, Clock
from orlop.ports.jobs import Lease
from orlop.ports.settings import Documents
from orlop.ports.webhooks import Answer, Attempt, Delivery, DeliveryQueue, DeliveryState, Outcome
from orlop.services.webhooks.messages import Messages, Unreadable, hook_of

_log = structlog.get_logger("orlop.webhooks")

#: The job whose lease who delivers holds.
JOB = "deliver-webhooks"

#: Hooks that are served at once, those of them that are slow, and deliveries of one lane before another lane has its
#: turn.
_HOOKS, _SLOW_HOOKS, _OF_LANE = 64, 32, 20
#: A hook is slow whose last attempt took so long, and one has its place for so long where others wait, in microseconds.
_SLOW, _TURN = 2 * SECOND, 10 * SECOND
#: How long it is known of one that it is slow.
_KNOWN = HOUR
#: How often it is looked whether something is over, in microseconds, and how many rows go in one transaction.
_TIDY_EVERY, _GO_TOGETHER = 60 * SECOND, 1_000
#: What is not delivered so long after its time, because its hook is paused or disabled, is given up.
_LATE = HOUR
#: How long what is under way may take at the end of the process, in seconds.
_LAST = 5.0

_ORLOP = "orlop"


class Deliverer:
    """See the module. `step` is for the holder of a lease on JOB alone.

    `chance` gives numbers from 0 to 1, `counted` is told of each attempt, `keep` is how long the log is kept.
    """

    def __init__(
        self,
        queue: DeliveryQueue,
        documents: Documents,
        messages: Messages,
        clock: Clock,
        chance: Callable[[], float],
        counted: Callable[[bool], None],
        keep: int,
    ) -> None:
        self._queue = queue
        self._documents = documents
        self._messages = messages
        self._clock = clock
        self._chance = chance
        self._counted = counted
        self._keep = keep
        self._lease: Lease | None = None
        self._serving: dict[str, asyncio.Task[None]] = {}
        self._places = _Places(clock)
        self._health: dict[str, Health] = {}
        self._failure: Exception | None = None
        self._closing = False
        self._tidied: int | None = None

    async def step(self, lease: Lease) -> int:
        """Start what is due, and return while it goes on; how many hooks are served. Raises Stale, Unavailable."""
        self._lease = lease
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        self._places.look()
        for waiting in sorted(await self._queue.waiting(), key=lambda each: self._places.begun(each.hook)):
            if self._closing:
                break
            if waiting.hook in self._serving or not self._may(waiting.health) or not self._places.free(waiting.hook):
                continue
            declared = await self._declared(waiting.hook, lease)
            if declared is not None:
                self._places.take(waiting.hook)
                self._health[waiting.hook] = waiting.health
                task = self._serving[waiting.hook] = asyncio.create_task(self._serve(waiting.hook, declared.parallel))
                task.add_done_callback(self._served)
        now = self._clock.now()
        if self._tidied is None or not 0 <= now - self._tidied < _TIDY_EVERY:
            await self._tidy(lease, now)
            self._tidied = now
        return len(self._serving)

    async def close(self) -> None:
        """Let what is under way end, and let go of connections."""
        self._closing = True
        running = list(self._serving.values())
        if running:
            _, late = await asyncio.wait(running, timeout=_LAST)
            for task in late:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        await self._messages.close()

    def _served(self, task: asyncio.Task[None]) -> None:
        """The next step fails with what the catalog failed with; a defect at one hook is none of the others'."""
        failure = None if task.cancelled() else task.exception()
        if isinstance(failure, RegistryError):
            self._failure = failure
        elif failure is not None:
            _log.error("a webhook was not served", exc_info=failure)

    def _may(self, health: Health) -> bool:
        return not health.paused_at and not health.rests(self._clock.now())

    async def _declared(self, hook: str, lease: Lease) -> Webhook | None:
        """A hook that is to be served. What is pending of one that was removed is given up."""
        try:
            declared = await hook_of(self._documents, hook)
        except Unreadable as failure:
            _log.warning("a webhook cannot be served", webhook=hook, reason=failure.message)
            return None
        if declared is None:
            await self._abandon(hook, lease)
        return declared if declared is not None and not declared.disabled else None

    async def _serve(self, hook: str, parallel: int) -> None:
        """Deliver what is due for a hook, until nothing is or something fails."""
        try:
            busy: set[str] = set()
            lanes = (self._lanes(hook, busy) for _ in range(parallel))
            for failure in await asyncio.gather(*lanes, return_exceptions=True):
                if failure is not None:
                    raise failure
        finally:
            self._places.leave(hook)
            self._serving.pop(hook, None)
            self._health.pop(hook, None)

    async def _lanes(self, hook: str, busy: set[str]) -> None:
        """Deliver lane after lane of a hook: those that nobody else is at."""
        while self._goes_on(hook):
            due = await self._queue.lanes(hook, self._clock.now(), len(busy) + 1)
            lane = next((lane for lane in due if lane not in busy), None)
            declared = await hook_of(self._documents, hook) if lane is not None else None
            if lane is None or declared is None or declared.disabled or lane in busy:
                return
            busy.add(lane)
            try:
                await self._lane(hook, lane, declared)
            finally:
                busy.discard(lane)

    async def _lane(self, hook: str, lane: str, declared: Webhook) -> None:
        for delivery in await self._queue.of_lane(hook, lane, _OF_LANE):
            if delivery.due_at > self._clock.now() or not self._goes_on(hook):
                return
            answer, attempt = await self._messages.send(
                declared, delivery.message, delivery.facts, delivery.attempts + 1
            )
            await self._record(delivery, answer, attempt)
            if not answer.fine:
                return

    def _goes_on(self, hook: str) -> bool:
        lease = self._lease
        held = lease is not None and self._clock.now() < lease.until
        goes_on = held and not self._closing and self._failure is None and self._may(self._health[hook])
        return goes_on and not self._places.is_over(hook)

    async def _record(self, delivery: Delivery, answer: Answer, attempt: Attempt) -> None:
        now, before = self._clock.now(), self._health[delivery.hook]
        self._places.took(delivery.hook, attempt.took)
        due = delivery.due_at
        if answer.fine:
            state, health = DeliveryState.DELIVERED, before.after_success()
        else:
            health = before.after_failure(now, answer.status, answer.error)
            again = next_attempt(attempt.number, now, delivery.expires_at, self._chance())
            state = DeliveryState.DEAD if again is None else DeliveryState.PENDING
            due = again or due
        paused = bool(health.paused_at and not before.paused_at)
        self._health[delivery.hook] = health
        lease = self._lease
        assert lease is not None
        await self._queue.record(delivery, Outcome(state, due, attempt, health, paused), By(_ORLOP, now), lease)
        self._counted(answer.fine)
        if paused:
            _log.warning("a webhook is paused", webhook=delivery.name, at=f"{delivery.path}/", reason=health.error)

    async def _abandon(self, hook: str, lease: Lease) -> None:
        while await self._queue.abandon(hook, "the webhook was removed", self._clock.now(), _GO_TOGETHER, lease):
            continue

    async def _tidy(self, lease: Lease, now: int) -> None:
        late = "its time was over before it could be sent"
        while await self._queue.expire(now - _LATE, late, now, _GO_TOGETHER, lease) == _GO_TOGETHER:
            continue
        while self._keep and await self._queue.sweep(now - self._keep, _GO_TOGETHER, lease) == _GO_TOGETHER:
            continue


class _Places:
    """Which hooks are served: half of the places are for those alone that answer quickly."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[str, int] = {}
        self._begun: dict[str, int] = {}
        self._slow: dict[str, int] = {}
        self._wanting = self._slow_wanting = False

    def look(self) -> None:
        """Another look at who waits; what is known of each is forgotten after a while."""
        oldest = self._clock.now() - _KNOWN
        self._slow = {hook: at for hook, at in self._slow.items() if at > oldest}
        self._begun = {hook: at for hook, at in self._begun.items() if at > oldest}
        self._wanting = self._slow_wanting = False

    def begun(self, hook: str) -> int:
        """When its last turn began; 0: it had none lately, and comes first."""
        return self._begun.get(hook, 0)

    def free(self, hook: str) -> bool:
        """Whether there is a place for it. If not, those of its sort leave theirs after a turn."""
        if hook in self._slow and self._slow_ones() >= _SLOW_HOOKS:
            self._slow_wanting = True
            return False
        if len(self._since) >= _HOOKS:
            self._wanting = True
            return False
        return True

    def take(self, hook: str) -> None:
        """It is served from now on."""
        self._since[hook] = self._begun[hook] = self._clock.now()

    def leave(self, hook: str) -> None:
        """It is not any more."""
        self._since.pop(hook, None)

    def took(self, hook: str, microseconds: int) -> None:
        """An attempt of it took so long."""
        if microseconds >= _SLOW:
            self._slow[hook] = self._clock.now()
        else:
            self._slow.pop(hook, None)

    def is_over(self, hook: str) -> bool:
        """Whether it has to leave its place to another: after its turn, and as one of too many that turn out slow."""
        slow = hook in self._slow
        if slow and self._slow_ones() > _SLOW_HOOKS:
            return True
        wanted = self._wanting or (self._slow_wanting and slow)
        return wanted and not 0 <= self._clock.now() - self._since[hook] < _TURN

    def _slow_ones(self) -> int:
        return len(self._slow.keys() & self._since.keys())
