"""What subjects may do."""

import msgspec

from orlop.adapters.memory.identity_rows import IdentityRows
from orlop.adapters.memory.state import State
from orlop.domain.access import ROLES, Grant, Place, PlaceKind
from orlop.domain.access.roles import stored_actions
from orlop.domain.events import EventKind
from orlop.domain.names import lineage
from orlop.domain.pages import Page, PageRequest, after_number, page_of
from orlop.ports.catalog import By
from orlop.ports.identity import GROUP_PREFIX, ROLE, GrantRecord, NewGrant
from orlop.ports.identity_words import granted_already, unknown


class MemoryGrants:
    """See ports.identity.Grants."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._rows = state.identity

    async def add(self, grant: NewGrant, by: By) -> GrantRecord:
        rows = self._rows
        if grant.principal.startswith(GROUP_PREFIX):
            rows.group(grant.principal.removeprefix(GROUP_PREFIX))
        else:
            rows.account(grant.principal)
        if grant.role not in ROLES and (ROLE, grant.role) not in rows.documents:
            raise unknown("role", grant.role)
        for record in rows.grants_of(grant.principal):
            if _written(record.grant) == grant:
                raise granted_already(record.grant)
        made = Grant(
            next(rows.ids),
            grant.effect,
            grant.principal,
            grant.role,
            frozenset(),
            grant.place,
            grant.tags,
            grant.conditions,
            grant.expires_at,
        )
        rows.grants[made.id] = GrantRecord(made, by.at, by.actor)
        self._state.event(EventKind.GRANT_ADDED, by, subject=made.principal, detail=str(made))
        rows.moved()
        return current(rows, rows.grants[made.id])

    async def get(self, id: int) -> GrantRecord | None:  # noqa: A002
        record = self._rows.grants.get(id)
        return current(self._rows, record) if record else None

    async def page(
        self, page: PageRequest, *, principal: str | None = None, place: Place | None = None
    ) -> Page[GrantRecord]:
        after = after_number(page)
        found = [
            record
            for number, record in sorted(self._rows.grants.items())
            if number > after
            and (principal is None or record.grant.principal == principal)
            and (place is None or record.grant.place == place)
        ]
        return page_of((current(self._rows, record) for record in found), page)

    async def remove(self, id: int, by: By) -> None:  # noqa: A002
        record = self._rows.grants.pop(id, None)
        if record is None:
            raise unknown("grant", id)
        self._state.event(EventKind.GRANT_REMOVED, by, subject=record.grant.principal, detail=str(record.grant))
        self._rows.moved()

    async def covering(self, repository: str, limit: int) -> tuple[GrantRecord, ...]:
        above = lineage(repository.rpartition("/")[0])
        found = [
            record
            for _, record in sorted(self._rows.grants.items())
            if record.grant.place.kind is not PlaceKind.NAMESPACE or record.grant.place.path in above
        ]
        return tuple(current(self._rows, record) for record in found[:limit])


def current(rows: IdentityRows, record: GrantRecord) -> GrantRecord:
    """A grant with the actions that its role has now."""
    grant = record.grant
    document = rows.documents.get((ROLE, grant.role))
    kept = stored_actions(document.body) if document else frozenset()
    actions = ROLES[grant.role].actions if grant.role in ROLES else kept
    return msgspec.structs.replace(record, grant=msgspec.structs.replace(grant, actions=actions))


def _written(grant: Grant) -> NewGrant:
    return NewGrant(
        effect=grant.effect,
        principal=grant.principal,
        role=grant.role,
        place=grant.place,
        tags=grant.tags,
        conditions=grant.conditions,
        expires_at=grant.expires_at,
    )
