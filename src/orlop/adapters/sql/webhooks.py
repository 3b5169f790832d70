"""Deliveries of webhooks, their attempts, and how hooks fare."""

from collections.abc import Sequence

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.following import moved
from orlop.adapters.sql.jobs import hold
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.records import each
from orlop.adapters.sql.weighed import weighed
from orlop.domain.events import EventKind
from orlop.domain.pages import Page, PageRequest, after_number
from orlop.domain.webhooks.facts import TEST
from orlop.domain.webhooks.schedule import LIVES, WELL, Health
from orlop.ports.catalog import By
from orlop.ports.following import Follower
from orlop.ports.jobs import Lease
from orlop.ports.settings import place_of
from orlop.ports.webhooks import (
    ATTEMPTS_MAX,
    DEAD_MAX,
    Attempt,
    Backlog,
    Delivery,
    DeliveryState,
    NewDelivery,
    Outcome,
    Troubled,
    Waiting,
    WebhookStore,
)

#: Before every id, for lists that go backwards.
_ENDLESS = (1 << 63) - 1


class SqlDeliveryIntake:
    """See ports.webhooks.DeliveryIntake."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add(
        self, deliveries: Sequence[NewDelivery], follower: Follower, before: int, after: int, lease: Lease, now: int
    ) -> None:
        rows = [(new.hook, new.lane, new.event, new.kind, new.facts, now, now + LIVES) for new in deliveries]

        async def script(tx: Session) -> None:
            await moved(tx, follower, before, after, lease)
            if rows:
                await tx.many("delivery_add", rows)

        # Durable where anything is added: ids that receivers have seen must not be given to other events.
        await self._engine.write(script, durable=bool(rows), changes=False)


class SqlDeliveryQueue:
    """See ports.webhooks.DeliveryQueue."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def waiting(self) -> tuple[Waiting, ...]:
        return tuple(Waiting(hook, Health(*health)) for hook, *health in await self._reader.all("delivery_waiting"))

    async def lanes(self, hook: str, now: int, limit: int) -> tuple[str, ...]:
        return tuple(lane for (lane,) in await self._reader.all("delivery_lanes", hook, now, limit))

    async def of_lane(self, hook: str, lane: str, limit: int) -> tuple[Delivery, ...]:
        return tuple(map(_delivery, await self._reader.all("delivery_of_lane", hook, lane, limit)))

    async def record(self, delivery: Delivery, outcome: Outcome, by: By, lease: Lease) -> None:
        attempt, health = outcome.attempt, outcome.health
        what = (outcome.state.value, outcome.due_at, attempt.number, attempt.at, attempt.status, attempt.error)

        async def steps(tx: Session, ledger: Ledger) -> None:
            await hold(tx, lease)
            if await tx.one("delivery_attempted", delivery.id, *what) is None:
                return  # its hook was removed meanwhile, or it was too late
            await tx.run("delivery_attempt_add", delivery.id, *_attempt(attempt))
            if health != WELL:
                await tx.run("webhook_health_put", delivery.hook, *_health(health))
            elif outcome.state is DeliveryState.DELIVERED:
                await tx.run("webhook_health_forget", delivery.hook)
            if outcome.paused:
                ledger.event(
                    EventKind.WEBHOOK_PAUSED, delivery.path, subject=f"webhook {delivery.name}", detail=health.error
                )

        await self._engine.write(recorded(by, steps), durable=outcome.paused, changes=False)

    async def abandon(self, hook: str, error: str, now: int, limit: int, lease: Lease) -> int:
        async def script(tx: Session) -> int:
            await hold(tx, lease)
            await tx.run("webhook_health_forget", hook)
            return len(await tx.all("delivery_abandon", hook, now, error, limit))

        return await self._engine.write(script, durable=False, changes=False)

    async def expire(self, before: int, error: str, now: int, limit: int, lease: Lease) -> int:
        async def script(tx: Session) -> int:
            await hold(tx, lease)
            return len(await tx.all("delivery_expire", before, now, error, limit))

        return await self._engine.write(script, durable=False, changes=False)

    async def sweep(self, before: int, limit: int, lease: Lease) -> int:
        async def script(tx: Session) -> int:
            await hold(tx, lease)
            gone = [number for (number,) in await tx.all("delivery_over", before, limit)]
            if gone:
                await tx.run("delivery_attempts_forget", each(gone))
                await tx.run("delivery_forget", each(gone))
            return len(gone)

        return await self._engine.write(script, durable=False, changes=False)


class SqlDeliveryLog:
    """See ports.webhooks.DeliveryLog."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def page(self, hook: str, page: PageRequest, *, dead: bool) -> Page[Delivery]:
        statement = "delivery_page_dead" if dead else "delivery_page"
        rows = await self._reader.all(statement, hook, after_number(page) or _ENDLESS, page.size + 1)
        return await weighed(self._reader, rows, "deliveries_of_page", _delivery, page)

    async def get(self, id: int) -> Delivery | None:  # noqa: A002 - its name in the port
        row = await self._reader.one("delivery_get", id)
        return _delivery(row) if row else None

    async def attempts(self, id: int) -> tuple[Attempt, ...]:  # noqa: A002
        rows = await self._reader.all("delivery_attempts_of", id, ATTEMPTS_MAX)
        return tuple(Attempt(*row) for row in reversed(rows))

    async def tried(self, delivery: NewDelivery, attempt: Attempt, state: DeliveryState, by: By) -> Delivery:
        new = (delivery.hook, delivery.lane, delivery.event, delivery.kind, delivery.facts, state.value)

        async def steps(tx: Session, ledger: Ledger) -> Delivery:
            row = await tx.one("delivery_tried", *new, attempt.at, attempt.status, attempt.error)
            assert row is not None
            await tx.run("delivery_attempt_add", row[0], *_attempt(attempt))
            made = await tx.one("delivery_get", row[0])
            assert made is not None
            tried = _delivery(made)
            ledger.event(EventKind.WEBHOOK_TESTED, tried.path, subject=f"webhook {tried.name}", detail=_said(attempt))
            return tried

        return await self._engine.write(recorded(by, steps), changes=False)

    async def redeliver(self, id: int, expires_at: int, by: By) -> Delivery | None:  # noqa: A002
        async def steps(tx: Session, ledger: Ledger) -> Delivery | None:
            row = await tx.one("delivery_lock", id)
            if row is None:
                return None
            there = _delivery(row)
            await tx.run("delivery_again", id, by.at, expires_at)
            ledger.event(
                EventKind.WEBHOOK_REDELIVERED, there.path, subject=f"webhook {there.name}", detail=f"delivery {id}"
            )
            again = await tx.one("delivery_get", id)
            assert again is not None
            return _delivery(again)

        return await self._engine.write(recorded(by, steps), changes=False)

    async def last(self, key: str) -> str:
        row = await self._reader.one("delivery_hook_last", key, f"{key}:", f"{key};")
        assert row is not None
        return row[0] or row[1] or ""

    async def health(self, hook: str) -> Health:
        row = await self._reader.one("webhook_health", hook)
        return Health(*row) if row else WELL

    async def troubled(self, limit: int) -> tuple[Troubled, ...]:
        rows = await self._reader.all("webhook_troubled", limit, DEAD_MAX, TEST)
        return tuple(Troubled(hook, Health(*health), dead) for hook, *health, dead in rows)

    async def resume(self, hook: str, by: By) -> None:
        path, name = place_of(hook)

        async def steps(tx: Session, ledger: Ledger) -> None:
            await tx.run("webhook_health_forget", hook)
            ledger.event(EventKind.WEBHOOK_RESUMED, path, subject=f"webhook {name}")

        await self._engine.write(recorded(by, steps), changes=False)

    async def backlog(self) -> Backlog:
        row = await self._reader.one("delivery_backlog")
        assert row is not None
        pending, expires, dead, paused = row
        return Backlog(pending, expires - LIVES if pending else 0, dead, paused)


def webhooks_on(engine: Engine) -> WebhookStore:
    """Every role of deliveries on one engine."""
    return WebhookStore(SqlDeliveryIntake(engine), SqlDeliveryQueue(engine), SqlDeliveryLog(engine))


def _delivery(row: Row) -> Delivery:
    number, hook, lane, event, kind, facts, state, *rest = row
    return Delivery(number, hook, lane, event, kind, bytes(facts), DeliveryState(state), *rest)


def _attempt(attempt: Attempt) -> Row:
    return attempt.number, attempt.at, attempt.took, attempt.status, attempt.answer, attempt.error


def _health(health: Health) -> Row:
    return health.failures, health.failing_since, health.resting_until, health.paused_at, health.error


def _said(attempt: Attempt) -> str:
    return f"answered {attempt.status}" if attempt.status else attempt.error
