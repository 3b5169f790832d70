"""What is new: the last tags that were set where the caller may pull, as the audit log has them."""

import msgspec

from orlop.domain.access import Caller
from orlop.domain.events import EventKind
from orlop.ports.audit import AuditReader, Filter
from orlop.services.management.operations import Gate, Operation

#: Entries that are looked through, and those that are told.
_LOOKED_AT, _TOLD = 500, 10
_ENDLESS = (1 << 63) - 1


class FreshTag(msgspec.Struct, frozen=True):
    """A tag that was set, when and by whom."""

    repository: str
    tag: str
    digest: str
    at: int
    actor: str


class News:
    """In one query, of bounded work. It lags behind as the log does, by seconds."""

    def __init__(self, gate: Gate, reader: AuditReader) -> None:
        self._gate = gate
        self._reader = reader

    async def of(self, caller: Caller) -> tuple[FreshTag, ...]:
        """The newest first, each tag once. Raises Unauthorized."""
        seeing = await self._gate.administers(caller)
        found: dict[tuple[str, str], FreshTag] = {}
        by = (Filter.KIND, EventKind.TAG_SET.value)
        for chained in await self._reader.before(_ENDLESS, _LOOKED_AT, by=by):
            entry = chained.entry
            key = entry.repository, entry.tag
            if key not in found and seeing.reads(entry.repository):
                told = entry.actor == caller.subject.name or await self._tells(caller, entry.repository)
                actor = entry.actor if told else ""
                found[key] = FreshTag(entry.repository, entry.tag, entry.digest, entry.at, actor)
            if len(found) == _TOLD:
                break
        return tuple(found.values())

    async def _tells(self, caller: Caller, repository: str) -> bool:
        """Names of others are told to those who read the audit log of the repository."""
        return await self._gate.may(caller, Operation.AUDIT_READ, repository=repository)
