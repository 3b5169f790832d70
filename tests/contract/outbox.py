"""What every catalog keeps to about events, pull times and sizes (ports.catalog.Outbox, PullTimes, Vitals)."""

from orlop.domain.events import Event, EventKind
from orlop.ports.catalog import Catalog, Pull, Totals
from tests.content import artifact, blob, image
from tests.contract.scene import APP, LIB, V1, V2, Scene

ONE, TWO = image("one"), image("two")


class OutboxKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_nothing_happened_yet(self, catalog: Catalog) -> None:
        assert await catalog.outbox.events(0, 10) == ()

    async def test_events_come_in_order_with_everything_they_say(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.hold(APP, blob("base"))
        first, second = await catalog.outbox.events(0, 10)
        assert first == Event(
            id=first.id, at=scene.at, kind=EventKind.REPOSITORY_CREATED, actor="alice", repository=APP
        )
        assert second == Event(
            id=second.id,
            at=scene.at,
            kind=EventKind.BLOB_PUSHED,
            actor="alice",
            repository=APP,
            digest=blob("base").digest,
        )
        assert 0 < first.id < second.id

    async def test_a_reader_goes_on_where_it_stopped(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1, V2)
        everything = await catalog.outbox.events(0, 100)
        assert len(everything) == 6
        read: list[Event] = []
        for _ in everything:
            read += await catalog.outbox.events(read[-1].id if read else 0, 2)
        assert tuple(read) == everything
        assert await catalog.outbox.events(everything[-1].id, 10) == ()
        await catalog.manifests.untag(APP, V1, scene.by())
        (last,) = await catalog.outbox.events(everything[-1].id, 10)
        assert last.kind is EventKind.TAG_DELETED


class PullTimesKit:
    """Pull times show in no port yet; what must not change does. Needs the fixture `catalog`: an empty one."""

    async def test_pulls_change_nothing_that_clients_see(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        async with scene.unchanged():
            await catalog.pulls.record(
                [(await scene.pull(APP, V1), 3, scene.at), (await scene.pull(APP, ONE.digest), 1, 5)]
            )
            await catalog.pulls.record([])
        assert await scene.findings() == []

    async def test_what_is_gone_is_passed_over(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.push(APP, TWO, V2)
        removed = await scene.pull(APP, V2)
        await catalog.manifests.delete(APP, TWO.digest, scene.by())
        gone = [
            (removed, 1, scene.at),
            (Pull(LIB, ONE.digest, V1, 1 << 40), 1, scene.at),
            (Pull(APP, TWO.digest, V1, 0), 1, scene.at),
        ]
        async with scene.unchanged():
            await catalog.pulls.record(gone)

    async def test_what_was_pulled_can_be_deleted(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await catalog.pulls.record(
            [(await scene.pull(APP, V1), 1, scene.at), (await scene.pull(APP, ONE.digest), 1, scene.at)]
        )
        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        assert await scene.findings() == []


class VitalsKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_an_empty_catalog_has_nothing(self, catalog: Catalog) -> None:
        await catalog.vitals.check()
        assert await catalog.vitals.totals() == Totals(0, 0, 0, 0, 0, 0, 0)

    async def test_a_check_changes_nothing(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        async with scene.unchanged():
            await catalog.vitals.check()

    async def test_totals_follow_everything(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        sbom = artifact("sbom", subject=ONE)
        await scene.push(APP, ONE, V1, V2)
        await scene.push(APP, sbom)
        await scene.push(LIB, ONE, V1)
        await scene.claimed(LIB)
        pieces = {*ONE.blobs, *sbom.blobs}
        size = sum(piece.size for piece in pieces)
        # The blobs that came twice left tombstones, which do not count.
        assert await catalog.vitals.totals() == Totals(2, 3, 3, len(pieces), size, 0, 1)
        await catalog.manifests.delete(APP, sbom.digest, scene.by())
        await catalog.collection.unlink_loose(scene.at + 1, 10, scene.by())
        totals = await catalog.vitals.totals()
        assert totals == Totals(2, 2, 3, len(pieces), size, len(sbom.blobs), 1)
        await catalog.collection.tombstone(scene.at + 1, 10, scene.by())
        left = sum(piece.size for piece in ONE.blobs)
        assert await catalog.vitals.totals() == Totals(2, 2, 3, len(ONE.blobs), left, 0, 1)
        assert await scene.findings() == []
