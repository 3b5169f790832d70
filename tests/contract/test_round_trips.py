"""How often each operation waits for PostgreSQL: what a push or a pull costs when the database is a network away."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from orlop.adapters.filesystem import FilesystemBlobs, open_data_folder
from orlop.adapters.sql.postgres.catalog import open_postgres
from orlop.adapters.sql.postgres.connections import Database
from orlop.domain.access import Caller, Place, PlaceKind, Subject
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.ports.catalog import UploadCommit
from orlop.services.access.decisions import Access
from orlop.services.content.blobs import Blobs
from orlop.services.content.copies import Copies
from orlop.services.content.repositories import Repositories
from orlop.services.settings.in_force import SettingsInForce
from orlop.services.tags.terms import WriteTerms
from orlop.services.upstreams.shown import Upstreams
from tests.content import Piece, Pushable, blob, image
from tests.contract.cast import Cast
from tests.contract.scene import APP, LIB, V1, V2, Scene, copy_of
from tests.postgres import SURROUNDINGS, PostgresServer
from tests.registry import ALICE, HandClock, Registry, body, in_postgres

pytestmark = pytest.mark.slow


class Counting:
    """Stands between a client and the server and counts what ends a round trip, `ReadyForQuery`, a `Z`; and COMMITs."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.trips = 0
        self.transactions = 0

    async def serve(self) -> asyncio.Server:
        """Listen on a free port of loopback."""
        return await asyncio.start_server(self._pass_on, "127.0.0.1", 0)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection("127.0.0.1", self._port)
        forth = asyncio.create_task(self._forth(reader, ours))
        try:
            writer.write(await theirs.readexactly(1))  # whether it speaks TLS, which is no message; it does not
            while True:
                head = await theirs.readexactly(5)
                self.trips += head[:1] == b"Z"
                writer.write(head + await theirs.readexactly(int.from_bytes(head[1:]) - 4))
        except (asyncio.IncompleteReadError, ConnectionError):
            forth.cancel()
        finally:
            writer.transport.abort()
            ours.transport.abort()

    async def _forth(self, reader: asyncio.StreamReader, ours: asyncio.StreamWriter) -> None:
        while piece := await reader.read(1 << 16):
            self.transactions += piece.count(b"; COMMIT\0")
            ours.write(piece)
        ours.transport.abort()


async def test_operations_wait_for_the_database_as_often_as_they_must(postgres: PostgresServer) -> None:
    name = (await asyncio.to_thread(postgres.catalog)).rpartition("/")[2]
    counting = Counting(postgres.port)
    server = await counting.serve()
    url = postgres.url(name, port=server.sockets[0].getsockname()[1])
    opened = open_postgres(Database(url, 1), None, [0], 0, SURROUNDINGS)
    catalog, scene = opened.catalog, Scene(opened.catalog)
    identity, cast = opened.identity, Cast(opened.catalog, opened.identity)

    async def trips(operation: Callable[[], Awaitable[object]]) -> int:
        before = counting.trips
        await operation()
        return counting.trips - before

    async def operations(turn: str) -> dict[str, int]:
        """Each of them, on contents of their own, in repositories that are there."""
        layers = [blob(f"{turn} {number}") for number in range(10)]
        what = image(f"image {turn}", list(layers))
        await scene.hold(LIB, *what.blobs)
        ann = await cast.user(f"ann-{turn}")
        await cast.group(f"devs-{turn}", ann.name)
        await cast.grant(f"group:devs-{turn}")
        secret = await cast.secret(ann.name, f"lookup {turn}")
        upload = await scene.claimed(APP, layers[0].digest)
        commit = UploadCommit(upload, copy_of(upload, blob(f"new {turn}")), promoted=True)
        first = {
            "begin an upload": await trips(lambda: catalog.uploads.start(scene.upload())),
            "commit a blob": await trips(lambda: catalog.uploads.commit(commit, scene.by())),
            "mount a blob": await trips(lambda: catalog.links.mount(layers[0].digest, LIB, APP, scene.by())),
        }
        return first | {
            "put a manifest of eleven blobs": await trips(lambda: scene.put(LIB, what, Tag(f"v{turn}"))),
            "move a tag": await trips(lambda: scene.put(LIB, what, V1)),
            "find a manifest by tag": await trips(lambda: catalog.manifests.resolve(LIB, V1)),
            "find a manifest by digest": await trips(lambda: catalog.manifests.resolve(LIB, what.digest)),
            "find a blob": await trips(lambda: catalog.links.find(LIB, layers[0].digest)),
            "find nothing": await trips(lambda: catalog.manifests.resolve(RepositoryName("none"), V2)),
            "list tags": await trips(lambda: catalog.browse.tags(LIB, PageRequest(100))),
            "list repositories": await trips(lambda: catalog.browse.repositories(PageRequest(100))),
            "find a secret": await trips(lambda: identity.secrets.find(f"lookup {turn}")),
            "learn what an account may do": await trips(lambda: identity.facts.of(ann.id, secret.id)),
            "learn what is said of a place": await trips(lambda: identity.facts.place(APP)),
            "list open namespaces": await trips(lambda: identity.facts.open_namespaces("", 100)),
        }

    await scene.hold(APP, blob("first"))
    await operations("cold")  # statements are prepared once for a connection
    assert await operations("warm") == {
        "begin an upload": 3,
        "commit a blob": 12,
        "mount a blob": 11,
        "put a manifest of eleven blobs": 15,
        "move a tag": 9,
        "find a manifest by tag": 1,
        "find a manifest by digest": 1,
        "find a blob": 1,
        "find nothing": 1,
        "list tags": 2,
        "list repositories": 1,
        "find a secret": 1,
        "learn what an account may do": 2,
        "learn what is said of a place": 1,
        "list open namespaces": 1,
    }
    await opened.engine.close()
    server.close()


async def test_a_mount_from_anywhere_waits_as_often_whoever_else_holds_the_blob(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """The time that it takes would tell, of a blob that somebody names, in how many private repositories it is."""
    name = (await asyncio.to_thread(postgres.catalog)).rpartition("/")[2]
    counting = Counting(postgres.port)
    server = await counting.serve()
    url = postgres.url(name, port=server.sockets[0].getsockname()[1])
    opened = open_postgres(Database(url, 1), None, [0], 0, SURROUNDINGS)
    catalog, identity, clock = opened.catalog, opened.identity, HandClock()
    access = Access(identity.facts, opened.access_changes, clock, everyone=False)
    repositories = Repositories(catalog.browse, access, identity.facts, clock)
    store = FilesystemBlobs(open_data_folder(tmp_path))
    kept = identity.documents, opened.settings_changes
    terms = WriteTerms(access, SettingsInForce(*kept), Upstreams(*kept, catalog.cached_content))
    blobs = Blobs(
        catalog.links,
        Copies(store.reader, store.reader, catalog.quarantine, clock),
        access,
        terms,
        clock,
        repositories=repositories,
        grace=1,
    )
    scene, cast = Scene(catalog), Cast(catalog, identity)
    ann = await cast.user("ann")
    await cast.grant("ann", "owner", Place(PlaceKind.NAMESPACE, "mine"))
    caller = Caller(Subject("ann", id=ann.id))
    pieces = {holders: blob(f"held by {holders}") for holders in (0, 1, 32)}
    for holders, piece in pieces.items():
        for number in range(holders):
            await scene.hold(RepositoryName(f"private/{number}/{holders}"), piece)
    for repository in ("mine/one", "mine/two"):
        await scene.hold(RepositoryName(repository), blob("other"))

    async def trips(piece: Piece) -> int:
        before = counting.trips
        assert await blobs.mount(piece.digest, None, RepositoryName("mine/new"), caller) is None
        return counting.trips - before

    for piece in pieces.values():
        await trips(piece)
    assert len({await trips(piece) for piece in pieces.values()}) == 1
    await opened.engine.close()
    server.close()


async def test_a_push_and_a_pull_cost_what_scaling_says(postgres: PostgresServer, tmp_path: Path) -> None:
    """As the services take them, claims and progress of the session included: round trips and transactions."""
    name = (await asyncio.to_thread(postgres.catalog)).rpartition("/")[2]
    counting = Counting(postgres.port)
    server = await counting.serve()
    stores = in_postgres(postgres.url(name, port=server.sockets[0].getsockname()[1]), tmp_path, connections=1)
    registry = Registry(stores, HandClock())

    async def cost(operation: Callable[[], Awaitable[object]]) -> tuple[int, int]:
        before = counting.trips, counting.transactions
        await operation()
        return counting.trips - before[0], counting.transactions - before[1]

    async def in_three_requests(piece: Piece) -> None:
        upload = await registry.uploads.start(APP, ALICE)
        await registry.uploads.append(APP, upload.id, body(piece.content), ALICE)
        await registry.uploads.finish(APP, upload.id, piece.digest, body(), ALICE)

    async def pull(what: Pushable) -> None:
        await registry.manifests.resolve(APP, V1)
        for piece in what.blobs:
            await registry.blobs.find(APP, piece.digest, ALICE)

    async def costs(turn: str) -> dict[str, tuple[int, int]]:
        what = image(f"image {turn}", [f"{turn} one", f"{turn} two"])
        return {
            "push a blob, POST alone": await cost(lambda: registry.push_blob(APP, blob(f"{turn} alone"))),
            "push a blob, POST, PATCH, PUT": await cost(lambda: in_three_requests(blob(f"{turn} parts"))),
            "push a larger one": await cost(lambda: in_three_requests(blob(f"{turn} large", 300_000))),
            "push an image of three blobs": await cost(lambda: registry.push(APP, what, V1)),
            "pull it": await cost(lambda: pull(what)),
        }

    await costs("cold")
    assert await costs("warm") == {
        "push a blob, POST alone": (20, 2),
        "push a blob, POST, PATCH, PUT": (23, 2),
        "push a larger one": (28, 3),
        "push an image of three blobs": (82, 7),
        "pull it": (4, 0),
    }
    await stores.close()
    server.close()
