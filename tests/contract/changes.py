"""What every driver keeps to about the change counter (ports.events.Changes)."""

import asyncio
from collections.abc import Awaitable, Callable

from orlop.ports.catalog import Catalog
from orlop.ports.events import Changes
from tests.content import blob, image, index
from tests.contract.scene import APP, LIB, V1, V2, Scene

ONE = image("one")


async def settled(changes: Changes) -> int:
    """The count, once whoever watches for changes has seen the last one."""
    for _ in range(100):
        before = changes.current()
        await asyncio.sleep(0.3)
        if before is not None and before == changes.current():
            return before
    raise AssertionError("the count does not come to rest")


class ChangesKit:
    """Needs the fixtures `catalog`, an empty one, and `changes`, its counter."""

    async def test_the_count_stays_while_nobody_changes_anything(self, catalog: Catalog, changes: Changes) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        count = await settled(changes)
        await scene.view()
        await scene.findings()
        assert await settled(changes) == count

    async def test_every_change_that_a_client_can_see_moves_the_count(self, catalog: Catalog, changes: Changes) -> None:
        scene = Scene(catalog)
        empty = index("empty", [])
        steps: list[Callable[[], Awaitable[object]]] = [
            lambda: scene.hold(APP, *ONE.blobs),
            lambda: scene.put(APP, ONE, V1),
            lambda: scene.put(APP, ONE, V2),
            lambda: scene.put(APP, empty, V2),
            lambda: catalog.links.mount(blob("base").digest, APP, LIB, scene.by()),
            lambda: catalog.manifests.untag(APP, V2, scene.by()),
            lambda: catalog.manifests.delete(APP, ONE.digest, scene.by()),
            lambda: catalog.links.unlink(APP, blob("base").digest, scene.by()),
            lambda: catalog.collection.unlink_loose(scene.at + 1, 10, scene.by()),
        ]
        seen = [changes.current()]
        for step in steps:
            await step()
            seen.append(changes.current())
        assert None not in seen
        assert len(set(seen)) == len(seen)

    async def test_the_count_never_comes_back(self, catalog: Catalog, changes: Changes) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE)
        seen = []
        for _ in range(4):
            await scene.put(APP, ONE, V1)
            seen.append(changes.current())
            await catalog.manifests.untag(APP, V1, scene.by())
            seen.append(changes.current())
        assert len(set(seen)) == len(seen)
