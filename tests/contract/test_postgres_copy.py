"""Lists come from a copy of the database, as old as that is; what is pulled comes from the database itself."""

import asyncio

import pytest

from orlop.adapters.sql.postgres.catalog import open_postgres
from orlop.adapters.sql.postgres.connections import Database
from orlop.domain.errors import NameUnknown, Unavailable
from orlop.domain.names import Tag
from orlop.domain.pages import PageRequest
from tests.content import image
from tests.contract.scene import APP, V1, V2, Scene
from tests.postgres import SURROUNDINGS, postgres_copy, postgres_server

pytestmark = pytest.mark.slow


async def test_lists_are_read_from_the_copy_and_manifests_are_not() -> None:
    with postgres_server() as primary:
        url = await asyncio.to_thread(primary.catalog)
        name = url.rpartition("/")[2]
        with postgres_copy(primary) as copy:
            opened = open_postgres(Database(url), Database(copy.url(name)), [0], 0, SURROUNDINGS)
            catalog, scene = opened.catalog, Scene(opened.catalog)

            async def tags() -> list[Tag]:
                try:
                    return list((await catalog.browse.tags(APP, PageRequest(10))).items)
                except NameUnknown:
                    return []

            async def listed(*expected: Tag) -> None:
                async with asyncio.timeout(30):
                    while await tags() != list(expected):  # noqa: ASYNC110 - nothing tells
                        await asyncio.sleep(0.05)

            await scene.push(APP, image("one"), V1)
            await listed(V1)
            await asyncio.to_thread(copy.execute, "SELECT pg_wal_replay_pause()")
            await scene.push(APP, image("two"), V2)
            assert await tags() == [V1], "the list did not come from the copy"
            found = await catalog.manifests.resolve(APP, V2)
            assert found is not None
            assert found.digest == image("two").digest
            await asyncio.to_thread(copy.execute, "SELECT pg_wal_replay_resume()")
            await listed(V1, V2)
            await asyncio.to_thread(copy.stop)
            with pytest.raises(Unavailable):
                await tags()
            assert await catalog.manifests.resolve(APP, V1) is not None
            await opened.engine.close()
            await asyncio.to_thread(copy.start)
