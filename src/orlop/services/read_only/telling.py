"""Tells of read-only mode as events: once for all processes that come to know of the same change.

Of switches they all know the same, so each compares what was told last with what is set. What a store says one process
hears, others perhaps as well: a change that began before the last one that was told is a part of that one. Where the
store is the catalog, nothing can be told before it takes writes again; then both changes are, with their times.
"""

from collections import deque

from orlop.domain.errors import RegistryError, StoreRefusesWrites
from orlop.domain.read_only import READ_ONLY, ReadOnlyCause, standing_of
from orlop.ports.by import By
from orlop.ports.clock import Clock
from orlop.ports.read_only import ReadOnlyRecord
from orlop.ports.settings import Documents
from orlop.services.read_only.mode import ReadOnlyMode
from orlop.services.settings.in_force import holding

#: How often a process looks, in seconds.
LOOKED_EVERY = 0.5
#: So many changes of a store are remembered that could not be told yet.
_MOST = 32


class ReadOnlyTelling:
    """For one process."""

    def __init__(self, mode: ReadOnlyMode, record: ReadOnlyRecord, documents: Documents, clock: Clock) -> None:
        self._mode = mode
        self._record = record
        self._documents = documents
        self._clock = clock
        self._switched: bool | None = None
        self._begun = False
        self._heard: deque[tuple[int, str]] = deque(maxlen=_MOST)
        if mode.stores is not None:
            mode.stores.heard = self._hear

    async def look(self) -> None:
        """Tell of what has changed. What cannot be told now is told the next time."""
        try:
            await self._of_switches()
            await self._of_stores()
        except RegistryError:
            return

    async def _of_switches(self) -> None:
        if (await self._mode.switched() is not None) is self._switched:
            return
        # What was told first, then what is set: a change in between makes the version another.
        told = await self._record.told(ReadOnlyCause.SWITCH)
        found = holding(READ_ONLY, await self._documents.covering(READ_ONLY.kind, ""))
        standing = standing_of(tuple(each.body for each in found), self._clock.now())
        reason = standing.reason if standing is not None else ""
        if bool(reason) is told.holds or await self._record.tell(
            ReadOnlyCause.SWITCH, told.version, reason, self._by(self._clock.now())
        ):
            self._switched = bool(reason)

    async def _of_stores(self) -> None:
        if not self._begun:
            await self._begin()
        while self._heard:
            at, reason = self._heard[0]
            told = await self._record.told(ReadOnlyCause.STORE)
            is_part = bool(reason) is told.holds or (bool(reason) and at <= told.changed_at)
            if is_part or await self._record.tell(ReadOnlyCause.STORE, told.version, reason, self._by(at)):
                self._heard.popleft()

    async def _begin(self) -> None:
        """A process that said it may have ended before the store took writes again: whoever begins tries it."""
        told, stores = await self._record.told(ReadOnlyCause.STORE), self._mode.stores
        if told.holds and stores is not None and not await stores.is_refused(StoreRefusesWrites(told.reason)):
            self._hear("")
        self._begun = True

    def _hear(self, reason: str) -> None:
        self._heard.append((self._clock.now(), reason))

    def _by(self, at: int) -> By:
        return By("", at)
