"""Repositories as a whole: the end of one, which is hidden at once and then worked off in steps."""

from contextlib import suppress

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.hidden import trash_repository
from orlop.adapters.sql.leaving import leave_all, leave_further
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.locks import refuse_locked
from orlop.adapters.sql.records import locked_repository
from orlop.adapters.sql.trash_end import end_all, end_entry
from orlop.domain.errors import NameUnknown, Stale, Unavailable
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
        async def steps(tx: Session, ledger: Ledger) -> tuple[int, int, bool]:
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
            tags, manifests, blobs, size, _ = sizes
            entry = await trash_repository(tx, row_id, name, size, by, terms.trash)
            # A server of a release before steps would evict what is hidden, and release once more what has left.
            await tx.run("cached_manifests_own", row_id)
            ledger.lies(row_id, -1, Usage(tags=tags, manifests=manifests, repositories=1))
            ledger.add_totals(repositories=-1, manifests=-manifests, tags=-tags)
            ledger.event(EventKind.REPOSITORY_DELETED, name, detail=repository_words(tags, manifests, blobs))
            ledger.access(deleted=name)
            if terms.trash:
                return entry, row_id, await leave_further(tx, entry, row_id, "", by, ledger)
            return entry, row_id, await end_entry(tx, entry, row_id, by, ledger)

        entry, holder, is_done = await self._engine.write(recorded(by, steps), access=True, holding=terms.settings)
        if not is_done:
            with suppress(Unavailable):  # it is gone for everybody, and collections go on with the rest
                await (leave_all if terms.trash else end_all)(self._engine, entry, holder, by)
