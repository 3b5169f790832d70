"""What lies at a place, for whoever may edit its rules: its quotas, what is below it, its history, who shares it."""

import msgspec

from orlop.domain.access import Action, Caller
from orlop.domain.durations import DAY
from orlop.domain.errors import NotFound
from orlop.domain.forecast import OVER_DAYS, full_in, per_day
from orlop.domain.quotas import QUOTAS, Usage
from orlop.domain.settings import checked_path, place_words
from orlop.ports.blobs import StoreSpace
from orlop.ports.usage import Sharing, UsageBelow, UsageDay, Usages
from orlop.services.management.operations import Gate, Operation
from orlop.services.settings.in_force import SettingsInForce

#: How many blobs of a namespace are looked at for those that others hold, too.
SHARED_AMONG = 10_000


class QuotaUse(msgspec.Struct, frozen=True):
    """How far one limit of a quota is used up: `path` is where the quota is. `full_in`: days, None: nobody can say."""

    name: str
    path: str
    of: str
    used: int
    limit: int
    full_in: int | None


class DiskUse(msgspec.Struct, frozen=True):
    """The disk of the blob store, in bytes: `reserve` of them are kept free."""

    free: int
    size: int
    reserve: int
    full_in: int | None


class UsageReport(msgspec.Struct, frozen=True):
    """What lies at a place. `reserved`: bytes that uploads under way hold; `growth`: bytes stored more each day."""

    path: str
    usage: Usage
    reserved: int
    growth: float | None
    quotas: tuple[QuotaUse, ...]
    disk: DiskUse | None


class UsageReports:
    """`space`: the disk of the blob store, where it is one."""

    def __init__(self, gate: Gate, usages: Usages, settings: SettingsInForce, space: StoreSpace | None) -> None:
        self._gate = gate
        self._usages = usages
        self._settings = settings
        self._space = space

    async def of(self, caller: Caller, path: str) -> UsageReport:
        """Raises Denied, or NotFound where nothing is."""
        await self._check(caller, path)
        now = self._gate.now()
        quotas = await self._settings.covering(QUOTAS, path)
        found = await self._usages.of([path, *(quota.path for quota in quotas)], now)
        if path not in found:
            raise NotFound(f"there is neither a namespace nor a repository {place_words(path)}", {"path": path})
        since = now // DAY - OVER_DAYS
        growths = {path: await self._growth(path, since)}
        used = []
        for quota in quotas:
            usage = found.get(quota.path, (Usage(), 0))[0]
            if quota.path not in growths:
                growths[quota.path] = await self._growth(quota.path, since)
            for what, limit, amount in zip(
                Usage.__struct_fields__, quota.body.limits.each(), usage.each(), strict=True
            ):
                if limit:
                    days = full_in(limit - amount, growths[quota.path].get(what))
                    used.append(QuotaUse(quota.name, quota.path, what, amount, limit, days))
        growth = growths[path].get("stored_bytes")
        disk = await self._disk(growth) if not path else None
        usage, reserved = found[path]
        return UsageReport(path, usage, reserved, growth, tuple(used), disk)

    async def below(
        self, caller: Caller, path: str, limit: int, days: int, *, by_growth: bool
    ) -> tuple[UsageBelow, ...]:
        """What lies directly below a namespace and the caller may see. Raises Denied."""
        await self._check(caller, path)
        since = self._gate.now() // DAY - days
        seeing = await self._gate.administers(caller)
        found = await self._usages.below(path, limit, since, by_growth=by_growth)
        return tuple(one for one in found if seeing.setting(Action.POLICY_EDIT, one.path.removesuffix("/")))

    async def days(self, caller: Caller, path: str, days: int) -> tuple[UsageDay, ...]:
        """The history of a namespace. Raises Denied."""
        await self._check(caller, path)
        return await self._usages.days(path, self._gate.now() // DAY - days)

    async def sharing(self, caller: Caller, path: str, limit: int) -> tuple[Sharing, ...]:
        """The namespaces that hold most of what lies at a place, too, as far as the caller may see them. Raises
        Denied."""
        await self._check(caller, path)
        seeing = await self._gate.administers(caller)
        found = await self._usages.sharing(path, SHARED_AMONG, limit)
        return tuple(one for one in found if seeing.setting(Action.POLICY_EDIT, one.path))

    async def _check(self, caller: Caller, path: str) -> None:
        await self._gate.check(caller, Operation.USAGE_READ, namespace=checked_path(path))

    async def _growth(self, path: str, since: int) -> dict[str, float | None]:
        days = await self._usages.days(path, since)
        return {
            what: per_day([(each.day, getattr(each.usage, what)) for each in days]) for what in Usage.__struct_fields__
        }

    async def _disk(self, growth: float | None) -> DiskUse | None:
        if self._space is None:
            return None
        space = await self._space.space()
        return DiskUse(space.free, space.size, space.reserve, full_in(space.free - space.reserve, growth))
