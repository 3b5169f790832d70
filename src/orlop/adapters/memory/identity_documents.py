"""Rules and settings that are kept as a whole."""

import msgspec

from orlop.adapters.memory.state import State
from orlop.domain.events import EventKind
from orlop.ports.catalog import By
from orlop.ports.identity import ROLE, Document
from orlop.ports.identity_words import is_named, refuse_stale, taken, unknown


class MemoryDocuments:
    """See ports.identity.Documents."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._rows = state.identity

    async def get(self, kind: str, name: str) -> Document | None:
        return self._rows.documents.get((kind, name))

    async def all(self, kind: str) -> tuple[Document, ...]:
        return tuple(row for key, row in sorted(self._rows.documents.items()) if key[0] == kind)

    async def put(self, document: Document, by: By, *, expected: int | None = None) -> Document:
        key = (document.kind, document.name)
        before = self._rows.documents.get(key)
        if before is not None and expected == 0:
            raise taken(document.kind, document.name)
        refuse_stale(" ".join(key), before.version if before else 0, expected)
        if before is not None and before.body == document.body:
            return before
        made = msgspec.structs.replace(
            document, version=before.version + 1 if before else 1, changed_at=by.at, changed_by=by.actor
        )
        self._rows.documents[key] = made
        self._state.event(EventKind.DOCUMENT_CHANGED, by, subject=" ".join(key), detail=f"version {made.version}")
        self._rows.moved()
        return made

    async def remove(self, kind: str, name: str, by: By, *, expected: int | None = None) -> None:
        before = self._rows.documents.get((kind, name))
        if before is None:
            raise unknown(kind, name)
        refuse_stale(f"{kind} {name}", before.version, expected)
        if kind == ROLE:
            for number, record in sorted(self._rows.grants.items()):
                if record.grant.role == name:
                    raise is_named(number, name)
        del self._rows.documents[kind, name]
        self._state.event(EventKind.DOCUMENT_DELETED, by, subject=f"{kind} {name}")
        self._rows.moved()
