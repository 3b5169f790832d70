"""What plans of retention delete: several manifests and tags of a repository in one transaction."""

from collections.abc import Sequence

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.manifests import delete_manifest, delete_tag
from orlop.adapters.sql.records import locked_repository
from orlop.domain.digest import Digest
from orlop.domain.errors import Conflict, Denied, ManifestUnknown, NameUnknown
from orlop.domain.names import RepositoryName
from orlop.ports.by import By
from orlop.ports.retention import Left, Removal


class SqlRemovals:
    """See ports.retention.Removals."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def remove(
        self, repository: RepositoryName, removals: Sequence[Removal], by: By, settings: int
    ) -> tuple[Left | None, ...]:
        async def steps(tx: Session, ledger: Ledger) -> tuple[Left | None, ...]:
            row_id = await locked_repository(tx, repository, ledger)
            if row_id is None:
                gone = NameUnknown(f"there is no repository {repository}", {"name": repository})
                return (gone,) * len(removals)
            return tuple([await _removed(tx, row_id, repository, removal, by, ledger) for removal in removals])

        return await self._engine.write(recorded(by, steps), changes=repository, holding=settings)


async def _removed(
    tx: Session, row_id: int, repository: RepositoryName, removal: Removal, by: By, ledger: Ledger
) -> Left | None:
    reference, terms = removal.reference, removal.terms
    try:
        if isinstance(reference, Digest):
            await delete_manifest(tx, row_id, repository, reference, by, terms, ledger)
        else:
            await delete_tag(tx, row_id, repository, reference, by, terms, ledger)
    except (Conflict, Denied, ManifestUnknown) as left:
        return left
    return None
