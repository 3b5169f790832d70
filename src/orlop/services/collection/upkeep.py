"""What keeps the registry tidy by itself: abandoned uploads are cleared away, garbage collected, pulls written."""

from collections.abc import Callable

import msgspec

from orlop.ports.clock import SECOND, Clock
from orlop.services.collection.garbage import Collected, Collection
from orlop.services.content.pulls import PullLog
from orlop.services.jobs.worker import Chore, Job

#: How often sessions that nobody finished are cleared away, in microseconds; how often pulls are written, in seconds.
_EXPIRE_EVERY = 60 * SECOND
_PULLS_EVERY = 15.0


def collecting(
    collection: Collection, clock: Clock, *, every: int, grace: int, done: Callable[[Collected, float], None]
) -> tuple[Job, Job]:
    """The jobs around garbage: `every` and `grace` in microseconds; `done` is told what a run did, and its seconds."""

    async def expire() -> str:
        return f"{await collection.expire_uploads()} uploads expired"

    async def collect() -> str:
        started = clock.now()
        collected = await collection.run(grace)
        done(collected, (clock.now() - started) / SECOND)
        return msgspec.json.encode(collected).decode()

    return Job("expire-uploads", _EXPIRE_EVERY, expire), Job("collect", every, collect)


def writing_pulls(pulls: PullLog) -> Chore:
    """The chore that writes when things were pulled."""
    return Chore("pull times", _PULLS_EVERY, pulls.flush)
