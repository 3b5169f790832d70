"""The catalog behind PgBouncer in transaction pooling, where no two transactions need to share a connection."""

import asyncio
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

from orlop.adapters.sql.migrations import known
from orlop.adapters.sql.migrations.postgres import taken
from orlop.adapters.sql.postgres.catalog import open_postgres
from orlop.adapters.sql.postgres.connections import Database
from orlop.domain.names import RepositoryName
from orlop.domain.pages import PageRequest
from tests.content import image
from tests.contract.scene import V1, Scene
from tests.needs import need
from tests.postgres import PASSWORD, SURROUNDINGS, PostgresServer
from tests.servers import free_port
from tests.serving import eventually, unhurried

pytestmark = pytest.mark.slow

_SETTINGS = """\
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
auth_type = plain
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 3
"""


@pytest.fixture(name="port")
def _port(postgres: PostgresServer) -> Iterator[int]:
    """Where PgBouncer listens, with three connections for everybody and nothing kept in them."""
    program, port = need("pgbouncer")["pgbouncer"], free_port()
    folder = postgres.folder / f"pgbouncer-{port}"
    folder.mkdir(mode=0o755)
    (folder / "users").write_text(f'"orlop" "{PASSWORD}"\n')
    (folder / "settings").write_text(_SETTINGS.format(server=postgres.port, port=port, folder=folder))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(postgres.own(program, "-q", str(folder / "settings")), stderr=log)
    try:
        eventually("PgBouncer listens", lambda: _listens(port))
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_everything_works_with_more_clients_than_connections(postgres: PostgresServer, port: int) -> None:
    name = (await asyncio.to_thread(postgres.catalog)).rpartition("/")[2]
    database = Database(postgres.url(name, port=port), 4, pooler=True)
    assert len(await taken(database)) == len(known("postgres"))
    opened = [open_postgres(database, None, [0], 0, SURROUNDINGS) for _ in range(3)]

    async def push(number: int) -> None:
        catalog, repository = opened[number % 3].catalog, RepositoryName(f"app{number}")
        scene = Scene(catalog, first=1 + 1_000 * number)
        await scene.push(repository, image(f"image {number}"), V1)
        assert await catalog.manifests.resolve(repository, V1) is not None
        assert (await catalog.browse.tags(repository, PageRequest(10))).items == (V1,)

    await asyncio.gather(*(push(number) for number in range(12)))
    assert await Scene(opened[0].catalog).findings() == []

    opened[0].start()
    async with asyncio.timeout(10):
        while (before := opened[0].changes.current()) is None:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
        acknowledged = time.monotonic()
        await push(12 + 1)
        while opened[0].changes.current() == before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert time.monotonic() - acknowledged < unhurried(5)
    for opening in opened:
        await opening.engine.close()
