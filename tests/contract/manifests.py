"""What every catalog keeps to about manifests and tags (ports.catalog.Manifests)."""

import pytest

from orlop.domain.digest import Digest, digest_of
from orlop.domain.errors import Denied, ManifestBlobUnknown, ManifestInvalid, ManifestUnknown
from orlop.domain.events import EventKind
from orlop.domain.names import Tag
from orlop.ports.catalog import Catalog, ManifestPush, StoredManifest
from tests.content import FOREIGN_LAYER, artifact, blob, config, image, index, stating
from tests.contract.scene import APP, LATEST, LIB, V1, V2, Scene

ONE = image("one", ["base", "code"])
TWO = image("two", ["base", "other"])
BOTH = index("both", [ONE, TWO])


class ResolveKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_a_tag_and_a_digest_lead_to_the_bytes_that_were_pushed(self, catalog: Catalog) -> None:
        await Scene(catalog).push(APP, ONE, V1)
        for reference in (V1, ONE.digest):
            found = await catalog.manifests.resolve(APP, reference)
            assert found == StoredManifest(ONE.digest, ONE.media_type, ONE.content, found.row if found else 0)

    async def test_what_is_not_there_is_none(self, catalog: Catalog) -> None:
        assert await catalog.manifests.resolve(APP, V1) is None
        assert await catalog.manifests.resolve(APP, ONE.digest) is None
        await Scene(catalog).push(APP, ONE, V1)
        assert await catalog.manifests.resolve(APP, V2) is None
        assert await catalog.manifests.resolve(APP, TWO.digest) is None

    async def test_another_repository_does_not_share_tags_and_manifests(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.push(LIB, TWO, V2)
        assert await catalog.manifests.resolve(LIB, V1) is None
        assert await catalog.manifests.resolve(LIB, ONE.digest) is None

    async def test_a_blob_is_not_a_manifest(self, catalog: Catalog) -> None:
        await Scene(catalog).push(APP, ONE, V1)
        assert await catalog.manifests.resolve(APP, ONE.blobs[0].digest) is None

    async def test_the_tag_that_looks_like_a_digest_is_a_tag(self, catalog: Catalog) -> None:
        tag = Tag(f"sha256-{TWO.digest.hex}")
        await Scene(catalog).push(APP, ONE, tag)
        found = await catalog.manifests.resolve(APP, tag)
        assert found is not None
        assert found.digest == ONE.digest

    async def test_a_manifest_keeps_the_digest_it_was_pushed_under(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.hold(APP, *ONE.blobs)
        digest = digest_of(ONE.content, "sha512")
        await catalog.manifests.put(ManifestPush(APP, digest, ONE.content, ONE.manifest, (V1,)), scene.by())
        found = await catalog.manifests.resolve(APP, V1)
        assert found is not None
        assert (found.digest, found.content) == (digest, ONE.content)
        assert await catalog.manifests.resolve(APP, ONE.digest) is None


class PutKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_a_push_counts_and_is_told(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        empty = index("empty", [])
        await scene.push(APP, empty, V1, LATEST)
        totals = await catalog.vitals.totals()
        assert (totals.repositories, totals.manifests, totals.tags) == (1, 1, 2)
        assert await scene.news() == [
            (EventKind.REPOSITORY_CREATED, APP, "", ""),
            (EventKind.MANIFEST_PUSHED, APP, empty.digest, ""),
            (EventKind.TAG_SET, APP, empty.digest, V1),
            (EventKind.TAG_SET, APP, empty.digest, LATEST),
        ]
        assert await scene.findings() == []

    async def test_everything_missing_is_listed_and_nothing_is_kept(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        async with scene.unchanged():
            with pytest.raises(ManifestBlobUnknown) as refusal:
                await scene.put(APP, ONE, V1)
        assert sorted(refusal.value.detail["digests"]) == sorted(piece.digest for piece in ONE.blobs)
        await scene.hold(APP, ONE.blobs[0], ONE.blobs[2])
        async with scene.unchanged():
            with pytest.raises(ManifestBlobUnknown) as refusal:
                await scene.put(APP, ONE, V1)
        assert refusal.value.detail["digests"] == [ONE.blobs[1].digest]

    async def test_a_blob_that_only_another_repository_holds_is_missing(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.hold(LIB, *ONE.blobs)
        async with scene.unchanged():
            with pytest.raises(ManifestBlobUnknown):
                await scene.put(APP, ONE, V1)

    async def test_an_index_needs_its_manifests_in_the_repository(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE)
        await scene.push(LIB, TWO)
        async with scene.unchanged():
            with pytest.raises(ManifestBlobUnknown) as refusal:
                await scene.put(APP, BOTH, V1)
        assert refusal.value.detail["digests"] == [TWO.digest]
        await scene.push(APP, TWO)
        await scene.put(APP, BOTH, V1)
        assert await scene.findings() == []

    async def test_a_blob_does_not_stand_for_a_manifest_nor_a_manifest_for_a_blob(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.hold(APP, ONE.piece)
        with pytest.raises(ManifestBlobUnknown):
            await scene.put(APP, index("of a blob", [ONE]))
        await scene.push(APP, ONE)
        await catalog.links.unlink(APP, ONE.digest, scene.by())
        own = config("confused")
        await scene.hold(APP, own)
        with pytest.raises(ManifestBlobUnknown):
            await scene.put(APP, stating("of a manifest", [own.descriptor(), ONE.piece.descriptor()]))

    async def test_an_entry_of_an_index_that_is_a_blob_needs_a_blob(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        cache = index("cache", [blob("cached")])
        with pytest.raises(ManifestBlobUnknown):
            await scene.put(APP, cache)
        await scene.push(APP, cache)
        assert await scene.loose(APP, blob("cached").digest) is None
        assert await scene.findings() == []

    @pytest.mark.parametrize("lie", [0, 1, 2])
    async def test_a_size_that_is_not_what_is_stored_is_refused(self, catalog: Catalog, lie: int) -> None:
        scene = Scene(catalog)
        pieces = [config("liar"), blob("a"), blob("b")]
        await scene.hold(APP, *pieces)
        sizes = [piece.size + (position == lie) for position, piece in enumerate(pieces)]
        liar = stating("liar", [piece.descriptor(size=size) for piece, size in zip(pieces, sizes, strict=True)])
        async with scene.unchanged():
            with pytest.raises(ManifestInvalid):
                await scene.put(APP, liar, V1)

    async def test_the_size_of_a_manifest_in_an_index_is_checked_too(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        child = index("child", [])
        await scene.push(APP, child)
        longer = index("child", [], annotations={"longer": "yes"})
        lying = index("lying", [child])
        content = lying.content.replace(f'"size": {child.size}'.encode(), f'"size": {longer.size}'.encode())
        assert content != lying.content
        lying = type(lying)(type(lying.piece)("lying", lying.media_type, content), children=(child,))
        async with scene.unchanged():
            with pytest.raises(ManifestInvalid):
                await scene.put(APP, lying)

    @pytest.mark.parametrize("wrong", [0, 1])
    async def test_a_digest_named_twice_is_checked_twice(self, catalog: Catalog, wrong: int) -> None:
        scene = Scene(catalog)
        own, layer = config("twice"), blob("a")
        await scene.hold(APP, own, layer)
        sizes = [layer.size + 1, layer.size] if wrong == 0 else [layer.size, layer.size + 1]
        twice = stating("twice", [own.descriptor(), *(layer.descriptor(size=size) for size in sizes)])
        async with scene.unchanged():
            with pytest.raises(ManifestInvalid):
                await scene.put(APP, twice)

    @pytest.mark.parametrize("foreign_first", [True, False])
    async def test_a_blob_that_is_needed_is_needed_although_it_is_named_as_foreign_too(
        self, catalog: Catalog, foreign_first: bool
    ) -> None:
        scene = Scene(catalog)
        own, layer = config("mixed"), blob("a")
        await scene.hold(APP, own)
        layers = [layer.descriptor(mediaType=FOREIGN_LAYER), layer.descriptor()]
        mixed = stating("mixed", [own.descriptor(), *(layers if foreign_first else layers[::-1])])
        async with scene.unchanged():
            with pytest.raises(ManifestBlobUnknown):
                await scene.put(APP, mixed)

    async def test_a_blob_may_be_named_twice(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, image("twice", ["base", "base"]), V1)
        assert await scene.findings() == []

    async def test_a_foreign_layer_may_be_missing(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        windows = image("windows", ["base"], foreign=["licensed"])
        await scene.push(APP, windows, V1)
        assert await catalog.links.find(APP, blob("licensed").digest) is None
        assert await scene.findings() == []

    async def test_only_a_sparse_index_may_name_missing_manifests(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE)
        with pytest.raises(ManifestBlobUnknown):
            await scene.put(APP, BOTH)
        await scene.put(APP, BOTH, V1, sparse=True)
        assert await catalog.manifests.resolve(APP, V1) is not None
        assert await scene.findings() == []

    async def test_even_a_sparse_index_needs_its_blobs(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        async with scene.unchanged():
            with pytest.raises(ManifestBlobUnknown):
                await scene.put(APP, index("cache", [blob("cached")]), sparse=True)

    async def test_a_subject_may_be_missing(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        sbom = artifact("sbom", subject=ONE)
        await scene.push(APP, sbom)
        assert await catalog.manifests.resolve(APP, sbom.digest) is not None
        assert await scene.findings() == []

    async def test_the_same_bytes_again_change_nothing(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        async with scene.unchanged():
            await scene.put(APP, ONE, V1)
            await scene.put(APP, ONE)
        assert len(await catalog.history.history(APP, V1, 10)) == 1

    async def test_the_same_bytes_again_may_set_a_tag(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.news()
        await scene.put(APP, ONE, V1, V2)
        assert await scene.news() == [(EventKind.TAG_SET, APP, ONE.digest, V2)]
        totals = await catalog.vitals.totals()
        assert (totals.manifests, totals.tags) == (1, 2)

    async def test_a_tag_moves_and_the_manifest_it_left_stays(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.push(APP, TWO)
        await scene.news()
        await scene.put(APP, TWO, V1)
        assert await scene.news() == [(EventKind.TAG_SET, APP, TWO.digest, V1)]
        found = await catalog.manifests.resolve(APP, V1)
        assert found is not None
        assert found.digest == TWO.digest
        assert await catalog.manifests.resolve(APP, ONE.digest) is not None
        assert (await catalog.vitals.totals()).tags == 1
        assert await scene.findings() == []

    async def test_a_tag_named_twice_in_one_push_is_set_once(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1, V1)
        assert (await catalog.vitals.totals()).tags == 1
        assert len(await catalog.history.history(APP, V1, 10)) == 1

    async def test_one_manifest_in_two_repositories_is_two(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.push(LIB, ONE, V1)
        await catalog.manifests.delete(LIB, ONE.digest, scene.by())
        assert await catalog.manifests.resolve(APP, V1) is not None
        assert (await catalog.vitals.totals()).manifests == 1
        assert await scene.findings() == []


class DeleteKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_a_manifest_goes_with_its_tags_and_nothing_else(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, BOTH, V1, LATEST)
        await scene.put(APP, ONE, V2)
        await scene.news()
        await catalog.manifests.delete(APP, BOTH.digest, scene.by())
        assert await scene.news() == [
            (EventKind.TAG_DELETED, APP, BOTH.digest, LATEST),
            (EventKind.TAG_DELETED, APP, BOTH.digest, V1),
            (EventKind.MANIFEST_DELETED, APP, BOTH.digest, ""),
        ]
        assert await catalog.manifests.resolve(APP, V1) is None
        assert await catalog.manifests.resolve(APP, BOTH.digest) is None
        assert await catalog.manifests.resolve(APP, V2) is not None
        assert await catalog.manifests.resolve(APP, TWO.digest) is not None
        totals = await catalog.vitals.totals()
        assert (totals.repositories, totals.manifests, totals.tags) == (1, 2, 1)
        assert await scene.findings() == []

    @pytest.mark.parametrize("digest", [ONE.digest, TWO.digest])
    async def test_what_is_not_there_cannot_be_deleted(self, catalog: Catalog, digest: Digest) -> None:
        scene = Scene(catalog)
        with pytest.raises(ManifestUnknown):
            await catalog.manifests.delete(APP, digest, scene.by())
        await scene.push(APP, ONE, V1)
        await scene.push(LIB, TWO, V1)
        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        async with scene.unchanged():
            with pytest.raises(ManifestUnknown):
                await catalog.manifests.delete(APP, digest, scene.by())

    async def test_a_manifest_that_an_index_names_stays(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, BOTH, V1)
        await scene.push(LIB, ONE)
        async with scene.unchanged():
            with pytest.raises(Denied) as refusal:
                await catalog.manifests.delete(APP, ONE.digest, scene.by())
        assert BOTH.digest in refusal.value.message
        await catalog.manifests.delete(LIB, ONE.digest, scene.by())
        await catalog.manifests.delete(APP, BOTH.digest, scene.by())
        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        assert await scene.findings() == []

    async def test_a_subject_may_go_and_its_referrers_stay(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        sbom = artifact("sbom", subject=ONE)
        await scene.push(APP, ONE, V1)
        await scene.push(APP, sbom)
        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        assert await catalog.manifests.resolve(APP, sbom.digest) is not None
        assert await scene.findings() == []

    async def test_a_deleted_manifest_can_be_pushed_again(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        await scene.put(APP, ONE, V1)
        assert await catalog.manifests.resolve(APP, V1) is not None
        assert await scene.findings() == []

    async def test_untagging_takes_the_tag_and_nothing_else(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1, V2)
        await scene.news()
        await catalog.manifests.untag(APP, V1, scene.by())
        assert await scene.news() == [(EventKind.TAG_DELETED, APP, ONE.digest, V1)]
        assert await catalog.manifests.resolve(APP, V1) is None
        assert await catalog.manifests.resolve(APP, V2) is not None
        await catalog.manifests.untag(APP, V2, scene.by())
        assert await catalog.manifests.resolve(APP, ONE.digest) is not None
        assert (await catalog.vitals.totals()).tags == 0
        assert await scene.findings() == []

    async def test_a_tag_that_is_not_there_cannot_be_untagged(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        with pytest.raises(ManifestUnknown):
            await catalog.manifests.untag(APP, V1, scene.by())
        await scene.push(APP, ONE, V1)
        await scene.push(LIB, ONE, V2)
        await catalog.manifests.untag(APP, V1, scene.by())
        async with scene.unchanged():
            for tag in (V1, V2):
                with pytest.raises(ManifestUnknown):
                    await catalog.manifests.untag(APP, tag, scene.by())


class LoosenessKit:
    """What manifests do to the links of the blobs they name. Needs the fixture `catalog`: an empty one."""

    async def test_a_manifest_holds_what_it_names_and_lets_go_when_it_is_deleted(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.hold(APP, *ONE.blobs)
        assert await scene.loose(APP, ONE.blobs[0].digest) == scene.at
        await scene.put(APP, ONE)
        assert [await scene.loose(APP, piece.digest) for piece in ONE.blobs] == [None] * 3
        scene.at += 1
        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        assert [await scene.loose(APP, piece.digest) for piece in ONE.blobs] == [scene.at] * 3

    async def test_a_blob_is_held_until_the_last_manifest_that_names_it_goes(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE)
        await scene.push(APP, TWO)
        scene.at += 1
        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        assert await scene.loose(APP, blob("base").digest) is None
        assert await scene.loose(APP, blob("code").digest) == scene.at
        scene.at += 1
        await catalog.manifests.delete(APP, TWO.digest, scene.by())
        assert await scene.loose(APP, blob("base").digest) == scene.at
        assert await scene.loose(APP, blob("code").digest) == scene.at - 1

    async def test_a_manifest_holds_nothing_in_other_repositories(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE)
        await scene.hold(LIB, *ONE.blobs)
        scene.at += 1
        assert await scene.loose(LIB, ONE.blobs[0].digest) == scene.at - 1
        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        assert await scene.loose(LIB, ONE.blobs[0].digest) == scene.at - 1

    async def test_a_foreign_layer_that_arrives_late_is_held_at_once(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, image("windows", ["base"], foreign=["licensed"]))
        await scene.hold(APP, blob("licensed"))
        assert await scene.loose(APP, blob("licensed").digest) is None
        assert await scene.findings() == []
