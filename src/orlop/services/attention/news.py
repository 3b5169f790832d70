"""What is new: the last tags that were set where the caller may pull, as the audit log has them.

The log knows repositories by name; what is told is of those that are there now, and not of any that had their names
before.
"""

import msgspec

from orlop.domain.access import Caller
from orlop.domain.audit import AuditEntry
from orlop.domain.events import EventKind
from orlop.ports.audit import AuditReader, Filter
from orlop.ports.tag_history import TagHistory, TagSetting
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
    """In two queries, of bounded work. It lags behind as the log does, by seconds."""

    def __init__(self, gate: Gate, reader: AuditReader, history: TagHistory) -> None:
        self._gate = gate
        self._reader = reader
        self._history = history

    async def of(self, caller: Caller) -> tuple[FreshTag, ...]:
        """The newest first, each tag once. Raises Unauthorized."""
        seeing = await self._gate.administers(caller)
        by = (Filter.KIND, EventKind.TAG_SET.value)
        last: dict[tuple[str, str], AuditEntry] = {}
        for chained in await self._reader.before(_ENDLESS, _LOOKED_AT, by=by):
            entry = chained.entry
            if seeing.reads(entry.repository):
                last.setdefault((entry.repository, entry.tag), entry)
        there = await self._history.were_set([_setting(entry) for entry in last.values()])
        found = [entry for entry in last.values() if _setting(entry) in there][:_TOLD]
        return tuple([await self._fresh(caller, entry) for entry in found])

    async def _fresh(self, caller: Caller, entry: AuditEntry) -> FreshTag:
        told = entry.actor == caller.subject.name or await self._tells(caller, entry.repository)
        return FreshTag(entry.repository, entry.tag, entry.digest, entry.at, entry.actor if told else "")

    async def _tells(self, caller: Caller, repository: str) -> bool:
        """Names of others are told to those who read the audit log of the repository."""
        return await self._gate.may(caller, Operation.AUDIT_READ, repository=repository)


def _setting(entry: AuditEntry) -> TagSetting:
    return TagSetting(entry.repository, entry.tag, entry.at)
