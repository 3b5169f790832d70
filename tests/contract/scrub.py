"""What every catalog keeps to about damaged copies, reading them again, and orphans (ports.scrub)."""

import pytest

from orlop.domain.blob import BlobKey, BlobState
from orlop.domain.errors import ManifestBlobUnknown
from orlop.domain.events import EventKind
from orlop.ports.catalog import Catalog, UploadCommit
from orlop.ports.scrub import DueBlob, QuarantinedCopy, ScrubPass, StoredOrphan
from tests.content import blob, image
from tests.contract.scene import APP, LIB, V1, WEB, Scene, copy_of

BASE = blob("base")
ONE, TWO = image("one", ["base"]), image("two", ["base"])


class QuarantineKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_a_damaged_copy_is_in_no_repository(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        held = await scene.hold(APP, BASE)
        await scene.news()
        scene.at += 7
        assert await catalog.quarantine.add(held.key, "it is missing", scene.by()) is True
        assert await catalog.quarantine.add(held.key, "it is missing", scene.by()) is False
        assert await scene.news() == [(EventKind.BLOB_ROTTEN, "", BASE.digest, "")]
        assert await catalog.links.find(APP, BASE.digest) is None
        assert await catalog.links.keep(APP, BASE.digest, scene.by()) is False
        assert await catalog.links.stored(BASE.digest) is None
        for source in (APP, None):
            assert await catalog.links.mount(BASE.digest, source, LIB, scene.by()) is None
        [found] = await catalog.quarantine.page(0, 10)
        assert found == QuarantinedCopy(found.id, held, "it is missing", scene.at)
        assert await catalog.quarantine.page(found.id, 10) == ()
        assert await catalog.quarantine.count() == 1
        assert await catalog.quarantine.holders(found.id, 10) == (APP,)

    async def test_no_manifest_may_name_what_is_damaged(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        link = await catalog.links.find(APP, BASE.digest)
        assert link is not None
        await catalog.quarantine.add(link.blob.key, "it is missing", scene.by())
        for piece in TWO.blobs:
            if piece.digest != BASE.digest:
                await scene.hold(APP, piece)
        with pytest.raises(ManifestBlobUnknown) as refusal:
            await scene.put(APP, TWO)
        assert refusal.value.detail == {"digests": [BASE.digest]}
        assert await catalog.manifests.resolve(APP, V1) is not None

    async def test_the_next_push_heals_every_repository(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        link = await catalog.links.find(APP, BASE.digest)
        assert link is not None
        await catalog.links.mount(BASE.digest, APP, LIB, scene.by())
        totals = await catalog.vitals.totals()
        await catalog.quarantine.add(link.blob.key, "it is missing", scene.by())
        await scene.news()
        scene.at += 7
        new = await scene.hold(WEB, BASE)
        assert new.key.copy != link.blob.key.copy
        assert await scene.news() == [
            (EventKind.REPOSITORY_CREATED, WEB, "", ""),
            (EventKind.BLOB_HEALED, "", BASE.digest, ""),
            (EventKind.BLOB_PUSHED, WEB, BASE.digest, ""),
        ]
        for repository in (APP, LIB, WEB):
            found = await catalog.links.find(repository, BASE.digest)
            assert found is not None
            assert found.blob == new
        assert await catalog.quarantine.count() == 0
        assert [dead for _, dead in await catalog.collection.tombstones(0, 10)] == [link.blob]
        after = await catalog.vitals.totals()
        assert (after.blobs, after.blob_bytes) == (totals.blobs, totals.blob_bytes)
        assert await scene.findings() == []

    async def test_a_damaged_copy_is_not_linked_in_place_of_a_promotion(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        held = await scene.hold(APP, BASE)
        upload = await scene.claimed(LIB, BASE.digest)
        await catalog.quarantine.add(held.key, "it is missing", scene.by())
        assert await catalog.uploads.commit(UploadCommit(upload, held, promoted=False), scene.by()) is None
        copy = copy_of(upload, BASE)
        assert await catalog.uploads.commit(UploadCommit(upload, copy, promoted=True), scene.by()) == copy

    async def test_what_turns_out_whole_is_there_again(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        held = await scene.hold(APP, BASE)
        assert await catalog.quarantine.lift(held.key, scene.by()) is False
        await catalog.quarantine.add(held.key, "it is missing", scene.by())
        await scene.news()
        assert await catalog.quarantine.lift(held.key, scene.by()) is True
        assert await scene.news() == [(EventKind.BLOB_HEALED, "", BASE.digest, "")]
        found = await catalog.links.find(APP, BASE.digest)
        assert found is not None
        assert found.blob == held

    async def test_what_is_gone_or_has_another_copy_is_left_alone(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        held = await scene.hold(APP, BASE)
        async with scene.unchanged():
            assert await catalog.quarantine.add(BlobKey(BASE.digest, "0" * 32), "?", scene.by()) is False
        await catalog.links.unlink(APP, BASE.digest, scene.by())
        await catalog.collection.tombstone(scene.at + 1, 10, scene.by())
        async with scene.unchanged():
            assert await catalog.quarantine.add(held.key, "it is missing", scene.by()) is False

    async def test_what_nobody_needs_goes_from_the_quarantine_as_well(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        held = await scene.hold(APP, BASE)
        await catalog.quarantine.add(held.key, "it is missing", scene.by())
        await catalog.links.unlink(APP, BASE.digest, scene.by())
        assert await catalog.collection.tombstone(scene.at + 1, 10, scene.by()) == 1
        assert await catalog.quarantine.count() == 0
        assert [record.state for record in await catalog.inspection.blobs(0, 10)] == [BlobState.TOMBSTONED]
        assert await scene.findings() == []


class ScrubKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_a_pass_is_kept(self, catalog: Catalog) -> None:
        assert await catalog.scrub.last() == ScrubPass()
        for size in (3 << 40, 4):
            found = ScrubPass(5, 6, 7, 8, size, 9, 10)
            await catalog.scrub.record(found, (), 11)
            assert await catalog.scrub.last() == found

    async def test_due_is_what_nobody_pushed_or_read_since(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        held = [await scene.hold(APP, blob(f"b{number}")) for number in range(4)]
        before = scene.at + 1
        scene.at += 5
        held.append(await scene.hold(APP, blob("late")))
        rows = [record.id for record in await catalog.inspection.blobs(0, 10)]
        await catalog.quarantine.add(held[0].key, "it is missing", scene.by())
        await catalog.scrub.record(ScrubPass(), [rows[1]], scene.at)
        await catalog.links.unlink(APP, held[2].key.digest, scene.by())
        await catalog.collection.tombstone(scene.at + 1, 10, scene.by())
        due = (False, False, False, True, False)
        expected = tuple(DueBlob(*row) for row in zip(rows, held, due, strict=True))
        assert await catalog.scrub.next(0, before, 10) == expected
        assert await catalog.scrub.next(rows[0], before, 2) == expected[1:3]
        assert await catalog.scrub.next(rows[4], before, 2) == ()


class OrphansKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_what_was_found_first_counts(self, catalog: Catalog) -> None:
        one, two = StoredOrphan("a", 3, 5), StoredOrphan("b", 6 << 30, 7)
        await catalog.orphans.found([one, two])
        await catalog.orphans.found([StoredOrphan("a", 3, 9)])
        assert await catalog.orphans.since("a") == 5
        assert await catalog.orphans.since("c") is None
        assert await catalog.orphans.page("", 10) == (one, two)
        assert await catalog.orphans.page("a", 10) == (two,)
        await catalog.orphans.forget(["a", "c"])
        assert await catalog.orphans.page("", 10) == (two,)
