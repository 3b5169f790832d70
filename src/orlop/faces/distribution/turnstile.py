"""Counts who goes through: limits how often somebody may, and tells the audit log of refusals and pulls."""

import asyncio
from contextlib import AbstractContextManager, nullcontext, suppress

import msgspec

from orlop.domain.access import Caller
from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError
from orlop.domain.limits import Allowance
from orlop.faces.distribution import request as requests
from orlop.faces.http.responses import Response
from orlop.faces.http.sending import LARGE
from orlop.ports.catalog import Pull
from orlop.services.audit.notices import Notices
from orlop.services.gates.pulls import Passed
from orlop.services.limits.rates import LATE, FairShare, NoPlace, RateKind, RateLimits, Seat, Slow

#: What requests count as, beside requests; only a GET of a manifest is a pull.
_KINDS = {requests.RequestKind.MANIFEST_GET: RateKind.PULL, requests.RequestKind.UPLOAD_START: RateKind.UPLOAD}

#: How often, and how many seconds apart, a place to get a blob is asked for: longer than it takes to be LATE.
_TRIES, _PAUSE = 15, 0.2


class _Waiter:
    """Somebody who waits for a place. When all wait who may, the next does so instead of who has for the longest."""

    def __init__(self) -> None:
        self._left = _TRIES
        self._waited = 0

    @property
    def late(self) -> float:
        """See Slow."""
        return LATE + self._waited

    @property
    def goes_on(self) -> bool:
        """Whether to try once more."""
        self._waited += 1
        return self._waited <= self._left

    def cut(self) -> None:
        """See Slow."""
        self._left = 0


class Turnstile(msgspec.Struct, frozen=True):
    """`limits` is None where nothing is limited: then there is nothing to count. `uploads` and `readers` are the places
    of those who send and get blobs, since what these hold open is bounded (domain.open_files); `waiting` are those to
    wait at for one to get a blob."""

    notices: Notices
    limits: RateLimits | None
    uploads: FairShare
    lists: FairShare
    readers: FairShare
    waiting: FairShare

    def admit(self, caller: Caller, kind: requests.RequestKind, method: str) -> Allowance | None:
        """Count a request. Raises TooManyRequests."""
        if self.limits is None:
            return None
        counted = RateKind.REQUEST if method == "HEAD" else _KINDS.get(kind, RateKind.REQUEST)
        return self.limits.admit(caller, counted)

    def upload(self, caller: Caller, pace: Slow | None) -> AbstractContextManager[None]:
        """A place to upload until the block ends. Raises TooManyRequests."""
        return self.uploads.place(caller, pace)

    async def seat(self, caller: Caller, pace: Slow | None) -> Seat:
        """A place to get a blob, for who comes when there is none: they may wait for a moment, in which whoever keeps
        one waiting loses it. Raises NoPlace."""
        waiter = _Waiter()
        with self.waiting.place(caller, waiter):
            while waiter.goes_on:
                await asyncio.sleep(_PAUSE)
                with suppress(NoPlace):
                    return self.readers.take(caller, pace)
        return self.readers.take(caller, pace)

    def held(self, caller: Caller, response: Response) -> AbstractContextManager[None]:
        """A place for a list while it is sent, if it is large: whoever does not read it keeps it in memory. Raises
        TooManyRequests."""
        return self.lists.place(caller) if len(response.body) > LARGE else nullcontext()

    def pulled(self, caller: Caller, pull: Pull, method: str) -> None:
        """Somebody gets a manifest, not only its headers."""
        if method == "GET":
            self.notices.pulled(caller, pull.repository, pull.digest, pull.tag or "")

    def read(self, caller: Caller, repository: str, digest: Digest, method: str) -> None:
        """Somebody gets a blob, or a part of one, not only its headers."""
        if method == "GET":
            self.notices.pulled(caller, repository, digest, blob=True)

    def held_back(self, caller: Caller, pull: Pull, passed: Passed) -> None:
        """Somebody gets a manifest of which a gate warns, or which it holds back from others."""
        self.notices.warned(caller, pull.repository, pull.digest, pull.tag or "", passed.warning)

    def refused(self, caller: Caller, refusal: RegistryError) -> None:
        """Somebody is answered with an error."""
        if refusal.refused is not None:
            self.notices.noted(caller, refusal)
