"""Manifests, their edges, and the tags that point at them."""

from orlop.adapters.memory.state import ManifestRow, RepositoryRow, State, TagRow
from orlop.domain.digest import Digest
from orlop.domain.errors import Denied, ManifestBlobUnknown, ManifestInvalid, ManifestUnknown
from orlop.domain.events import EventKind
from orlop.domain.manifest import Edge, EdgeKind
from orlop.domain.names import Reference, RepositoryName, Tag
from orlop.ports.catalog import By, ManifestPush, StoredManifest, TagChange, TagRefusals, refuse_tags


class MemoryManifests:
    """See ports.catalog.Manifests."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def resolve(self, repository: RepositoryName, reference: Reference) -> StoredManifest | None:
        row = self._state.repositories.get(repository)
        if row is None:
            return None
        if isinstance(reference, Digest):
            digest = reference
        else:
            tag = row.tags.get(reference)
            if tag is None:
                return None
            digest = tag.digest
        manifest = row.manifests.get(digest)
        return StoredManifest(manifest.digest, manifest.media_type, manifest.content) if manifest else None

    async def put(self, push: ManifestPush, by: By) -> None:
        self._state.refuse(push.repository, push.refusals, holds=lambda row: push.digest in row.manifests)
        known = self._state.repositories.get(push.repository)
        _refuse_tags(known, push)
        if known is None or push.digest not in known.manifests:
            self._check_edges(known, push)
        row = self._state.made_repository(push.repository, by)
        if push.digest not in row.manifests:
            self._insert(row, push, by)
        for tag in push.tags:
            self._point(row, tag, push.digest, by)
        self._state.changes.moved()

    async def delete(
        self, repository: RepositoryName, digest: Digest, by: By, refusals: TagRefusals | None = None
    ) -> None:
        row = self._state.repositories.get(repository)
        if row is None or digest not in row.manifests:
            raise _unknown(repository, digest)
        parent = row.naming_manifest(digest)
        if parent is not None:
            raise Denied(f"the index {parent} names this manifest; delete that first", {"index": parent})
        tags = sorted(tag for tag, target in row.tags.items() if target.digest == digest)
        refuse_tags(tags, refusals)
        for tag in tags:
            self._state.untag(row, tag, by)
        manifest = row.manifests.pop(digest)
        for child in {edge.digest for edge in manifest.edges if edge.kind is not EdgeKind.MANIFEST}:
            if child in row.links and row.naming_blob(child) is None:
                row.links[child].loose_since = by.at
        self._count(row, -1, -manifest.size)
        self._state.event(EventKind.MANIFEST_DELETED, by, repository, digest)
        self._state.changes.moved()

    async def untag(self, repository: RepositoryName, tag: Tag, by: By) -> None:
        row = self._state.repositories.get(repository)
        if row is None or tag not in row.tags:
            raise _unknown(repository, tag)
        self._state.untag(row, tag, by)
        self._state.changes.moved()

    def _check_edges(self, row: RepositoryRow | None, push: ManifestPush) -> None:
        missing: dict[Digest, None] = {}
        for edge in push.manifest.edges:
            size = self._state.size(row, edge) if row else None
            if size is None:
                if not _optional(push, edge):
                    missing[edge.digest] = None
            elif size != edge.size:
                raise ManifestInvalid(
                    f"the manifest says {edge.size} bytes of {edge.digest}, the repository has {size}"
                )
        if missing:
            raise ManifestBlobUnknown(
                f"{push.repository} does not hold {len(missing)} of what the manifest names; push them first",
                {"digests": list(missing)},
            )

    def _insert(self, row: RepositoryRow, push: ManifestPush, by: By) -> None:
        manifest = push.manifest
        row.manifests[push.digest] = ManifestRow(
            id=next(self._state.ids),
            digest=push.digest,
            media_type=manifest.media_type,
            artifact_type=manifest.artifact_type,
            subject=manifest.subject,
            annotations=manifest.annotations,
            content=push.content,
            size=len(push.content),
            edges=manifest.edges,
            optional=frozenset(edge for edge in manifest.edges if _optional(push, edge)),
        )
        for edge in manifest.edges:
            if edge.kind is not EdgeKind.MANIFEST and edge.digest in row.links:
                row.links[edge.digest].loose_since = None
        self._count(row, 1, len(push.content))
        self._state.event(EventKind.MANIFEST_PUSHED, by, row.name, push.digest)

    def _point(self, row: RepositoryRow, tag: Tag, digest: Digest, by: By) -> None:
        target = row.tags.get(tag)
        if target is not None and target.digest == digest:
            return
        row.history.setdefault(tag, []).append(TagChange(by.at, by.actor, digest, target.digest if target else None))
        if target is None:
            row.tags[tag] = TagRow(digest)
            row.counters.tags += 1
            self._state.totals.tags += 1
        else:
            target.digest = digest
        self._state.event(EventKind.TAG_SET, by, row.name, digest, tag)

    def _count(self, row: RepositoryRow, manifests: int, size: int) -> None:
        row.counters.manifests += manifests
        row.counters.manifest_bytes += size
        self._state.totals.manifests += manifests
        self._state.totals.manifest_bytes += size


def _refuse_tags(row: RepositoryRow | None, push: ManifestPush) -> None:
    for tag in push.tags:
        target = row.tags.get(tag) if row else None
        refusals = push.refusals.tag if target is None else push.refusals.overwrite
        if (target is None or target.digest != push.digest) and tag in refusals:
            raise refusals[tag]


def _optional(push: ManifestPush, edge: Edge) -> bool:
    return edge.foreign or (push.sparse and edge.kind is EdgeKind.MANIFEST)


def _unknown(repository: RepositoryName, reference: Reference) -> ManifestUnknown:
    return ManifestUnknown(f"{repository} holds no manifest {reference}", {"reference": reference})
