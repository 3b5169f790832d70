"""What decisions are made from."""

from orlop.adapters.memory.identity_grants import current
from orlop.adapters.memory.state import State
from orlop.domain.access import Visibility, VisibilityAt
from orlop.domain.access.rights import DEFAULT_VISIBILITY
from orlop.domain.names import lineage
from orlop.ports.identity import GROUP_PREFIX, AccountFacts, PlaceFacts


class MemoryAccessFacts:
    """See ports.identity.AccessFacts."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._rows = state.identity

    async def of(self, account: int, secret: int = 0) -> AccountFacts | None:
        rows = self._rows
        found = next((row.account for row in rows.accounts.values() if row.account.id == account), None)
        if found is None:
            return None
        known = rows.secrets.get(secret)
        groups = rows.groups_of(found.name)
        grants = rows.grants_of(found.name, *(f"{GROUP_PREFIX}{group}" for group in groups))
        return AccountFacts(
            account=found,
            secret=known if known is not None and known.account == found.name else None,
            grants=tuple(current(rows, record).grant for record in grants),
            groups=groups,
            version=rows.version,
        )

    async def place(self, repository: str) -> PlaceFacts:
        rows = self._rows
        visible = DEFAULT_VISIBILITY
        for path in lineage(repository.rpartition("/")[0]):
            namespace = rows.namespaces.get(path)
            if namespace is not None and namespace.visibility is not None:
                visible = VisibilityAt(namespace.visibility, path)
        return PlaceFacts(
            visible=visible,
            exists=repository in self._state.repositories,
            deleted_at_version=rows.deletions.get(repository, 0),
            version=rows.version,
        )

    async def version(self) -> int:
        return self._rows.version

    async def open_namespaces(self, after: str, limit: int) -> tuple[tuple[str, Visibility], ...]:
        found = sorted(
            (f"{path}/", path, row.visibility)
            for path, row in self._rows.namespaces.items()
            if row.visibility is not None and f"{path}/" > after
        )
        return tuple((path, visibility) for _, path, visibility in found[:limit])
