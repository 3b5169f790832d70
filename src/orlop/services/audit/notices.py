"""What happens without changing anything: refusals and pulls, gathered in memory and written about once a second.

No request waits for it, and nobody can fill the disk with it: what happens again and again is told once, then counted,
and of refusals that differ a worker writes BURST and then RATE a second; what is beyond is counted together. What was
gathered and not yet written is lost when the process is killed; nothing was changed by it.
"""

from collections.abc import Callable
from enum import StrEnum

import msgspec
import structlog

from orlop.domain.access import Caller
from orlop.domain.errors import Refused, RegistryError
from orlop.domain.events import Event, EventKind, Origin
from orlop.domain.limits import Bucket, Rate
from orlop.ports.audit import EventWriter
from orlop.ports.clock import SECOND, Clock

_log = structlog.get_logger("orlop.audit")

#: For how long further ones of the same are counted before they are told, in microseconds.
WINDOW = 60 * SECOND
#: Refusals that a worker writes one by one at once, and then each second.
BURST, RATE = 1_000, 2
#: Different things that a worker remembers within a window.
HELD = 10_000
#: What one write takes at most: pushes wait for their turn meanwhile.
_TOGETHER = 500
#: Names that clients made up are kept up to this length.
_LONGEST = 256


class Pulls(StrEnum):
    """Which pulls are told."""

    NONE = "none"
    SAMPLED = "sampled"
    ALL = "all"


class _Key(msgspec.Struct, frozen=True):
    kind: EventKind
    actor: str
    credential: str = ""
    address: str = ""
    repository: str = ""
    digest: str = ""
    tag: str = ""
    subject: str = ""
    detail: str = ""


class _Seen(msgspec.Struct):
    """`count` of them were not written yet, the first at `first`; they are to be written at `due`."""

    count: int
    first: int
    last: int
    due: int
    request: str


class Notices:
    """One per process. `chance` gives a number from 0 up to 1; of sampled pulls one in `sample` is told."""

    def __init__(
        self, writer: EventWriter, clock: Clock, chance: Callable[[], float], pulls: Pulls, *, sample: int = 100
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._chance = chance
        self._share = {Pulls.NONE: 0.0, Pulls.SAMPLED: 1 / sample, Pulls.ALL: 1.0}[pulls]
        self._seen: dict[_Key, _Seen] = {}
        self._written: list[Event] = []
        self._budget = Bucket()

    def noted(self, caller: Caller, error: RegistryError) -> None:
        """Somebody is answered with an error: if a rule refused them, that is told."""
        if error.refused is not None:
            self.refused(caller, error.refused)

    def refused(self, caller: Caller, refused: Refused) -> None:
        """Somebody was refused something, by a rule."""
        key = _Key(
            EventKind.REFUSED,
            caller.subject.name[:_LONGEST],
            caller.subject.credential[:_LONGEST],
            caller.address,
            refused.place[:_LONGEST],
            "",
            refused.tag[:_LONGEST],
            refused.action,
            refused.rule[: 4 * _LONGEST],
        )
        self._count(key, caller.request)

    def sign_in_failed(self, name: str, reason: str, *, address: str, request: str) -> None:
        """Somebody could not prove to be who they say. `reason` is for the auditor, and holds no secret."""
        key = _Key(
            EventKind.SIGN_IN_FAILED, name[:_LONGEST], "", address, subject=name[:_LONGEST], detail=reason[:_LONGEST]
        )
        self._count(key, request)

    def pulled(self, caller: Caller, repository: str, digest: str, tag: str = "", *, blob: bool = False) -> None:
        """Somebody got content, or learnt that it is there."""
        if not self._share or (self._share < 1 and self._chance() >= self._share):
            return
        kind = EventKind.BLOB_PULLED if blob else EventKind.MANIFEST_PULLED
        subject = caller.subject
        key = _Key(kind, subject.name, subject.credential, caller.address, repository, digest, tag)
        self._count(key, caller.request)

    def warned(self, caller: Caller, repository: str, digest: str, tag: str, sentence: str) -> None:
        """Somebody got what a gate warns of, or holds back from others."""
        subject = caller.subject
        key = _Key(
            *(EventKind.GATE_WARNED, subject.name[:_LONGEST], subject.credential[:_LONGEST], caller.address),
            *(repository, digest, tag, "", sentence[: 4 * _LONGEST]),
        )
        self._count(key, caller.request)

    async def flush(self, *, everything: bool = False) -> int:
        """Write what is due, or everything; how many events. Raises what the catalog does, and then keeps them."""
        if len(self._written) < HELD:  # else the catalog is away: what comes meanwhile is counted
            self._gather(self._clock.now(), everything=everything)
        done = 0
        while self._written:
            part = self._written[:_TOGETHER]
            await self._writer.write(part)
            del self._written[: len(part)]
            done += len(part)
        return done

    async def step(self) -> None:
        """Flush; what the catalog does not take now is told later."""
        try:
            await self.flush()
        except RegistryError as error:
            _log.warning("refusals and pulls wait to be written", reason=error.message)

    def _count(self, key: _Key, request: str) -> None:
        now = self._clock.now()
        seen = self._seen.get(key)
        if seen is None:
            if len(self._seen) >= HELD:
                key = _combined(key)
                seen = self._seen.get(key)
            if seen is None:
                self._seen[key] = _Seen(1, now, now, now, request)
                return
        if not seen.count:
            seen.first = now
        seen.count += 1
        seen.last = now
        seen.request = request

    def _gather(self, now: int, *, everything: bool) -> None:
        """Move what is due to what is written next; forget what was not seen for a window."""
        for key, seen in list(self._seen.items()):
            if not everything and now < seen.due <= now + WINDOW:  # beyond a window: the clock was set back
                continue
            if not seen.count:
                del self._seen[key]
                continue
            if key.kind in _LIMITED and not _is_combined(key) and not self._spend(now):
                del self._seen[key]
                self._add(_combined(key), seen, now)
                continue
            self._written.append(_event(key, seen))
            seen.count, seen.due = 0, now + WINDOW

    def _spend(self, now: int) -> bool:
        self._budget, wait = self._budget.take(now, _BUDGET)
        return not wait

    def _add(self, key: _Key, more: _Seen, now: int) -> None:
        """Count something under a key that stands for many."""
        seen = self._seen.get(key)
        if seen is None:
            self._seen[key] = _Seen(more.count, more.first, more.last, now + WINDOW, more.request)
            return
        seen.first = min(seen.first, more.first) if seen.count else more.first
        seen.count += more.count
        seen.last = max(seen.last, more.last)


_LIMITED = frozenset({EventKind.REFUSED, EventKind.SIGN_IN_FAILED, EventKind.GATE_WARNED})
_BUDGET = Rate(RATE, SECOND, BURST)
_MANY = "many different ones, too many to be told one by one"


def _combined(key: _Key) -> _Key:
    """What stands for all of a kind that differ too much to be told apart."""
    return _Key(key.kind, "", detail=_MANY)


def _is_combined(key: _Key) -> bool:
    return key.detail == _MANY


def _event(key: _Key, seen: _Seen) -> Event:
    return Event(
        at=seen.last,
        kind=key.kind,
        actor=key.actor,
        repository=key.repository,
        digest=key.digest,
        tag=key.tag,
        origin=Origin(key.credential, key.address, seen.request),
        subject=key.subject,
        detail=key.detail,
        count=seen.count,
        first_at=seen.first if seen.count > 1 else 0,
    )
