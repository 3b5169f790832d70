"""Everything in the catalog, for verification."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import msgspec

from orlop.adapters.sql.engine import Engine, Row
from orlop.adapters.sql.records import each
from orlop.domain.access import ROLES
from orlop.domain.blob import Blob, BlobKey, BlobState
from orlop.domain.digest import Digest
from orlop.domain.inside.rows import is_whole
from orlop.domain.names import RepositoryName
from orlop.domain.pages import fitting
from orlop.ports.catalog import BlobRecord, Finding, ManifestRecord, Overdue

_annotations = msgspec.json.Decoder(dict[str, str])

#: Statement, number of the invariant that its rows violate.
_FINDINGS = {
    "finding_tag": 1,
    "finding_edge_to_blob": 1,
    "finding_edge_to_manifest": 1,
    "finding_edge_size": 1,
    "finding_link": 1,
    "finding_rotten": 1,
    "finding_tag_history": 4,
    "finding_lock": 2,
    "finding_trash": 2,
    "finding_hidden": 8,
    "finding_label": 2,
    "finding_annotation": 2,
    "finding_in_use": 5,
    "finding_plan": 2,
    "finding_loose": 8,
    "finding_cached": 8,
    "finding_unlinked": 8,
    "finding_repository_count": 5,
    "finding_totals": 5,
    "finding_grant_principal": 9,
    "finding_member": 9,
    "finding_secret": 9,
    "finding_session": 9,
    "finding_deletion": 9,
    "finding_inside_part": 11,
    "finding_inside_package": 11,
    "finding_package_key": 11,
    "finding_package_licence": 11,
    "finding_advisory_name": 11,
    "finding_advisory_number": 11,
    "finding_vulnerability": 11,
    "finding_vulnerability_reason": 11,
}

#: Beyond every row, and advisories that one query takes.
_EVERY, _ADVISORIES = 1 << 62, 200


class SqlInspection:
    """See ports.catalog.Inspection."""

    def __init__(self, engine: Engine) -> None:
        self._reader = engine.reader

    async def manifests(self, after: int, limit: int) -> tuple[ManifestRecord, ...]:
        fit = fitting(held for (held,) in await self._reader.all("weigh_manifests", after, limit))
        rows = await self._reader.all("inspect_manifests", after, fit)
        edges: dict[int, list[tuple[str, Digest, int]]] = {row[0]: [] for row in rows}
        for manifest, kind, child, length in await self._reader.all("inspect_edges", each(list(edges))):
            edges[manifest].append((kind, Digest.stored(child), length))
        records = []
        for row_id, repository, digest, media_type, artifact_type, subject, annotations, size, content in rows:
            records.append(
                ManifestRecord(
                    id=row_id,
                    repository=RepositoryName.stored(repository),
                    digest=Digest.stored(digest),
                    media_type=media_type,
                    artifact_type=artifact_type,
                    subject=Digest.stored(subject) if subject else None,
                    annotations=_annotations.decode(annotations),
                    size=size,
                    content=content,
                    edges=tuple(edges[row_id]),
                )
            )
        return tuple(records)

    async def blobs(self, after: int, limit: int) -> tuple[BlobRecord, ...]:
        return tuple(
            BlobRecord(row_id, Blob(BlobKey(Digest.stored(digest), copy), size), BlobState(state))
            for row_id, digest, copy, size, state in await self._reader.all("inspect_blobs", after, limit)
        )

    async def knows_copy(self, key: BlobKey) -> bool:
        row = await self._reader.one("inspect_copy", key.digest, key.copy)
        return row is not None and bool(row[0])

    async def knows_upload(self, upload: str) -> bool:
        row = await self._reader.one("inspect_upload", upload)
        return row is not None and bool(row[0])

    async def findings(self, limits: Overdue) -> AsyncIterator[Finding]:
        for statement, invariant in _FINDINGS.items():
            for where, what in await self._reader.all(statement):
                yield Finding(invariant, where, what)
        for row_id, _, holders, digest, path in await self._reader.all("inspect_holders", 0, _EVERY):
            what = f"{holders} repositories below {path}/ hold the blob, and another number is kept"
            yield Finding(5, digest or f"blob {row_id}", what)
        for row_id, _, holders, digest, path in await self._reader.all("inspect_cached", 0, _EVERY):
            what = f"{holders} repositories below {path}/ cache the blob, and another number is kept"
            yield Finding(5, digest or f"blob {row_id}", what)
        for _, path, *_ in await self._reader.all("inspect_usage"):
            yield Finding(5, f"{path}/", "the counters of the namespace differ from a recount")
        for where, what in await self._reader.all("finding_grant_role", each(sorted(ROLES))):
            yield Finding(9, where, what)
        for where, what in await self._reader.all("finding_upload", limits.uploads_before):
            yield Finding(7, where, what)
        for where, what in await self._reader.all("finding_tombstone", limits.tombstones_before):
            yield Finding(7, where, what)
        async for finding in self._advisories():
            yield finding

    async def _advisories(self) -> AsyncIterator[Finding]:
        """Records that are not what was stored."""
        last = 0
        while rows := await self._reader.all("inspect_advisories", last, _ADVISORIES):
            last = rows[-1][0]
            for name in await asyncio.to_thread(_others, rows):
                yield Finding(11, name, "the record is not what was taken in")


def _others(rows: Sequence[Row]) -> list[str]:
    return [name for _, name, hashed, body in rows if not is_whole(body, hashed)]
