"""Repositories as a whole: the end of one."""

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.locks import refuse_locked
from orlop.adapters.sql.records import Linked, locked_repository, unlink
from orlop.domain.digest import Digest
from orlop.domain.errors import NameUnknown
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName, Tag
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
            await refuse_locked(tx, name, row_id)
            if terms.untag is not None:
                for tag, digest in await tx.all("repository_tags", row_id):
                    terms.removes(Tag.stored(tag), digest)
            tags, manifests, blobs, manifest_bytes = sizes
            for statement in ("tags", "history", "edges", "pulls", "manifests"):
                await tx.run(f"repository_delete_{statement}", row_id)
            links = [
                Linked(row_id, name, Digest.stored(digest), blob_id, size)
                for digest, blob_id, size in await tx.all("repository_links", row_id)
            ]
            if links:
                await unlink(tx, sorted(links, key=lambda link: link.digest), by, ledger)
            await tx.run("repository_delete", row_id)
            ledger.count(row_id, manifests=-manifests, manifest_bytes=-manifest_bytes, tags=-tags)
            ledger.repository(row_id, -1)
            ledger.event(EventKind.REPOSITORY_DELETED, name, detail=repository_words(tags, manifests, blobs))
            ledger.access(deleted=name)

        await self._engine.write(recorded(by, steps), access=True, holding=terms.settings)
