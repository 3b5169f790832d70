"""What advisories hit in images, as rows."""

from collections.abc import Iterator, Mapping, Sequence

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.records import each
from orlop.domain.digest import Digest
from orlop.domain.events import EventKind
from orlop.domain.inside.rows import Exploited, ExploitScore
from orlop.domain.names import RepositoryName
from orlop.ports.advisories import AffectedImage, EcosystemOfImage, FoundInImage, ToldImage, UntoldFinding
from orlop.ports.by import By

#: Values of one question.
_MANY = 2_000


class SqlVulnerable:
    """See ports.advisories.Vulnerable. `lists` may lag behind."""

    def __init__(self, engine: Engine, lists: Session) -> None:
        self._engine = engine
        self._reader = engine.reader
        self._lists = lists

    async def packages(self, image: Digest) -> tuple[int, ...]:
        return tuple(number for (number,) in await self._reader.all("packages_of_image", image))

    async def ecosystems(self, image: Digest) -> tuple[EcosystemOfImage, ...]:
        rows = await self._reader.all("ecosystems_of_image", image)
        return tuple(EcosystemOfImage(ecosystem, packages, bool(known)) for ecosystem, packages, known in rows)

    async def findings(self, image: Digest, limit: int) -> tuple[FoundInImage, ...]:
        rows = await self._reader.all("findings_of_image", image, limit)
        names = FoundInImage.__struct_fields__
        return tuple(FoundInImage(**dict(zip(names, row, strict=True))) for row in rows)

    async def aliases(self, advisories: Sequence[int]) -> Mapping[int, tuple[str, ...]]:
        found: dict[int, list[str]] = {}
        for part in _parts(advisories):
            for number, alias in await self._reader.all("aliases_of", each(part)):
                found.setdefault(number, []).append(alias)
        return {number: tuple(aliases) for number, aliases in found.items()}

    async def exploited(self, cves: Sequence[str]) -> Mapping[str, Exploited]:
        rows = [row for part in _parts(cves) for row in await self._reader.all("exploited_among", each(part))]
        return {cve: Exploited(cve, added, due, bool(ransomware)) for cve, added, due, ransomware in rows}

    async def scores(self, cves: Sequence[str]) -> Mapping[str, ExploitScore]:
        rows = [row for part in _parts(cves) for row in await self._reader.all("exploit_scores_among", each(part))]
        return {row[0]: ExploitScore(*row) for row in rows}

    async def counts(self, digests: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for digest, severity, packages in await self._lists.all("counts_of_images", each(digests)):
            found.setdefault(digest, {})[severity] = packages
        return found

    async def meaning(self, names: Sequence[str], limit: int) -> Mapping[int, str]:
        return dict(await self._reader.all("advisories_meaning", each(names), limit))

    async def holding(self, packages: Sequence[int], limit: int) -> tuple[AffectedImage, ...]:
        rows = await self._lists.all("images_affected", each(packages), limit)
        return tuple(
            AffectedImage(RepositoryName.stored(name), Digest.stored(digest), package) for name, digest, package in rows
        )

    async def untold_ages(self) -> tuple[int, int] | None:
        row = await self._reader.one("untold_ages")
        return (row[0], row[1]) if row is not None and row[0] is not None else None

    async def untold(self, limit: int) -> tuple[UntoldFinding, ...]:
        return tuple(UntoldFinding(*row) for row in await self._reader.all("untold", limit))

    async def pulled(self, repository: RepositoryName, images: Sequence[Digest]) -> Mapping[str, int]:
        return dict(await self._lists.all("pulls_of_images", repository, each(images)))

    async def tell(self, told: Sequence[ToldImage], findings: Sequence[UntoldFinding], by: By) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            await tx.many("finding_told", [(one.package, one.advisory) for one in findings])
            for image in told:
                ledger.event(EventKind.IMAGE_AFFECTED, image.repository, image.digest, detail=image.words)

        await self._engine.write(recorded(by, steps), changes=False)


def _parts(values: Sequence[int] | Sequence[str]) -> Iterator[Sequence[int | str]]:
    return (values[start : start + _MANY] for start in range(0, len(values), _MANY))
