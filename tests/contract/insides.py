"""What every catalog keeps to about what is inside images (ports.insides)."""

import hashlib

from orlop.domain.digest import Digest
from orlop.domain.durations import HOUR
from orlop.domain.inside.assembly import assemble
from orlop.domain.inside.layers import Found, LayerFacts
from orlop.domain.inside.licence_names import LICENCE_NAMES_VERSION
from orlop.domain.inside.package import Distribution, Package
from orlop.domain.manifest import EdgeKind
from orlop.ports.catalog import Catalog
from orlop.ports.holding import HoldingPlace
from orlop.ports.insides import ClaimedImage, InsideState
from tests.content import image, index
from tests.contract.scene import APP, LIB, V1, V2, WEB, Scene

ONE, TWO = image("one"), image("two")
RELEASE = Found(path="etc/os-release", reader="os-release", distribution=Distribution(id="debian", version="12"))
BASH = Package(type="deb", name="bash", version="5.2", architecture="amd64")
SSL = Package(type="deb", name="libssl3", version="3.0.11-1", source="openssl")
REQUESTS = Package(type="pypi", name="requests", version="2.31.0", licences=("Apache-2.0",))
BASE = LayerFacts(found=(RELEASE, Found(path="var/lib/dpkg/status", reader="dpkg", packages=(BASH, SSL))))
LIBRARY = LayerFacts(found=(Found(path="lib/requests/METADATA", reader="python", packages=(REQUESTS,)),))
DOCUMENT = LayerFacts(found=(Found(path="sha256:00", reader="spdx", packages=(REQUESTS,)),))


def package(name: str, *licences: str) -> Package:
    """One of npm."""
    return Package(type="npm", name=name, version="1", licences=licences)


def held(*packages: Package) -> LayerFacts:
    """A layer that holds them."""
    return LayerFacts(found=(Found(path="package-lock.json", reader="node-lock", packages=packages),))


async def claim(catalog: Catalog, now: int, *, hours: int = 1) -> ClaimedImage | None:
    """The next one that waits."""
    claimed = await catalog.insides.images.claim(now, now + hours * HOUR, 1)
    return claimed[0] if claimed else None


async def standing(catalog: Catalog, image: Digest) -> tuple[InsideState, InsideState | None]:
    """How far an image is, and which reading counts."""
    known = await catalog.insides.images.of(image)
    assert known is not None
    [part] = (await catalog.advisories.counting.parts(APP, [image]))[str(image)]
    assert known.is_known == (part.state is InsideState.READ)
    return known.state, part.state


async def read(catalog: Catalog, scene: Scene, digest: Digest, *layers: LayerFacts) -> None:
    """Have an image read that holds this."""
    await catalog.insides.images.again(digest, scene.at)
    claimed = await claim(catalog, scene.at)
    assert claimed is not None
    assert claimed.digest == digest
    assert await catalog.insides.images.read(claimed, assemble(layers), 1, scene.at)


class InsidesKit:
    """Needs the fixture `catalog`: an empty one, for each test."""

    async def test_an_image_waits_is_read_and_is_known(self, catalog: Catalog) -> None:
        scene, images = Scene(catalog), catalog.insides.images
        await scene.push(APP, ONE, V1)
        assert await images.of(ONE.digest) is None
        await images.again(ONE.digest, scene.at)
        known = await images.of(ONE.digest)
        assert known is not None
        assert (known.state, known.since, known.packages) == (InsideState.WAITING, scene.at, 0)
        claimed = await claim(catalog, scene.at)
        assert claimed is not None
        assert (claimed.digest, claimed.repository, claimed.tries) == (ONE.digest, APP, 1)
        assert await claim(catalog, scene.at) is None
        depths = await images.depths()
        assert (depths.waiting, depths.oldest_at, depths.unread) == (1, scene.at, 0)
        scene.at += 7
        assert await images.read(claimed, assemble((BASE, LIBRARY)), 3, scene.at)
        known = await images.of(ONE.digest)
        assert known is not None
        assert (known.state, known.since, known.packages, known.unread) == (InsideState.READ, scene.at, 3, ())
        assert known.distribution == Distribution(id="debian", version="12")
        held = await images.packages(ONE.digest)
        assert [(each.package, each.layer, each.path, each.reader) for each in held] == [
            (BASH, 0, "var/lib/dpkg/status", "dpkg"),
            (SSL, 0, "var/lib/dpkg/status", "dpkg"),
            (REQUESTS, 1, "lib/requests/METADATA", "python"),
        ]
        assert held[1].purl == "pkg:deb/debian/libssl3@3.0.11-1?distro=debian-12&upstream=openssl"
        assert (await images.depths()).waiting == 0

    async def test_the_newest_is_read_first_and_those_of_the_dead_again(self, catalog: Catalog) -> None:
        scene, images = Scene(catalog), catalog.insides.images
        await scene.push(APP, ONE, V1)
        await scene.push(APP, TWO, V2)
        await images.again(ONE.digest, scene.at)
        await images.again(TWO.digest, scene.at + 1)
        scene.at += 2
        first, second = await claim(catalog, scene.at), await claim(catalog, scene.at)
        assert first is not None
        assert second is not None
        assert (first.digest, second.digest) == (TWO.digest, ONE.digest)
        assert await images.read(second, assemble((BASE,)), 1, scene.at)
        assert await claim(catalog, scene.at + HOUR - 1) is None
        again = await claim(catalog, scene.at + HOUR)
        assert again is not None
        assert (again.digest, again.tries) == (TWO.digest, 2)
        assert not await images.read(first, assemble((BASE,)), 1, scene.at)
        assert await images.read(again, assemble((BASE,)), 1, scene.at)

    async def test_a_lease_of_a_clock_that_is_wrong_says_nothing(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await catalog.insides.images.again(ONE.digest, scene.at)
        assert await claim(catalog, scene.at + 1_000 * HOUR) is not None
        assert await claim(catalog, scene.at) is not None

    async def test_what_cannot_be_read_waits_and_is_given_up(self, catalog: Catalog) -> None:
        scene, images = Scene(catalog), catalog.insides.images
        await scene.push(APP, ONE, V1)
        await images.again(ONE.digest, scene.at)
        claimed = await claim(catalog, scene.at)
        assert claimed is not None
        await images.unread(claimed, "a layer is not here", 1, scene.at, scene.at + HOUR)
        assert await claim(catalog, scene.at + HOUR - 1) is None
        claimed = await claim(catalog, scene.at + HOUR)
        assert claimed is not None
        assert claimed.tries == 2
        await images.unread(claimed, "a layer is not here", 1, scene.at)
        known = await images.of(ONE.digest)
        assert known is not None
        assert (known.state, known.unread) == (InsideState.UNREAD, ("a layer is not here",))
        assert (await images.depths()).unread == 1
        assert await claim(catalog, scene.at + 1_000 * HOUR) is None

    async def test_images_that_nobody_saw_are_found(self, catalog: Catalog) -> None:
        scene, images = Scene(catalog), catalog.insides.images
        await scene.push(APP, index("both", [ONE, TWO]), V1)
        await scene.push(LIB, ONE, V1)
        await read(catalog, scene, TWO.digest, BASE)
        after, found = 0, 0
        while (following := await images.find(after, 2)) is not None:
            after, more = following
            found += more
        assert found == 1
        claimed = await claim(catalog, scene.at + 1)
        assert claimed is not None
        assert claimed.digest == ONE.digest
        assert await claim(catalog, scene.at + 1) is None

    async def test_what_an_older_assembler_made_is_made_anew(self, catalog: Catalog) -> None:
        scene, images = Scene(catalog), catalog.insides.images
        await scene.push(APP, ONE, V1)
        await read(catalog, scene, ONE.digest, BASE)
        assert await images.older(1, scene.at, 10) == 0
        assert await images.older(2, scene.at, 10) == 1
        claimed = await claim(catalog, scene.at)
        assert claimed is not None
        assert await images.read(claimed, assemble((BASE, LIBRARY)), 2, scene.at)
        assert len(await images.packages(ONE.digest)) == 3
        assert await images.older(2, scene.at, 10) == 0

    async def test_what_was_read_stands_while_it_is_read_anew_and_where_that_fails(self, catalog: Catalog) -> None:
        scene, images = Scene(catalog), catalog.insides.images
        await scene.push(APP, ONE, V1)
        await images.again(ONE.digest, scene.at)
        await images.again(ONE.digest, scene.at)  # nothing was read, and nothing stands
        assert await standing(catalog, ONE.digest) == (InsideState.WAITING, InsideState.WAITING)
        await read(catalog, scene, ONE.digest, BASE)
        for begin in (images.again(ONE.digest, scene.at), images.older(9, scene.at, 10)):
            await begin
            assert await standing(catalog, ONE.digest) == (InsideState.WAITING, InsideState.READ)
            assert len(await images.packages(ONE.digest)) == 2
            claimed = await claim(catalog, scene.at)
            assert claimed is not None
            assert await standing(catalog, ONE.digest) == (InsideState.READING, InsideState.READ)
            await images.unread(claimed, "it takes too long", 1, scene.at, scene.at + HOUR)
            claimed = await claim(catalog, scene.at + HOUR)
            assert claimed is not None
            await images.unread(claimed, "it takes too long", 1, scene.at)
            assert await standing(catalog, ONE.digest) == (InsideState.UNREAD, InsideState.READ)
        await read(catalog, scene, ONE.digest, BASE, LIBRARY)
        assert await standing(catalog, ONE.digest) == (InsideState.READ, InsideState.READ)
        known = await images.of(ONE.digest)
        assert known is not None
        assert not known.stands

    async def test_under_a_new_rule_what_was_read_stands_until_that_was_read_and_not_where_it_fails(
        self, catalog: Catalog
    ) -> None:
        scene, insides = Scene(catalog), catalog.insides
        await scene.push(APP, ONE, V1)
        await read(catalog, scene, ONE.digest, DOCUMENT)
        await insides.places.within(str(APP), 0, 10, scene.at)
        assert await standing(catalog, ONE.digest) == (InsideState.WAITING, InsideState.READ)
        claimed = await claim(catalog, scene.at)
        assert claimed is not None
        await insides.images.unread(claimed, "it takes too long", 1, scene.at)
        assert await standing(catalog, ONE.digest) == (InsideState.UNREAD, InsideState.UNREAD)

    async def test_what_documents_said_stands_for_one_reading_and_for_no_other_repository(
        self, catalog: Catalog
    ) -> None:
        scene, insides = Scene(catalog), catalog.insides
        await scene.push(APP, ONE, V1)
        for begin in (insides.images.again, lambda _, now: insides.images.older(9, now, 10)):
            await read(catalog, scene, ONE.digest, DOCUMENT)
            await begin(ONE.digest, scene.at)
            assert await standing(catalog, ONE.digest) == (InsideState.WAITING, InsideState.READ)
            claimed = await claim(catalog, scene.at)
            assert claimed is not None
            await insides.images.unread(claimed, "it takes too long", 1, scene.at)
            assert await standing(catalog, ONE.digest) == (InsideState.UNREAD, InsideState.UNREAD)
        await read(catalog, scene, ONE.digest, DOCUMENT)
        assert await insides.places.came(ONE.digest, scene.at)
        assert await standing(catalog, ONE.digest) == (InsideState.WAITING, InsideState.WAITING)
        await read(catalog, scene, ONE.digest, DOCUMENT)
        await insides.images.again(ONE.digest, scene.at)
        assert await insides.places.came(ONE.digest, scene.at)  # while it waits to be read anew
        assert await standing(catalog, ONE.digest) == (InsideState.WAITING, InsideState.WAITING)
        await insides.images.again(ONE.digest, scene.at)
        assert await standing(catalog, ONE.digest) == (InsideState.WAITING, InsideState.WAITING)

    async def test_what_layers_said_stands_also_while_it_comes_to_another_repository(self, catalog: Catalog) -> None:
        scene, insides = Scene(catalog), catalog.insides
        await scene.push(APP, ONE, V1)
        await read(catalog, scene, ONE.digest, BASE)
        await insides.images.again(ONE.digest, scene.at)
        assert not await insides.places.came(ONE.digest, scene.at)
        assert await claim(catalog, scene.at) is not None
        assert await insides.places.came(ONE.digest, scene.at)
        assert await standing(catalog, ONE.digest) == (InsideState.WAITING, InsideState.READ)

    async def test_what_is_gone_is_forgotten_and_what_others_share_stays(self, catalog: Catalog) -> None:
        scene, insides = Scene(catalog), catalog.insides
        await scene.push(APP, ONE, V1)
        await scene.push(WEB, TWO, V1)
        await read(catalog, scene, ONE.digest, BASE)
        await read(catalog, scene, TWO.digest, BASE, LIBRARY)
        assert await insides.images.forget() == 0
        await catalog.manifests.delete(WEB, TWO.digest, scene.by())
        assert await insides.images.forget() == 4  # the image, the unit of its own, the package in it, its licence
        assert await insides.images.of(TWO.digest) is None
        assert len(await insides.images.packages(ONE.digest)) == 2
        assert await insides.images.forget() == 0

    async def test_facts_of_layers_are_kept_by_reader(self, catalog: Catalog) -> None:
        scene, layers = Scene(catalog), catalog.insides.layers
        held = await scene.hold(APP, ONE.blobs[0])
        names = hashlib.sha256(b"etc/os-release").digest()[:6]
        facts = LayerFacts(found=BASE.found, removed=("a/b",), emptied=("",), names=names, files=1, unread="it ends")
        await layers.keep(held.key.digest, 1, facts, scene.at)
        assert await layers.get([held.key.digest, TWO.digest], 1) == {held.key.digest: facts}
        assert await layers.get([held.key.digest], 2) == {}
        await layers.keep(held.key.digest, 2, LIBRARY, scene.at)
        assert await layers.get([held.key.digest], 2) == {held.key.digest: LIBRARY}
        await layers.keep(TWO.digest, 2, LIBRARY, scene.at)
        assert await catalog.insides.images.forget() == 1  # of what no blob is of that digest
        assert await layers.get([held.key.digest, TWO.digest], 2) == {held.key.digest: LIBRARY}

    async def test_where_images_are(self, catalog: Catalog) -> None:
        scene, places = Scene(catalog), catalog.insides.places
        both = index("both", [ONE, TWO])
        await scene.push(APP, both, V1)
        await scene.push(LIB, ONE, V1)
        assert set(await places.holders(ONE.digest, 9)) == {APP, LIB}
        assert await places.holders(ONE.digest, 1) == (APP,)
        assert await places.holders(TWO.digest, 9) == (APP,)
        assert await places.indexes(APP, ONE.digest, 9) == (both.digest,)
        assert await places.indexes(LIB, ONE.digest, 9) == ()

    async def test_images_of_a_place_are_put_together_anew(self, catalog: Catalog) -> None:
        scene, insides = Scene(catalog), catalog.insides
        await scene.push(APP, ONE, V1)
        await scene.push(WEB, TWO, V1)
        await read(catalog, scene, ONE.digest, BASE)
        await read(catalog, scene, TWO.digest, BASE)
        after: int | None = 0
        while after is not None:
            after = await insides.places.within(str(WEB), after, 1, scene.at)
        claimed = await claim(catalog, scene.at)
        assert claimed is not None
        assert claimed.digest == TWO.digest
        assert await claim(catalog, scene.at) is None

    async def test_an_image_is_read_once_a_layer_came_that_was_not_here(self, catalog: Catalog) -> None:
        scene, insides = Scene(catalog), catalog.insides
        await scene.push(APP, ONE, V1)
        layer = next(edge.digest for edge in ONE.manifest.edges if edge.kind is EdgeKind.LAYER)
        await insides.images.again(ONE.digest, scene.at)
        assert await insides.places.missed(APP, layer, scene.at) == 0
        claimed = await claim(catalog, scene.at)
        assert claimed is not None
        await insides.images.unread(claimed, "a layer is not here", 1, scene.at)
        assert await insides.places.missed(WEB, layer, scene.at) == 0
        assert await insides.places.missed(APP, layer, scene.at) == 1
        claimed = await claim(catalog, scene.at)
        assert claimed is not None
        assert claimed.tries == 1
        await insides.images.unread(claimed, "a layer is not here", 1, scene.at, scene.at + HOUR)
        assert await insides.places.missed(APP, layer, scene.at) == 1
        claimed = await claim(catalog, scene.at)
        assert claimed is not None
        assert await insides.images.read(claimed, assemble((BASE,)), 1, scene.at)
        assert await insides.places.missed(APP, layer, scene.at) == 0

    async def test_an_image_that_comes_to_another_repository_is_put_together_anew_where_documents_had_a_word(
        self, catalog: Catalog
    ) -> None:
        scene, insides = Scene(catalog), catalog.insides
        assert not await insides.places.came(ONE.digest, scene.at)
        for pushed, facts in ((ONE, DOCUMENT), (TWO, BASE)):
            await scene.push(APP, pushed)
            await read(catalog, scene, pushed.digest, facts)
        assert await insides.places.came(ONE.digest, scene.at)
        assert not await insides.places.came(TWO.digest, scene.at)
        claimed = await claim(catalog, scene.at)
        assert claimed is not None
        assert claimed.digest == ONE.digest
        assert await insides.places.came(ONE.digest, scene.at)  # while it is read
        assert not await insides.images.read(claimed, assemble((BASE,)), 1, scene.at)

    async def test_packages_are_found_by_their_licences(self, catalog: Catalog) -> None:
        scene, images, holding = Scene(catalog), catalog.insides.images, catalog.advisories.holding
        await scene.push(APP, ONE, V1)
        await scene.push(WEB, TWO, V1)
        both = package("both", "GPL-2.0-only WITH Classpath-exception-2.0 OR (MIT AND Apache-2.0)")
        words = package("words", "The  Very Own\tLicence", "mit")
        silent = package("silent")
        await read(catalog, scene, ONE.digest, held(both, words))
        await read(catalog, scene, TWO.digest, held(silent))

        async def under(low: str) -> dict[str, set[str]]:
            names = await holding.licences(low, f"{low}~", 10)
            found: dict[str, set[str]] = {}
            called = {name.id: name.name for name in names}
            purls = {one.id: one.purl for one in await holding.numbered(list(range(100)))}
            for one in await holding.held_licensed([ONE.digest, TWO.digest], list(called)):
                found.setdefault(called[one.licence], set()).add(purls[one.package])
            return found

        a, b = "pkg:npm/both@1", "pkg:npm/words@1"
        assert await under("") == {
            "GPL-2.0-only": {a},
            "GPL-2.0-only WITH Classpath-exception-2.0": {a},
            "MIT": {a, b},
            "Apache-2.0": {a},
            "The Very Own Licence": {b},
        }
        assert await under("gpl-2") == {
            name: {a} for name in ("GPL-2.0-only", "GPL-2.0-only WITH Classpath-exception-2.0")
        }
        assert [name.folded for name in await holding.licences("a", "m", 1)] == ["apache-2.0"]
        [mit] = await holding.licences("mit", "mit~", 10)
        assert await holding.rare_licensed([mit.id], 1) == (HoldingPlace(APP, ONE.digest),)
        assert await holding.rare_licensed([mit.id], 0) is None
        along = await holding.along_licensed([mit.id], [APP, WEB], ("", ""), 10)
        assert {one.place.digest: one.holds for one in along} == {ONE.digest: True, TWO.digest: False}
        assert await holding.is_licensed(LICENCE_NAMES_VERSION)
        assert not await holding.is_licensed(LICENCE_NAMES_VERSION + 1)
        assert await images.license(10) == 0

        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        await images.forget()
        assert await under("") == {}
