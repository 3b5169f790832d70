"""End points about webhooks beyond those that every setting has, and about followers."""

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter

from orlop.domain.webhooks.schedule import Health
from orlop.faces.api import values
from orlop.faces.api.exchange import PAGE, ApiRequest, Last, Size, caller_of, listed, page_of, whole
from orlop.faces.api.people import Number
from orlop.faces.api.settings import At
from orlop.ports.following import FollowerState
from orlop.ports.webhooks import Attempt, Delivery
from orlop.services.following.followers import Followers
from orlop.services.management.operations import Operation
from orlop.services.webhooks.managed import Delivered, ManagedWebhooks

Dead = Annotated[bool, QueryParameter(name="dead", description="Only those that were given up.")]


class DeliveryValue(msgspec.Struct, frozen=True):
    """An event for a webhook. `state` is `pending`, `delivered` or `dead`, `status` what the receiver answered last (0:
    nothing), `error` what went wrong last; `due_at` is when it is sent next."""

    id: int
    message: str
    webhook: str
    path: str
    event: int
    kind: str
    repository: str
    state: str
    attempts: int
    status: int
    error: str
    created_at: values.Time
    tried_at: values.Time
    due_at: values.Time

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryValue":
        pending = delivery.state == "pending"
        return cls(
            id=delivery.id,
            message=delivery.message,
            webhook=delivery.name,
            path=delivery.path,
            event=delivery.event,
            kind=delivery.kind,
            repository=delivery.lane,
            state=delivery.state.value,
            attempts=delivery.attempts,
            status=delivery.status,
            error=delivery.error,
            created_at=values.time(delivery.created_at),
            tried_at=values.time(delivery.tried_at),
            due_at=values.time(delivery.due_at if pending else 0),
        )


class AttemptValue(msgspec.Struct, frozen=True):
    """One attempt. `answer` is the beginning of what the receiver said, `took` is in milliseconds."""

    number: int
    at: values.Time
    took: float
    status: int
    answer: str
    error: str

    @classmethod
    def of(cls, attempt: Attempt) -> "AttemptValue":
        took = attempt.took / 1000
        return cls(attempt.number, values.time(attempt.at), took, attempt.status, attempt.answer, attempt.error)


class DeliveredValue(msgspec.Struct, frozen=True):
    """A delivery with its last hundred attempts, oldest first."""

    delivery: DeliveryValue
    attempts: list[AttemptValue]

    @classmethod
    def of(cls, delivered: Delivered) -> "DeliveredValue":
        return cls(DeliveryValue.of(delivered.delivery), whole(delivered.attempts, AttemptValue.of))


class HealthValue(msgspec.Struct, frozen=True):
    """How a webhook fares: failures since the last success, since when, and whether it is paused for them."""

    failures: int
    failing_since: values.Time
    resting_until: values.Time
    paused_at: values.Time
    error: str

    @classmethod
    def of(cls, health: Health) -> "HealthValue":
        return cls(
            failures=health.failures,
            failing_since=values.time(health.failing_since),
            resting_until=values.time(health.resting_until),
            paused_at=values.time(health.paused_at),
            error=health.error,
        )


class TroubleValue(msgspec.Struct, frozen=True):
    """What a follower fails at: the number of an event, or of an entry of the audit log."""

    position: int
    failures: int
    since: values.Time
    at: values.Time
    error: str


class FollowerValue(msgspec.Struct, frozen=True):
    """Where a follower stands: `behind` counts what it has not read, the oldest of which is of `oldest_at`."""

    name: str
    stream: str
    position: int
    behind: int
    oldest_at: values.Time
    trouble: TroubleValue | None

    @classmethod
    def of(cls, state: FollowerState) -> "FollowerValue":
        trouble = state.trouble
        return cls(
            name=state.follower.name,
            stream=state.follower.stream.value,
            position=state.position,
            behind=state.behind,
            oldest_at=values.time(state.oldest_at),
            trouble=TroubleValue(
                trouble.position, trouble.failures, values.time(trouble.since), values.time(trouble.at), trouble.error
            )
            if trouble is not None
            else None,
        )


class Skip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a follower is to leave out: the position that it fails at."""

    position: int


def webhooks(service: ManagedWebhooks) -> list[HTTPRouteHandler]:
    """`/webhooks/{name}/…`, `/deliveries`."""
    tags = ["webhooks"]
    one = "/webhooks/{name:str}"

    @get(f"{one}/health", operation_id="showWebhookHealth", tags=tags, operation=Operation.DELIVERY_READ)
    async def show_webhook_health(request: ApiRequest, name: FromPath[str], path: At = "") -> HealthValue:
        """How it fares."""
        health = await service.health(caller_of(request), name, path)
        return HealthValue.of(health)

    @get(f"{one}/deliveries", operation_id="listDeliveries", tags=tags, operation=Operation.DELIVERY_READ)
    async def list_deliveries(
        request: ApiRequest, name: FromPath[str], n: Size = PAGE, last: Last = "", path: At = "", dead: Dead = False
    ) -> Response[list[DeliveryValue]]:
        """What was sent and is to be sent, newest first."""
        page = await service.page(caller_of(request), name, path, page_of(n, last), dead=dead)
        return listed(request, page, DeliveryValue.of, lambda delivery: str(delivery.id), n)

    @get("/deliveries/{number:int}", operation_id="showDelivery", tags=tags, operation=Operation.DELIVERY_READ)
    async def show_delivery(request: ApiRequest, number: Number) -> DeliveredValue:
        """A delivery with its attempts and what came back."""
        return DeliveredValue.of(await service.get(caller_of(request), number))

    @post(f"{one}/test", operation_id="testWebhook", tags=tags, operation=Operation.DELIVERY_SEND, status_code=200)
    async def test_webhook(request: ApiRequest, name: FromPath[str], path: At = "") -> DeliveredValue:
        """Send something that tells of nothing, and say what came back; it takes up to ten seconds."""
        return DeliveredValue.of(await service.test(caller_of(request), name, path))

    @post(f"{one}/resume", operation_id="resumeWebhook", tags=tags, operation=Operation.DELIVERY_SEND, status_code=204)
    async def resume_webhook(request: ApiRequest, name: FromPath[str], path: At = "") -> None:
        """Go on with one that was paused."""
        await service.resume(caller_of(request), name, path)

    @post(
        "/deliveries/{number:int}/redeliver",
        operation_id="redeliver",
        tags=tags,
        operation=Operation.DELIVERY_SEND,
        status_code=202,
    )
    async def redeliver(request: ApiRequest, number: Number) -> DeliveryValue:
        """Have it sent again, under the id that it had."""
        return DeliveryValue.of(await service.redeliver(caller_of(request), number))

    return [show_webhook_health, list_deliveries, show_delivery, test_webhook, resume_webhook, redeliver]


def followers(service: Followers) -> list[HTTPRouteHandler]:
    """`/followers`."""

    @get("/followers", operation_id="listFollowers", tags=["followers"], operation=Operation.FOLLOWER_READ)
    async def list_followers(request: ApiRequest) -> list[FollowerValue]:
        """What follows the changes of the registry, how far each is behind, and what it fails at."""
        return whole(await service.all(caller_of(request)), FollowerValue.of)

    @post(
        "/followers/{name:str}/skip",
        operation_id="skipEvent",
        tags=["followers"],
        operation=Operation.FOLLOWER_SKIP,
        status_code=200,
    )
    async def skip_event(request: ApiRequest, name: FromPath[str], data: JSONBody[Skip]) -> FollowerValue:
        """Have it leave out what it fails at."""
        return FollowerValue.of(await service.skip(caller_of(request), name, data.position))

    return [list_followers, skip_event]
