"""Locks on manifests, for those who may set and lift them."""

import msgspec

from orlop.domain.access import Caller
from orlop.domain.digest import Digest
from orlop.domain.errors import RequestInvalid
from orlop.domain.names import RepositoryName
from orlop.domain.pages import Page, PageRequest
from orlop.ports.catalog import by
from orlop.ports.locks import Lock, Locks
from orlop.services.management.operations import Gate, Operation

#: A reason is no longer, in characters.
_REASON = 512


class ManifestLocks:
    """See ports.locks.Locks."""

    def __init__(self, gate: Gate, locks: Locks) -> None:
        self._gate = gate
        self._locks = locks

    async def add(self, caller: Caller, repository: RepositoryName, digest: Digest, reason: str) -> None:
        """Raises Denied, RequestInvalid, and as the port."""
        await self._gate.check(caller, Operation.LOCK_ADD, repository=repository)
        await self._locks.add(repository, digest, _reason(reason), by(caller, self._gate.now()))

    async def lift(self, caller: Caller, repository: RepositoryName, digest: Digest, reason: str) -> None:
        """Raises Denied, RequestInvalid, and as the port."""
        await self.check_lift(caller, repository)
        await self._locks.lift(repository, digest, _reason(reason), by(caller, self._gate.now()))

    async def able(self, caller: Caller, repository: RepositoryName) -> tuple[bool, bool]:
        """Whether the caller may lock manifests of a repository, and whether they may lift locks."""
        return (
            await self._gate.may(caller, Operation.LOCK_ADD, repository=repository),
            await self._gate.may(caller, Operation.LOCK_LIFT, repository=repository),
        )

    async def check_lift(self, caller: Caller, repository: RepositoryName) -> None:
        """Raises Denied unless the caller may lift locks of a repository."""
        await self._gate.check(caller, Operation.LOCK_LIFT, repository=repository)

    async def page(self, caller: Caller, repository: RepositoryName, page: PageRequest) -> Page[Lock]:
        """By digest. Names of others are told to those who read the audit log of the repository. Raises NameUnknown,
        Denied."""
        await self._gate.check(caller, Operation.LOCK_READ, repository=repository)
        found = await self._locks.page(repository, page)
        if await self._gate.may(caller, Operation.AUDIT_READ, repository=repository):
            return found
        own = caller.subject.name
        shown = (lock if lock.actor == own else msgspec.structs.replace(lock, actor="") for lock in found.items)
        return Page(tuple(shown), more=found.more)


def _reason(text: str) -> str:
    """A reason as it is kept. Raises RequestInvalid."""
    reason = " ".join(text.split())
    if not reason or len(reason) > _REASON or not reason.isprintable():
        raise RequestInvalid(f"say why, in 1 to {_REASON} characters on one line")
    return reason
