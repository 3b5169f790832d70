"""What waits to be done in the background, for metrics."""

from collections.abc import Awaitable, Callable, Sequence

from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.stores.opening import Stores
from orlop.domain.durations import SECOND
from orlop.ports.following import Follower
from orlop.services.following.followers import states
from orlop.telemetry.metrics import FollowerLag, QueueDepth, Waiting


def waiting(stores: Stores, followers: Sequence[Follower]) -> Callable[[], Awaitable[Waiting]]:
    """Asks the catalog. Raises Unavailable."""
    clock = SystemClock()

    def age(at: int) -> float:
        return max(0, clock.now() - at) / SECOND if at else 0.0

    async def ask() -> Waiting:
        lags = [
            FollowerLag(
                each.follower.name, each.behind, age(each.oldest_at), each.trouble.failures if each.trouble else 0
            )
            for each in await states(stores.cursors, followers)
        ]
        backlog = await stores.webhooks.log.backlog()
        jobs = [
            QueueDepth(depth.kind, depth.waiting, depth.running, depth.failed, age(depth.oldest_at or 0))
            for depth in await stores.queue.history.depths(clock.now())
        ]
        return Waiting(lags, backlog.pending, age(backlog.oldest_at), backlog.dead, backlog.paused, jobs)

    return ask
