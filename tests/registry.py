"""A registry without its faces: every service on stores of choice, with a clock and ids that the test moves."""

import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from orlop.adapters.filesystem import FilesystemBlobs, open_data_folder
from orlop.adapters.memory.blobs import MemoryBlobs, MemoryStage
from orlop.adapters.sql.catalog import DATABASE, OpenCatalog, open_sqlite
from orlop.adapters.sql.memory import open_memory
from orlop.adapters.sql.migrations.sqlite import migrate
from orlop.adapters.sql.postgres.catalog import open_postgres
from orlop.adapters.sql.postgres.connections import Database
from orlop.bootstrap.clocks import RandomIds
from orlop.bootstrap.server.shown import ShownContent
from orlop.bootstrap.server.upstreams import build_remotes
from orlop.config import Settings as Options
from orlop.domain.access import Caller, Subject
from orlop.domain.blob import Blob
from orlop.domain.durations import DAY
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.retention.plans import RetentionPlan
from orlop.domain.retention.rules import RETENTION
from orlop.domain.virtuals import VIRTUALS
from orlop.ports.blobs import BlobInventory, BlobReader, BlobRemover, BlobStage
from orlop.ports.catalog import By, Catalog
from orlop.ports.clock import HOUR, SECOND
from orlop.ports.events import Changes
from orlop.ports.settings import Document, Documents
from orlop.services.access.decisions import Access
from orlop.services.collection.garbage import Collection
from orlop.services.collection.sweep import Sweep
from orlop.services.content.blobs import Blobs
from orlop.services.content.claims import Recording, UploadLimits
from orlop.services.content.copies import Copies
from orlop.services.content.manifests import Manifests
from orlop.services.content.referrers import Referrers
from orlop.services.content.repositories import Repositories
from orlop.services.content.uploads import Body, Uploads
from orlop.services.retention.applying import Applier
from orlop.services.retention.planning import Planner
from orlop.services.settings.in_force import SettingsInForce
from orlop.services.settings.placed import PlacedSettings
from orlop.services.stores.scrub import Scrub
from orlop.services.stores.verify import Ages, Verification
from orlop.services.tags.terms import WriteTerms
from orlop.services.upstreams import transfer
from orlop.services.upstreams.blobs import ShownBlobs
from orlop.services.upstreams.lists import ShownLists
from orlop.services.upstreams.manifests import ShownManifests
from orlop.services.upstreams.shown import Upstreams
from orlop.services.upstreams.turns import Turns
from orlop.services.virtuals.virtuals import Virtuals
from tests.catalogs import empty_catalog
from tests.content import Piece, Pushable
from tests.postgres import SURROUNDINGS

if TYPE_CHECKING:
    from tests.s3 import S3Server

#: Later than any file that a test makes, so that whatever no row names counts as old at once.
START = 4_000_000_000 * SECOND
GRACE = HOUR
EXPIRE = 2 * HOUR
LEASE = 60 * SECOND
ALICE = Caller(Subject("alice"))


async def at_once(seconds: float) -> None:
    """Does not sleep: it is the test that moves the clock."""


class HandClock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> int:
        """See ports.clock.Clock."""
        return self.at


class CountedIds:
    """Ids in order."""

    def __init__(self) -> None:
        self.given = 0

    def new(self) -> str:
        """See ports.clock.Ids."""
        self.given += 1
        return str(uuid.UUID(int=self.given * 0x1F_0000_0001))


class Stores(NamedTuple):
    """What a registry keeps things in."""

    catalog: Catalog
    stage: BlobStage
    reader: BlobReader
    remover: BlobRemover
    inventory: BlobInventory
    close: Callable[[], Coroutine[Any, Any, None]]
    settings: "Settings | None" = None
    """Rules that hold there; None: there are none."""


class Settings(NamedTuple):
    """The settings of a catalog, and how their changes show."""

    documents: Documents
    changes: Changes


def _settings(opened: OpenCatalog) -> Settings:
    return Settings(opened.identity.documents, opened.settings_changes)


class Damageable(NamedTuple):
    """Stores in memory, and their insides."""

    stores: Stores
    rows: OpenCatalog
    blobs: MemoryBlobs


def in_memory(clock: HandClock) -> Damageable:
    """Empty stores in memory."""
    opened, blobs = open_memory(), MemoryBlobs(clock)

    async def close() -> None:
        """Nothing is held."""

    return Damageable(
        Stores(opened.catalog, MemoryStage(blobs, clock), blobs, blobs, blobs, close, _settings(opened)), opened, blobs
    )


def empty_on_disk(folder: Path) -> Stores:
    """Empty stores in a new folder: SQLite and files; faster than `on_disk`, which makes the catalog by migrations."""
    empty_catalog(open_data_folder(folder).catalog)
    return on_disk(folder)


def on_disk(folder: Path) -> Stores:
    """What is in a folder, opened as a server does it; empty stores if that is nothing: SQLite and files."""
    tree = open_data_folder(folder)
    migrate(tree.catalog / DATABASE, lambda: START)
    opened, files = open_sqlite(tree.catalog), FilesystemBlobs(tree)

    async def close() -> None:
        await opened.engine.close()
        files.close()

    return Stores(opened.catalog, files.stage, files.reader, files.remover, files.inventory, close, _settings(opened))


def in_postgres(url: str, folder: Path, *, connections: int = 8) -> Stores:
    """Stores on an empty catalog in a database, and blobs in a folder."""
    opened = open_postgres(Database(url, connections), None, [0], 0, SURROUNDINGS)
    files = FilesystemBlobs(open_data_folder(folder))

    async def close() -> None:
        await opened.engine.close()
        files.close()

    return Stores(opened.catalog, files.stage, files.reader, files.remover, files.inventory, close, _settings(opened))


def scaled_out(url: str, store: "S3Server", bucket: str, *, connections: int = 8) -> Stores:
    """Stores on an empty catalog in a database, and blobs under a prefix of their own in a bucket."""
    # Here, so that programs that tests start by the dozen and kill do not load the driver.
    from orlop.adapters.s3 import S3Blobs, S3Session

    opened = open_postgres(Database(url, connections), None, [0], 0, SURROUNDINGS)
    blobs = S3Blobs(S3Session(store.options(bucket, str(uuid.uuid4()))), RandomIds())

    async def close() -> None:
        await opened.engine.close()
        await blobs.close()

    return Stores(opened.catalog, blobs.stage, blobs.reader, blobs.remover, blobs.inventory, close, _settings(opened))


class Registry:
    """Every service, and the steps that tests take most."""

    def __init__(self, stores: Stores, clock: HandClock, ids: CountedIds | None = None) -> None:
        catalog = stores.catalog
        self.stores, self.clock, self.ids = stores, clock, ids or CountedIds()
        nowhere = open_memory()
        self.access = Access(nowhere.identity.facts, nowhere.access_changes, clock, everyone=True)
        settings = stores.settings or _settings(nowhere)
        in_force = SettingsInForce(*settings)
        self.upstreams = Upstreams(*settings, catalog.cached_content)
        virtuals = PlacedSettings(VIRTUALS, *settings)
        self.virtuals = Virtuals(virtuals, self.upstreams, self.access, nowhere.identity.facts)
        self.terms = terms = WriteTerms(self.access, in_force, self.upstreams)
        self.copies = copies = Copies(stores.reader, stores.reader, catalog.quarantine, clock)
        self.uploads = Uploads(
            catalog.uploads,
            catalog.expiry,
            catalog.links,
            stores.stage,
            copies,
            self.access,
            terms,
            clock,
            self.ids,
            UploadLimits(expire=EXPIRE, lease=LEASE),
        )
        self.referrers = Referrers(catalog.browse, catalog.manifests)
        self.repositories = Repositories(catalog.browse, self.access, nowhere.identity.facts, clock)
        self.blobs = Blobs(
            catalog.links, copies, self.access, terms, clock, repositories=self.repositories, grace=GRACE
        )
        self.manifests = Manifests(catalog.manifests, self.referrers, terms, clock, sparse_indexes=False)
        self.collection = Collection(
            catalog.collection, catalog.expiry, catalog.trash_end, stores.stage, stores.remover, clock, sleep=at_once
        )
        self.scrub = Scrub(
            catalog.scrub, catalog.quarantine, stores.reader, catalog.vitals, clock, period=DAY, pace=0, sleep=at_once
        )
        self.documents, self.plans = settings.documents, catalog.retention.plans
        self.planner = Planner(catalog.retention, catalog.browse, settings.documents, in_force, clock)
        self.applier = Applier(self.plans, self.planner, catalog.retention.removals, catalog.history, terms, clock)
        self.sweep = Sweep(catalog.inspection, catalog.orphans, stores.inventory, stores.stage, stores.remover, clock)

    def shown(self) -> ShownContent:
        """What pulls of repositories come by that show an upstream."""
        catalog, remotes = self.stores.catalog, build_remotes(Options())
        turns = Turns(catalog.uploads, catalog.expiry, self.clock, self.ids)
        recording = Recording(catalog.expiry, catalog.links, self.stores.stage, self.copies)
        rows = (catalog.uploads, catalog.expiry, catalog.links, self.stores.stage, self.copies, recording)
        ends = transfer.Stores(*rows, remotes, self.terms, self.clock, self.ids)
        upstreams, tags = self.upstreams, catalog.remote_tags
        return ShownContent(
            upstreams,
            ShownManifests(upstreams, remotes, tags, self.manifests, catalog.manifests, self.terms, turns, self.clock),
            ShownBlobs(upstreams, catalog.cached_content, self.blobs, ends),
            ShownLists(upstreams, remotes, catalog.browse, self.referrers),
            remotes,
        )

    def verification(self, ages: Ages = Ages(EXPIRE, GRACE, 0)) -> Verification:  # noqa: B008 - a frozen value
        """Verification of these stores, to which everything that no row names is a stray."""
        stores = self.stores
        catalog = stores.catalog
        return Verification(
            catalog.inspection, stores.reader, stores.inventory, self.clock, orphans=catalog.orphans, ages=ages
        )

    async def push_blob(self, repository: RepositoryName, piece: Piece) -> Blob:
        """Push a blob in one request."""
        return await self.uploads.push(repository, piece.digest, body(piece.content), ALICE)

    async def push(self, repository: RepositoryName, what: Pushable, *tags: Tag) -> None:
        """Push a manifest after everything that it needs."""
        for pushable in what.everything():
            for piece in pushable.blobs:
                await self.push_blob(repository, piece)
            await self.put(repository, pushable, tags if pushable is what else ())

    async def retention(self, path: str, rule: Mapping[str, object]) -> None:
        """Have a rule for retention at a place."""
        document = Document(RETENTION.kind, "builds", msgspec.json.encode(rule), path=path)
        await self.documents.put(document, By("alice", self.clock.now()))

    async def plan(self, path: str) -> RetentionPlan:
        """What the rules say of a place, begun to be applied."""
        by = By("retention", self.clock.now())
        plan = await self.plans.add(path, by)
        await self.planner.make(plan, by)
        return await self.plans.apply(plan.id, by)

    async def put(self, repository: RepositoryName, what: Pushable, tags: Sequence[Tag] = ()) -> None:
        """Push a manifest alone."""
        await self.manifests.put(repository, what.digest, what.content, what.media_type, tags, ALICE)


def body(*pieces: bytes) -> Body:
    """A request body."""

    async def arriving() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return Body(arriving(), length=sum(map(len, pieces)))
