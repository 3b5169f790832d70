"""A catalog, somebody who acts on it at a given time, and everything that can be seen of it from outside."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import NamedTuple

from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import Digest
from orlop.domain.events import Event, EventKind
from orlop.domain.names import Reference, RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.domain.upload import Upload
from orlop.ports.catalog import (
    BlobRecord,
    By,
    Catalog,
    Finding,
    ManifestPush,
    ManifestRecord,
    Overdue,
    Pull,
    Terms,
    Totals,
    UploadCommit,
)
from orlop.ports.clock import HOUR, SECOND
from tests.content import Piece, Pushable

START = 1_800_000_000 * SECOND
APP, LIB, WEB = RepositoryName("team/app"), RepositoryName("team/lib"), RepositoryName("web")
V1, V2, LATEST = Tag("v1"), Tag("v2"), Tag("latest")

#: Overdue that nothing in these tests is older than.
LENIENT = Overdue(uploads_before=START - HOUR, tombstones_before=START - HOUR)


class View(NamedTuple):
    """Everything that a catalog shows."""

    totals: Totals
    events: tuple[Event, ...]
    repositories: tuple[RepositoryName, ...]
    tags: dict[RepositoryName, dict[Tag, Digest]]
    manifests: tuple[ManifestRecord, ...]
    blobs: tuple[BlobRecord, ...]
    loose: dict[tuple[RepositoryName, Digest], int | None]


class Scene:
    """Acts on a catalog at `at`, which only the test moves. Uploads are numbered from `first` on. What is pushed is
    cached for the upstream at the node `cache`, if there is one."""

    def __init__(self, catalog: Catalog, *, at: int = START, first: int = 1, cache: str | None = None) -> None:
        self.catalog = catalog
        self.at = at
        self.terms = Terms(cache=cache)
        self._numbers = count(first)
        self._seen = 0

    def by(self, actor: str = "alice") -> By:
        """Who acts, now."""
        return By(actor, self.at)

    def upload(self, repository: RepositoryName = APP, *, expire: int = HOUR) -> Upload:
        """A session that has no row yet."""
        number = next(self._numbers)
        return Upload(
            id=str(uuid.UUID(int=number * 0x1F_0000_0001)),
            repository=repository,
            created_by="alice",
            algorithm="sha256",
            started_at=self.at,
            expires_at=self.at + expire,
        )

    async def claimed(self, repository: RepositoryName = APP, target: Digest | None = None) -> Upload:
        """A session that somebody writes to for a minute."""
        upload = self.upload(repository)
        await self.catalog.uploads.start(upload)
        return await self.catalog.uploads.claim(
            repository, upload.id, now=self.at, lease_until=self.at + 60 * SECOND, target=target
        )

    async def hold(self, repository: RepositoryName, *pieces: Piece) -> Blob:
        """Push blobs, as an upload that was promoted; the last one as the catalog keeps it."""
        for piece in pieces:
            upload = await self.claimed(repository, piece.digest)
            blob = copy_of(upload, piece)
            linked = await self.catalog.uploads.commit(
                UploadCommit(upload, blob, promoted=True, terms=self.terms), self.by()
            )
        assert linked is not None
        return linked

    async def hold_missing(self, repository: RepositoryName, what: Pushable) -> None:
        """Push the blobs of a manifest that the repository does not hold."""
        for piece in what.blobs:
            if await self.catalog.links.find(repository, piece.digest) is None:
                await self.hold(repository, piece)

    async def push(self, repository: RepositoryName, what: Pushable, *tags: Tag, sparse: bool = False) -> None:
        """Push a manifest after everything that it needs; only the blobs that the repository does not hold."""
        for pushable in what.everything():
            await self.hold_missing(repository, pushable)
            await self.put(repository, pushable, *(tags if pushable is what else ()), sparse=sparse)

    async def put(self, repository: RepositoryName, what: Pushable, *tags: Tag, sparse: bool = False) -> None:
        """Push a manifest alone."""
        push = ManifestPush(repository, what.digest, what.content, what.manifest, tags, sparse, terms=self.terms)
        await self.catalog.manifests.put(push, self.by())

    async def pull(self, repository: RepositoryName, reference: Reference) -> Pull:
        """A pull of what is there."""
        pull = await self.pull_if_there(repository, reference)
        assert pull is not None
        return pull

    async def pull_if_there(self, repository: RepositoryName, reference: Reference) -> Pull | None:
        """A pull of what is there, if it is."""
        found = await self.catalog.manifests.resolve(repository, reference)
        if found is None:
            return None
        return Pull(repository, found.digest, reference if isinstance(reference, Tag) else None, found.row)

    async def count_pulls(self, repository: RepositoryName, tag: Tag) -> None:
        """Count three pulls of a tag, if it is there."""
        pull = await self.pull_if_there(repository, tag)
        if pull is not None:
            await self.catalog.pulls.record([(pull, 1, self.at)] * 3)

    async def loose(self, repository: RepositoryName, digest: Digest) -> int | None:
        """Since when the link, which is there, is loose."""
        found = await self.catalog.links.find(repository, digest)
        assert found is not None
        return found.loose_since

    async def news(self) -> list[tuple[EventKind, str, str, str]]:
        """What happened since this was last asked: kind, repository, digest, tag. Everything by alice, now."""
        events = await self.catalog.outbox.events(self._seen, 1000)
        if events:
            self._seen = events[-1].id
        assert {(event.actor, event.at) for event in events} <= {("alice", self.at)}
        return [(event.kind, event.repository, event.digest, event.tag) for event in events]

    async def view(self) -> View:
        """Everything, as it is now."""
        catalog, page = self.catalog, PageRequest(1000)
        repositories = (await catalog.browse.repositories(page)).items
        tags: dict[RepositoryName, dict[Tag, Digest]] = {}
        loose: dict[tuple[RepositoryName, Digest], int | None] = {}
        blobs = await catalog.inspection.blobs(0, 1000)
        for repository in repositories:
            tags[repository] = {}
            for tag in (await catalog.browse.tags(repository, page)).items:
                manifest = await catalog.manifests.resolve(repository, tag)
                assert manifest is not None
                tags[repository][tag] = manifest.digest
            for digest in {record.blob.key.digest for record in blobs}:
                link = await catalog.links.find(repository, digest)
                if link is not None:
                    loose[repository, digest] = link.loose_since
        return View(
            totals=await catalog.vitals.totals(),
            events=await catalog.outbox.events(0, 1000),
            repositories=repositories,
            tags=tags,
            manifests=await catalog.inspection.manifests(0, 1000),
            blobs=blobs,
            loose=loose,
        )

    @asynccontextmanager
    async def unchanged(self) -> AsyncIterator[None]:
        """What is done meanwhile changes nothing that can be seen."""
        before = await self.view()
        yield
        assert await self.view() == before

    async def findings(self, limits: Overdue = LENIENT) -> list[Finding]:
        """What inspection finds wrong."""
        return [finding async for finding in self.catalog.inspection.findings(limits)]


def copy_of(upload: Upload, piece: Piece) -> Blob:
    """The copy that a session becomes."""
    return Blob(BlobKey(piece.digest, upload.id.replace("-", "")), piece.size)
