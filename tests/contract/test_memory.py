"""The catalog in SQLite's memory, and the blobs in memory, keep to every contract."""

from typing import NamedTuple

import pytest

from orlop.adapters.memory.blobs import MemoryBlobs, MemoryStage
from orlop.adapters.sql.catalog import OpenCatalog
from orlop.adapters.sql.memory import open_memory
from orlop.ports.audit import AuditStore
from orlop.ports.catalog import Catalog
from orlop.ports.events import Changes
from orlop.ports.identity import Identity
from orlop.ports.jobs import Leases
from orlop.ports.queue import Queue
from tests.contract import kits
from tests.contract.attesting import StatementsKit
from tests.contract.audit import AuditKit
from tests.contract.backups import BackupHoldKit
from tests.contract.blobs import BlobStore
from tests.contract.cast import Cast
from tests.contract.changes import ChangesKit
from tests.contract.following import CursorsKit
from tests.contract.identity_facts import AccessChangesKit
from tests.contract.leases import LeasesKit
from tests.contract.retention_applied import RetentionAppliedKit
from tests.contract.scene import START
from tests.contract.upstreams import UpstreamStatesKit
from tests.contract.webhooks import DeliveryLogKit, DeliveryQueueKit, IntakeKit


class FixedClock(NamedTuple):
    """It is always the same time."""

    at: int = START

    def now(self) -> int:
        return self.at


@pytest.fixture(name="opened")
def _opened() -> OpenCatalog:
    return open_memory()


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


@pytest.fixture(name="store")
def _store() -> BlobStore:
    clock = FixedClock()
    held = MemoryBlobs(clock)
    return BlobStore(MemoryStage(held, clock), held, held, held)


@pytest.fixture(name="now")
def _now() -> int:
    return START


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


class TestBlobs(kits.BlobStoreKit):
    """Stages and copies."""


@pytest.fixture(name="identity")
def _identity(opened: OpenCatalog) -> Identity:
    return opened.identity


class TestBrowser(kits.BrowserKit):
    """Signing in with a browser."""
