"""What the catalog in memory is made of: rows in dictionaries, and the steps that several operations share.

No step awaits anything, so each operation is atomic; operations check everything before they change anything.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from orlop.adapters.memory.changes import MemoryChanges
from orlop.adapters.memory.identity_rows import IdentityRows
from orlop.domain.blob import Blob, BlobState
from orlop.domain.digest import Digest
from orlop.domain.events import Event, EventKind
from orlop.domain.manifest import Edge, EdgeKind
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.upload import Upload
from orlop.ports.catalog import By, PushRefusals, TagChange


@dataclass(slots=True)
class ManifestRow:
    """A manifest and what was derived from it. `optional` are the edges that may lead nowhere."""

    id: int
    digest: Digest
    media_type: str
    artifact_type: str
    subject: Digest | None
    annotations: dict[str, str]
    content: bytes
    size: int
    edges: tuple[Edge, ...]
    optional: frozenset[Edge]
    pulls: int = 0
    pulled_at: int = 0


@dataclass(slots=True)
class TagRow:
    """A tag; it points at a manifest of its repository by digest."""

    digest: Digest
    pulls: int = 0
    pulled_at: int = 0


@dataclass(slots=True)
class LinkRow:
    """A link to the blob of that row number."""

    blob_id: int
    loose_since: int | None


@dataclass(slots=True)
class BlobRow:
    """A stored copy."""

    id: int
    blob: Blob
    state: BlobState
    state_at: int


@dataclass(slots=True)
class UploadRow:
    """A session, the digest that it was last about to become, and the ticket that it was begun with."""

    upload: Upload
    target: Digest | None = None
    ticket: str = ""


@dataclass(slots=True)
class Counters:
    """Kept beside the rows, not counted from them, as a database keeps them."""

    manifests: int = 0
    manifest_bytes: int = 0
    tags: int = 0
    blobs: int = 0
    blob_bytes: int = 0


@dataclass(slots=True)
class RepositoryRow:
    """A repository with everything in it."""

    name: RepositoryName
    manifests: dict[Digest, ManifestRow] = field(default_factory=dict)
    tags: dict[Tag, TagRow] = field(default_factory=dict)
    history: dict[Tag, list[TagChange]] = field(default_factory=dict)
    links: dict[Digest, LinkRow] = field(default_factory=dict)
    counters: Counters = field(default_factory=Counters)
    pulls: int = 0
    pulled_at: int = 0

    def naming_blob(self, digest: Digest) -> Digest | None:
        """A manifest that names the blob, or None."""
        return next((row.digest for row in self.manifests.values() if _names(row, digest, blob=True)), None)

    def naming_manifest(self, digest: Digest) -> Digest | None:
        """An index that names the manifest, or None."""
        return next((row.digest for row in self.manifests.values() if _names(row, digest, blob=False)), None)


def _names(row: ManifestRow, digest: Digest, *, blob: bool) -> bool:
    return any(edge.digest == digest and (edge.kind is not EdgeKind.MANIFEST) is blob for edge in row.edges)


@dataclass(slots=True)
class State:
    """All rows, and the counter that moves with them."""

    changes: MemoryChanges = field(default_factory=MemoryChanges)
    repositories: dict[RepositoryName, RepositoryRow] = field(default_factory=dict)
    blobs: dict[int, BlobRow] = field(default_factory=dict)
    uploads: dict[str, UploadRow] = field(default_factory=dict)
    outbox: list[Event] = field(default_factory=list)
    totals: Counters = field(default_factory=Counters)
    repository_total: int = 0
    ids: "count[int]" = field(default_factory=lambda: count(1))
    identity: IdentityRows = field(default_factory=IdentityRows)

    def event(
        self,
        kind: EventKind,
        by: By,
        repository: str = "",
        digest: str = "",
        tag: str = "",
        *,
        subject: str = "",
        detail: str = "",
    ) -> None:
        """Write one event to the outbox."""
        self.outbox.append(
            Event(
                id=self.outbox[-1].id + 1 if self.outbox else 1,  # the last one is never trimmed
                at=by.at,
                kind=kind,
                actor=by.actor,
                repository=str(repository),  # plain text, as every catalog gives it back
                digest=str(digest),
                tag=str(tag),
                origin=by.origin,
                subject=str(subject),
                detail=detail,
            )
        )

    def refuse(self, name: RepositoryName, refusals: PushRefusals, *, holds: Callable[[RepositoryRow], bool]) -> None:
        """Raises what a push of content is refused with. Called before anything is changed."""
        row = self.repositories.get(name)
        if row is None and refusals.create is not None:
            raise refusals.create
        if refusals.content is not None and (row is None or not holds(row)):
            raise refusals.content

    def made_repository(self, name: RepositoryName, by: By) -> RepositoryRow:
        """The repository, made if it is new."""
        row = self.repositories.get(name)
        if row is None:
            row = self.repositories[name] = RepositoryRow(name)
            self.identity.made_namespace(name.namespace, by)
            self.repository_total += 1
            self.event(EventKind.REPOSITORY_CREATED, by, name)
        return row

    def present(self, digest: Digest) -> BlobRow | None:
        """The one row of a digest that is live or condemned."""
        for row in self.blobs.values():
            if row.blob.key.digest == digest and row.state is not BlobState.TOMBSTONED:
                return row
        return None

    def held(self, repository: RepositoryName, digest: Digest) -> tuple[RepositoryRow, LinkRow, Blob] | None:
        """The link of a repository to a blob, with both ends; None when there is none."""
        row = self.repositories.get(repository)
        link = row.links.get(digest) if row else None
        return (row, link, self.blobs[link.blob_id].blob) if row and link else None

    def size(self, row: RepositoryRow, edge: Edge) -> int | None:
        """Of what an edge of the repository leads to, in bytes; None when it leads nowhere."""
        if edge.kind is EdgeKind.MANIFEST:
            manifest = row.manifests.get(edge.digest)
            return manifest.size if manifest else None
        link = row.links.get(edge.digest)
        blob = self.blobs.get(link.blob_id) if link else None
        return blob.blob.size if blob else None

    def is_linked(self, blob_id: int) -> bool:
        """Whether any repository holds the blob."""
        return any(link.blob_id == blob_id for row in self.repositories.values() for link in row.links.values())

    def add_blob(self, blob: Blob, state: BlobState, by: By) -> BlobRow:
        """A new row."""
        row = BlobRow(next(self.ids), blob, state, by.at)
        self.blobs[row.id] = row
        if state is not BlobState.TOMBSTONED:
            self.totals.blobs += 1
            self.totals.blob_bytes += blob.size
        return row

    def link(self, repository: RepositoryName, blob: BlobRow, by: By) -> bool:
        """Link a blob and revive it if it was condemned; False when it was linked already, which renews a loose link.

        The link is loose unless a manifest names the blob already, as a foreign layer that arrives late.
        """
        row = self.made_repository(repository, by)
        digest = blob.blob.key.digest
        existing = row.links.get(digest)
        if existing is not None:
            if existing.loose_since is not None:
                existing.loose_since = by.at
            return False
        row.links[digest] = LinkRow(blob.id, None if row.naming_blob(digest) else by.at)
        row.counters.blobs += 1
        row.counters.blob_bytes += blob.blob.size
        if blob.state is BlobState.CONDEMNED:
            blob.state, blob.state_at = BlobState.LIVE, by.at
            self.event(EventKind.BLOB_REVIVED, by, digest=digest)
        return True

    def unlink(self, row: RepositoryRow, digest: Digest, by: By) -> bool:
        """Remove a link; True when it was the blob's last and the blob is condemned now."""
        blob = self.blobs[row.links.pop(digest).blob_id]
        row.counters.blobs -= 1
        row.counters.blob_bytes -= blob.blob.size
        self.event(EventKind.BLOB_UNLINKED, by, row.name, digest)
        if self.is_linked(blob.id):
            return False
        blob.state, blob.state_at = BlobState.CONDEMNED, by.at
        self.event(EventKind.BLOB_CONDEMNED, by, digest=digest)
        return True

    def remove(self, row: RepositoryRow, by: By) -> None:
        """Remove a repository with everything in it."""
        for digest in sorted(row.links):
            self.unlink(row, digest, by)
        self.totals.manifests -= row.counters.manifests
        self.totals.manifest_bytes -= row.counters.manifest_bytes
        self.totals.tags -= row.counters.tags
        self.repository_total -= 1
        del self.repositories[row.name]

    def untag(self, row: RepositoryRow, tag: Tag, by: By) -> None:
        """Remove a tag that is there."""
        digest = row.tags.pop(tag).digest
        row.history[tag].append(TagChange(by.at, by.actor, None, digest))
        row.counters.tags -= 1
        self.totals.tags -= 1
        self.event(EventKind.TAG_DELETED, by, row.name, digest, tag)
