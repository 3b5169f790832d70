"""Advisories and their sources, as rows."""

from collections.abc import Sequence

import msgspec

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.records import each
from orlop.domain.errors import PageInvalid
from orlop.domain.events import EventKind
from orlop.domain.inside.matching import MATCHER_VERSION
from orlop.domain.inside.rows import AdvisoryRow, Refusal, unpacked
from orlop.domain.pages import Page, PageRequest, page_of
from orlop.ports.advisories import AdvisoryCounts, AdvisorySource, ReadBatch, StoredAdvisory, StoredBatch
from orlop.ports.by import By
from orlop.ports.events import KNOWN_OF_IMAGES

#: Advisories of one name, or one alias, that are told of.
_NAMED = 200

_refusals = msgspec.json.Decoder(tuple[Refusal, ...])


class SqlAdvisories:
    """See ports.advisories.Advisories."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def store(self, source: str, batch: ReadBatch) -> StoredBatch:
        async def script(tx: Session) -> StoredBatch:
            turn = await tx.one("advisory_changes_lock")
            assert turn is not None
            done = await _store(tx, source, batch.rows, turn[1])
            exploited = [(one.cve, one.added, one.due, int(one.ransomware)) for one in batch.exploited]
            scores = [(one.cve, one.score, one.percentile) for one in batch.scores]
            others = await _put(tx, "exploited", exploited) + await _put(tx, "exploit_score", scores)
            if done.new or done.changed:
                await tx.run("advisory_changed", done.new)
            return msgspec.structs.replace(done, others=others)

        # What is lost with the power is taken in again: that an import ended is written down behind it, and durably.
        return await self._engine.write(script, durable=False, changes=KNOWN_OF_IMAGES)

    async def names(self, source: str, after: str, limit: int) -> tuple[str, ...]:
        return tuple(name for (name,) in await self._reader.all("advisory_names_of", source, after, limit))

    async def forget(self, source: str, names: Sequence[str]) -> int:
        async def script(tx: Session) -> int:
            await tx.one("advisory_changes_lock")
            gone = [number for (number,) in await tx.all("advisories_gone", source, each(names))]
            await _forget(tx, gone)
            if gone:
                await tx.run("advisory_changed", 0)
            return len(gone)

        return await self._engine.write(script, changes=KNOWN_OF_IMAGES)

    async def named(self, name: str) -> tuple[StoredAdvisory, ...]:
        rows = await self._reader.all("advisories_named", name, _NAMED)
        return await self._with_aliases([_stored(row, unpacked(row[7])) for row in rows])

    async def page(self, page: PageRequest, source: str = "") -> Page[StoredAdvisory]:
        name, _, number = page.after.partition(" ")
        if number and not (number.isascii() and number.isdigit() and len(number) < 19):
            raise PageInvalid("a list of advisories goes on after NAME ID, as it says", {"after": page.after[:64]})
        if source:
            rows = await self._reader.all("advisories_page_of", name, int(number or 0), page.size + 1, source)
        else:
            rows = await self._reader.all("advisories_page", name, int(number or 0), page.size + 1)
        return page_of(await self._with_aliases([_stored(row) for row in rows]), page)

    async def counts(self) -> AdvisoryCounts:
        row = await self._reader.one("advisory_counts", MATCHER_VERSION)
        assert row is not None
        return AdvisoryCounts(*row)

    async def _with_aliases(self, advisories: Sequence[StoredAdvisory]) -> tuple[StoredAdvisory, ...]:
        found: dict[int, list[str]] = {}
        for number, alias in await self._reader.all("aliases_of", each([one.id for one in advisories])):
            found.setdefault(number, []).append(alias)
        return tuple(msgspec.structs.replace(one, aliases=tuple(found.get(one.id, ()))) for one in advisories)


async def _store(tx: Session, source: str, rows: Sequence[AdvisoryRow], last: int) -> StoredBatch:
    """Let these be all rows of their names, but where what is there was modified later; new ones are numbered after
    `last`."""
    wanted: dict[str, dict[str, AdvisoryRow]] = {}
    for row in rows:
        wanted.setdefault(row.name, {})[row.hash] = row
    known: dict[str, dict[str, tuple[int, int]]] = {}
    for number, name, hashed, modified in await tx.all("advisories_known", each(sorted(wanted))):
        known.setdefault(name, {})[hashed] = (number, modified)
    new: list[AdvisoryRow] = []
    others: list[tuple[int, AdvisoryRow]] = []
    gone: list[int] = []
    same = older = 0
    for name, by_hash in wanted.items():
        there = known.get(name, {})
        came = [row for hashed, row in by_hash.items() if hashed not in there]
        left = [there[hashed] for hashed in there if hashed not in by_hash]
        if left and max(modified for _, modified in left) > max(row.modified for row in by_hash.values()):
            older += len(by_hash)
            continue
        same += len(by_hash) - len(came)
        while came and left:
            others.append((left.pop()[0], came.pop()))
        new += came
        gone += [number for number, _ in left]
    await _forget(tx, gone)
    await _replace(tx, source, others)
    await _add(tx, source, list(enumerate(new, last + 1)))
    return StoredBatch(len(new), len(others) + len(gone), same, older)


async def _put(tx: Session, what: str, rows: Sequence[Row]) -> int:
    """Let these be known of CVEs; how many that changes."""
    if not rows:
        return 0
    plural = {"exploited": "exploited", "exploit_score": "exploit_scores"}[what]
    known = {row[0]: tuple(row) for row in await tx.all(f"{plural}_known", each([row[0] for row in rows]))}
    others = [row for row in {row[0]: row for row in rows}.values() if known.get(row[0]) != row]
    if others:
        await tx.many(f"{what}_put", others)
    return len(others)


async def _forget(tx: Session, numbers: Sequence[int]) -> None:
    if numbers:
        await tx.many("advisory_delete", [(number,) for number in numbers])


async def _replace(tx: Session, source: str, rows: Sequence[tuple[int, AdvisoryRow]]) -> None:
    if not rows:
        return
    await tx.many("advisory_replace", [(number, *_columns(source, row)[1:]) for number, row in rows])
    for statement in ("advisory_packages_delete", "advisory_aliases_delete"):
        await tx.many(statement, [(number,) for number, _ in rows])
    await _details(tx, rows)


async def _add(tx: Session, source: str, rows: Sequence[tuple[int, AdvisoryRow]]) -> None:
    if rows:
        await tx.many("advisory_add", [(number, *_columns(source, row)) for number, row in rows])
        await _details(tx, rows)


async def _details(tx: Session, rows: Sequence[tuple[int, AdvisoryRow]]) -> None:
    packages = [(one.ecosystem, one.name, number, one.entry) for number, row in rows for one in row.packages]
    aliases = [(alias, number) for number, row in rows for alias in row.aliases]
    if packages:
        await tx.many("advisory_package_add", packages)
    if aliases:
        await tx.many("advisory_alias_add", aliases)


def _columns(source: str, row: AdvisoryRow) -> Row:
    withdrawn = int(row.withdrawn)
    return row.name, row.hash, source, row.modified, withdrawn, row.severity, row.summary, row.body


def _stored(row: Row, body: bytes = b"") -> StoredAdvisory:
    number, name, source, modified, withdrawn, severity, summary, *_ = row
    return StoredAdvisory(number, name, source, modified, bool(withdrawn), severity, summary, (), body)


class SqlAdvisorySources:
    """See ports.advisories.AdvisorySources."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def all(self) -> tuple[AdvisorySource, ...]:
        return tuple(map(_source, await self._reader.all("advisory_sources")))

    async def get(self, name: str) -> AdvisorySource | None:
        row = await self._reader.one("advisory_source", name)
        return _source(row) if row is not None else None

    async def tell(self, told: AdvisorySource, by: By, *, continues: bool = False) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            source = told
            if continues:
                await tx.one("advisory_changes_lock")  # there need not be a row of the source to lock
                before = await tx.one("advisory_source", told.name)
                source = told.after(_source(before)) if before is not None else told
            await tx.run(
                "advisory_source_put",
                source.name,
                source.origin,
                source.etag,
                source.tried_at,
                source.imported_at,
                source.records,
                source.changed,
                source.refused,
                msgspec.json.encode(source.refusals).decode(),
                source.error,
            )
            if source.error:
                ledger.event(EventKind.ADVISORIES_FAILED, subject=source.name, detail=source.error[:500])
            elif source.changed:
                detail = f"{source.records} records, {source.changed} of them new or changed, {source.refused} refused"
                ledger.event(EventKind.ADVISORIES_IMPORTED, subject=source.name, detail=detail)

        await self._engine.write(recorded(by, steps), changes=False)


def _source(row: Row) -> AdvisorySource:
    name, origin, etag, tried_at, imported_at, records, changed, refused, refusals, error = row
    return AdvisorySource(
        name=name,
        origin=origin,
        etag=etag,
        tried_at=tried_at,
        imported_at=imported_at,
        records=records,
        changed=changed,
        refused=refused,
        refusals=_refusals.decode(refusals),
        error=error,
    )
