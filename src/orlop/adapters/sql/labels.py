"""Labels of repositories and manifests, and what has some."""

from collections.abc import Sequence

import msgspec

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.records import existing_repository, locked_repository
from orlop.domain.access.spans import NameSpan
from orlop.domain.digest import Digest
from orlop.domain.errors import ManifestUnknown, NameUnknown
from orlop.domain.events import EventKind
from orlop.domain.labels import LabelChange, Term, changed
from orlop.domain.names import RepositoryName
from orlop.ports.catalog import By
from orlop.ports.labels import Labelled, LabelledRepository

#: Stands for the repository itself where a digest would stand.
_ITSELF = ""


class SqlLabels:
    """See ports.labels.LabelStore. `lists`: what pages are read by."""

    def __init__(self, engine: Engine, lists: Session) -> None:
        self._engine = engine
        self._lists = lists

    async def of(self, repository: RepositoryName, digest: Digest | None) -> dict[str, str]:
        row_id = await existing_repository(self._engine.reader, repository)
        return await _labels(self._engine.reader, repository, row_id, digest)

    async def change(
        self, repository: RepositoryName, digest: Digest | None, change: LabelChange, by: By
    ) -> dict[str, str]:
        async def steps(tx: Session, ledger: Ledger) -> dict[str, str]:
            row_id = await locked_repository(tx, repository)
            if row_id is None:
                raise NameUnknown(f"there is no repository {repository}", {"name": repository})
            before = await _labels(tx, repository, row_id, digest)
            after = changed(before, change, f"{repository}@{digest}" if digest else repository)
            gone = [key for key in before if key not in after]
            new = {key: value for key, value in after.items() if before.get(key) != value}
            place = digest or _ITSELF
            if gone:
                await tx.many("label_delete", [(row_id, place, key) for key in gone])
            if new:
                await tx.many("label_set", [(row_id, place, key, value) for key, value in new.items()])
            for key in gone:
                ledger.event(EventKind.LABEL_REMOVED, repository, place, subject=key, detail=f"{key}={before[key]}")
            for key, value in new.items():
                ledger.event(EventKind.LABEL_SET, repository, place, subject=key, detail=f"{key}={value}")
            return after

        return await self._engine.write(recorded(by, steps), changes=False)

    async def having(
        self, terms: Sequence[Term], within: NameSpan, after: tuple[str, str], limit: int
    ) -> tuple[Labelled, ...]:
        # The term that leads is one with a value, if there is any: its digests come in their order.
        first, *others = sorted(terms, key=lambda term: term.value is None)
        wanted = msgspec.json.encode([[term.key, term.value] for term in others]).decode()
        keys = (*within, *after, limit, wanted, first.key)
        if first.value is None:
            rows = await self._lists.all("labelled_by_key", *keys)
        else:
            rows = await self._lists.all("labelled_by_value", *keys, first.value)
        return tuple(
            Labelled(RepositoryName.stored(name), Digest.stored(digest) if digest else None) for name, digest in rows
        )

    async def repositories(self, within: NameSpan, limit: int) -> tuple[LabelledRepository, ...]:
        rows = await self._lists.all("labelled_repositories", *within, limit)
        return tuple(
            LabelledRepository(RepositoryName.stored(name), dict(sorted(_decode(labels).items())))
            for name, labels in rows
        )


_decode = msgspec.json.Decoder(dict[str, str]).decode


async def _labels(tx: Session, repository: RepositoryName, row_id: int, digest: Digest | None) -> dict[str, str]:
    if digest is not None and await tx.one("manifest_row", row_id, digest) is None:
        raise ManifestUnknown(f"{repository} holds no manifest {digest}", {"reference": digest})
    return dict(await tx.all("labels", row_id, digest or _ITSELF))
