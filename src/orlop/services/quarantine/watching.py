"""Watches for what may let something out of quarantine: a follower of the outbox."""

from collections.abc import Awaitable, Callable, Sequence

from orlop.domain.access.spans import EVERYTHING, NameSpan, only
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
#: Rules and gates may be others after these.
_RULES = frozenset({EventKind.DOCUMENT_CHANGED, EventKind.DOCUMENT_DELETED, EventKind.EXCEPTION_EXPIRED})
#: What they say of an image may be another after these, too: a push may be a signature.
_MOVING = _RULES | frozenset(
    {EventKind.QUARANTINE_HELD, EventKind.MANIFEST_PUSHED, EventKind.MANIFEST_DELETED, EventKind.TAG_SET}
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

    async def known(self, within: Sequence[NameSpan] = (EVERYTHING,)) -> None:
        """More is known of images, of these repositories."""
        if await self._rows.page(within, HeldState.WAITING, 0, 1):
            await self._news()

    async def _take(self, events: Sequence[Event], before: int, lease: Lease) -> None:
        moving = [event for event in events if event.kind in _MOVING]
        if any(event.kind in _RULES for event in moving):
            await self.known()
        elif moving:  # what is pushed or tagged says something of what lies beside it
            await self.known([only(name) for name in sorted({event.repository for event in moving})])
        await self._cursors.advance(known.QUARANTINE, before, events[-1].id, lease)
