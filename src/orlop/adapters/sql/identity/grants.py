"""What subjects may do."""

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.identity import rows
from orlop.adapters.sql.identity.writing import changing, locked_account, locked_group, remove_grants
from orlop.adapters.sql.ledger import Ledger
from orlop.adapters.sql.records import each
from orlop.domain.access import ROLES, Place
from orlop.domain.access.subjects import GROUP_PREFIX
from orlop.domain.events import EventKind
from orlop.domain.names import lineage
from orlop.domain.pages import Page, PageRequest, after_number, page_of
from orlop.ports.catalog import By
from orlop.ports.identity import ROLE, GrantRecord, NewGrant
from orlop.ports.identity_words import granted_already, unknown


class SqlGrants:
    """See ports.identity.Grants."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def add(self, grant: NewGrant, by: By) -> GrantRecord:
        async def steps(tx: Session, ledger: Ledger) -> GrantRecord:
            account, group = await _principal(tx, grant.principal)
            if grant.role not in ROLES and await tx.one("document_lock", ROLE, "", grant.role) is None:
                raise unknown("role", grant.role)
            place = grant.place
            what = (grant.effect.value, grant.role, place.kind.value, place.path, grant.tags)
            ending = (rows.json(grant.conditions), grant.expires_at)
            alike = await (
                tx.one("grant_like_of_group", group, *what, *ending)
                if account is None
                else tx.one("grant_like_of_account", account, *what, *ending)
            )
            if alike is not None:
                raise granted_already((await _record(tx, alike[0])).grant)
            made = await tx.one("grant_insert", account, group, *what, *ending, by.at, by.actor)
            assert made is not None
            record = await _record(tx, made[0])
            ledger.event(EventKind.GRANT_ADDED, grant.place.path, subject=grant.principal, detail=str(record.grant))
            ledger.access()
            return record

        return await changing(self._engine, by, steps)

    async def get(self, id: int) -> GrantRecord | None:  # noqa: A002
        row = await self._reader.one("grant_get", id)
        return rows.grant(row) if row else None

    async def page(
        self, page: PageRequest, *, principal: str | None = None, place: Place | None = None
    ) -> Page[GrantRecord]:
        where = (place.kind.value, place.path) if place is not None else ()
        whose = (principal.removeprefix(GROUP_PREFIX),) if principal is not None else ()
        statement = "grant_page"
        if principal is not None:
            statement += "_of_group" if principal.startswith(GROUP_PREFIX) else "_of_account"
        if place is not None:
            statement += "_of_place" if principal is None else "_and_place"
        found = await self._reader.all(statement, *whose, *where, after_number(page), page.size + 1)
        return page_of((rows.grant(row) for row in found), page)

    async def remove(self, id: int, by: By) -> None:  # noqa: A002
        async def steps(tx: Session, ledger: Ledger) -> None:
            row = await tx.one("grant_get", id)
            if row is None:
                raise unknown("grant", id)
            await remove_grants(tx, ledger, [row])
            ledger.access()

        await changing(self._engine, by, steps)

    async def covering(self, repository: str, limit: int) -> tuple[GrantRecord, ...]:
        above = [path for path in lineage(repository.rpartition("/")[0]) if path]
        found = await self._reader.all("grants_covering", each(above), limit)
        return tuple(sorted((rows.grant(row) for row in found), key=lambda record: record.grant.id))


async def _principal(tx: Session, principal: str) -> tuple[int | None, int | None]:
    """The rows of an account and of a group, one of them, locked. Raises NotFound."""
    if principal.startswith(GROUP_PREFIX):
        return None, (await locked_group(tx, principal.removeprefix(GROUP_PREFIX)))[0]
    return (await locked_account(tx, principal)).id, None


async def _record(tx: Session, row_id: int) -> GrantRecord:
    row = await tx.one("grant_get", row_id)
    assert row is not None
    return rows.grant(row)
