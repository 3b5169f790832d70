"""Rules and settings that are kept as a whole."""

import msgspec

from orlop.adapters.memory.identity_rows import refuse_stale
from orlop.adapters.memory.state import State
from orlop.domain.errors import Conflict, NotFound
from orlop.domain.events import EventKind
from orlop.ports.catalog import By
from orlop.ports.identity import ROLE, Document


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
        key, what = (document.kind, document.name), f"{document.kind} {document.name}"
        before = self._rows.documents.get(key)
        if before is not None and expected == 0:
            raise Conflict(f"there is a {what} already", {"kind": document.kind, "name": document.name})
        refuse_stale(f"the {what}", before.version if before else 0, expected)
        if before is not None and before.body == document.body:
            return before
        made = msgspec.structs.replace(
            document, version=before.version + 1 if before else 1, changed_at=by.at, changed_by=by.actor
        )
        self._rows.documents[key] = made
        self._state.event(EventKind.DOCUMENT_CHANGED, by, subject=what, detail=f"version {made.version}")
        self._rows.moved()
        return made

    async def remove(self, kind: str, name: str, by: By, *, expected: int | None = None) -> None:
        before = self._rows.documents.get((kind, name))
        if before is None:
            raise NotFound(f"there is no {kind} {name}", {"kind": kind, "name": name})
        refuse_stale(f"the {kind} {name}", before.version, expected)
        if kind == ROLE:
            for number, record in sorted(self._rows.grants.items()):
                if record.grant.role == name:
                    raise Conflict(f"grant {number} names the role {name}; remove that first", {"grant": number})
        del self._rows.documents[kind, name]
        self._state.event(EventKind.DOCUMENT_DELETED, by, subject=f"{kind} {name}")
        self._rows.moved()
