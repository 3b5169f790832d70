"""Whether the stores take writes, as one process finds out: one that says that it takes none is tried, until it does.

Nobody looks at stores that have refused nothing. A write that did not fit says nothing of others: only when a small one
fails, too, the registry is read-only.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from orlop.domain.errors import RegistryError, StoreRefusesWrites

_log = structlog.get_logger("orlop.stores")

#: The pause before the second try, in seconds, twice as long each time, and at most.
_FIRST, _LONGEST = 0.5, 2.0
#: How long a try may take, in seconds.
_PATIENCE = 10.0


def _nobody(reason: str) -> None:
    """Where nobody wants to hear."""


class StoreWrites:
    """`probe` writes something small to every store, and raises StoreRefusesWrites where one takes none."""

    def __init__(
        self, probe: Callable[[], Awaitable[None]], *, first: float = _FIRST, longest: float = _LONGEST
    ) -> None:
        self._probe = probe
        self._first, self._longest = first, longest
        self._trying: asyncio.Task[None] | None = None
        self._tried_once = asyncio.Event()
        #: Why the stores take no writes, as half a sentence; empty: they do.
        self.reason = ""
        #: Called with the reason when they take none any more, and with nothing when they do again.
        self.heard: Callable[[str], None] = _nobody

    def failed(self, failure: RegistryError) -> None:
        """A write failed so; when that is because a store takes none, it is tried in the background."""
        if isinstance(failure, StoreRefusesWrites) and self._trying is None:
            self._tried_once.clear()
            self._trying = asyncio.ensure_future(self._try())
            self._trying.add_done_callback(self._tried)

    async def is_refused(self, failure: RegistryError) -> bool:
        """The same, and whether the stores take none, as the first try says."""
        if not isinstance(failure, StoreRefusesWrites):
            return False
        self.failed(failure)
        await self._tried_once.wait()
        return bool(self.reason)

    async def close(self) -> None:
        """Stop trying."""
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.wait({self._trying})

    def _tried(self, task: asyncio.Task[None]) -> None:
        self._trying = None
        if not task.cancelled() and task.exception() is not None:
            _log.error("the stores were not tried to the end", exc_info=task.exception())

    async def _try(self) -> None:
        pause = self._first
        try:
            while refusal := await self._refusal():
                if not self.reason:
                    _log.error("the registry is read-only, until the store takes writes again", reason=refusal)
                    self.heard(refusal)
                self.reason = refusal
                self._tried_once.set()
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._longest)
            if self.reason:
                _log.warning("the stores take writes again; the registry does, too")
                self.heard("")
        finally:
            self.reason = ""
            self._tried_once.set()

    async def _refusal(self) -> str:
        """Why a small write is not taken; empty where it is. What fails in another way is no news of that: it leaves
        things as they are."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._probe()
        except StoreRefusesWrites as refusal:
            return refusal.message.partition(";")[0]
        except (RegistryError, TimeoutError):
            return self.reason
        return ""
