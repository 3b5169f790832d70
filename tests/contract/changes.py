"""What every driver keeps to about the change counter (ports.events.Changes)."""

import asyncio
from collections.abc import Awaitable, Callable

from orlop.ports.catalog import Catalog
from orlop.ports.events import KNOWN_OF_IMAGES, Changes
from tests.content import blob, image, index
from tests.contract.advisories import advisory, batch, matcher
from tests.contract.insides import BASE, DOCUMENT, read
from tests.contract.scene import APP, LIB, V1, V2, Scene
from tests.serving import unhurried

ONE = image("one")


async def settled(changes: Changes, repository: str = "") -> int:
    """The count, of a repository if one is given, once whoever watches for changes has seen the last one."""
    place = changes.place(repository) if repository else 0
    for _ in range(100):
        before = changes.current(place)
        await asyncio.sleep(unhurried(0.3))
        if before is not None and before == changes.current(place):
            return before
    raise AssertionError("the count does not come to rest")


class ChangesKit:
    """Needs the fixtures `catalog`, an empty one, and `changes`, its counter."""

    async def test_the_count_stays_while_nobody_changes_anything(self, catalog: Catalog, changes: Changes) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        count = await settled(changes, APP)
        await scene.view()
        await scene.findings()
        assert await settled(changes, APP) == count

    async def test_every_change_that_a_client_can_see_moves_the_count(self, catalog: Catalog, changes: Changes) -> None:
        scene = Scene(catalog)
        empty = index("empty", [])
        base, app, lib = blob("base").digest, changes.place(APP), changes.place(LIB)
        steps: list[tuple[int, Callable[[], Awaitable[object]]]] = [
            (app, lambda: scene.hold(APP, *ONE.blobs)),
            (app, lambda: scene.put(APP, ONE, V1)),
            (app, lambda: scene.put(APP, ONE, V2)),
            (app, lambda: scene.put(APP, empty, V2)),
            (lib, lambda: catalog.links.mount(base, APP, LIB, scene.by())),
            (app, lambda: catalog.manifests.untag(APP, V2, scene.by())),
            (app, lambda: catalog.manifests.delete(APP, ONE.digest, scene.by())),
            (app, lambda: catalog.links.unlink(APP, base, scene.by())),
            (app, lambda: catalog.collection.unlink_loose(scene.at + 1, 10, scene.by())),
            (lib, lambda: scene.hold(LIB, blob("other"))),
            (lib, lambda: catalog.collection.unlink_loose(scene.at + 1, 10, scene.by())),
            (app, lambda: catalog.collection.tombstone(scene.at + 1, 10, scene.by())),
        ]
        for place, step in steps:
            before = changes.current(place)
            await step()
            assert changes.current(place) not in (before, None)

    async def test_the_count_never_comes_back(self, catalog: Catalog, changes: Changes) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE)
        seen = []
        for _ in range(4):
            await scene.put(APP, ONE, V1)
            seen.append(changes.current(changes.place(APP)))
            await catalog.manifests.untag(APP, V1, scene.by())
            seen.append(changes.current(changes.place(APP)))
        assert len(set(seen)) == len(seen)

    async def test_what_is_known_of_images_has_a_count_of_its_own(self, catalog: Catalog, changes: Changes) -> None:
        scene, place = Scene(catalog), changes.place(KNOWN_OF_IMAGES)
        await scene.push(APP, ONE, V1)
        content, known = await settled(changes, APP), await settled(changes, KNOWN_OF_IMAGES)
        await read(catalog, scene, ONE.digest, BASE)
        await matcher(catalog, scene).step()
        assert await settled(changes, KNOWN_OF_IMAGES) == known, "nobody remembers anything of what was not known"
        store, images = catalog.advisories.advisories, catalog.insides.images
        steps: list[Callable[[], Awaitable[object]]] = [
            lambda: store.store("test", batch(advisory("A-1", "libssl3", "3.0.15"))),
            lambda: matcher(catalog, scene).step(),
            lambda: images.again(ONE.digest, scene.at),
            lambda: read(catalog, scene, ONE.digest, DOCUMENT),
            lambda: catalog.insides.places.came(ONE.digest, scene.at),
            lambda: read(catalog, scene, ONE.digest, BASE),
            lambda: store.forget("test", ["A-1"]),
        ]
        for step in steps:
            before = changes.current(place)
            await step()
            assert changes.current(place) not in (before, None)
        known = await settled(changes, KNOWN_OF_IMAGES)
        assert not await catalog.insides.places.came(ONE.digest, scene.at)
        assert await settled(changes, KNOWN_OF_IMAGES) == known, "what layers said stands wherever it comes"
        assert await settled(changes, APP) == content, "what is remembered of manifests stays"
