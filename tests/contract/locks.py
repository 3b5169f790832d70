"""What every catalog keeps to about locks on manifests (ports.locks.Locks)."""

import pytest

from orlop.domain.errors import Conflict, Denied, ManifestUnknown, NameUnknown, NotFound
from orlop.domain.events import EventKind
from orlop.domain.pages import Page, PageRequest
from orlop.ports.catalog import Catalog
from orlop.ports.locks import Lock
from tests.content import image, index
from tests.contract.scene import APP, LIB, V1, WEB, Scene

ONE, TWO = image("one"), image("two")
BOTH = index("both", [ONE, TWO])


class LocksKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_nothing_deletes_what_is_locked_until_that_is_lifted(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.push(LIB, ONE, V1)
        await catalog.locks.add(APP, ONE.digest, "audit of May", scene.by())
        for remove in (
            lambda: catalog.manifests.delete(APP, ONE.digest, scene.by()),
            lambda: catalog.repositories.remove(APP, scene.by()),
        ):
            with pytest.raises(Denied, match="is locked, and nobody deletes it: audit of May; whoever administers"):
                await remove()
        await catalog.manifests.delete(LIB, ONE.digest, scene.by())  # a lock is one repository's
        await catalog.manifests.untag(APP, V1, scene.by())
        assert await catalog.manifests.resolve(APP, ONE.digest) is not None
        assert await scene.findings() == []
        await catalog.locks.lift(APP, ONE.digest, "done", scene.by())
        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        assert await scene.findings() == []
        told = [event for event in await catalog.outbox.events(0, 100) if event.kind.startswith("lock.")]
        assert [(event.kind, event.repository, event.digest, event.detail) for event in told] == [
            (EventKind.LOCK_ADDED, APP, ONE.digest, "audit of May"),
            (EventKind.LOCK_LIFTED, APP, ONE.digest, "done"),
        ]

    async def test_what_a_locked_index_lists_stays_with_it(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, BOTH)
        await catalog.locks.add(APP, BOTH.digest, "audit", scene.by())
        for what in (BOTH, ONE, TWO):
            with pytest.raises(Denied):
                await catalog.manifests.delete(APP, what.digest, scene.by())

    async def test_there_is_one_for_what_is_there(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE)
        await scene.push(APP, TWO)
        for what in (ONE, TWO):
            await catalog.locks.add(APP, what.digest, "audit", scene.by())
        with pytest.raises(Conflict, match="is locked already: audit"):
            await catalog.locks.add(APP, ONE.digest, "again", scene.by())
        for repository, digest in ((APP, BOTH.digest), (WEB, ONE.digest)):
            with pytest.raises(ManifestUnknown):
                await catalog.locks.add(repository, digest, "audit", scene.by())
            with pytest.raises(NotFound):
                await catalog.locks.lift(repository, digest, "done", scene.by())
        first, second = (Lock(digest, "audit", scene.at, "alice") for digest in sorted((ONE.digest, TWO.digest)))
        assert await catalog.locks.page(APP, PageRequest(1)) == Page((first,), more=True)
        assert await catalog.locks.page(APP, PageRequest(1, first.digest)) == Page((second,))
        with pytest.raises(NameUnknown):
            await catalog.locks.page(WEB, PageRequest())
