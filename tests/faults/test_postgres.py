"""The database goes away at the worst moments: what was acknowledged is there, once; the rest is whole or absent."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from orlop.adapters.sql import migrations
from orlop.adapters.sql.catalog import OpenCatalog
from orlop.adapters.sql.engine import Session
from orlop.adapters.sql.migrations import Migration
from orlop.adapters.sql.migrations.postgres import migrate, taken
from orlop.adapters.sql.postgres.catalog import open_postgres
from orlop.adapters.sql.postgres.connections import Database
from orlop.domain.errors import Unavailable
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.catalog import ManifestPush, Terms
from tests.content import image
from tests.contract.scene import APP, V1, Scene
from tests.postgres import SURROUNDINGS, PostgresServer, postgres_server
from tests.servers import ORLOP, environment
from tests.volume import volume

pytestmark = pytest.mark.slow

#: How often a COMMIT gets no answer, and how often the server crashes.
TIMES = volume(20, 300)
CRASHES = volume(20, 300)


class Cutting:
    """Stands between Orlop and the server, and cuts a connection when a COMMIT passes: before it, or after it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.cut: str | None = None
        self.cuts = 0

    async def serve(self) -> asyncio.Server:
        """Listen on a free port of loopback."""
        return await asyncio.start_server(self._pass_on, "127.0.0.1", 0)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection("127.0.0.1", self._port)
        back = asyncio.create_task(self._back(theirs, writer))
        try:
            while piece := await reader.read(1 << 16):
                if self.cut and b"COMMIT\0" in piece:
                    how, self.cut = self.cut, None
                    self.cuts += 1
                    back.cancel()
                    await asyncio.wait({back})  # of two readers one is refused
                    if how == "after":
                        ours.write(piece)
                        await ours.drain()
                        await theirs.read(1 << 16)  # the answer, which nobody gets
                    return
                ours.write(piece)
                await ours.drain()
        except ConnectionError:
            return
        finally:
            writer.transport.abort()
            ours.transport.abort()

    async def _back(self, theirs: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await theirs.read(1 << 16):
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            return
        writer.transport.abort()


@pytest.mark.parametrize("how", ["before", "after"])
async def test_a_commit_without_an_answer_takes_effect_exactly_once(postgres: PostgresServer, how: str) -> None:
    name = (await asyncio.to_thread(postgres.catalog)).rpartition("/")[2]
    cutting = Cutting(postgres.port)
    server = await cutting.serve()
    url = postgres.url(name, port=server.sockets[0].getsockname()[1])
    opened = open_postgres(Database(url), None, [0], 0, SURROUNDINGS)
    scene = Scene(opened.catalog)
    await scene.push(APP, image("one"), V1)
    for number in range(TIMES):
        cutting.cut = how
        await scene.put(APP, image("one"), Tag(f"tag{number}"))
        assert cutting.cut is None
    assert cutting.cuts == TIMES
    events = await opened.catalog.outbox.events(0, 1000)
    assert sum(event.kind is EventKind.TAG_SET for event in events) == TIMES + 1
    assert (await opened.catalog.vitals.totals()).tags == TIMES + 1
    assert await scene.findings() == []
    await opened.engine.close()
    server.close()


@pytest.mark.parametrize("how", ["before", "after"])
async def test_what_quarantine_decides_without_an_answer_is_decided_once(postgres: PostgresServer, how: str) -> None:
    name = (await asyncio.to_thread(postgres.catalog)).rpartition("/")[2]
    cutting = Cutting(postgres.port)
    server = await cutting.serve()
    url = postgres.url(name, port=server.sockets[0].getsockname()[1])
    opened = open_postgres(Database(url), None, [0], 0, SURROUNDINGS)
    scene, rows = Scene(opened.catalog), opened.catalog.held_pushes
    for number in range(TIMES // 2):
        what, tags = image(f"held {number}"), (Tag(f"a{number}"), Tag(f"b{number}"))
        await scene.hold_missing(APP, what)
        push = ManifestPush(APP, what.digest, what.content, what.manifest, tags, held=True)
        cutting.cut = how
        assert await opened.catalog.manifests.put(push, scene.by())
        held = await rows.of(APP, what.digest)
        assert held is not None
        assert await opened.catalog.manifests.resolve(APP, tags[0]) is None
        cutting.cut = how
        if number % 2:
            await rows.refuse(held, Terms(trash=1_000_000), scene.by(), "no")
        else:
            await rows.release(held, Terms(), scene.by())
        assert cutting.cut is None
        there = [await opened.catalog.manifests.resolve(APP, tag) for tag in tags]
        assert [found is not None for found in there] == [not number % 2] * 2
    assert cutting.cuts == TIMES
    kinds = [event.kind for event in await opened.catalog.outbox.events(0, 1000)]
    assert kinds.count(EventKind.QUARANTINE_HELD) == TIMES // 2
    assert kinds.count(EventKind.QUARANTINE_RELEASED) + kinds.count(EventKind.QUARANTINE_REFUSED) == TIMES // 2
    assert await scene.findings() == []
    await opened.engine.close()
    server.close()


@pytest.fixture(name="careful", scope="module")
def _careful() -> Iterator[PostgresServer]:
    """A server to crash, which has written what it acknowledged: a system that goes on keeps that without a disk."""
    with postgres_server(options=("fsync=off",)) as server:
        yield server


async def test_pushes_outlast_a_crash_of_the_database(careful: PostgresServer) -> None:
    url = await asyncio.to_thread(careful.catalog)
    opened = open_postgres(Database(url), None, [0], 0, SURROUNDINGS)
    opened.start()
    acknowledged: list[tuple[RepositoryName, Tag]] = []
    stopping = asyncio.Event()

    async def push(number: int) -> None:
        scene, repository = Scene(opened.catalog, first=1 + 10_000 * number), RepositoryName(f"app{number}")
        what = image(f"image {number}")
        round_ = 0
        while not stopping.is_set():
            tag = Tag(f"v{round_}")
            try:
                await scene.push(repository, what, tag)
                acknowledged.append((repository, tag))
                round_ += 1
            except Unavailable:
                await asyncio.sleep(0.1)

    pushing = [asyncio.create_task(push(number)) for number in range(4)]
    for _ in range(CRASHES):
        await asyncio.sleep(1)
        await asyncio.to_thread(careful.stop, "immediate")
        await asyncio.to_thread(careful.start)
    await asyncio.sleep(1)
    stopping.set()
    await asyncio.gather(*pushing)
    for repository, tag in acknowledged:
        assert await opened.catalog.manifests.resolve(repository, tag) is not None
    assert len(acknowledged) > CRASHES
    assert await Scene(opened.catalog).findings() == []
    await opened.engine.close()


class TestRefusals:
    """`orlop serve` says in one sentence why it does not start on a database, and leaves it as it is."""

    def _refusal(self, folder: Path, url: str) -> str:
        done = subprocess.run(
            [*ORLOP, "serve", "--listen", "127.0.0.1:0", "--data", str(folder / "data")],
            env=environment({"ORLOP_CATALOG_URL": url, "ORLOP_LOG_FORMAT": "json"}),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 1, done.stderr
        assert done.stderr.count("\n") == 1
        assert "correct-horse" not in done.stderr
        return done.stderr

    def test_a_wrong_password(self, postgres: PostgresServer, tmp_path: Path) -> None:
        url = postgres.url("postgres", password="wrong-horse")
        told = self._refusal(tmp_path, url)
        assert 'the database refuses Orlop (password authentication failed for user "orlop");' in told
        assert "give it in PGPASSWORD, ~/.pgpass, or the URL" in told
        assert "wrong-horse" not in told

    def test_no_such_database(self, postgres: PostgresServer, tmp_path: Path) -> None:
        assert 'database "nothing" does not exist' in self._refusal(tmp_path, postgres.url("nothing"))

    def test_nobody_there(self, postgres: PostgresServer, tmp_path: Path) -> None:
        assert "the database cannot be reached" in self._refusal(tmp_path, postgres.url("postgres", port=1))

    def test_a_password_that_breaks_the_url(self, postgres: PostgresServer, tmp_path: Path) -> None:
        told = self._refusal(tmp_path, "postgresql://orlop:hor/se@127.0.0.1/orlop")
        assert "every special character of the password" in told
        assert "hor/se" not in told

    def test_a_database_of_another_program(self, postgres: PostgresServer, tmp_path: Path) -> None:
        url = postgres.database()
        postgres.execute("CREATE TABLE customers (id INT)", url)
        assert "holds tables of another program, such as customers" in self._refusal(tmp_path, url)
        assert postgres.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", url)[0][0] == 1

    def test_a_database_of_a_newer_release(self, postgres: PostgresServer, tmp_path: Path) -> None:
        url = postgres.catalog()
        postgres.execute("INSERT INTO orlop_migrations VALUES (999, 'later', 0, false)", url)
        assert "was written by a newer release (schema 999" in self._refusal(tmp_path, url)

    def test_a_database_that_waits_for_a_migration(self, postgres: PostgresServer, tmp_path: Path) -> None:
        url = postgres.catalog()
        postgres.execute("DELETE FROM orlop_migrations WHERE number > 1", url)
        assert "`orlop migrate run`" in self._refusal(tmp_path, url)

    def test_a_read_only_database(self, postgres: PostgresServer, tmp_path: Path) -> None:
        url = postgres.database()
        postgres.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET default_transaction_read_only = on")
        assert "the database is read-only" in self._refusal(tmp_path, url)


async def test_a_catalog_that_became_read_only_can_still_be_read(postgres: PostgresServer) -> None:
    url = await asyncio.to_thread(postgres.catalog)
    opened: OpenCatalog = open_postgres(Database(url), None, [0], 0, SURROUNDINGS)
    scene = Scene(opened.catalog)
    await scene.push(APP, image("one"), V1)
    connection = await asyncpg.connect(url)
    await connection.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET default_transaction_read_only = on")
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()
    with pytest.raises(Unavailable, match="the database is read-only; nothing was changed"):
        await scene.put(APP, image("one"), Tag("v2"))
    assert await opened.catalog.manifests.resolve(APP, V1) is not None
    await opened.engine.close()


async def test_connections_that_are_all_in_use_are_no_database_that_is_away(postgres: PostgresServer) -> None:
    url = await asyncio.to_thread(postgres.catalog)
    opened = open_postgres(Database(url, 1), None, [0], 0, SURROUNDINGS)
    over = asyncio.Event()

    async def hold(session: Session) -> None:
        await session.run("totals_add", 0, 0, 0, 0, 0)
        await over.wait()

    holding = asyncio.create_task(opened.engine.write(hold))
    await asyncio.sleep(0.5)
    with pytest.raises(Unavailable, match="all connections to the database are in use"):
        await opened.catalog.manifests.resolve(APP, V1)
    over.set()
    await holding
    assert await opened.catalog.manifests.resolve(APP, V1) is None
    await opened.engine.close()


async def test_a_migration_lets_others_pass_while_it_waits(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction holds what a step needs for longer than the step waits, and others ask for that in between."""
    url = await asyncio.to_thread(postgres.catalog)
    known = migrations.known("postgres")
    step = Migration(known[-1].number + 1, "note", "ALTER TABLE blobs ADD COLUMN note TEXT", expands=True)
    monkeypatch.setattr(migrations, "known", lambda _: (*known, step))
    holder, other = await asyncpg.connect(url), await asyncpg.connect(url)
    holding = holder.transaction()
    await holding.start()
    await holder.execute("LOCK TABLE blobs IN ROW EXCLUSIVE MODE")
    migrating = asyncio.create_task(migrate(Database(url), lambda: 0))
    for _ in range(8):
        await asyncio.sleep(0.5)
        await other.fetchval("SELECT count(*) FROM blobs", timeout=2.5)
    assert not migrating.done()
    await holding.commit()
    assert await migrating == (step,)
    assert [applied.name for applied in await taken(Database(url))][-1] == "note"
    await holder.close()
    await other.close()
