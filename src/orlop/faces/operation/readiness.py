"""Whether the stores work, by trying them, no more often than once a second."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from orlop.domain.errors import RegistryError, StoreRefusesWrites

#: How long one result is good for, and how long one check may take, in seconds.
REUSE = 1.0
PATIENCE = 5.0


class Readiness(msgspec.Struct, frozen=True):
    """What was found: `checks` has `ok` or the reason for each store."""

    ready: bool
    checks: dict[str, str]


class StoreChecks:
    """Runs the checks of the stores, all at once, and shares the result among everybody who asks meanwhile."""

    def __init__(self, checks: Mapping[str, Callable[[], Awaitable[None]]], patience: float = PATIENCE) -> None:
        self._checks = checks
        self._patience = patience
        self._latest = Readiness(ready=False, checks={})
        self._good_until = 0.0
        self._running = asyncio.Lock()

    async def result(self) -> Readiness:
        """A result that is at most a second old."""
        async with self._running:
            if time.monotonic() >= self._good_until:
                reasons = await asyncio.gather(*(self._reason(check) for check in self._checks.values()))
                self._latest = Readiness(
                    ready=all(serves for serves, _ in reasons),
                    checks=dict(zip(self._checks, (reason for _, reason in reasons), strict=True)),
                )
                self._good_until = time.monotonic() + REUSE
            return self._latest

    async def _reason(self, check: Callable[[], Awaitable[None]]) -> tuple[bool, str]:
        """Whether the store serves, and what it says. One that takes no writes still serves pulls, and balancers shall
        let them."""
        try:
            async with asyncio.timeout(self._patience):
                await check()
        except StoreRefusesWrites as refusal:
            return True, refusal.message
        except RegistryError as error:
            return False, error.message
        except TimeoutError:
            return False, f"no answer within {self._patience:g} seconds"
        return True, "ok"
