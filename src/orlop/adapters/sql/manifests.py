"""Manifests, their edges, and the tags that point at them."""

import msgspec

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.records import count, event, existing_repository, made_repository
from orlop.domain.digest import Digest
from orlop.domain.errors import Denied, ManifestBlobUnknown, ManifestInvalid, ManifestUnknown, NameUnknown
from orlop.domain.events import EventKind
from orlop.domain.manifest import Edge, EdgeKind
from orlop.domain.names import Reference, RepositoryName, Tag
from orlop.ports.catalog import By, ManifestPush, StoredManifest


class SqlManifests:
    """See ports.catalog.Manifests."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def resolve(self, repository: RepositoryName, reference: Reference) -> StoredManifest | None:
        statement = "manifest_by_digest" if isinstance(reference, Digest) else "manifest_by_tag"
        row = await self._reader.one(statement, repository, reference)
        return StoredManifest(Digest.stored(row[0]), row[1], row[2]) if row else None

    async def put(self, push: ManifestPush, by: By) -> None:
        async def script(tx: Session) -> None:
            repository = await made_repository(tx, push.repository, by)
            known = await tx.one("manifest_row", repository, push.digest)
            manifest = known[0] if known else await _insert(tx, repository, push, by)
            for tag in push.tags:
                await _point(tx, repository, push, manifest, tag, by)
            await tx.run("repository_pushed", repository, by.at)

        await self._engine.write(script)

    async def delete(self, repository: RepositoryName, digest: Digest, by: By) -> None:
        async def script(tx: Session) -> None:
            row_id = await _repository(tx, repository)
            known = await tx.one("manifest_row", row_id, digest)
            if known is None:
                raise _unknown(repository, digest)
            parent = await tx.one("edge_from_index", row_id, digest)
            if parent is not None:
                raise Denied(f"the index {parent[0]} names this manifest; delete that first", {"index": parent[0]})
            manifest, size = known
            for (tag,) in await tx.all("tags_of_manifest", manifest):
                await _untag(tx, row_id, repository, Tag.stored(tag), digest, by)
            children = await tx.all("edge_blob_children", manifest)
            await tx.run("edges_delete", manifest)
            for (child,) in children:
                if not await tx.one("edge_to_blob", row_id, child):
                    await tx.run("link_loosen", row_id, child, by.at)
            await tx.run("pulls_delete", manifest)
            await tx.run("manifest_delete", manifest)
            await count(tx, row_id, manifests=-1, manifest_bytes=-size)
            await event(tx, EventKind.MANIFEST_DELETED, by, repository, digest)

        await self._engine.write(script)

    async def untag(self, repository: RepositoryName, tag: Tag, by: By) -> None:
        async def script(tx: Session) -> None:
            row_id = await _repository(tx, repository)
            target = await tx.one("tag_target", row_id, tag)
            if target is None:
                raise _unknown(repository, tag)
            await _untag(tx, row_id, repository, tag, Digest.stored(target[1]), by)

        await self._engine.write(script)


def _unknown(repository: RepositoryName, reference: Reference) -> ManifestUnknown:
    return ManifestUnknown(f"{repository} holds no manifest {reference}", {"reference": reference})


async def _repository(tx: Session, name: RepositoryName) -> int:
    try:
        return await existing_repository(tx, name)
    except NameUnknown as cause:
        raise ManifestUnknown(cause.message, cause.detail) from cause


async def _insert(tx: Session, repository: int, push: ManifestPush, by: By) -> int:
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
    for position, edge in enumerate(manifest.edges):
        await tx.run(
            "edge_insert",
            row[0],
            position,
            repository,
            edge.kind.value,
            edge.digest,
            edge.size,
            edge.media_type,
            int(_optional(push, edge)),
        )
    for digest in {edge.digest for edge in manifest.edges if edge.kind is not EdgeKind.MANIFEST}:
        await tx.run("link_tighten", repository, digest)
    await count(tx, repository, manifests=1, manifest_bytes=len(push.content))
    await event(tx, EventKind.MANIFEST_PUSHED, by, push.repository, push.digest)
    return int(row[0])


def _optional(push: ManifestPush, edge: Edge) -> bool:
    return edge.foreign or (push.sparse and edge.kind is EdgeKind.MANIFEST)


async def _check_edges(tx: Session, repository: int, push: ManifestPush) -> None:
    missing: dict[str, None] = {}
    sizes: dict[tuple[Digest, bool], int | None] = {}
    for edge in push.manifest.edges:
        child = edge.digest, edge.kind is EdgeKind.MANIFEST
        if child not in sizes:
            sizes[child] = await _stored_size(tx, repository, *child)
        size = sizes[child]
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


async def _stored_size(tx: Session, repository: int, digest: Digest, is_manifest: bool) -> int | None:
    if is_manifest:
        row = await tx.one("manifest_row", repository, digest)
        return int(row[1]) if row else None
    row = await tx.one("link_row", repository, digest)
    return int(row[0]) if row else None


async def _point(tx: Session, repository: int, push: ManifestPush, manifest: int, tag: Tag, by: By) -> None:
    target = await tx.one("tag_target", repository, tag)
    if target is not None and target[0] == manifest:
        return
    await tx.run("tag_set", repository, tag, manifest, by.at, by.actor)
    await tx.run("tag_history_add", repository, tag, by.at, by.actor, push.digest, target[1] if target else None)
    if target is None:
        await count(tx, repository, tags=1)
    await event(tx, EventKind.TAG_SET, by, push.repository, push.digest, tag)


async def _untag(tx: Session, repository_row: int, repository: str, tag: Tag, digest: Digest, by: By) -> None:
    await tx.run("tag_delete", repository_row, tag)
    await tx.run("tag_history_add", repository_row, tag, by.at, by.actor, None, digest)
    await count(tx, repository_row, tags=-1)
    await event(tx, EventKind.TAG_DELETED, by, repository, digest, tag)
