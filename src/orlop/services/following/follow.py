"""Takes a follower along its stream, a batch at a time, for the process that holds its lease."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from orlop.domain.errors import RegistryError, Stale
from orlop.domain.events import Event
from orlop.ports.catalog import Outbox
from orlop.ports.clock import Clock
from orlop.ports.following import Cursors, Follower
from orlop.ports.jobs import Lease

T = TypeVar("T")

#: Batches of one step, which has to be short beside a lease.
_BATCHES = 10
#: What is told of a defect, whose words are for the log.
_DEFECT = "a defect of the registry, which its log describes"


class Following(Generic[T]):
    """`read` gives what stands behind a position, up to a number of items, and `position` says where one stands.

    `take` does with a batch what is to be done and moves the cursor from where it stood to the last of it, in one
    transaction where it can. A batch that fails is taken item by item, so that the one that cannot be taken is known;
    the step then fails, again and again, until it can be or somebody skips it.
    """

    def __init__(
        self,
        follower: Follower,
        cursors: Cursors,
        clock: Clock,
        *,
        read: Callable[[int, int], Awaitable[Sequence[T]]],
        position: Callable[[T], int],
        take: Callable[[Sequence[T], int, Lease], Awaitable[None]],
        together: int,
    ) -> None:
        self.follower = follower
        self._cursors = cursors
        self._clock = clock
        self._read = read
        self._position = position
        self._take = take
        self._together = self._now_together = together
        self._registered = False

    async def step(self, lease: Lease) -> int:
        """Take what is new; how many items. Raises Stale, and what taking fails with."""
        if not self._registered:
            await self._cursors.register(self.follower)
            self._registered = True
        taken = 0
        for _ in range(_BATCHES):
            before = await self._cursors.position(self.follower)
            items = await self._read(before, self._now_together)
            if not items:
                break
            try:
                await self._take(items, before, lease)
            except Stale:
                raise
            except Exception as error:
                self._now_together = 1
                if len(items) == 1:  # of several it is not known which it is, until they are taken one by one
                    position = self._position(items[0])
                    await self._cursors.stumble(self.follower, position, told(error), self._clock.now())
                raise
            taken += len(items)
            self._now_together = min(self._now_together * 2, self._together)
        return taken


def of_events(
    follower: Follower,
    outbox: Outbox,
    cursors: Cursors,
    clock: Clock,
    take: Callable[[Sequence[Event], int, Lease], Awaitable[None]],
    together: int,
) -> Following[Event]:
    """One that follows the events of the catalog."""
    return Following(
        follower,
        cursors,
        clock,
        read=outbox.events,
        position=lambda event: event.id,
        take=take,
        together=together,
    )


def told(error: Exception) -> str:
    """What a failure says to administrators."""
    return error.message if isinstance(error, RegistryError) else _DEFECT


def noted(
    follower: Follower, cursors: Cursors, clock: Clock, step: Callable[[Lease], Awaitable[int]]
) -> Callable[[Lease], Awaitable[int]]:
    """A step of a follower that moves its cursor by itself: what it fails at is noted, and that it does no more."""
    failing = True  # perhaps a process before this one noted something

    async def watched(lease: Lease) -> int:
        nonlocal failing
        try:
            done = await step(lease)
        except Stale:
            raise
        except Exception as error:
            failing = True
            position = await cursors.position(follower)
            await cursors.stumble(follower, position + 1, told(error), clock.now())
            raise
        if failing:
            await cursors.recover(follower)
            failing = False
        return done

    return watched
