"""Manifests, their edges, and the tags that point at them."""

import msgspec

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.hidden import trash_manifest, trash_tag
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.locks import refuse_locked
from orlop.adapters.sql.pointing import moved_tags, point_tag
from orlop.adapters.sql.quarantining import quarantine, show
from orlop.adapters.sql.records import drop_manifest, each, locked_repository, made_repository
from orlop.domain.digest import Digest
from orlop.domain.errors import Denied, ManifestBlobUnknown, ManifestInvalid, ManifestUnknown
from orlop.domain.events import REFERRED, EventKind
from orlop.domain.manifest import Edge, EdgeKind
from orlop.domain.names import Reference, RepositoryName, Tag
from orlop.domain.search import short_annotations
from orlop.ports.catalog import FREELY, By, ManifestPush, StoredManifest, Terms


class SqlManifests:
    """See ports.catalog.Manifests."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def resolve(self, repository: RepositoryName, reference: Reference) -> StoredManifest | None:
        statement = "manifest_by_digest" if isinstance(reference, Digest) else "manifest_by_tag"
        row = await self._reader.one(statement, repository, reference)
        return StoredManifest(Digest.stored(row[0]), *row[1:]) if row else None

    async def put(self, push: ManifestPush, by: By) -> bool:
        async def steps(tx: Session, ledger: Ledger) -> bool:
            repository = await made_repository(tx, push.repository, by, ledger, push.terms)
            known = await tx.one("manifest_row", repository, push.digest)
            if known is None and push.terms.content is not None:
                raise push.terms.content
            moves = await moved_tags(tx, repository, push.tags, push.digest, push.terms)
            hidden = known is not None and bool(known[3])
            waits = push.held and (known is None or hidden)
            manifest = known[0] if known else await _insert(tx, repository, push, by, ledger)
            if waits:
                await quarantine(tx, push.repository, manifest, push.digest, moves, push.pushed_id, by, ledger)
            else:
                if hidden:
                    await show(tx, push.repository, manifest, push.digest, by, ledger)
                for tag, previous in moves.items():
                    await point_tag(tx, repository, push.repository, manifest, push.digest, tag, previous, by, ledger)
            ledger.pushed(repository)
            return waits

        return await self._engine.write(recorded(by, steps), changes=push.repository, holding=push.terms.settings)

    async def delete(self, repository: RepositoryName, digest: Digest, by: By, terms: Terms = FREELY) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            row_id = await locked_repository(tx, repository, ledger)
            if row_id is None:
                raise _unknown(repository, digest)
            await delete_manifest(tx, row_id, repository, digest, by, terms, ledger)

        await self._engine.write(recorded(by, steps), changes=repository, holding=terms.settings)

    async def untag(self, repository: RepositoryName, tag: Tag, by: By, terms: Terms = FREELY) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            row_id = await locked_repository(tx, repository, ledger)
            if row_id is None:
                raise _unknown(repository, tag)
            await delete_tag(tx, row_id, repository, tag, by, terms, ledger)

        await self._engine.write(recorded(by, steps), changes=repository, holding=terms.settings)


async def delete_manifest(
    tx: Session, row_id: int, repository: RepositoryName, digest: Digest, by: By, terms: Terms, ledger: Ledger
) -> None:
    """Delete a manifest of a locked repository with its tags. What raises, raises before anything is changed."""
    known = await tx.one("manifest_row", row_id, digest)
    if known is None:
        raise _unknown(repository, digest)
    await refuse_locked(tx, repository, row_id, digest)
    parent = await tx.one("edge_from_index", row_id, digest)
    if parent is not None:
        raise Denied(f"the index {parent[0]} names this manifest; delete that first", {"index": parent[0]})
    manifest, size, subject, _ = known
    tags = [Tag.stored(tag) for (tag,) in await tx.all("tags_of_manifest", manifest)]
    terms.goes(digest, tags)
    for tag in tags:
        terms.removes(tag, digest)
    if tags:
        await tx.run("tags_delete", manifest)
        await tx.many("tag_history_add", [(row_id, tag, by.at, by.actor, None, digest) for tag in tags])
    for tag in tags:
        ledger.event(EventKind.TAG_DELETED, repository, digest, tag)
    named = [child for (child,) in await tx.all("edge_blob_children", manifest)]
    children = each(named)
    if terms.trash:
        await trash_manifest(tx, row_id, repository, manifest, digest, tags, children, by, terms.trash, ledger)
    else:
        await drop_manifest(tx, row_id, manifest, digest)
    if named:
        await tx.run("links_loosen", row_id, children, by.at)
    ledger.count(row_id, manifests=-1, manifest_bytes=-size, tags=-len(tags))
    ledger.event(EventKind.MANIFEST_DELETED, repository, digest, detail=f"{REFERRED}{subject}" if subject else "")


async def delete_tag(
    tx: Session,
    row_id: int,
    repository: RepositoryName,
    tag: Tag,
    by: By,
    terms: Terms,
    ledger: Ledger,
    detail: str = "",
) -> None:
    """Delete a tag of a locked repository, and nothing else. What raises, raises before anything is changed."""
    target = await tx.one("tag_target", row_id, tag)
    if target is None:
        raise _unknown(repository, tag)
    terms.removes(tag, target[1])
    await tx.run("tag_delete", row_id, tag)
    await tx.run("tag_history_told", row_id, tag, by.at, by.actor, None, target[1], detail)
    if terms.trash:
        await trash_tag(tx, repository, tag, target[1], by, terms.trash)
    ledger.count(row_id, tags=-1)
    ledger.event(EventKind.TAG_DELETED, repository, target[1], tag, detail=detail)


def _unknown(repository: RepositoryName, reference: Reference) -> ManifestUnknown:
    return ManifestUnknown(f"{repository} holds no manifest {reference}", {"reference": reference})


async def _insert(tx: Session, repository: int, push: ManifestPush, by: By, ledger: Ledger) -> int:
    await _check_edges(tx, repository, push)
    manifest = push.manifest
    row = await tx.one(
        "manifest_insert",
        repository,
        push.digest,
        manifest.media_type,
        manifest.artifact_type,
        manifest.subject,
        len(push.content),
        manifest.content_size,
        by.at,
        by.actor,
        msgspec.json.encode(manifest.annotations).decode(),
        push.content,
    )
    assert row is not None
    if manifest.edges:
        await tx.many("edge_insert", [_edge(row[0], repository, push, *place) for place in enumerate(manifest.edges)])
    if short := short_annotations(manifest.annotations):
        await tx.many("annotation_add", [(row[0], key, value) for key, value in short])
    blobs = {edge.digest for edge in manifest.edges if edge.kind is not EdgeKind.MANIFEST}
    if blobs:
        await tx.run("links_tighten", repository, each(sorted(blobs)))
    ledger.count(repository, manifests=1, manifest_bytes=len(push.content))
    if ledger.caching(repository):
        await tx.run("cached_manifest_add", row[0], repository, by.at)
    ledger.event(EventKind.MANIFEST_PUSHED, push.repository, push.digest)
    return int(row[0])


def _edge(manifest: int, repository: int, push: ManifestPush, position: int, edge: Edge) -> Row:
    optional = int(_optional(push, edge))
    return manifest, position, repository, edge.kind.value, edge.digest, edge.size, edge.media_type, optional


def _optional(push: ManifestPush, edge: Edge) -> bool:
    return edge.foreign or push.lazy or (push.sparse and edge.kind is EdgeKind.MANIFEST)


async def _check_edges(tx: Session, repository: int, push: ManifestPush) -> None:
    missing: dict[str, None] = {}
    blobs = await _sizes(tx, "link_sizes", repository, push, manifests=False)
    manifests = await _sizes(tx, "manifest_sizes", repository, push, manifests=True)
    for edge in push.manifest.edges:
        size = (manifests if edge.kind is EdgeKind.MANIFEST else blobs).get(edge.digest)
        if size is None:
            if not _optional(push, edge):
                missing[edge.digest] = None
        elif size != edge.size:
            raise ManifestInvalid(f"the manifest says {edge.size} bytes of {edge.digest}, the repository has {size}")
    if missing:
        raise ManifestBlobUnknown(
            f"{push.repository} does not hold {len(missing)} of what the manifest names; push them first",
            {"digests": list(missing)},
        )


async def _sizes(
    tx: Session, statement: str, repository: int, push: ManifestPush, *, manifests: bool
) -> dict[str, int]:
    """The sizes of everything that the manifest names and the repository holds: of its manifests, or of its blobs."""
    wanted = {edge.digest for edge in push.manifest.edges if (edge.kind is EdgeKind.MANIFEST) is manifests}
    return dict(await tx.all(statement, repository, each(sorted(wanted)))) if wanted else {}
