"""What every catalog keeps to about links between repositories and blobs (ports.catalog.BlobLinks)."""

import msgspec
import pytest

from orlop.domain.errors import BlobUnknown, Denied
from orlop.domain.events import EventKind
from orlop.ports.catalog import Catalog, LinkedBlob, UploadCommit
from tests.content import blob, image
from tests.contract.scene import APP, LIB, WEB, Scene, copy_of

BASE = blob("base")
ONE = image("one", ["base"])


class LinksKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_only_the_repository_that_holds_a_blob_finds_it(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        assert await catalog.links.find(APP, BASE.digest) is None
        held = await scene.hold(APP, BASE)
        assert await catalog.links.find(APP, BASE.digest) == LinkedBlob(held, scene.at)
        assert await catalog.links.find(LIB, BASE.digest) is None
        await scene.hold(LIB, blob("other"))
        assert await catalog.links.find(LIB, BASE.digest) is None

    async def test_some_repository_holds_a_blob_that_any_does(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.hold(LIB, blob("other"))
        assert await catalog.links.holder(BASE.digest) is None
        await scene.hold(APP, BASE)
        assert await catalog.links.holder(BASE.digest) == APP
        await catalog.links.unlink(APP, BASE.digest, scene.by())
        assert await catalog.links.holder(BASE.digest) is None

    async def test_a_blob_may_be_larger_than_32_bits_can_count(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        upload = await scene.claimed(APP, BASE.digest)
        large = msgspec.structs.replace(copy_of(upload, BASE), size=5 << 30)
        await catalog.uploads.commit(UploadCommit(upload, large, promoted=True), scene.by())
        found = await catalog.links.find(APP, BASE.digest)
        assert found is not None
        assert found.blob.size == 5 << 30

    async def test_keeping_starts_the_grace_of_a_loose_link_anew(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.hold(APP, BASE)
        await scene.hold(LIB, BASE)
        await scene.news()
        scene.at += 5
        assert await catalog.links.keep(APP, BASE.digest, scene.by()) is True
        assert await scene.loose(APP, BASE.digest) == scene.at
        assert await scene.loose(LIB, BASE.digest) == scene.at - 5
        assert await scene.news() == []

    async def test_keeping_does_nothing_to_a_blob_that_a_manifest_names(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE)
        async with scene.unchanged():
            scene.at += 5
            assert await catalog.links.keep(APP, BASE.digest, scene.by()) is True

    async def test_what_is_not_there_cannot_be_kept(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        assert await catalog.links.keep(APP, BASE.digest, scene.by()) is False
        await scene.hold(LIB, BASE)
        await scene.hold(APP, blob("other"))
        async with scene.unchanged():
            assert await catalog.links.keep(APP, BASE.digest, scene.by()) is False

    @pytest.mark.parametrize("source", [APP, None])
    async def test_a_mount_is_a_link_and_an_event(self, catalog: Catalog, source: None) -> None:
        scene = Scene(catalog)
        held = await scene.hold(APP, BASE)
        scene.at += 5
        before = await catalog.vitals.totals()
        scene.at -= 5
        await scene.news()
        scene.at += 5
        assert await catalog.links.mount(BASE.digest, source, LIB, scene.by()) == held
        assert await catalog.links.find(LIB, BASE.digest) == LinkedBlob(held, scene.at)
        assert await scene.news() == [
            (EventKind.REPOSITORY_CREATED, LIB, "", ""),
            (EventKind.BLOB_MOUNTED, LIB, BASE.digest, ""),
        ]
        after = await catalog.vitals.totals()
        assert (after.repositories, after.blobs, after.blob_bytes) == (2, before.blobs, before.blob_bytes)
        assert await scene.findings() == []

    async def test_a_mount_from_where_the_blob_is_not_does_nothing(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.hold(APP, BASE)
        await scene.hold(WEB, blob("other"))
        async with scene.unchanged():
            assert await catalog.links.mount(BASE.digest, WEB, LIB, scene.by()) is None
            assert await catalog.links.mount(BASE.digest, LIB, WEB, scene.by()) is None
            assert await catalog.links.mount(blob("never").digest, None, WEB, scene.by()) is None

    async def test_a_mount_of_what_is_there_renews_it(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        held = await scene.hold(APP, BASE)
        await scene.hold(LIB, BASE)
        await scene.news()
        scene.at += 5
        assert await catalog.links.mount(BASE.digest, APP, LIB, scene.by()) == held
        assert await scene.loose(LIB, BASE.digest) == scene.at
        assert await scene.loose(APP, BASE.digest) == scene.at - 5
        assert await scene.news() == []

    async def test_a_mount_of_what_a_manifest_names_changes_nothing(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE)
        async with scene.unchanged():
            scene.at += 5
            assert await catalog.links.mount(BASE.digest, APP, APP, scene.by()) is not None

    async def test_a_condemned_blob_cannot_be_mounted(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.hold(APP, BASE)
        await catalog.links.unlink(APP, BASE.digest, scene.by())
        async with scene.unchanged():
            assert await catalog.links.mount(BASE.digest, None, LIB, scene.by()) is None
            assert await catalog.links.mount(BASE.digest, APP, LIB, scene.by()) is None

    async def test_an_unlinked_blob_is_gone_here_and_stays_elsewhere(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        held = await scene.hold(APP, BASE)
        await scene.hold(LIB, BASE)
        await scene.news()
        await catalog.links.unlink(APP, BASE.digest, scene.by())
        assert await scene.news() == [(EventKind.BLOB_UNLINKED, APP, BASE.digest, "")]
        assert await catalog.links.find(APP, BASE.digest) is None
        assert await catalog.links.find(LIB, BASE.digest) == LinkedBlob(held, scene.at)
        totals = await catalog.vitals.totals()
        assert (totals.blobs, totals.condemned) == (1, 0)
        assert await scene.findings() == []

    async def test_the_last_link_condemns_the_blob_and_the_next_push_revives_it(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        held = await scene.hold(APP, BASE)
        await scene.news()
        await catalog.links.unlink(APP, BASE.digest, scene.by())
        assert await scene.news() == [
            (EventKind.BLOB_UNLINKED, APP, BASE.digest, ""),
            (EventKind.BLOB_CONDEMNED, "", BASE.digest, ""),
        ]
        totals = await catalog.vitals.totals()
        assert (totals.blobs, totals.blob_bytes, totals.condemned) == (1, BASE.size, 1)
        assert await catalog.links.stored(BASE.digest) == held
        assert await scene.findings() == []
        assert await scene.hold(LIB, BASE) == held
        assert await scene.news() == [
            (EventKind.REPOSITORY_CREATED, LIB, "", ""),
            (EventKind.BLOB_REVIVED, "", BASE.digest, ""),
            (EventKind.BLOB_PUSHED, LIB, BASE.digest, ""),
        ]
        assert (await catalog.vitals.totals()).condemned == 0
        assert await scene.findings() == []

    async def test_a_blob_that_a_manifest_names_stays(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE)
        await scene.hold(LIB, BASE)
        async with scene.unchanged():
            with pytest.raises(Denied) as refusal:
                await catalog.links.unlink(APP, BASE.digest, scene.by())
        assert ONE.digest in refusal.value.message
        await catalog.links.unlink(LIB, BASE.digest, scene.by())
        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        await catalog.links.unlink(APP, BASE.digest, scene.by())

    async def test_what_is_not_there_cannot_be_unlinked(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        with pytest.raises(BlobUnknown):
            await catalog.links.unlink(APP, BASE.digest, scene.by())
        await scene.hold(LIB, BASE)
        await scene.hold(APP, blob("other"))
        async with scene.unchanged():
            with pytest.raises(BlobUnknown):
                await catalog.links.unlink(APP, BASE.digest, scene.by())

    async def test_what_is_stored_is_known_until_it_is_tombstoned(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        assert await catalog.links.stored(BASE.digest) is None
        held = await scene.hold(APP, BASE)
        assert await catalog.links.stored(BASE.digest) == held
        await catalog.links.unlink(APP, BASE.digest, scene.by())
        assert await catalog.links.stored(BASE.digest) == held
        await catalog.collection.tombstone(scene.at + 1, 10, scene.by())
        assert await catalog.links.stored(BASE.digest) is None
