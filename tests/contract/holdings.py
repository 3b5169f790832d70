"""What every catalog keeps to about what repositories hold (ports.catalog.Holdings)."""

import pytest

from orlop.domain.errors import NameUnknown
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.ports.catalog import Catalog, Pull
from tests.content import artifact, image, index
from tests.contract.scene import APP, LIB, V1, V2, Scene

ONE, TWO, THREE = image("one"), image("two", layers=["base", "code"]), image("three")
BOTH = index("both", [ONE, TWO])


async def untagged(catalog: Catalog, repository: RepositoryName = APP, size: int = 100) -> list[str]:
    """The digests of all pages."""
    found: list[str] = []
    more = True
    while more:
        page = await catalog.holdings.untagged(repository, PageRequest(size, found[-1] if found else ""))
        found += [str(manifest.digest) for manifest in page.items]
        more = page.more
    return found


class HoldingsKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_a_repository_tells_how_much_it_holds(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, TWO, V1, V2)
        found = await catalog.holdings.of(APP)
        assert found is not None
        assert (found.tags, found.manifests, found.pulled_at) == (2, 1, None)
        assert found.size == len(TWO.content) + sum(piece.size for piece in TWO.blobs)
        assert found.pushed_at == scene.at

    async def test_nothing_is_told_of_what_is_not_there(self, catalog: Catalog) -> None:
        assert await catalog.holdings.of(APP) is None
        with pytest.raises(NameUnknown):
            await catalog.holdings.untagged(APP, PageRequest())

    async def test_a_manifest_that_lost_its_last_tag_is_told_with_its_size(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, TWO, V1, V2)
        await catalog.manifests.untag(APP, V1, scene.by())
        assert await untagged(catalog) == []
        await catalog.manifests.untag(APP, V2, scene.by())
        [found] = (await catalog.holdings.untagged(APP, PageRequest())).items
        assert (found.digest, found.media_type, found.pushed_at) == (TWO.digest, TWO.manifest.media_type, scene.at)
        assert found.size == len(TWO.content) + sum(piece.size for piece in TWO.blobs)

    async def test_what_an_index_lists_is_led_to_by_its_tag(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, BOTH, V1)
        assert await untagged(catalog) == []
        await catalog.manifests.untag(APP, V1, scene.by())
        assert await untagged(catalog) == [BOTH.digest]
        await catalog.manifests.delete(APP, BOTH.digest, scene.by())
        assert await untagged(catalog) == sorted([ONE.digest, TWO.digest])

    async def test_what_refers_to_something_stays_with_it(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        signature = artifact("signature", subject=ONE)
        await scene.push(APP, ONE, V1)
        await scene.push(APP, signature)
        assert await untagged(catalog) == []
        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        assert await untagged(catalog) == [signature.digest]

    async def test_a_tag_or_an_index_elsewhere_does_not_count(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(LIB, BOTH, V1)
        await scene.push(APP, ONE)
        assert await untagged(catalog) == [ONE.digest]
        assert await untagged(catalog, LIB) == []

    @pytest.mark.parametrize("size", [1, 2, 3])
    async def test_pages_join(self, catalog: Catalog, size: int) -> None:
        scene = Scene(catalog)
        for each in (ONE, TWO, THREE):
            await scene.push(APP, each)
        await scene.push(APP, image("tagged"), Tag("kept"))
        assert await untagged(catalog, size=size) == sorted([ONE.digest, TWO.digest, THREE.digest])

    async def test_a_manifest_tells_how_it_stands(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1, V2, Tag("a"))
        await scene.push(LIB, ONE, Tag("elsewhere"))
        found = await catalog.holdings.manifest(APP, ONE.digest, 3)
        assert found is not None
        assert (found.tags, found.more) == (tuple(sorted((V1, V2, Tag("a")))), False)
        assert (found.pushed_by, found.pulls, found.pulled_at) == (scene.by().actor, 0, None)
        fewer = await catalog.holdings.manifest(APP, ONE.digest, 2)
        assert fewer is not None
        assert (fewer.tags, fewer.more) == (found.tags[:2], True)

    async def test_a_manifest_tells_how_often_it_was_pulled(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        stored = await catalog.manifests.resolve(APP, ONE.digest)
        assert stored is not None
        by_tag, by_digest = (Pull(APP, ONE.digest, tag, stored.row) for tag in (V1, None))
        await catalog.pulls.record([(by_tag, 3, scene.at + 5), (by_digest, 2, scene.at + 7)])
        found = await catalog.holdings.manifest(APP, ONE.digest, 10)
        assert found is not None
        assert (found.pulls, found.pulled_at) == (5, scene.at + 7)

    async def test_a_manifest_that_is_not_there_tells_nothing(self, catalog: Catalog) -> None:
        await Scene(catalog).push(LIB, ONE)
        assert await catalog.holdings.manifest(APP, ONE.digest, 10) is None
        assert await catalog.holdings.manifest(LIB, TWO.digest, 10) is None

    async def test_the_indexes_that_list_an_image_are_told(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, BOTH, V1)
        other = index("other", [ONE])
        await scene.push(APP, other, V2)
        assert await catalog.holdings.indexes(APP, ONE.digest, 5) == (BOTH.digest, other.digest)
        assert await catalog.holdings.indexes(APP, ONE.digest, 1) == (BOTH.digest,)
        assert await catalog.holdings.indexes(APP, TWO.digest, 5) == (BOTH.digest,)
        assert await catalog.holdings.indexes(APP, BOTH.digest, 5) == ()
        assert await catalog.holdings.indexes(LIB, ONE.digest, 5) == ()
