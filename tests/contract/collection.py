"""What every catalog keeps to about taking blobs out of the store (ports.catalog.Collection)."""

import pytest

from orlop.adapters.sql import leaving
from orlop.domain.access.spans import EVERYTHING
from orlop.domain.blob import BlobState
from orlop.domain.durations import HOUR, MINUTE
from orlop.domain.errors import Stale
from orlop.domain.events import EventKind
from orlop.domain.pages import PageRequest
from orlop.ports.catalog import Catalog, LinkedBlob, Terms
from orlop.ports.trash import Asked
from tests.content import blob, image
from tests.contract.scene import APP, LIB, START, V1, V2, Scene
from tests.contract.trash import Stopped, stopping_at

BASE = blob("base")
ONE = image("one", ["base", "code"])


class UnlinkLooseKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_a_link_that_was_loose_for_long_goes(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.hold(APP, BASE)
        await scene.news()
        async with scene.unchanged():
            assert await catalog.collection.unlink_loose(scene.at, 10, scene.by()) == (0, 0)
        assert await catalog.collection.unlink_loose(scene.at + 1, 10, scene.by()) == (1, 1)
        assert await scene.news() == [
            (EventKind.BLOB_UNLINKED, APP, BASE.digest, ""),
            (EventKind.BLOB_CONDEMNED, "", BASE.digest, ""),
        ]
        assert await catalog.links.find(APP, BASE.digest) is None
        assert (await catalog.vitals.totals()).condemned == 1
        assert await scene.findings() == []

    async def test_a_blob_with_another_link_is_not_condemned(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        held = await scene.hold(APP, BASE)
        scene.at += 1
        await catalog.links.mount(BASE.digest, APP, LIB, scene.by())
        assert await catalog.collection.unlink_loose(scene.at, 10, scene.by()) == (1, 0)
        assert await catalog.links.find(LIB, BASE.digest) == LinkedBlob(held, scene.at)
        assert await scene.findings() == []

    async def test_what_a_manifest_names_stays(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE)
        async with scene.unchanged():
            assert await catalog.collection.unlink_loose(scene.at + 1000, 10, scene.by()) == (0, 0)

    async def test_what_was_kept_meanwhile_stays(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.hold(APP, BASE)
        scene.at += 5
        await catalog.links.keep(APP, BASE.digest, scene.by())
        async with scene.unchanged():
            assert await catalog.collection.unlink_loose(scene.at, 10, scene.by()) == (0, 0)

    async def test_no_more_than_the_limit_go_in_one_step(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.hold(APP, *(blob(f"b{n}") for n in range(5)))
        done = [(await catalog.collection.unlink_loose(scene.at + 1, 2, scene.by())) for _ in range(4)]
        assert done == [(2, 2), (2, 2), (1, 1), (0, 0)]
        assert await scene.findings() == []


class TombstoneKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_a_condemned_blob_is_tombstoned_after_its_grace(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        held = await scene.hold(APP, BASE)
        scene.at += 5
        before = scene.at
        await catalog.links.unlink(APP, BASE.digest, scene.by())
        async with scene.unchanged():
            assert await catalog.collection.tombstone(before, 10, scene.by()) == 0
        scene.at += 5
        events = (await scene.view()).events[-1].id
        assert await catalog.collection.tombstone(before + 1, 10, scene.by()) == 1
        assert [(event.kind, event.at, event.digest) for event in await catalog.outbox.events(events, 10)] == [
            (EventKind.BLOB_TOMBSTONED, scene.at, BASE.digest)
        ]
        assert [record.state for record in await catalog.inspection.blobs(0, 10)] == [BlobState.TOMBSTONED]
        assert [blob for _, blob in await catalog.collection.tombstones(0, 10)] == [held]
        totals = await catalog.vitals.totals()
        assert (totals.blobs, totals.blob_bytes, totals.condemned) == (0, 0, 0)
        assert await scene.findings() == []

    async def test_a_revived_blob_is_not_tombstoned(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.hold(APP, BASE)
        await catalog.links.unlink(APP, BASE.digest, scene.by())
        await scene.hold(LIB, BASE)
        assert [b for _, b in await catalog.collection.tombstones(0, 10)] == [
            record.blob for record in await catalog.inspection.blobs(0, 10) if record.state is BlobState.TOMBSTONED
        ]
        async with scene.unchanged():
            assert await catalog.collection.tombstone(scene.at + 1000, 10, scene.by()) == 0

    async def test_a_live_blob_is_not_tombstoned(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.hold(LIB, blob("loose"))
        async with scene.unchanged():
            assert await catalog.collection.tombstone(scene.at + 1000, 10, scene.by()) == 0

    async def test_no_more_than_the_limit_go_in_one_step(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.hold(APP, *(blob(f"b{n}") for n in range(5)))
        await catalog.collection.unlink_loose(scene.at + 1, 10, scene.by())
        done = [await catalog.collection.tombstone(scene.at + 1, 2, scene.by()) for _ in range(4)]
        assert done == [2, 2, 1, 0]


class GoneKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_tombstones_are_listed_in_pages_until_they_are_gone(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.hold(APP, *(blob(f"b{n}") for n in range(5)))
        await catalog.collection.unlink_loose(scene.at + 1, 10, scene.by())
        await catalog.collection.tombstone(scene.at + 1, 10, scene.by())
        await scene.news()
        listed = await catalog.collection.tombstones(0, 10)
        assert len(listed) == 5
        first = await catalog.collection.tombstones(0, 2)
        assert first == listed[:2]
        assert await catalog.collection.tombstones(first[-1][0], 10) == listed[2:]
        await catalog.collection.gone([row for row, _ in first], scene.by())
        assert await scene.news() == [(EventKind.BLOB_GONE, "", held.key.digest, "") for _, held in first]
        assert await catalog.collection.tombstones(0, 10) == listed[2:]
        async with scene.unchanged():
            await catalog.collection.gone([row for row, _ in first], scene.by())
            await catalog.collection.gone([], scene.by())
        assert await scene.findings() == []

    async def test_row_numbers_are_not_given_twice(self, catalog: Catalog) -> None:
        """A worker that was paused with a list in its hand must not hit the row of a later push."""
        scene = Scene(catalog)
        await scene.hold(APP, BASE)
        await catalog.links.unlink(APP, BASE.digest, scene.by())
        await catalog.collection.tombstone(scene.at + 1, 10, scene.by())
        rows = [row for row, _ in await catalog.collection.tombstones(0, 10)]
        await catalog.collection.gone(rows, scene.by())
        await scene.hold(APP, BASE)
        await catalog.links.unlink(APP, BASE.digest, scene.by())
        await catalog.collection.tombstone(scene.at + 1, 10, scene.by())
        assert not set(rows) & {row for row, _ in await catalog.collection.tombstones(0, 10)}

    async def test_only_a_tombstone_is_forgotten(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.hold(APP, BASE, blob("condemned"))
        await catalog.links.unlink(APP, blob("condemned").digest, scene.by())
        rows = [record.id for record in await catalog.inspection.blobs(0, 10)]
        async with scene.unchanged():
            await catalog.collection.gone([*rows, max(rows) + 1000], scene.by())

    @pytest.mark.parametrize("tagged", [True, False])
    async def test_a_whole_image_goes_step_by_step_and_comes_back(self, catalog: Catalog, tagged: bool) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, *([V1] if tagged else []))
        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        assert await catalog.collection.unlink_loose(scene.at + 1, 10, scene.by()) == (3, 3)
        assert await catalog.collection.tombstone(scene.at + 1, 10, scene.by()) == 3
        await scene.push(APP, ONE, V1)
        rows = await catalog.collection.tombstones(0, 10)
        await catalog.collection.gone([row for row, _ in rows], scene.by())
        assert await catalog.collection.unlink_loose(scene.at + 1, 10, scene.by()) == (0, 0)
        assert await catalog.collection.tombstone(scene.at + 1, 10, scene.by()) == 0
        assert await catalog.collection.tombstones(0, 10) == ()
        totals = await catalog.vitals.totals()
        assert (totals.blobs, totals.blob_bytes) == (3, sum(piece.size for piece in ONE.blobs))
        assert await scene.findings() == []


class PreviewKit:
    """Needs the fixture `catalog`: an empty one. What ports.collection.CollectionPreview keeps to."""

    async def test_what_is_due_is_told_in_pages_oldest_first(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        preview, names = catalog.preview, [f"b{number}" for number in range(5)]
        for name in names:
            await scene.hold(APP, blob(name))
            scene.at += 1
        await catalog.links.mount(blob("b0").digest, APP, LIB, scene.by())
        await catalog.links.unlink(APP, blob("b4").digest, scene.by())
        first = await preview.links(scene.at, scene.at, None, 3)
        assert [(link.digest, link.repository, link.last) for link in first] == [
            (blob("b0").digest, APP, False),
            (blob("b1").digest, APP, True),
            (blob("b2").digest, APP, True),
        ]
        assert [link.digest for link in await preview.links(scene.at, scene.at, first[-1], 3)] == [blob("b3").digest]
        both = await preview.links(scene.at, scene.at + 1, None, 10)
        of_b0 = sorted((link.repository_id, link.last) for link in both if link.digest == blob("b0").digest)
        assert [last for _, last in of_b0] == [True, False], "of two that go together one counts"
        assert await preview.condemned(scene.at, None, 10) == ()
        [condemned] = await preview.condemned(scene.at + 1, None, 10)
        assert (condemned.digest, condemned.size, condemned.since) == (blob("b4").digest, blob("b4").size, scene.at)
        assert await preview.condemned(scene.at + 1, condemned, 10) == ()

    async def test_what_lies_in_the_trash_no_longer_is_due(self, catalog: Catalog) -> None:
        """Of two entries that share a blob the last one frees it; what a repository holds is freed by none."""
        scene = Scene(catalog)
        one, two = image("one", ["base", "shared", "a"]), image("two", ["base", "shared", "b"])
        await scene.push(APP, one, V1)
        await scene.push(APP, two, V2)
        await scene.push(LIB, image("three", ["base"]), V1)
        for what in (one, two):
            await catalog.manifests.delete(APP, what.digest, scene.by(), Terms(trash=10))
            scene.at += 1
        before = scene.at
        assert await catalog.preview.trash(scene.at, before, None, 10) == ()
        scene.at += 10
        [first] = await catalog.preview.trash(scene.at, before, None, 1)
        [second] = await catalog.preview.trash(scene.at, before, first, 10)
        assert [(each.name, each.digest) for each in (first, second)] == [(APP, one.digest), (APP, two.digest)]
        shared = {blob("base").digest, blob("shared").digest}
        own = [sum(piece.size for piece in what.blobs if piece.digest not in shared) for what in (one, two)]
        assert [first.alone, second.alone] == [own[0], own[1] + blob("shared").size]
        assert await catalog.preview.trash(scene.at, before, second, 10) == ()
        number = (await catalog.trash.page(EVERYTHING, PageRequest(1))).items[0].number
        await catalog.trash_end.discard_one(number, scene.by())
        [given_up] = await catalog.preview.trash(0, before, None, 10)
        assert (given_up.expires_at, given_up.digest) == (0, one.digest)

    async def test_links_of_what_comes_back_or_goes_as_a_whole_are_not_due(
        self, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What leaves its namespace has left it before a collection comes to its links."""
        scene = Scene(catalog)
        large = image("large", [f"layer {number}" for number in range(450)])
        await scene.push(APP, large, V1)
        await scene.hold(APP, blob("loose"))
        await catalog.links.mount(blob("loose").digest, APP, LIB, scene.by())
        await catalog.repositories.remove(APP, scene.by(), Terms(trash=HOUR))
        with monkeypatch.context() as patched:
            patched.setattr(leaving, "monotonic", stopping_at(0, 0))
            with pytest.raises(Stopped):
                await catalog.trash.restore(Asked(APP), scene.by())

        async def due() -> list[tuple[bool, bool]]:
            links = await catalog.preview.links(scene.at, START + 1, None, 10)
            assert {link.digest for link in links} == {blob("loose").digest}
            return sorted((link.repository == LIB, link.last) for link in links)

        assert await due() == [(True, False)], "it comes back"
        scene.at = START + 10 * MINUTE
        assert await due() == [(False, True), (True, False)], "nobody goes on bringing it back"
        await catalog.trash_end.discard(EVERYTHING, 1, scene.by())
        assert await due() == [(True, False)], "the entry counts it"
        [entry] = await catalog.preview.trash(scene.at, START + 1, None, 10)
        assert entry.alone == sum(piece.size for piece in (*large.blobs, blob("loose")))

    async def test_what_a_manifest_names_is_not_due(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        assert await catalog.preview.links(scene.at, scene.at + 1000, None, 10) == ()

    async def test_sessions_that_expired_are_due(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        uploads = [scene.upload(APP, expire=number + 1) for number in range(3)]
        for upload in uploads:
            await catalog.uploads.start(upload)
        [first, second] = await catalog.preview.uploads(scene.at + 2, None, 10)
        assert (first.id, second.id, first.repository) == (uploads[0].id, uploads[1].id, APP)
        assert await catalog.preview.uploads(scene.at + 2, first, 10) == (second,)

    async def test_a_repository_is_empty_since_what_happened_last(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.hold(LIB, BASE)
        assert await catalog.preview.empty("", 10) == ()
        scene.at += 5
        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        scene.at += 1
        await catalog.collection.unlink_loose(scene.at, 10, scene.by())
        found = await catalog.preview.empty("", 10)
        assert [(repository.name, repository.since) for repository in found] == [
            (APP, scene.at - 1),
            (LIB, scene.at - 6),
        ]
        assert [repository.name for repository in await catalog.preview.empty(APP, 10)] == [LIB]
        await scene.hold(APP, BASE)
        with pytest.raises(Stale):
            await catalog.repositories.remove(APP, scene.by(), Terms(empty=True))
        await catalog.repositories.remove(LIB, scene.by(), Terms(empty=True))
        assert await catalog.preview.empty("", 10) == ()
        assert await scene.findings() == []


class MarkingKit:
    """Needs the fixture `catalog`: an empty one. What ports.collection.Marking keeps to."""

    async def test_links_and_blobs_say_what_they_are(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.hold(APP, blob("loose"))
        await scene.hold(LIB, blob("condemned"))
        await catalog.links.unlink(LIB, blob("condemned").digest, scene.by())
        links = await catalog.marking.links(None, 10)
        assert {link.digest: (link.loose, link.named) for link in links} == {
            **{piece.digest: (False, True) for piece in ONE.blobs},
            blob("loose").digest: (True, False),
        }
        assert await catalog.marking.links(links[0], 2) == links[1:3]
        assert await catalog.marking.link(links[0].repository_id, links[0].digest) == links[0]
        assert await catalog.marking.link(links[0].repository_id, blob("condemned").digest) is None
        blobs = await catalog.marking.blobs(0, 10)
        assert {mark.digest: (mark.state, mark.linked) for mark in blobs} == {
            **{piece.digest: (BlobState.LIVE, True) for piece in (*ONE.blobs, blob("loose"))},
            blob("condemned").digest: (BlobState.CONDEMNED, False),
        }
        assert await catalog.marking.blobs(blobs[1].id, 1) == (blobs[2],)

    async def test_what_is_right_is_left_as_it_is(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.hold(APP, blob("loose"))
        links, blobs = await catalog.marking.links(None, 10), await catalog.marking.blobs(0, 10)
        [manifest] = await catalog.inspection.manifests(0, 10)
        async with scene.unchanged():
            scene.at += 1
            await catalog.marking.mend_links([link for link in links if link.named or link.loose], scene.by())
            await catalog.marking.mend_blobs([mark.id for mark in blobs], scene.by())
            assert await catalog.marking.mend_edges(manifest.id, ONE.manifest.edges, scene.by()) is True
            assert await catalog.marking.mend_edges(manifest.id + 1, ONE.manifest.edges, scene.by()) is False
