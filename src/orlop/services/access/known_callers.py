"""What a process remembers of those who pull, so that it need not be worked out for each of their requests.

Nothing here decides anything: what is remembered was decided a moment ago, and holds while nobody's rights change,
nothing of it has expired, and it depended neither on the time nor on the address.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from typing import Protocol

from orlop.domain.access import ANONYMOUS, Caller, Decision, Subject
from orlop.domain.errors import Unavailable
from orlop.ports.clock import SECOND, Clock
from orlop.ports.events import Changes
from orlop.services.access.decisions import NEVER, Access
from orlop.services.identity.remembered import Proof

#: How long a credential is believed without asking whether it is good, which is when its use is noted, too.
_BELIEVED = 5 * SECOND

#: How many credentials are remembered, and how many repositories for all of them together.
CREDENTIALS, PLACES = 10_000, 100_000

#: For how long the catalog is asked who somebody is, where it is remembered from before it went away, in seconds.
_PATIENCE = 0.5


class Authenticating(Protocol):
    """Finds out who asks (services.identity.authentication)."""

    async def caller(self, authorization: str, *, address: str, request: str) -> Caller:
        """The sender of this header; nobody without one. Raises Unauthorized, TooManyRequests, Unavailable."""
        ...

    def believed(self, authorization: str) -> Proof | None:
        """What the header, which was found good, proves for as long as nobody's rights change; None: it has to be
        looked at again each time."""
        ...


class KnownCaller:
    """The caller with a credential, and from where they may pull, until when.

    It is believed until `until`, and then looked at again; at `ends` it is worth nothing any more.
    """

    __slots__ = ("count", "ends", "open", "pulls", "since", "subject", "until")

    def __init__(
        self, subject: Subject, *, count: int | None, since: int, until: int, ends: int = NEVER, is_open: bool = False
    ) -> None:
        self.subject = subject
        self.count = count
        self.since = since
        self.until = until
        self.ends = ends
        self.open = is_open
        self.pulls: dict[str, int] = {}

    def may_pull(self, repository: str | None, now: int) -> bool:
        """Whether it is remembered that they may."""
        return self.open or (repository is not None and self.pulls.get(repository, 0) > now)


class KnownCallers:
    """`changes` counts changes of who may do what; `draw` gives random bytes: credentials are kept as keyed hashes.

    `grace`, in seconds: for how long after the catalog was seen last somebody is who they were then.
    """

    def __init__(
        self,
        authentication: Authenticating,
        access: Access,
        changes: Changes,
        clock: Clock,
        draw: Callable[[int], bytes],
        *,
        grace: float = 0.0,
    ) -> None:
        self._authentication = authentication
        self._access = access
        self._changes = changes
        self._clock = clock
        self._grace = grace
        self._keyed = blake2b(digest_size=32, key=draw(32))
        self._kept: OrderedDict[bytes, KnownCaller] = OrderedDict()
        self._places = 0
        self._everyone = (
            KnownCaller(ANONYMOUS, count=None, since=0, until=NEVER, is_open=True) if access.everyone else None
        )

    def key(self, authorization: bytes) -> bytes:
        """What a header is kept under, from which nobody learns it."""
        if not authorization:
            return b""
        state = self._keyed.copy()
        state.update(authorization)
        return state.digest()

    def recall(self, key: bytes, now: int) -> KnownCaller | None:
        """What is known of who sends the header with this key, if it still holds. A clock that was set back makes
        nothing hold longer."""
        if self._everyone is not None:
            return self._everyone
        standing = self._kept.get(key)
        if standing is None or not standing.since <= now < standing.until or standing.count is None:
            return None
        return standing if standing.count == self._changes.current() else None

    async def take(self, authorization: bytes, address: str, request: str, *, by_digest: bool = False) -> KnownCaller:
        """The sender of this header. `by_digest`: for something that is named by its digest, so that what is remembered
        of it cannot be wrong; then they are still who they were before the catalog went away.

        Raises Unauthorized, TooManyRequests, Unavailable.
        """
        now = self._clock.now()
        key = self.key(authorization)
        known = self.recall(key, now)
        if known is not None:
            return known
        before = self._before(key, now) if by_digest else None
        if before is None:
            return await self._look(authorization, key, address, request, now)
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._look(authorization, key, address, request, now)
        except (Unavailable, TimeoutError):
            return before

    def _before(self, key: bytes, now: int) -> KnownCaller | None:
        """The sender of the header with this key when the catalog was seen last, if that is not too long ago."""
        last = self._changes.last()
        standing = self._kept.get(key)
        if last is None or standing is None:
            return None
        count, seconds = last
        holds = standing.count == count and standing.since <= now < standing.ends and seconds < self._grace
        return standing if holds else None

    async def _look(self, authorization: bytes, key: bytes, address: str, request: str, now: int) -> KnownCaller:
        count = self._changes.current()
        text = authorization.decode("latin-1")
        caller = await self._authentication.caller(text, address=address, request=request)
        ends, believed = await self._access.ends(caller.subject), now + _BELIEVED
        if text:
            proof = self._authentication.believed(text)
            believed = min(believed, proof.until) if proof is not None else 0
            ends = min(ends, proof.ends or NEVER) if proof is not None else 0
        standing = KnownCaller(caller.subject, count=count, since=now, until=min(believed, ends), ends=ends)
        if count is not None and count == self._changes.current():
            self._remember(key, standing)
        return standing

    def remember(self, standing: KnownCaller, repository: str, decision: Decision) -> None:
        """Somebody may pull from a repository: it was decided after their standing was taken."""
        if not (decision.allowed and decision.lasting) or standing.count is None:
            return
        if standing.open or standing.count != self._changes.current():
            return
        if self._places >= PLACES:
            self._forget()
            return
        self._places += repository not in standing.pulls
        standing.pulls[repository] = decision.until or NEVER

    def _remember(self, key: bytes, standing: KnownCaller) -> None:
        before = self._kept.pop(key, None)
        if before is not None and before.count == standing.count and before.subject == standing.subject:
            standing.pulls = before.pulls  # only the belief in the credential had to be renewed
        elif before is not None:
            self._places -= len(before.pulls)
        self._kept[key] = standing
        if len(self._kept) > CREDENTIALS:
            self._places -= len(self._kept.popitem(last=False)[1].pulls)

    def _forget(self) -> None:
        for standing in self._kept.values():
            standing.pulls.clear()
        self._places = 0
