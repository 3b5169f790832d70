"""What clusters and scripts say they run, as rows."""

from collections.abc import Mapping, Sequence

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.records import each
from orlop.domain.errors import NotFound
from orlop.domain.events import EventKind
from orlop.domain.names import lineage
from orlop.domain.pages import Page, PageRequest, page_of
from orlop.domain.settings import place_words
from orlop.ports.by import By
from orlop.ports.retention import InUseSet

#: Digests of one question.
_MANY = 1_000


class SqlInUse:
    """See ports.retention.InUse."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def get(self, path: str, name: str) -> InUseSet | None:
        row = await self._reader.one("in_use_get", path, name)
        return _set(row) if row is not None else None

    async def put(self, path: str, name: str, digests: Sequence[str], expires_at: int, by: By) -> InUseSet:
        wanted = sorted(set(digests))

        async def steps(tx: Session, ledger: Ledger) -> InUseSet:
            row = await tx.one("in_use_put", path, name, len(wanted), by.at, by.actor, expires_at)
            assert row is not None
            await tx.run("in_use_digests_delete", row[0])
            if wanted:
                await tx.many("in_use_digest_add", [(row[0], digest) for digest in wanted])
            ledger.event(EventKind.IN_USE_SET, path, subject=name, detail=f"{len(wanted)} digests")
            return InUseSet(
                path=path,
                name=name,
                digests=len(wanted),
                posted_at=by.at,
                posted_by=by.actor,
                expires_at=expires_at,
            )

        return await self._engine.write(recorded(by, steps), changes=False)

    async def page(self, page: PageRequest, path: str | None = None) -> Page[InUseSet]:
        where, _, name = page.after.partition(":")
        if path is None:
            rows = await self._reader.all("in_use_page", where, name, page.size + 1)
        else:
            rows = await self._reader.all("in_use_page_of", path, name, page.size + 1)
        return page_of(map(_set, rows), page)

    async def remove(self, path: str, name: str, by: By) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            row = await tx.one("in_use_get", path, name)
            if row is None:
                raise NotFound(f"nothing named {name} is in use at {place_words(path)}", {"name": name})
            await tx.run("in_use_digests_delete", row[6])
            await tx.run("in_use_delete", row[6])
            ledger.event(EventKind.IN_USE_REMOVED, path, subject=name)

        await self._engine.write(recorded(by, steps), changes=False)

    async def forget(self, before: int, limit: int) -> int:
        async def script(tx: Session) -> int:
            expired = await tx.all("in_use_expired", before, limit)
            for (number,) in expired:
                await tx.run("in_use_digests_delete", number)
                await tx.run("in_use_delete", number)
            return len(expired)

        return await self._engine.write(script, durable=False, changes=False)

    async def among(self, repository: str, digests: Sequence[str], now: int) -> Mapping[str, str]:
        if await self._reader.one("in_use_some", now) is None:
            return {}
        places, found = set(lineage(repository)), {}
        for start in range(0, len(digests), _MANY):
            part = each(digests[start : start + _MANY])
            for digest, path, name in sorted(await self._reader.all("in_use_among", part, now)):
                if path in places:
                    found[digest] = f"{name} of {place_words(path)} runs it"
        return found


def _set(row: Row) -> InUseSet:
    path, name, digests, posted_at, posted_by, expires_at, *_ = row
    return InUseSet(
        path=path,
        name=name,
        digests=digests,
        posted_at=posted_at,
        posted_by=posted_by,
        expires_at=expires_at,
    )
