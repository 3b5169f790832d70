"""Sends the audit log on, as it grows: a follower of the log, at least once, in order, with a little memory.

What could not be sent is sent again, after a pause that grows (services.jobs.lasting_work); meanwhile it waits in
the log itself, for as long as that is kept.
"""

from collections.abc import Sequence

from orlop.domain.audit import Chained
from orlop.ports.audit import AuditReader, AuditSink
from orlop.ports.clock import Clock
from orlop.ports.following import Cursors, Follower, Stream
from orlop.ports.jobs import Lease
from orlop.services.following.follow import Following
from orlop.services.following.known import forwarding

#: Entries and heads of one batch.
_TOGETHER = 200


class AuditForward:
    """Forwards to one sink under a name of its own, for the holder of the lease of its follower."""

    def __init__(self, name: str, reader: AuditReader, cursors: Cursors, clock: Clock, sink: AuditSink) -> None:
        self.follower = forwarding(name)
        self._heads = Follower(f"{name}/heads", Stream.AUDIT, f"{name}/heads", self.follower.job)
        self._reader = reader
        self._cursors = cursors
        self._sink = sink
        self._following = Following[Chained](
            self.follower,
            cursors,
            clock,
            read=reader.after,
            position=lambda chained: chained.entry.sequence,
            take=self._send,
            together=_TOGETHER,
        )

    async def step(self, lease: Lease) -> int:
        """Send what is new; how many entries. Raises Unavailable, Stale."""
        sent = await self._following.step(lease)
        # Heads that were signed after all their entries had been sent.
        await self._send_heads((), await self._cursors.position(self.follower), lease)
        return sent

    async def close(self) -> None:
        """Let go of the sink."""
        await self._sink.close()

    async def _send(self, entries: Sequence[Chained], before: int, lease: Lease) -> None:
        upto = entries[-1].entry.sequence
        await self._send_heads(entries, upto, lease, moving=before)

    async def _send_heads(self, entries: Sequence[Chained], upto: int, lease: Lease, moving: int | None = None) -> None:
        """Entries with the heads that vouch for what was sent up to an entry: never a head before that."""
        heads_at = await self._cursors.position(self._heads)
        heads = [head for head in await self._reader.heads(heads_at, _TOGETHER) if head.sequence <= upto]
        if not entries and not heads:
            return
        await self._sink.send(entries, heads)
        if moving is not None:
            await self._cursors.advance(self.follower, moving, upto, lease)
        if heads:
            await self._cursors.advance(self._heads, heads_at, heads[-1].sequence, lease)
