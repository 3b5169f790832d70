"""The catalog in PostgreSQL keeps to every contract."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress

import pytest

from orlop.adapters.sql.catalog import OpenCatalog
from orlop.adapters.sql.postgres.catalog import open_postgres
from orlop.adapters.sql.postgres.connections import Database
from orlop.domain.errors import BlobUnknown, Denied, ManifestBlobUnknown, ManifestUnknown
from orlop.domain.names import RepositoryName
from orlop.ports.audit import AuditStore
from orlop.ports.catalog import Catalog
from orlop.ports.events import KNOWN_OF_IMAGES, Changes
from orlop.ports.identity import Account, Identity
from orlop.ports.jobs import Leases
from orlop.ports.queue import Queue
from tests.content import blob, image
from tests.contract import kits
from tests.contract.advisories import advisory, batch
from tests.contract.attesting import StatementsKit
from tests.contract.audit import AuditKit
from tests.contract.backups import BackupHoldKit
from tests.contract.bundles import bundle
from tests.contract.cast import Cast
from tests.contract.changes import ChangesKit
from tests.contract.following import CursorsKit
from tests.contract.identity_facts import AccessChangesKit
from tests.contract.leases import LeasesKit
from tests.contract.retention_applied import RetentionAppliedKit
from tests.contract.scene import APP, LIB, START, V1, V2, WEB, Scene
from tests.contract.upstreams import UpstreamStatesKit
from tests.contract.webhooks import DeliveryLogKit, DeliveryQueueKit, IntakeKit
from tests.postgres import SURROUNDINGS, PostgresServer
from tests.serving import unhurried

pytestmark = pytest.mark.slow

#: Images that share most of their blobs.
IMAGES = [image(f"image {number}", ["base", f"layer {number % 2}"]) for number in range(4)]


@pytest.fixture(name="url")
def _url(postgres: PostgresServer) -> Iterator[str]:
    url = postgres.catalog()
    yield url
    postgres.drop(url)


@pytest.fixture(name="opened")
def _opened(url: str, runner: asyncio.Runner) -> Iterator[OpenCatalog]:
    opened = open_postgres(Database(url), None, [0], 0, SURROUNDINGS)
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
def _queue_changes(opened: OpenCatalog, changes: Changes) -> Changes:
    assert changes.current() is not None
    return opened.queue_changes


@pytest.fixture(name="audit")
def _audit(opened: OpenCatalog) -> AuditStore:
    return opened.audit


@pytest.fixture(name="changes")
def _changes(opened: OpenCatalog, runner: asyncio.Runner) -> Changes:
    async def watched() -> None:
        opened.start()
        async with asyncio.timeout(10):
            while opened.changes.current() is None:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)

    runner.run(watched())
    return opened.changes


@pytest.fixture(name="access_changes")
def _access_changes(opened: OpenCatalog, changes: Changes) -> Changes:
    assert changes.current() is not None
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


class TestTwoReplicas:
    """What one opening of a catalog sees of another's work, as two machines on one database would."""

    async def test_a_change_is_seen_elsewhere_within_a_second(
        self, url: str, opened: OpenCatalog, changes: Changes
    ) -> None:
        other = open_postgres(Database(url), None, [0], 0, SURROUNDINGS)
        scene = Scene(other.catalog)
        await scene.push(APP, image("one"), V1)
        for tag in (V1, V2, V1):
            await asyncio.sleep(0.3)
            before = changes.current()
            assert before is not None
            await scene.put(APP, image("one"), tag)
            await other.catalog.manifests.untag(APP, tag, scene.by())
            acknowledged = time.monotonic()
            while changes.current() == before:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.005)
            assert time.monotonic() - acknowledged < unhurried(1)
        await other.engine.close()

    async def test_what_one_finds_out_of_images_the_others_hear(
        self, url: str, opened: OpenCatalog, changes: Changes
    ) -> None:
        other = open_postgres(Database(url), None, [0], 0, SURROUNDINGS)
        place = changes.place(KNOWN_OF_IMAGES)
        for number in range(3):
            await asyncio.sleep(0.3)
            content, known = changes.current(), changes.current(place)
            assert known is not None
            record = advisory("A-1", "libssl3", f"3.0.{number}", modified=f"2026-11-0{number + 1}T00:00:00Z")
            await other.catalog.advisories.advisories.store("test", batch(record))
            acknowledged = time.monotonic()
            while changes.current(place) == known:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.005)
            assert time.monotonic() - acknowledged < unhurried(1)
            assert changes.current() == content
        await other.engine.close()

    async def test_events_of_transactions_side_by_side_are_missed_by_no_reader(
        self, opened: OpenCatalog, runner: asyncio.Runner
    ) -> None:
        catalog = opened.catalog
        read: list[int] = []

        async def push(number: int) -> None:
            scene = Scene(catalog, first=1 + 100 * number)
            for part in range(4):
                await scene.hold(RepositoryName(f"app{number}"), blob(f"{number} {part}"))

        pushing = asyncio.gather(*(push(number) for number in range(8)))
        while not pushing.done():
            read += [event.id for event in await catalog.outbox.events(read[-1] if read else 0, 5)]
        await pushing
        everything = [event.id for event in await catalog.outbox.events(0, 1000)]
        read += [event.id for event in await catalog.outbox.events(read[-1] if read else 0, 1000)]
        assert read == everything
        assert len(everything) == 8 * 5

    async def test_whatever_happens_side_by_side_leaves_the_catalog_sound(self, url: str, opened: OpenCatalog) -> None:
        """Each changes the same few repositories and blobs, from pools of their own, and a collection has no grace."""
        choose = random.Random(7)

        async def act(opening: OpenCatalog, number: int) -> None:
            scene = Scene(opening.catalog, first=1 + 10_000 * number)
            for _ in range(25):
                with suppress(ManifestUnknown, BlobUnknown, ManifestBlobUnknown, Denied):
                    await _something(scene, choose)()

        async with AsyncExitStack() as stack:
            others = [open_postgres(Database(url, 4), None, [0], 0, SURROUNDINGS) for _ in range(3)]
            for opening in others:
                stack.push_async_callback(opening.engine.close)
            await asyncio.gather(*(act(opening, number) for number, opening in enumerate([opened, *others] * 4)))
        assert await Scene(opened.catalog).findings() == []

    async def test_bundles_made_at_once_are_no_more_than_an_account_may_have(self, opened: OpenCatalog) -> None:
        by = Scene(opened.catalog).by()
        ada = await opened.identity.accounts.add(Account(name="ada"), by)
        names = [f"bundle-{number}" for number in range(8)]
        adding = [opened.catalog.bundles.add(bundle(name, account=ada.id), 3, by) for name in names]
        found = await asyncio.gather(*adding, return_exceptions=True)
        assert sorted(type(one).__name__ for one in found) == ["Bundle"] * 3 + ["Conflict"] * 5

    async def test_a_job_has_one_holder_however_many_ask(self, opened: OpenCatalog) -> None:
        for job in ("collect", "expire", "other"):
            asked = (opened.leases.acquire(job, str(owner), now=START, until=START + 9) for owner in range(8))
            assert sum(lease is not None for lease in await asyncio.gather(*asked)) == 1


def _something(scene: Scene, choose: random.Random) -> Callable[[], Awaitable[object]]:
    repository, other = choose.sample([APP, LIB, WEB], 2)
    what, tag = choose.choice(IMAGES), choose.choice([V1, V2])
    catalog, by = scene.catalog, scene.by()
    steps: dict[Callable[[], Awaitable[object]], int] = {
        lambda: scene.push(repository, what, tag): 6,
        lambda: catalog.links.mount(what.blobs[0].digest, repository, other, by): 2,
        lambda: catalog.links.mount(what.blobs[0].digest, None, other, by): 2,
        lambda: catalog.manifests.delete(repository, what.digest, by): 3,
        lambda: catalog.manifests.untag(repository, tag, by): 1,
        lambda: catalog.links.unlink(repository, what.blobs[-1].digest, by): 2,
        lambda: catalog.collection.unlink_loose(scene.at + 1, 50, by): 2,
        lambda: catalog.collection.tombstone(scene.at + 1, 50, by): 2,
        lambda: scene.count_pulls(repository, tag): 1,
    }
    return choose.choices(list(steps), weights=list(steps.values()))[0]


@pytest.fixture(name="identity")
def _identity(opened: OpenCatalog) -> Identity:
    return opened.identity


class TestBrowser(kits.BrowserKit):
    """Signing in with a browser."""
