"""Rows of the database as values of the ports, in the order of columns that the statements keep to."""

from collections.abc import Sequence
from typing import Any

import msgspec

from orlop.adapters.sql.engine import Row
from orlop.domain.access import ROLES, Conditions, Effect, Grant, Limit, Place, PlaceKind, SubjectKind, Visibility
from orlop.domain.access.roles import stored_actions
from orlop.ports.identity import Account, Document, GrantRecord, Group, Namespace, Secret, Session

#: How many columns an account and a secret have.
ACCOUNT, SECRET, SESSION = 21, 13, 8

_kinds = msgspec.json.Decoder(tuple[str, ...])
_limits = msgspec.json.Decoder(tuple[Limit, ...])
_conditions = msgspec.json.Decoder(Conditions)


def account(row: Sequence[Any]) -> Account:
    """An account."""
    return Account(
        id=row[0],
        kind=SubjectKind(row[1]),
        name=row[2],
        display=row[3],
        email=row[4],
        source=row[5],
        external=row[6],
        namespace=row[7],
        has_password=bool(row[8]),
        must_change=bool(row[9]),
        second_factors=_kinds.decode(row[10]),
        disabled=row[11],
        expires_at=row[12],
        created_at=row[13],
        created_by=row[14],
        used_at=row[15],
        used_from=row[16],
        version=row[17],
        authority=row[18],
        epoch=row[19],
        signed_in_from=row[20],
    )


def secret(row: Sequence[Any]) -> Secret:
    """A secret."""
    return Secret(
        id=row[0],
        account=row[1],
        kind=row[2],
        name=row[3],
        lookup=row[4],
        hash=row[5],
        limits=None if row[6] is None else _limits_of(row[6]),
        created_at=row[7],
        created_by=row[8],
        expires_at=row[9],
        warned_at=row[10],
        used_at=row[11],
        used_from=row[12],
    )


def _limits_of(text: str) -> tuple[Limit, ...]:
    """Limits that a newer release wrote in a way that cannot be read here let it be used for nothing."""
    try:
        return _limits.decode(text)
    except msgspec.MsgspecError:
        return ()


def session(row: Sequence[Any]) -> Session:
    """A session."""
    return Session(
        id=row[0],
        account=row[1],
        provider=row[2],
        provider_session=row[3],
        created_at=row[4],
        expires_at=row[5],
        address=row[6],
        agent=row[7],
    )


def group(row: Sequence[Any]) -> Group:
    """A group with the number of its members."""
    return Group(
        id=row[0],
        name=row[1],
        source=row[2],
        description=row[3],
        members=row[4],
        created_at=row[5],
        created_by=row[6],
        version=row[7],
    )


def grant(row: Sequence[Any]) -> GrantRecord:
    """A grant, with the actions that its role has now."""
    number, effect, principal, role, kind, path, tags, conditions, expires_at, created_at, created_by, body = row
    kept = stored_actions(body) if body is not None else frozenset()
    made = Grant(
        number,
        Effect(effect),
        principal,
        role,
        ROLES[role].actions if role in ROLES else kept,
        Place(PlaceKind(kind), path),
        tags,
        _conditions.decode(conditions),
        expires_at,
    )
    return GrantRecord(made, created_at, created_by)


def namespace(row: Row) -> Namespace:
    """A node of the tree."""
    return Namespace(
        path=row[0],
        visibility=Visibility(row[1]) if row[1] is not None else None,
        description=row[2],
        created_at=row[3],
        created_by=row[4],
        version=row[5],
    )


def document(row: Row) -> Document:
    """A document."""
    return Document(*row)


def json(value: Any) -> str:
    """How values without a table of their own are kept."""
    return msgspec.json.encode(value).decode()
