"""Who may read what of the audit log, and how it is searched."""

from collections.abc import AsyncIterator

import msgspec

from orlop.domain.access import Caller
from orlop.domain.audit import AuditEntry, Chained, Head, Segment, places
from orlop.domain.errors import PageInvalid, RequestInvalid
from orlop.domain.events import EventKind
from orlop.domain.fields import nearest
from orlop.domain.pages import PAGE_BYTES, weight
from orlop.ports.audit import AuditLog, AuditReader, Filter
from orlop.services.management.operations import Gate, Operation

#: What a page holds at most, and how many entries are looked at for one: it may then be short.
MAX_PAGE, _LOOKED_AT = 1_000, 20_000
_TOGETHER = 500
_ENDLESS = (1 << 63) - 1


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What to look for; what is empty does not narrow. Times are microseconds since 1970, from and up to before."""

    since: int = 0
    until: int = 0
    actor: str = ""
    kind: str = ""
    place: str = ""
    """A repository, or a namespace with everything below it."""
    subject: str = ""
    address: str = ""
    refused: bool | None = None

    def matches(self, entry: AuditEntry) -> bool:
        """Whether an entry is one of those."""
        return (
            self.since <= entry.at < (self.until or _ENDLESS)
            and self.actor in ("", entry.actor)
            and self.kind in ("", entry.kind)
            and self.subject in ("", entry.subject)
            and self.address in ("", entry.address)
            and self.refused in (None, entry.refused)
            and (not self.place or self.place in places(entry))
        )

    def best(self) -> tuple[Filter, str] | None:
        """The filter that finds the fewest, as a rule; None when only the time narrows."""
        if self.address:
            return Filter.ADDRESS, self.address
        if self.subject:
            return Filter.SUBJECT, self.subject
        if self.place:
            return Filter.PLACE, self.place
        if self.actor:
            return Filter.ACTOR, self.actor
        if self.kind:
            return Filter.KIND, self.kind
        return (Filter.REFUSED, "") if self.refused else None


class AuditPage(msgspec.Struct, frozen=True):
    """Entries, newest first. `next` is where to go on; 0: there are no more."""

    entries: tuple[Chained, ...]
    next: int = 0


class AuditQuery:
    """Searches the log, for whoever may read the whole catalog; for everybody else there is AllowedQuery."""

    def __init__(self, reader: AuditReader) -> None:
        self._reader = reader

    async def page(self, search: Search, *, before: int = 0, size: int = 100) -> AuditPage:
        """Up to `size` entries before one. Raises PageInvalid, RequestInvalid."""
        if not 1 <= size <= MAX_PAGE:
            raise PageInvalid(f"a page of the audit log holds 1 to {MAX_PAGE} entries", {"n": size})
        if search.until and search.until <= search.since:
            raise RequestInvalid("the end of the time to search lies before its beginning")
        _check_kind(search)
        least, most = _bounds(await self._reader.segments(), search)
        place = min(before or _ENDLESS, most + 1)
        found: list[Chained] = []
        looked_at, left = 0, PAGE_BYTES
        while looked_at < _LOOKED_AT:
            batch = await self._reader.before(place, _TOGETHER, by=search.best(), least=least)
            for chained in batch:
                if search.matches(chained.entry):
                    left -= weight(chained)
                    if left < 0 and found:
                        return AuditPage(tuple(found), place)
                    found.append(chained)
                place = chained.entry.sequence
                if len(found) == size:
                    return AuditPage(tuple(found), place if place > least else 0)
            looked_at += len(batch)
            if not batch:
                return AuditPage(tuple(found))
        return AuditPage(tuple(found), place)

    async def everything(self, search: Search) -> AsyncIterator[Chained]:
        """All that is searched, oldest first. Raises RequestInvalid."""
        _check_kind(search)
        least, most = _bounds(await self._reader.segments(), search)
        place = max(least - 1, 0)
        while batch := await self._reader.after(place, _TOGETHER):
            for chained in batch:
                place = chained.entry.sequence
                if place > most:
                    return
                if search.matches(chained.entry):
                    yield chained


class AllowedQuery:
    """Searches the log for those who may read the audit log, and what is about a namespace or repository also for those
    who administer it."""

    def __init__(self, query: AuditQuery, gate: Gate, log: AuditLog) -> None:
        self._query = query
        self._gate = gate
        self._log = log

    async def page(self, caller: Caller, search: Search, *, before: int = 0, size: int = 100) -> AuditPage:
        """As AuditQuery. Raises Denied, Unauthorized, too."""
        await self._gate.check(caller, Operation.AUDIT_READ, namespace=search.place or None)
        return await self._query.page(search, before=before, size=size)

    async def reads_all(self, caller: Caller) -> bool:
        """Whether the caller may read the whole log, without naming a place."""
        return await self._gate.may(caller, Operation.AUDIT_READ)

    async def head(self, caller: Caller) -> Head | None:
        """The newest signed head; None while there is none. Raises Denied, Unauthorized."""
        await self._gate.check(caller, Operation.AUDIT_READ)
        return (await self._log.tail()).head


def _check_kind(search: Search) -> None:
    """Raises RequestInvalid for a kind that nothing is of: an empty list would say that it never happened."""
    kinds = tuple(kind.value for kind in EventKind)
    if search.kind and search.kind not in kinds:
        raise RequestInvalid(
            f"there is no kind {search.kind[:64]!r}{nearest(search.kind, kinds)}; the kinds are {', '.join(kinds)}",
            {"kind": search.kind[:64]},
        )


def _bounds(segments: tuple[Segment, ...], search: Search) -> tuple[int, int]:
    """The first and the last entry that can lie in the time: times lie in the order of segments, but for clocks."""
    if not search.since and not search.until:
        return 1, _ENDLESS - 1
    within = [
        segment
        for segment in segments
        if not segment.dropped_at and segment.until_at >= search.since and segment.from_at < (search.until or _ENDLESS)
    ]
    if not within:
        return 1, 0
    open_end = within[-1] is segments[-1] and not search.until
    return within[0].first, _ENDLESS - 1 if open_end else within[-1].last
