"""The content in Orlop's own stores, through its adapters: the rows that pushes leave, many in one transaction."""

import asyncio
import itertools
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from bench.scenes import content, people
from bench.scenes.content import Piece
from orlop.adapters.filesystem import FilesystemBlobs, open_data_folder
from orlop.adapters.identity.heads import Ed25519Heads
from orlop.adapters.sql.catalog import DATABASE, OpenCatalog, catalog_on, open_sqlite
from orlop.adapters.sql.engine import Engine, Script, Session
from orlop.adapters.sql.identity.roles import identity_on
from orlop.adapters.sql.migrations.sqlite import migrate
from orlop.bootstrap.clocks import SystemClock
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import Digest
from orlop.domain.manifest import parse_manifest
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.upload import Upload
from orlop.ports.catalog import By, Catalog, ManifestPush, UploadCommit
from orlop.ports.identity import Identity
from orlop.services.audit.log import JOB, AuditWriter, Keep

S = TypeVar("S")
T = TypeVar("T")
Step = Callable[[Catalog], Awaitable[object]]
PeopleStep = Callable[[Identity], Awaitable[object]]

_BY = By("bench", 1_700_000_000_000_000)
_EVER = 1 << 60

#: How many pushes one transaction takes.
_TOGETHER = 1_000


class _Within:
    """See adapters.sql.engine.Engine: every script becomes a part of one transaction that is open already."""

    def __init__(self, session: Session) -> None:
        self.reader = session

    async def write(self, script: Script[T], **_: object) -> T:
        return await script(self.reader)

    async def check(self) -> None:
        """There is nothing to check."""

    async def close(self) -> None:
        """The transaction ends without this."""


class Writer:
    """Writes into the stores of one data folder."""

    def __init__(self, engine: Engine, catalog: Catalog, files: FilesystemBlobs) -> None:
        self._engine = engine
        self._catalog = catalog
        self._files = files
        self._stored: set[str] = set()

    async def blob(self, repository: str, each: Piece) -> None:
        """Store a blob and link it; one that is stored already is only linked."""
        digest, name = Digest(each.digest), RepositoryName(repository)
        if each.digest in self._stored:
            await self._catalog.links.mount(digest, None, name, _BY)
            return
        uploads, stage = self._catalog.uploads, self._files.stage
        upload = Upload(
            id=str(uuid.uuid4()), repository=name, created_by="", algorithm="sha256", started_at=1, expires_at=_EVER
        )
        await uploads.start(upload)
        upload = await uploads.claim(name, upload.id, now=1, lease_until=_EVER)
        writer = await stage.open(upload.id, 0, "sha256")
        await writer.write(each.content)
        await writer.checkpoint()
        await writer.close()
        blob = Blob(BlobKey(digest, upload.id.replace("-", "")), len(each.content))
        await stage.promote(upload.id, blob)
        await uploads.commit(UploadCommit(upload, blob, promoted=True), _BY)
        self._stored.add(each.digest)

    async def steps(self, steps: Iterable[Step]) -> None:
        """Take steps that only write to the catalog, many in one transaction."""
        for together in _batches(steps):

            async def script(session: Session, batch: list[Step] = together) -> None:
                catalog = catalog_on(_Within(session), session)
                for step in batch:
                    await step(catalog)

            await self._engine.write(script)

    async def people(self, steps: Iterable[PeopleStep]) -> None:
        """Take steps that only write about who there is and what they may do, many in one transaction."""
        for together in _batches(steps):

            async def script(session: Session, batch: list[PeopleStep] = together) -> None:
                identity = identity_on(_Within(session))
                for step in batch:
                    await step(identity)

            await self._engine.write(script, access=True)


def _batches(steps: Iterable[S]) -> Iterator[list[S]]:
    rest = iter(steps)
    while batch := list(itertools.islice(rest, _TOGETHER)):
        yield batch


def push(repository: str, manifest: Piece, tags: Iterable[str] = ()) -> Step:
    """The step that pushes a manifest."""
    tagged = tuple(Tag(tag) for tag in tags)

    def step(catalog: Catalog) -> Awaitable[object]:
        parsed = parse_manifest(manifest.content, "")
        name = RepositoryName(repository)
        return catalog.manifests.put(ManifestPush(name, Digest(manifest.digest), manifest.content, parsed, tagged), _BY)

    return step


def mount(repository: str, each: Piece) -> Step:
    """The step that links a stored blob into another repository."""
    return lambda catalog: catalog.links.mount(Digest(each.digest), None, RepositoryName(repository), _BY)


def write(root: Path, fill: Callable[[Writer], Awaitable[None]]) -> None:
    """Make the stores of a data folder and fill them."""
    asyncio.run(_write(root, fill))


async def _write(root: Path, fill: Callable[[Writer], Awaitable[None]]) -> None:
    folder = open_data_folder(root)
    migrate(Path(folder.catalog) / DATABASE, lambda: _BY.at)
    opened = open_sqlite(Path(folder.catalog))
    files = FilesystemBlobs(folder)
    try:
        await fill(Writer(opened.engine, opened.catalog, files))
        await _audit(opened)
    finally:
        await opened.engine.close()
        files.close()


async def _audit(opened: OpenCatalog) -> None:
    """Append everything to the audit log, as a server does within seconds of each push: what is measured is a server
    that has caught up."""
    clock, audit = SystemClock(), opened.audit
    signer = Ed25519Heads(audit.keys, None, clock.now)
    writer = AuditWriter(opened.catalog.outbox, audit.log, audit.reader, audit.readers, signer, clock, Keep())
    lease = await opened.leases.acquire(JOB, "bench", now=clock.now(), until=_EVER)
    assert lease is not None
    while await writer.step(lease):
        continue
    await opened.leases.release(lease, now=clock.now(), outcome="done")


def standard(repositories: int) -> Callable[[Writer], Awaitable[None]]:
    """The content that the other servers hold as well."""

    async def fill(writer: Writer) -> None:
        shared = (content.config(), *content.layers())
        for each in shared:
            await writer.blob(content.repository(0), each)
        await writer.steps(_crowd(repositories, shared))
        for size in content.BLOB_COUNTS:
            for each in content.blobs(size):
                await writer.blob(content.BLOBS, each)
        blobs = tuple(each for size in content.BLOB_COUNTS for each in content.blobs(size))
        await writer.blob(content.BLOBS, content.config())
        await writer.blob(content.IMAGE, content.config())
        for each in content.image_layers():
            await writer.blob(content.IMAGE, each)
        await writer.steps(
            [
                push(content.BLOBS, content.manifest(blobs, "blobs"), ["v0"]),
                push(content.IMAGE, content.manifest(content.image_layers(), "image"), ["v0"]),
            ]
        )
        await writer.people(people.steps())

    return fill


async def nothing(writer: Writer) -> None:
    """No content: only those who may push some."""
    await writer.people(people.steps())


def _crowd(repositories: int, shared: tuple[Piece, ...]) -> Iterator[Step]:
    for name, tagged in content.crowd(repositories):
        yield from (mount(name, each) for each in shared)
        yield from (push(name, manifest, [tag]) for tag, manifest in tagged)
