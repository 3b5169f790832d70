"""What every catalog keeps to about what gates ask of manifests (ports.gates.GateRows)."""

from orlop.domain.inside.matching import MATCHER_VERSION
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.catalog import Catalog
from tests.content import artifact, image, index
from tests.contract.advisories import matcher
from tests.contract.insides import BASE, read
from tests.contract.scene import APP, LATEST, LIB, V1, V2, Scene

ONE, TWO = image("one"), image("two", layers=["base", "code"])
BOTH, OUTER = index("both", [ONE, TWO]), index("outer", [ONE])
SBOM, SPDX = "application/vnd.example.sbom", "application/spdx+json"


class GateRowsKit:
    """Needs the fixture `catalog`: an empty one, for each test."""

    async def test_an_image_is_called_by_its_tags_and_by_those_of_what_lists_it(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.gates.rows
        await scene.push(APP, ONE, V1)
        await scene.push(APP, TWO)
        place = await rows.place(APP, ONE.digest)
        assert (place.tags, place.indexes) == (frozenset({V1}), ())
        await scene.push(APP, BOTH, V2, LATEST)
        await scene.push(APP, OUTER)
        place = await rows.place(APP, ONE.digest)
        assert place.tags == {V1, V2, LATEST}
        assert sorted(place.indexes) == sorted([BOTH.digest, OUTER.digest]), "each once, also one without a tag"
        place = await rows.place(APP, TWO.digest)
        assert (place.tags, place.indexes) == (frozenset({V2, LATEST}), (BOTH.digest,))
        place = await rows.place(APP, BOTH.digest)
        assert (place.tags, place.indexes) == (frozenset({V2, LATEST}), ())

    async def test_what_another_repository_calls_it_does_not_count(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.gates.rows
        await scene.push(APP, ONE, V1)
        for one in (ONE, TWO):
            await scene.push(LIB, one)
        await scene.push(LIB, BOTH, V2)
        place = await rows.place(APP, ONE.digest)
        assert (place.tags, place.indexes) == (frozenset({V1}), ())
        for repository, digest in ((APP, TWO.digest), (RepositoryName("none"), ONE.digest)):
            place = await rows.place(repository, digest)
            assert (place.tags, place.indexes) == (frozenset(), ())

    async def test_a_place_follows_tags_and_indexes_that_go(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.gates.rows
        for one in (ONE, TWO):
            await scene.push(APP, one)
        await scene.push(APP, BOTH, V1, V2)
        await catalog.manifests.untag(APP, V1, scene.by())
        assert (await rows.place(APP, ONE.digest)).tags == {V2}
        await catalog.manifests.delete(APP, BOTH.digest, scene.by())
        place = await rows.place(APP, ONE.digest)
        assert (place.tags, place.indexes) == (frozenset(), ())

    async def test_types_are_of_what_refers_to_any_of_these_here(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.gates.rows
        for repository in (APP, LIB):
            for one in (ONE, TWO):
                await scene.push(repository, one)
        await scene.push(APP, artifact("first", subject=ONE))
        await scene.push(APP, artifact("second", subject=ONE))
        await scene.push(APP, artifact("third", subject=TWO, artifact_type=SPDX))
        await scene.push(LIB, artifact("elsewhere", subject=ONE, artifact_type="application/vnd.elsewhere"))
        assert await rows.artifact_types(APP, [ONE.digest]) == {SBOM}
        assert await rows.artifact_types(APP, [TWO.digest, ONE.digest]) == {SBOM, SPDX}
        assert await rows.artifact_types(APP, [BOTH.digest]) == frozenset()
        assert await rows.artifact_types(APP, []) == frozenset()
        assert await rows.artifact_types(RepositoryName("none"), [ONE.digest]) == frozenset()
        assert await rows.artifact_types(LIB, [ONE.digest, TWO.digest]) == {"application/vnd.elsewhere"}

    async def test_packages_of_what_is_read_are_matched_or_named(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.gates.rows
        for one in (ONE, TWO):
            await scene.push(APP, one)
        both = [ONE.digest, TWO.digest]
        await catalog.insides.images.again(ONE.digest, scene.at)
        assert await rows.unmatched(both, MATCHER_VERSION) == {}, "it waits to be read"
        await read(catalog, scene, ONE.digest, BASE)
        await read(catalog, scene, TWO.digest)
        found = await rows.unmatched(both, MATCHER_VERSION)
        packages = await catalog.advisories.vulnerable.packages(ONE.digest)
        assert ({digest: sorted(mine) for digest, mine in found.items()}) == {
            ONE.digest: sorted(packages),
            TWO.digest: [],
        }
        await matcher(catalog, scene).packages(packages[:1])
        assert (await rows.unmatched(both, MATCHER_VERSION))[ONE.digest] == packages[1:]
        await matcher(catalog, scene).packages()
        assert await rows.unmatched(both, MATCHER_VERSION) == {ONE.digest: (), TWO.digest: ()}
        assert (await rows.unmatched(both, MATCHER_VERSION + 1)).keys() == {*both}
        await catalog.insides.images.again(ONE.digest, scene.at)
        assert (await rows.unmatched(both, MATCHER_VERSION))[ONE.digest] == (), "what was read of it stands"
        assert await rows.unmatched([], MATCHER_VERSION) == {}

    async def test_tags_come_by_name_some_at_a_time(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.gates.rows
        upper, tenth = Tag("B"), Tag("a10")
        await scene.push(APP, ONE, Tag("a9"), tenth, upper)
        await scene.push(APP, TWO, Tag("a_"))
        await scene.push(LIB, TWO, Tag("aa"))
        found = await rows.tags(APP, "", 3)
        assert [(one.repository, one.tag, one.digest) for one in found] == [
            (APP, "B", ONE.digest),
            (APP, "a10", ONE.digest),
            (APP, "a9", ONE.digest),
        ], "in the order of bytes, on every engine"
        assert [(one.tag, one.digest) for one in await rows.tags(APP, found[-1].tag, 3)] == [("a_", TWO.digest)]
        assert await rows.tags(APP, "a_", 3) == ()
        assert await rows.tags(RepositoryName("none"), "", 3) == ()
