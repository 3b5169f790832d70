"""Sends the audit log on, as it grows: at least once, in order, from where it stood, with a little memory.

What could not be sent is sent again, after a pause that grows (services.jobs.lasting_work); meanwhile it waits in
the log itself, for as long as that is kept.
"""

from orlop.ports.audit import AuditReader, AuditSink, Positions
from orlop.ports.jobs import Lease

#: Entries and heads of one batch, and batches of one step, which has to be short beside a lease.
_TOGETHER, _BATCHES = 200, 10


class AuditForward:
    """Forwards to one sink under a name of its own, for the holder of the lease on `forward-<name>`."""

    def __init__(self, name: str, reader: AuditReader, positions: Positions, sink: AuditSink) -> None:
        self.job = f"forward-{name}"
        self._name = name
        self._reader = reader
        self._positions = positions
        self._sink = sink

    async def step(self, lease: Lease) -> int:
        """Send what is new; how many entries. Raises Unavailable, Stale."""
        sent = 0
        entries_at = await self._positions.position(self._name)
        heads_at = await self._positions.position(self._heads)
        for _ in range(_BATCHES):
            entries = await self._reader.after(entries_at, _TOGETHER)
            upto = entries[-1].entry.sequence if entries else entries_at
            # Never a head before what it vouches for.
            heads = [head for head in await self._reader.heads(heads_at, _TOGETHER) if head.sequence <= upto]
            if not entries and not heads:
                break
            await self._sink.send(entries, heads)
            if entries:
                entries_at = upto
                await self._positions.advance(self._name, entries_at, lease)
            if heads:
                heads_at = heads[-1].sequence
                await self._positions.advance(self._heads, heads_at, lease)
            sent += len(entries)
        return sent

    @property
    def _heads(self) -> str:
        return f"{self._name}/heads"

    async def close(self) -> None:
        """Let go of the sink."""
        await self._sink.close()
