"""What lies directly below a namespace, and what the catalog counts of it."""

from collections.abc import Collection, Mapping, Sequence

from orlop.adapters.sql.engine import Row, Session
from orlop.adapters.sql.records import each
from orlop.domain.access import Visibility
from orlop.domain.access.spans import NameSpan
from orlop.domain.names import RepositoryName
from orlop.ports.browse import ListedNamespace, ListedRepository, RepositoryOrder

#: Before every repository in an order that is not by name.
_FIRST = ((1 << 63) - 1, "")


class SqlChildren:
    """See ports.browse.Children."""

    def __init__(self, reader: Session) -> None:
        self._reader = reader

    async def namespaces(self, path: str, after: str, limit: int) -> tuple[str, ...]:
        return tuple(found for (found,) in await self._reader.all("children_namespaces", path, after, limit))

    async def described(self, paths: Collection[str]) -> Mapping[str, ListedNamespace]:
        if not paths:
            return {}
        rows = await self._reader.all("children_described", each(sorted(paths)))
        return {
            path: ListedNamespace(path, Visibility(visibility) if visibility else None, *rest)
            for path, visibility, *rest in rows
        }

    async def repositories(self, path: str, within: NameSpan, limit: int) -> tuple[ListedRepository, ...]:
        return _listed(await self._reader.all("children_repositories", path, *map(str, within), limit))

    async def greatest(
        self, path: str, order: RepositoryOrder, before: tuple[int, str] | None, limit: int
    ) -> tuple[ListedRepository, ...]:
        statement = "children_newest" if order is RepositoryOrder.NEWEST else "children_largest"
        rows = await self._reader.all(statement, path, *(before or _FIRST), limit)
        return tuple(sorted(_listed(rows), key=lambda one: (one.number(order), one.name), reverse=True)[:limit])

    async def counted(self, names: Sequence[RepositoryName]) -> tuple[ListedRepository, ...]:
        return _listed(await self._reader.all("repositories_counted", each(names)) if names else [])


def _listed(rows: Sequence[Row]) -> tuple[ListedRepository, ...]:
    return tuple(ListedRepository(RepositoryName.stored(name), *rest) for name, *rest in rows)
