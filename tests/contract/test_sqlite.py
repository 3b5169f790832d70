"""The catalog in SQLite keeps to every contract."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from orlop.adapters.sql.catalog import CHANGES, DATABASE, OpenCatalog, open_sqlite
from orlop.adapters.sql.changes import PARTS, SharedChanges
from orlop.adapters.sql.engine import Session
from orlop.adapters.sql.migrations.sqlite import migrate
from orlop.domain.errors import StoreClosed
from orlop.domain.moving import MOVER
from orlop.ports.audit import AuditStore
from orlop.ports.catalog import Catalog
from orlop.ports.events import Changes
from orlop.ports.identity import Identity
from orlop.ports.jobs import Leases
from orlop.ports.queue import Queue
from tests.catalogs import empty_catalog
from tests.content import blob, image
from tests.contract import kits
from tests.contract.attesting import StatementsKit
from tests.contract.audit import AuditKit
from tests.contract.backups import BackupHoldKit
from tests.contract.cast import Cast
from tests.contract.changes import ChangesKit
from tests.contract.following import CursorsKit
from tests.contract.identity_facts import AccessChangesKit
from tests.contract.leases import LeasesKit
from tests.contract.retention_applied import RetentionAppliedKit
from tests.contract.scene import APP, LIB, START, V1, V2, Scene
from tests.contract.upstreams import UpstreamStatesKit
from tests.contract.webhooks import DeliveryLogKit, DeliveryQueueKit, IntakeKit

pytestmark = pytest.mark.slow  # a database on the disk for each; the quick tests have the same statements in memory


@pytest.fixture(name="opened")
def _opened(tmp_path: Path, runner: asyncio.Runner) -> Iterator[OpenCatalog]:
    empty_catalog(tmp_path)
    opened = open_sqlite(tmp_path)
    yield opened
    runner.run(opened.engine.close())


@pytest.fixture(name="catalog")
def _catalog(opened: OpenCatalog) -> Catalog:
    return opened.catalog


@pytest.fixture(name="leases")
def _leases(opened: OpenCatalog) -> Leases:
    return opened.leases


@pytest.fixture(name="queue")
def _queue(opened: OpenCatalog) -> Queue:
    return opened.queue


@pytest.fixture(name="queue_changes")
def _queue_changes(opened: OpenCatalog) -> Changes:
    return opened.queue_changes


@pytest.fixture(name="audit")
def _audit(opened: OpenCatalog) -> AuditStore:
    return opened.audit


@pytest.fixture(name="changes")
def _changes(opened: OpenCatalog) -> Changes:
    return opened.changes


@pytest.fixture(name="access_changes")
def _access_changes(opened: OpenCatalog) -> Changes:
    return opened.access_changes


@pytest.fixture(name="cast")
def _cast(opened: OpenCatalog) -> Cast:
    return Cast(opened.catalog, opened.identity)


class TestCatalog(kits.CatalogKit):
    """Every role of the catalog."""


class TestRetentionApplied(RetentionAppliedKit):
    """Plans of retention."""


class TestIdentity(kits.IdentityKit):
    """Every role of who may do what."""


class TestChanges(ChangesKit):
    """The change counter."""


class TestAudit(AuditKit):
    """The audit log."""


class TestAccessChanges(AccessChangesKit):
    """The change counter of who may do what."""


class TestCursors(CursorsKit):
    """Followers."""


class TestStatements(StatementsKit):
    """What the registry signs."""


class TestIntake(IntakeKit):
    """What makes deliveries."""


class TestDeliveryQueue(DeliveryQueueKit):
    """What is to be delivered."""


class TestUpstreamStates(UpstreamStatesKit):
    """How upstreams fare."""


class TestDeliveryLog(DeliveryLogKit):
    """What became of deliveries."""


class TestLeases(LeasesKit):
    """Leases."""


class TestBackupHold(BackupHoldKit):
    """What a backup keeps from collections."""


class TestQueue(kits.QueueKit):
    """Every role of the queue."""


class TestTwoProcesses:
    """What one opening of a catalog sees of another's work, as two processes on one folder would."""

    async def test_a_change_is_seen_and_counted_everywhere(self, tmp_path: Path, opened: OpenCatalog) -> None:
        other = open_sqlite(tmp_path)
        app = other.changes.place(APP)
        before = other.changes.current(app)
        await Scene(opened.catalog).push(APP, image("one"), V1, V2)
        assert other.changes.current(app) not in (before, None)
        assert await other.catalog.manifests.resolve(APP, V1) is not None
        count = opened.changes.current(app)
        await other.catalog.manifests.untag(APP, V1, Scene(other.catalog).by())
        assert opened.changes.current(app) not in (count, None)
        assert await opened.catalog.manifests.resolve(APP, V1) is None
        await other.engine.close()

    async def test_what_happens_to_one_repository_leaves_what_is_known_of_others(self, opened: OpenCatalog) -> None:
        scene, changes = Scene(opened.catalog), opened.changes
        await scene.push(LIB, image("one"), V1)
        app, lib, all_ = changes.place(APP), changes.place(LIB), 0
        assert len({app, lib, all_}) == 3, "names that share a place show nothing here"
        count = changes.current(lib)
        await scene.push(APP, image("one"), V1)
        await opened.catalog.links.mount(blob("base").digest, LIB, APP, scene.by())
        await opened.catalog.manifests.delete(APP, image("one").digest, scene.by())
        assert changes.current(lib) == count
        await opened.catalog.collection.unlink_loose(scene.at + 1, 10, scene.by())
        assert changes.current(lib) not in (count, None)

    async def test_what_a_writer_that_was_killed_had_begun_is_settled_by_the_next_that_comes(
        self, tmp_path: Path, opened: OpenCatalog
    ) -> None:
        changes = SharedChanges(tmp_path / CHANGES, PARTS)
        app, lib = changes.place(APP), changes.place(LIB)
        count = changes.current(lib)
        changes.begin({lib})  # and never ends
        assert changes.current(app) is not None
        assert opened.changes.current(lib) is None
        other = open_sqlite(tmp_path)
        await other.engine.check()
        assert opened.changes.current(lib) not in (count, None)
        await other.engine.close()
        changes.close()

    async def test_a_change_of_who_may_do_what_is_seen_everywhere(self, tmp_path: Path, opened: OpenCatalog) -> None:
        other = open_sqlite(tmp_path)
        content, before = other.changes.current(), other.access_changes.current()
        ann = await Cast(opened.catalog, opened.identity).user("ann")
        assert other.access_changes.current() not in (before, None)
        assert other.changes.current() == content
        assert await other.identity.facts.of(ann.id) is not None
        count = opened.access_changes.current()
        await other.identity.accounts.remove("ann", Cast(other.catalog, other.identity).by())
        assert opened.access_changes.current() not in (count, None)
        assert await opened.identity.facts.of(ann.id) is None
        await other.engine.close()

    async def test_everything_is_there_after_a_restart(self, tmp_path: Path) -> None:
        empty_catalog(tmp_path)
        first = open_sqlite(tmp_path)
        scene = Scene(first.catalog)
        await scene.push(APP, image("one"), V1)
        view = await scene.view()
        await first.engine.close()
        assert migrate(tmp_path / DATABASE, lambda: START) == ()
        second = open_sqlite(tmp_path)
        assert await Scene(second.catalog).view() == view
        await second.engine.close()


@pytest.fixture(name="identity")
def _identity(opened: OpenCatalog) -> Identity:
    return opened.identity


class TestBrowser(kits.BrowserKit):
    """Signing in with a browser."""


async def test_a_gate_that_shuts_while_others_write_is_shut_for_their_next_write(tmp_path: Path) -> None:
    """What was seen of it a moment ago does not count."""
    empty_catalog(tmp_path)
    mover, server = open_sqlite(tmp_path, MOVER), open_sqlite(tmp_path, "blobs here")

    async def set_gate(gate: str | None) -> None:
        await mover.engine.write(lambda tx: tx.run("gate_set", gate))

    try:
        for durable in (True, False):
            await set_gate(None)
            await server.engine.write(nothing, durable=durable, changes=False)
            await server.engine.write(nothing, durable=durable, changes=False)
            await set_gate("blobs elsewhere")
            for _ in range(2):
                with pytest.raises(StoreClosed, match="or is there already"):
                    await server.engine.write(nothing, durable=durable, changes=False)
            await mover.engine.write(nothing, changes=False)
            await set_gate("blobs here")
            await server.engine.write(nothing, durable=durable, changes=False)
    finally:
        await server.engine.close()
        await mover.engine.close()


async def nothing(_: Session) -> None:
    """A script that changes nothing."""
