"""How much was known to be wrong with repositories, day by day, as rows."""

from collections.abc import Mapping, Sequence

import msgspec

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.records import each
from orlop.domain.names import RepositoryName
from orlop.ports.finding_days import FindingDay, FindingNumbers


class SqlFindingDays:
    """See ports.finding_days.FindingDays. `lists`: what is long is read by it."""

    def __init__(self, engine: Engine, lists: Session) -> None:
        self._engine = engine
        self._lists = lists

    async def record(self, day: int, numbers: Mapping[RepositoryName, FindingNumbers]) -> None:
        rows = [(name, day, *msgspec.structs.astuple(of)) for name, of in sorted(numbers.items())]

        async def script(tx: Session) -> None:
            await tx.many("vulnerability_day_put", rows)

        if rows:
            await self._engine.write(script, changes=False)

    async def drop(self, before: int) -> None:
        async def script(tx: Session) -> None:
            await tx.run("vulnerability_days_drop", before)

        await self._engine.write(script, changes=False)

    async def of(self, repositories: Sequence[RepositoryName], since: int) -> tuple[FindingDay, ...]:
        names = FindingNumbers.__struct_fields__
        return tuple(
            FindingDay(day, FindingNumbers(**dict(zip(names, row, strict=True))))
            for day, *row in await self._lists.all("vulnerability_days_of", each(repositories), since)
        )
