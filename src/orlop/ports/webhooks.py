"""Webhooks: what is to be delivered and became of it, as rows; and who sends."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from orlop.domain.pages import Page, PageRequest
from orlop.domain.webhooks.facts import TEST
from orlop.domain.webhooks.schedule import Health
from orlop.ports.catalog import By
from orlop.ports.following import Follower
from orlop.ports.jobs import Lease
from orlop.ports.settings import place_of

#: As many attempts of a delivery are told: a day has fewer, but it may be sent again as often as somebody likes.
ATTEMPTS_MAX = 100


class DeliveryState(StrEnum):
    """What became of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    """It is not tried any more; somebody may have it sent again."""


class NewDelivery(msgspec.Struct, frozen=True):
    """An event for a hook. Those of one lane of a hook are delivered in order."""

    hook: str
    """ports.settings.Document.identity: of one that was removed, nothing is that of one made anew under its name."""
    lane: str
    """The repository; empty for events of none."""
    event: int
    kind: str
    facts: bytes
    """domain.webhooks.facts.Facts, as JSON."""


class Delivery(msgspec.Struct, frozen=True):
    """An event for a hook, and what became of it. Times are in microseconds since 1970, 0 for never."""

    id: int
    hook: str
    lane: str
    event: int
    kind: str
    facts: bytes
    state: DeliveryState
    created_at: int
    due_at: int
    expires_at: int
    attempts: int = 0
    tried_at: int = 0
    status: int = 0
    """What the receiver answered last; 0: nothing."""
    error: str = ""

    @property
    def message(self) -> str:
        """Its id to the receiver, the same for each attempt; that of a test is not kept."""
        return f"msg_{self.id}" if self.kind != TEST else ""

    @property
    def path(self) -> str:
        """The node of the hook."""
        return place_of(self.hook)[0]

    @property
    def name(self) -> str:
        """The name of the hook."""
        return place_of(self.hook)[1]


class Answer(msgspec.Struct, frozen=True):
    """What came back: a status and the beginning of a body, or why there is none."""

    status: int = 0
    body: str = ""
    error: str = ""

    @property
    def fine(self) -> bool:
        """Whether the receiver has taken it."""
        return 200 <= self.status < 300 and not self.error


class Attempt(msgspec.Struct, frozen=True):
    """One attempt to deliver. `took` is in microseconds."""

    number: int
    at: int
    took: int
    status: int
    answer: str
    error: str


class Outcome(msgspec.Struct, frozen=True):
    """What an attempt makes of a delivery and of its hook."""

    state: DeliveryState
    due_at: int
    attempt: Attempt
    health: Health
    paused: bool = False
    """It is this attempt that pauses the hook."""


class Waiting(msgspec.Struct, frozen=True):
    """A hook with deliveries that are pending."""

    hook: str
    health: Health


class Backlog(msgspec.Struct, frozen=True):
    """What is to be delivered in all."""

    pending: int = 0
    oldest_at: int = 0
    """When the oldest of these happened, or was sent again by somebody; 0: there is none."""
    dead: int = 0
    paused: int = 0


class Troubled(msgspec.Struct, frozen=True):
    """A hook that fails, or that deliveries were given up of: so many, counted up to DEAD_MAX, and tests not."""

    hook: str
    health: Health
    dead: int


#: So far it is counted what was given up of a hook.
DEAD_MAX = 100


class DeliveryIntake(Protocol):
    """Where deliveries come from."""

    async def add(
        self, deliveries: Sequence[NewDelivery], follower: Follower, before: int, after: int, lease: Lease, now: int
    ) -> None:
        """Add deliveries and move the follower's cursor, in one durable transaction. Raises Stale as Cursors do."""


class DeliveryQueue(Protocol):
    """Deliveries for the one process that delivers: the one with the lease."""

    async def waiting(self) -> tuple[Waiting, ...]:
        """Hooks that something is pending for."""
        ...

    async def lanes(self, hook: str, now: int, limit: int) -> tuple[str, ...]:
        """Lanes of a hook whose first pending delivery is due, the oldest first."""
        ...

    async def of_lane(self, hook: str, lane: str, limit: int) -> tuple[Delivery, ...]:
        """What is pending of a lane, in order."""
        ...

    async def record(self, delivery: Delivery, outcome: Outcome, by: By, lease: Lease) -> None:
        """Write down an attempt. Raises Stale when the lease is lost."""

    async def abandon(self, hook: str, error: str, now: int, limit: int, lease: Lease) -> int:
        """Give up what is pending of a hook that is no more; how many. Raises Stale."""
        ...

    async def expire(self, before: int, error: str, now: int, limit: int, lease: Lease) -> int:
        """Give up what should have been delivered before a time; how many. Raises Stale."""
        ...

    async def sweep(self, before: int, limit: int, lease: Lease) -> int:
        """Forget up to `limit` deliveries that are not pending and were made before a time; how many. Raises Stale."""
        ...


class DeliveryLog(Protocol):
    """Deliveries for people."""

    async def page(self, hook: str, page: PageRequest, *, dead: bool) -> Page[Delivery]:
        """Those of a hook, newest first; the key is the id. `dead`: only those that were given up."""
        ...

    async def last(self, key: str) -> str:
        """The identity of the last hook of a place and name (`PATH:NAME`) that anything is known of; empty: of none."""
        ...

    async def get(self, id: int) -> Delivery | None:  # noqa: A002
        """One of them."""
        ...

    async def attempts(self, id: int) -> tuple[Attempt, ...]:  # noqa: A002
        """The last ATTEMPTS_MAX attempts, oldest first."""
        ...

    async def tried(self, delivery: NewDelivery, attempt: Attempt, state: DeliveryState, by: By) -> Delivery:
        """Write down a test, which is over."""
        ...

    async def redeliver(self, id: int, expires_at: int, by: By) -> Delivery | None:  # noqa: A002
        """Have it sent again from now on, with its id; None when there is none."""
        ...

    async def health(self, hook: str) -> Health:
        """How a hook fares."""
        ...

    async def troubled(self, limit: int) -> tuple[Troubled, ...]:
        """Up to `limit` hooks that something is wrong with, also such as were removed."""
        ...

    async def resume(self, hook: str, by: By) -> None:
        """Let a hook be as one that never failed."""

    async def backlog(self) -> Backlog:
        """What is to be delivered in all."""
        ...


class Outgoing(msgspec.Struct, frozen=True):
    """A request to be sent. Certificates and key are PEM, empty for none of one's own."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    ca: str = ""
    certificate: str = ""
    key: str = ""

    def __repr__(self) -> str:
        return f"Outgoing({len(self.body)} bytes)"


class WebhookSender(Protocol):
    """Sends."""

    async def send(self, outgoing: Outgoing) -> Answer:
        """One request, bounded in time; whatever goes wrong is told in the answer."""
        ...

    async def close(self) -> None:
        """Let go of connections."""


class WebhookStore(msgspec.Struct, frozen=True):
    """Every role of deliveries on one catalog."""

    intake: DeliveryIntake
    queue: DeliveryQueue
    log: DeliveryLog
