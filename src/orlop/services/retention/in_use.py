"""What clusters and scripts say they run, for those who may pull it."""

from collections.abc import Sequence

from orlop.domain.access import Action, Caller
from orlop.domain.digest import Digest
from orlop.domain.durations import DAY
from orlop.domain.errors import RequestInvalid
from orlop.domain.pages import Page, PageRequest
from orlop.domain.settings import checked_name, checked_path
from orlop.ports.catalog import by
from orlop.ports.retention import InUse, InUseSet
from orlop.services.management.operations import Gate, Operation
from orlop.services.management.pages import seen

#: How many digests a set has at most, and how far ahead it ends.
_DIGESTS, _LONGEST = 20_000, 366 * DAY


class InUseSets:
    """See ports.retention.InUse. The poster of a set may replace it; of others it takes the right to the rules."""

    def __init__(self, gate: Gate, in_use: InUse) -> None:
        self._gate = gate
        self._in_use = in_use

    async def put(self, caller: Caller, path: str, name: str, digests: Sequence[str], expires_at: int) -> InUseSet:
        """Say what is in use at a place until a time. Raises RequestInvalid, DigestInvalid, Denied."""
        path, now = checked_path(path), self._gate.now()
        await self._gate.check(caller, Operation.IN_USE_SET, namespace=path)
        checked_name("set of what is in use", name)
        if not now < expires_at <= now + _LONGEST:
            raise RequestInvalid("say until when it is in use: a time to come, within a year", {"name": name})
        if len(digests) > _DIGESTS:
            raise RequestInvalid(f"a set has {_DIGESTS} digests at most; post several under names of their own")
        checked = [Digest(digest) for digest in digests]
        await self._check_others(caller, path, name)
        return await self._in_use.put(path, name, checked, expires_at, by(caller, now))

    async def page(self, caller: Caller, page: PageRequest, path: str | None = None) -> Page[InUseSet]:
        """Those that the caller may see, by place and name."""
        seeing = await self._gate.administers(caller)
        where = checked_path(path) if path is not None else None
        if not seeing.anywhere(Action.PULL):
            return Page(())
        return await seen(
            lambda part: self._in_use.page(part, where),
            page,
            lambda one: one.key if where is None else one.name,
            lambda one: seeing.setting(Action.PULL, one.path),
        )

    async def remove(self, caller: Caller, path: str, name: str) -> None:
        """Raises NotFound, Denied."""
        path = checked_path(path)
        await self._gate.check(caller, Operation.IN_USE_SET, namespace=path)
        await self._check_others(caller, path, name)
        await self._in_use.remove(path, name, by(caller, self._gate.now()))

    async def _check_others(self, caller: Caller, path: str, name: str) -> None:
        """Raises Denied for what somebody else posted."""
        there = await self._in_use.get(path, name)
        if there is not None and there.posted_by != caller.subject.name:
            await self._gate.check(caller, Operation.RETENTION_PLAN, namespace=path)
