"""Repositories as a whole: the end of one."""

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.hidden import trash_repository
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.locks import refuse_locked
from orlop.adapters.sql.records import Linked, lie_elsewhere, locked_repository, make_own, unlink
from orlop.domain.digest import Digest
from orlop.domain.errors import NameUnknown, Stale
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.quotas import Usage
from orlop.ports.catalog import FREELY, By, Terms
from orlop.ports.identity_words import repository_words


class SqlRepositories:
    """See ports.catalog.Repositories."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def remove(self, name: RepositoryName, by: By, terms: Terms = FREELY) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            row_id = await locked_repository(tx, name, ledger)
            sizes = await tx.one("repository_sizes", row_id) if row_id is not None else None
            if row_id is None or sizes is None:
                raise NameUnknown(f"there is no repository {name}", {"name": name})
            if terms.empty and any(sizes):
                raise Stale(f"the repository {name} holds something meanwhile", {"name": name})
            await refuse_locked(tx, name, row_id)
            if terms.untag is not None:
                for tag, digest in await tx.all("repository_tags", row_id):
                    terms.removes(Tag.stored(tag), digest)
            tags, manifests, blobs, size, manifest_bytes = sizes
            if terms.trash:
                await make_own(tx, row_id, ledger)
                await trash_repository(tx, row_id, name, size, by, terms.trash)
                await lie_elsewhere(tx, row_id, ledger, -1)
                ledger.lies(row_id, -1, Usage(manifest_bytes, size, tags, manifests, 1), hidden=True)
            else:
                await _remove(tx, row_id, name, by, ledger)  # which counts its blobs
                ledger.lies(row_id, -1, Usage(manifest_bytes, manifest_bytes, tags, manifests, 1))
            ledger.add_totals(repositories=-1, manifests=-manifests, tags=-tags)
            ledger.event(EventKind.REPOSITORY_DELETED, name, detail=repository_words(tags, manifests, blobs))
            ledger.access(deleted=name)

        await self._engine.write(recorded(by, steps), access=True, holding=terms.settings)


async def _remove(tx: Session, row_id: int, name: RepositoryName, by: By, ledger: Ledger) -> None:
    for statement in ("tags", "history", "edges", "pulls", "labels", "annotations", "manifests"):
        await tx.run(f"repository_delete_{statement}", row_id)
    links = [
        Linked(row_id, name, Digest.stored(digest), blob_id, size)
        for digest, blob_id, size in await tx.all("repository_links", row_id)
    ]
    if links:
        await unlink(tx, sorted(links, key=lambda link: link.digest), by, ledger)
    await tx.run("repository_delete", row_id)
