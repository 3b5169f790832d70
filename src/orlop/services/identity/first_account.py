"""The first account of a new registry: without it nobody could make others, and none comes with a known password."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec

from orlop.domain.access import SYSTEM, Place, PlaceKind, SubjectKind
from orlop.domain.errors import Conflict
from orlop.domain.identity.passwords import prepared, refuse_weak
from orlop.domain.identity.secrets import Draw
from orlop.domain.pages import PageRequest
from orlop.ports.catalog import By
from orlop.ports.clock import Clock
from orlop.ports.credentials import PasswordHasher
from orlop.ports.identity import Account, Identity, NewGrant

#: Its name.
ADMIN = "admin"

#: Letters and digits that nobody takes for each other, and how many make a password: 119 bits.
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_LENGTH = 24

#: How long to wait for a process that began to make the account, and how often to look, in seconds.
_PATIENCE, _PAUSE = 10.0, 0.2


class FirstPassword(msgspec.Struct, frozen=True):
    """The password of the first account, and whether it was drawn here, so that somebody has to be told."""

    text: str
    drawn: bool

    def __repr__(self) -> str:
        return f"FirstPassword(drawn={self.drawn})"


def first_password(chosen: str, draw: Draw, *, least: int) -> FirstPassword:
    """The one that was chosen, or one that nobody can guess. Raises PasswordRefused."""
    if chosen:
        refuse_weak(chosen, name=ADMIN, least=least)
        return FirstPassword(chosen, drawn=False)
    count = max(_LENGTH, least)
    return FirstPassword("".join(_LETTERS[byte % len(_LETTERS)] for byte in draw(count)), drawn=True)


async def is_new(identity: Identity) -> bool:
    """Whether there is no account at all."""
    for kind in (SubjectKind.USER, SubjectKind.ROBOT):
        if (await identity.accounts.page(kind, PageRequest(1))).items:
            return False
    return True


async def create_first_account(
    identity: Identity,
    hasher: PasswordHasher,
    password: FirstPassword,
    clock: Clock,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> bool:
    """Make the account `admin` with the role admin on the registry, if there is no account; whether it was made here.

    Of any number of processes that start at once one makes it. If that was killed before it had set the password, a
    later start finishes: once it has waited whether the other only takes its time.
    """
    by = By(SYSTEM.name, clock.now())
    if await is_new(identity):
        with suppress(Conflict):
            await identity.accounts.add(Account(name=ADMIN, display="First administrator"), by)
            return await _finish(identity, hasher, password, by)
    for _ in range(round(_PATIENCE / _PAUSE)):
        if not await _is_unfinished(identity):
            return False
        await pause(_PAUSE)
    return await _finish(identity, hasher, password, by)


async def _is_unfinished(identity: Identity) -> bool:
    """Whether the one account there is was made here and never got its password."""
    found = (await identity.accounts.page(SubjectKind.USER, PageRequest(2))).items
    if [account.name for account in found] != [ADMIN] or found[0].created_by != SYSTEM.name or found[0].used_at:
        return False
    record = await identity.passwords.get(ADMIN)
    return record is not None and record.hash is None and record.account.version == 1


async def _finish(identity: Identity, hasher: PasswordHasher, password: FirstPassword, by: By) -> bool:
    """Give it its role and password; whether the password that it has now is this one."""
    with suppress(Conflict):
        await identity.grants.add(NewGrant(principal=ADMIN, role="admin", place=Place(PlaceKind.REGISTRY)), by)
    kept = await hasher.hash(prepared(password.text))
    await identity.passwords.set(ADMIN, kept, must_change=False, by=by)
    record = await identity.passwords.get(ADMIN)
    return record is not None and record.hash == kept
