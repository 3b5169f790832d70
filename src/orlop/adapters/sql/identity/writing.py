"""Transactions that may change who may do what."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.identity import rows
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.records import each
from orlop.domain.events import EventKind
from orlop.ports.catalog import By
from orlop.ports.identity import Account
from orlop.ports.identity_words import unknown

T = TypeVar("T")


async def changing(
    engine: Engine, by: By, steps: Callable[[Session, Ledger], Awaitable[T]], *, settings: bool = False
) -> T:
    """Run steps as one transaction that changes who may do what, where its ledger says so, and no content; with
    `settings` perhaps settings, too."""
    return await engine.write(recorded(by, steps), changes=False, access=True, settings=settings)


async def locked_account(tx: Session, name: str) -> Account:
    """An account that nobody else changes until the transaction ends. Raises NotFound."""
    row = await tx.one("account_lock", name)
    if row is None:
        raise unknown("account", name)
    return rows.account(row)


async def locked_group(tx: Session, name: str) -> tuple[int, str, int]:
    """The row, source and version of a group that nobody else changes until the transaction ends. Raises NotFound."""
    row = await tx.one("group_lock", name)
    if row is None:
        raise unknown("group", name)
    return row[0], row[1], row[2]


async def remove_grants(tx: Session, ledger: Ledger, found: Sequence[Row]) -> None:
    """Remove grants that were read, with an event for each."""
    if found:
        await tx.all("grants_delete", each([row[0] for row in found]))
    for grant in sorted((rows.grant(row).grant for row in found), key=lambda grant: grant.id):
        ledger.event(EventKind.GRANT_REMOVED, grant.place.path, subject=grant.principal, detail=str(grant))
