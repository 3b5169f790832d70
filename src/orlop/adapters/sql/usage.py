"""How much lies below each node, its history, and the recount that mends it."""

import asyncio
from collections.abc import Sequence

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.parameters import each
from orlop.adapters.sql.room import held_for_uploads, in_use
from orlop.domain.quotas import Usage
from orlop.ports.usage import Sharing, UsageBelow, UsageDay

#: How many blobs are looked at together for who else holds them, before others have their turn, and how many of the
#: links to them are followed, however many there are.
_BLOBS, _LINKS = 500, 10_000


class SqlUsages:
    """See ports.usage.Usages. `lists`: what is long is read by it."""

    def __init__(self, engine: Engine, lists: Session) -> None:
        self._reader = engine.reader
        self._lists = lists

    async def of(self, paths: Sequence[str], now: int) -> dict[str, tuple[Usage, int]]:
        wanted = each(sorted(set(paths)))
        there = [path for (path,) in await self._reader.all("usage_places", wanted)]
        used, held = await in_use(self._reader, wanted), await held_for_uploads(self._reader, wanted, "", now)
        return {path: (used.get(path, Usage()), held.get(path, 0)) for path in there}

    async def below(self, path: str, limit: int, since: int, *, by_growth: bool) -> tuple[UsageBelow, ...]:
        rows = await self._lists.all("usage_below", path, since, int(by_growth), limit)
        return tuple(UsageBelow(name, Usage(*numbers), before) for name, *numbers, before in rows)

    async def days(self, path: str, since: int) -> tuple[UsageDay, ...]:
        rows = await self._lists.all("usage_history", path, since)
        return tuple(UsageDay(day, Usage(*numbers)) for day, *numbers in rows)

    async def sharing(self, path: str, blobs: int, limit: int) -> tuple[Sharing, ...]:
        bounds = (f"{path}/", f"{path}0") if path else ("", "~")
        held = [blob for (blob,) in await self._lists.all("usage_held", *bounds, path, blobs)]
        sums: dict[str, list[int]] = {}
        for start in range(0, len(held), _BLOBS):
            await asyncio.sleep(0)  # requests of this process do not wait for a large namespace
            part = each(held[start : start + _BLOBS])
            for where, count, size in await self._lists.all("usage_sharing", *bounds, path, part, _LINKS):
                there = sums.setdefault(where, [0, 0])
                there[0] += count
                there[1] += size
        found = [Sharing(where, count, size) for where, (count, size) in sums.items()]
        return tuple(sorted(found, key=lambda one: (-one.size, one.path))[:limit])


class SqlUsageKeeping:
    """See ports.usage.UsageKeeping."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def record(self, day: int, kept_since: int) -> int:
        async def script(tx: Session) -> int:
            written = await tx.all("usage_day_write", day)
            await tx.run("usage_days_drop", kept_since)
            return len(written)

        return await self._engine.write(script, changes=False)

    async def last_blob(self) -> int:
        row = await self._engine.reader.one("inspect_last_blob")
        return int(row[0]) if row is not None else 0

    async def recount_blobs(self, first: int, end: int) -> int:
        async def script(tx: Session) -> int:
            await tx.all("inspect_blobs_lock", first, end)
            holders = [row[:3] for row in await tx.all("inspect_holders", first, end)]
            if holders:
                await tx.many("node_blobs_set", holders)
                await tx.run("node_blobs_clear", first, end)
            cached = [row[:3] for row in await tx.all("inspect_cached", first, end)]
            if cached:
                await tx.many("node_cached_set", cached)
                await tx.run("node_cached_clear", first, end)
            return len(holders) + len(cached)

        return await self._engine.write(script, changes=False)

    async def recount_nodes(self) -> int:
        async def script(tx: Session) -> int:
            # What is wrong is added: what others count meanwhile stays.
            wrong = [(row_id, *numbers) for row_id, _, *numbers in await tx.all("inspect_usage")]
            if wrong:
                await tx.many("usage_mend", wrong)
            return len(wrong)

        return await self._engine.write(script, changes=False)
