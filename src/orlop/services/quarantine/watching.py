"""Watches for what may let something out of quarantine: a follower of the outbox."""

from collections.abc import Awaitable, Callable, Sequence

from orlop.domain.access.spans import EVERYTHING
from orlop.domain.events import Event, EventKind
from orlop.ports.catalog import Outbox
from orlop.ports.clock import Clock
from orlop.ports.following import Cursors
from orlop.ports.held import HeldPushes, HeldState
from orlop.ports.jobs import Lease
from orlop.services.following import known
from orlop.services.following.follow import of_events

#: Events of one batch.
_TOGETHER = 500
#: What rules and gates say may be another after these: a push may be a signature, a document a gate or an exception.
_MOVING = frozenset(
    {
        *(EventKind.QUARANTINE_HELD, EventKind.MANIFEST_PUSHED, EventKind.MANIFEST_DELETED, EventKind.TAG_SET),
        *(EventKind.DOCUMENT_CHANGED, EventKind.DOCUMENT_DELETED, EventKind.EXCEPTION_EXPIRED),
    }
)


class QuarantineWatch:
    """`step` is for the holder of the follower's lease; `news` is called when something waits that may come out."""

    def __init__(
        self,
        outbox: Outbox,
        cursors: Cursors,
        rows: HeldPushes,
        clock: Clock,
        news: Callable[[], Awaitable[object]],
    ) -> None:
        self._cursors = cursors
        self._rows = rows
        self._news = news
        self.step = of_events(known.QUARANTINE, outbox, cursors, clock, self._take, _TOGETHER).step

    async def known(self) -> None:
        """More is known of images."""
        if await self._rows.page((EVERYTHING,), HeldState.WAITING, 0, 1):
            await self._news()

    async def _take(self, events: Sequence[Event], before: int, lease: Lease) -> None:
        if any(event.kind in _MOVING for event in events):
            await self.known()
        await self._cursors.advance(known.QUARANTINE, before, events[-1].id, lease)
