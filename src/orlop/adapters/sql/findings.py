"""Which advisory hits which package, as rows."""

from collections.abc import Sequence

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.records import each
from orlop.ports.advisories import AffectedPackage, FindingRow
from orlop.ports.events import KNOWN_OF_IMAGES


class SqlMatches:
    """See ports.advisories.Matches."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def version(self) -> int:
        row = await self._reader.one("advisory_version")
        assert row is not None
        return int(row[0])

    async def waiting_advisories(self, matcher: int, limit: int) -> tuple[int, ...]:
        return tuple(number for (number,) in await self._reader.all("advisories_waiting", matcher, limit))

    async def packages_of(
        self, advisories: Sequence[int], after: tuple[int, int], limit: int
    ) -> tuple[AffectedPackage, ...]:
        rows = await self._reader.all("packages_affected", each(advisories), *after, limit)
        return tuple(AffectedPackage(*row) for row in rows)

    async def found_of_advisories(
        self, advisories: Sequence[int], found: Sequence[FindingRow], matcher: int, version: int, now: int = 0
    ) -> tuple[FindingRow, ...] | None:
        async def script(tx: Session) -> tuple[FindingRow, ...] | None:
            if not await _is_turn(tx, version):
                return None
            new = await _settle(tx, await tx.all("findings_of_advisories", each(advisories)), found)
            if new and now:
                await tx.many("finding_untold", [(one.package, one.advisory, now) for one in new])
            await tx.many("advisory_matched", [(number, matcher) for number in advisories])
            return new

        return await self._engine.write(script, durable=False, changes=KNOWN_OF_IMAGES)

    async def waiting_packages(self, matcher: int, limit: int) -> tuple[int, ...]:
        return tuple(number for (number,) in await self._reader.all("packages_unmatched", matcher, limit))

    async def unmatched_of(self, packages: Sequence[int], matcher: int) -> tuple[int, ...]:
        rows = await self._reader.all("packages_unmatched_of", each(packages), matcher)
        return tuple(number for (number,) in rows)

    async def advisories_of(self, packages: Sequence[int]) -> tuple[AffectedPackage, ...]:
        return tuple(AffectedPackage(*row) for row in await self._reader.all("advisories_affecting", each(packages)))

    async def found_of_packages(
        self, packages: Sequence[int], found: Sequence[FindingRow], matcher: int, version: int
    ) -> bool:
        async def script(tx: Session) -> bool:
            if not await _is_turn(tx, version):
                return False
            await _settle(tx, await tx.all("findings_of_packages", each(packages)), found)
            await tx.many("package_matched", [(number, matcher) for number in packages])
            return True

        # Nothing is remembered of images with packages that were not matched.
        return await self._engine.write(script, durable=False, changes=False)


async def _is_turn(tx: Session, version: int) -> bool:
    """Whether no advisory changed since, and none does until the transaction ends."""
    row = await tx.one("advisory_changes_lock")
    assert row is not None
    return int(row[0]) == version


async def _settle(tx: Session, rows: Sequence[Row], found: Sequence[FindingRow]) -> tuple[FindingRow, ...]:
    """Let what was found take the place of these rows; what was not there before."""
    there = {(row[0], row[1]): FindingRow(*row) for row in rows}
    wanted = {(one.package, one.advisory): one for one in found}
    gone = [pair for pair in there if pair not in wanted]
    if gone:
        await tx.many("finding_delete", gone)
    put = [one for pair, one in wanted.items() if there.get(pair) != one]
    if put:
        await tx.many(
            "finding_put", [(one.package, one.advisory, one.fixed, one.severity, one.source, one.how) for one in put]
        )
    return tuple(one for pair, one in wanted.items() if pair not in there)
