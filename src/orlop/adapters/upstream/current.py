"""Credentials that may change while a registry is talked to: kept elsewhere, or tokens that end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from orlop.adapters.upstream.credentials import Credentials
from orlop.adapters.upstream.refusals import Refusals
from orlop.domain.errors import Denied, TooManyRequests, Unauthorized, Unavailable
from orlop.ports.upstream import UpstreamError

#: What is kept elsewhere is looked at again after so many seconds, and whenever it was refused.
HELD = 30.0
#: Tokens are renewed this long before their end, in seconds, or in the last tenth of their time.
_MARGIN = 300.0
#: A token that was refused although it is younger than this, in seconds, would be followed by one that is refused, too.
_YOUNG = 60.0
#: A token that ends sooner than it can be used is kept for so long all the same.
_SHORTEST = 10.0


class CurrentCredentials(Protocol):
    """Whom to be at a registry, now."""

    async def current(self) -> Credentials | None:
        """None: nobody. Raises UpstreamError, Unauthorized."""
        ...

    def refuse(self, credentials: Credentials) -> None:
        """The registry did not take these."""
        ...


class Fixed:
    """See CurrentCredentials: always the same."""

    def __init__(self, credentials: Credentials | None) -> None:
        self._credentials = credentials

    async def current(self) -> Credentials | None:
        return self._credentials

    def refuse(self, credentials: Credentials) -> None:
        """There are no others."""


class Fetched:
    """See CurrentCredentials: kept elsewhere, from where `fetch` reads them, which may block."""

    def __init__(self, fetch: Callable[[], Credentials], monotonic: Callable[[], float]) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._held: Credentials | None = None
        self._until = 0.0

    async def current(self) -> Credentials | None:
        if self._held is None or self._until <= self._monotonic():
            self._held = await asyncio.to_thread(self._fetch)
            self._until = self._monotonic() + HELD
        return self._held

    def refuse(self, credentials: Credentials) -> None:
        if credentials == self._held:
            self._until = 0.0


class Lent(msgspec.Struct, frozen=True):
    """Credentials that end."""

    credentials: Credentials
    seconds: float
    """How long they are good for."""


class Renewed:
    """See CurrentCredentials: lent by `lend`, one question at a time, and asked for anew before they end.

    A refusal by `lend` is kept for a while. While it is away, what it lent is used to its end.
    """

    def __init__(self, lend: Callable[[], Awaitable[Lent]], monotonic: Callable[[], float]) -> None:
        self._lend = lend
        self._monotonic = monotonic
        self._turn = asyncio.Lock()
        self._refusals = Refusals(monotonic, careful=True)
        self._held: Credentials | None = None
        self._held_since = self._renew_at = self._ends_at = 0.0

    async def current(self) -> Credentials | None:
        async with self._turn:
            if self._held is None or self._renew_at <= self._monotonic():
                self._refusals.check()
                try:
                    await self._renew()
                except (UpstreamError, Unavailable, TooManyRequests):
                    if self._held is None or self._ends_at <= self._monotonic():
                        raise
                    self._renew_at = self._monotonic() + _SHORTEST
            return self._held

    def refuse(self, credentials: Credentials) -> None:
        if credentials == self._held and self._held_since + _YOUNG <= self._monotonic():
            self._held = None

    async def _renew(self) -> None:
        asked_at = self._monotonic()
        try:
            lent = await self._lend()
        except (Unauthorized, Denied) as refusal:
            self._refusals.refused(refusal)
            raise
        self._refusals.accepted()
        margin = min(_MARGIN, lent.seconds / 10)
        self._held, self._held_since = lent.credentials, asked_at
        self._renew_at = asked_at + max(lent.seconds - margin, _SHORTEST)
        self._ends_at = asked_at + lent.seconds
