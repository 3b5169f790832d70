"""What decisions are made from: on the way of every request whose answer is not remembered."""

from orlop.adapters.sql.engine import Engine
from orlop.adapters.sql.identity import rows
from orlop.adapters.sql.records import each
from orlop.domain.access import Visibility, VisibilityAt
from orlop.domain.access.rights import DEFAULT_VISIBILITY
from orlop.domain.names import lineage
from orlop.ports.identity import AccountFacts, PlaceFacts


class SqlAccessFacts:
    """See ports.identity.AccessFacts."""

    def __init__(self, engine: Engine) -> None:
        self._reader = engine.reader

    async def of(self, account: int, secret: int = 0) -> AccountFacts | None:
        row = await self._reader.one("facts_account", account, secret)
        if row is None:
            return None
        version, rest = row[0], row[1 + rows.ACCOUNT :]
        found = rows.account(row[1:])
        grants, groups = [], set()
        for group, *grant in await self._reader.all("facts_grants", account, found.name):
            if group is not None:
                groups.add(group)
            if grant[0] is not None:
                grants.append(rows.grant(grant).grant)
        return AccountFacts(
            account=found,
            secret=rows.secret(rest) if rest[0] is not None else None,
            grants=tuple(sorted(grants, key=lambda grant: grant.id)),
            groups=tuple(sorted(groups)),
            version=version,
        )

    async def place(self, repository: str) -> PlaceFacts:
        above = lineage(repository.rpartition("/")[0])
        row = await self._reader.one("facts_place", repository, each(above))
        assert row is not None
        path, visibility, exists, deleted_at_version, version = row
        visible = VisibilityAt(Visibility(visibility), path) if visibility is not None else DEFAULT_VISIBILITY
        return PlaceFacts(visible, bool(exists), deleted_at_version, version)

    async def version(self) -> int:
        row = await self._reader.one("access_version")
        return int(row[0]) if row else 1

    async def open_namespaces(self, after: str, limit: int) -> tuple[tuple[str, Visibility], ...]:
        found = await self._reader.all("namespaces_open", after, limit)
        return tuple((path, Visibility(visibility)) for path, visibility in found)
