"""Steps of leaving and of the end take from no repository but that of their entry."""

import asyncio
from collections.abc import Awaitable, Callable

from orlop.adapters.sql.engine import Session
from orlop.adapters.sql.leaving import leave
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.memory import open_memory
from orlop.adapters.sql.trash_end import end_entry
from orlop.domain.access.spans import EVERYTHING
from orlop.domain.durations import HOUR
from orlop.ports.catalog import By, Terms
from tests.catalogs import rows
from tests.content import image
from tests.contract.scene import APP, LIB, START, V1, Scene

BY = By("alice", START)


def test_a_step_with_the_repository_of_another_entry_does_nothing(runner: asyncio.Runner) -> None:
    runner.run(_step())


def test_a_cache_that_leaves_has_nothing_left_to_evict(runner: asyncio.Runner) -> None:
    runner.run(_cache())


async def _cache() -> None:
    """A release before steps evicts what it finds there, and what has left leaves a second time."""
    opened = open_memory()
    scene = Scene(opened.catalog, cache="team")
    for name in (APP, LIB):
        await scene.push(name, image(name), V1)
    await opened.catalog.repositories.remove(APP, scene.by(), Terms(trash=HOUR))
    names = "SELECT r.name FROM cached_manifests c JOIN manifests m ON m.id = c.manifest_id"
    assert rows(opened, f"{names} JOIN repositories r ON r.id = m.repository_id") == [(LIB,)]
    assert await scene.findings() == []
    await opened.engine.close()


async def _step() -> None:
    opened = open_memory()
    scene = Scene(opened.catalog)
    for name in (APP, LIB):
        await scene.push(name, image(name), V1)
        await opened.catalog.repositories.remove(name, scene.by(), Terms(trash=HOUR))
    await opened.catalog.trash_end.discard(EVERYTHING, 1, scene.by())
    [(app, holder), (_, other)] = rows(opened, "SELECT id, holder FROM trash ORDER BY id")
    before = rows(opened, "SELECT * FROM blob_links"), rows(opened, "SELECT * FROM repositories")

    for step, from_where in ((_ending(app, other), None), (_leaving(app, other), "")):
        rows(opened, "UPDATE trash SET left_to = ?2 WHERE id = ?1", app, from_where)
        assert await opened.engine.write(recorded(BY, step))
        assert (rows(opened, "SELECT * FROM blob_links"), rows(opened, "SELECT * FROM repositories")) == before
        assert rows(opened, "SELECT left_to FROM trash WHERE id = ?1", app) == [(from_where,)]

    rows(opened, "UPDATE trash SET left_to = NULL WHERE id = ?1", app)
    assert await opened.engine.write(recorded(BY, _ending(app, holder)))
    assert await scene.findings() == []
    await opened.engine.close()


def _leaving(entry: int, holder: int) -> Callable[[Session, Ledger], Awaitable[bool]]:
    return lambda tx, ledger: leave(tx, entry, holder, BY, ledger, START)


def _ending(entry: int, holder: int) -> Callable[[Session, Ledger], Awaitable[bool]]:
    return lambda tx, ledger: end_entry(tx, entry, holder, BY, ledger)
