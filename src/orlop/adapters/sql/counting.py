"""What is known of many images at once, as rows."""

from collections.abc import Iterator, Mapping, Sequence

from orlop.adapters.sql.engine import Session
from orlop.adapters.sql.records import each
from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName
from orlop.ports.counting import NewestImage, PartImage, ToldFinding
from orlop.ports.insides import InsideState

#: Values of one question, and the newest tags of a repository among which its newest image is.
_MANY, _TAGS = 2_000, 100


class SqlCounting:
    """See ports.counting.Counting. It may lag behind."""

    def __init__(self, lists: Session) -> None:
        self._lists = lists

    async def parts(
        self, repository: RepositoryName, manifests: Sequence[Digest]
    ) -> Mapping[str, tuple[PartImage, ...]]:
        found: dict[str, list[PartImage]] = {}
        for manifest, digest, state in await self._lists.all("images_of_manifests", repository, each(manifests)):
            part = PartImage(Digest.stored(digest), InsideState(state) if state is not None else None)
            found.setdefault(manifest, []).append(part)
        return {manifest: tuple(parts) for manifest, parts in found.items()}

    async def hit(self, images: Sequence[Digest]) -> Mapping[str, frozenset[int]]:
        units: dict[str, list[int]] = {}
        for digest, unit in await self._lists.all("units_of_images", each(images)):
            units.setdefault(digest, []).append(unit)
        packages: dict[int, set[int]] = {}
        for part in _parts(sorted({unit for mine in units.values() for unit in mine})):
            for unit, package in await self._lists.all("packages_hit_in_units", each(part)):
                packages.setdefault(unit, set()).add(package)
        return {
            digest: frozenset(package for unit in mine for package in packages.get(unit, ()))
            for digest, mine in units.items()
        }

    async def findings(self, packages: Sequence[int]) -> tuple[ToldFinding, ...]:
        rows = [
            row for part in _parts(packages) for row in await self._lists.all("findings_told_of_packages", each(part))
        ]
        names = ToldFinding.__struct_fields__
        return tuple(ToldFinding(**dict(zip(names, row, strict=True))) for row in rows)

    async def newest(self, repositories: Sequence[RepositoryName]) -> Mapping[str, NewestImage]:
        rows = await self._lists.all("newest_images", each(repositories), _TAGS)
        return {name: NewestImage(tag, Digest.stored(digest), pushed_at) for name, tag, digest, pushed_at in rows}


def _parts(values: Sequence[int]) -> Iterator[Sequence[int]]:
    return (values[start : start + _MANY] for start in range(0, len(values), _MANY))
