"""A rolling upgrade across a migration, and back: replicas of two releases on one database with documents in it, under
load. A server that may not go on says so, and writes nothing more."""

import asyncio
import re
import shutil
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

import orlop
from orlop.adapters.sql.migrations import known
from orlop.adapters.sql.postgres.catalog import open_postgres
from orlop.adapters.sql.postgres.connections import Database
from orlop.domain.quotas import QUOTAS
from orlop.domain.retention.rules import RETENTION
from orlop.domain.tag_rules import TAG_RULES
from orlop.ports.catalog import By
from orlop.ports.settings import Document
from tests.content import Pushable, blob
from tests.faults.pushing import REPOSITORY, Answer, Client, Refused, assert_unavailable, small
from tests.fleet import fleet
from tests.postgres import SURROUNDINGS, PostgresServer
from tests.replicas.crowd import PACE, PULLING, PUSHING, Crowd
from tests.s3 import S3Server
from tests.servers import OrlopServer
from tests.serving import eventually
from tests.volume import told

pytestmark = pytest.mark.slow

NEXT = "next-release"

#: What every push and pull reads and writes is changed under the statements that replicas have prepared.
STEP = """\
-- The previous release may go on running.
ALTER TABLE blobs ADD COLUMN note TEXT;
ALTER TABLE manifests ADD COLUMN note TEXT;
ALTER TABLE tags ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE uploads ADD COLUMN note TEXT;
CREATE INDEX tags_note ON tags (note);
"""

#: Nobody who does not know this may write.
LAST_STEP = """\
-- The previous release must have stopped.
ALTER TABLE tags ADD COLUMN more TEXT NOT NULL DEFAULT '';
"""

#: What the release before has set: kind, name, place, body.
SETTINGS: list[tuple[str, str, str, dict[str, Any]]] = [
    (TAG_RULES.kind, "releases", REPOSITORY, {"tags": ["release-*"], "immutable": True}),
    (QUOTAS.kind, "all", "team", {"bytes": str(1 << 30)}),
    (QUOTAS.kind, "little", "little", {"bytes": "1000"}),
    (RETENTION.kind, "old", "team", {"delete": [{"tags": ["old-*"]}]}),
]


def _next_release(folder: Path, *steps: str) -> Path:
    """This program with these migrations more, and another version; where it is imported from."""
    package = folder / "orlop"
    shutil.copytree(Path(orlop.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    for number, step in enumerate(steps, known("postgres")[-1].number + 1):
        (package / "adapters/sql/migrations/postgres" / f"{number:04}_note.sql").write_text(step)
    head = package / "__init__.py"
    head.write_text(re.sub(r'__version__ = "[^"]+"', f'__version__ = "{NEXT}"', head.read_text()))
    return folder


def _version(replica: OrlopServer) -> str:
    with urllib.request.urlopen(f"{replica.url}/metrics", timeout=30) as answer:
        found = re.search(r'^orlop_build_info\{.*version="([^"]+)"', answer.read().decode(), re.MULTILINE)
    assert found is not None
    return found[1]


async def _set(url: str) -> None:
    opened = open_postgres(Database(url), None, [0], 0, SURROUNDINGS)
    for kind, name, place, body in SETTINGS:
        await opened.identity.documents.put(Document(kind, name, msgspec.json.encode(body), path=place), By("alice", 1))
    await opened.engine.close()


def _obeys(replica: OrlopServer) -> None:
    """It refuses what the settings forbid."""
    with Client(replica.address) as client:
        released = client.fetch(f"/v2/{REPOSITORY}/manifests/release-1")
        moved = client.ask("DELETE", f"/v2/{REPOSITORY}/manifests/release-1")
        assert (moved.status, b"releases" in moved.body) == (403, True), moved
        large = blob("too large", 1_001)
        pushed = client.ask("POST", f"/v2/little/app/blobs/uploads/?digest={large.digest}", large.content)
        assert (pushed.status, b"the quota little" in pushed.body) == (403, True), pushed
        assert client.fetch(f"/v2/{REPOSITORY}/manifests/release-1").body == released.body


def test_an_upgrade_across_a_migration_fails_nobody(tmp_path: Path, postgres: PostgresServer, store: S3Server) -> None:
    """Not even a client that never tries twice: the step, new replicas beside old ones, an old one that starts anew
    after the step, and one that goes back."""
    program = _next_release(tmp_path / "next", STEP)
    url = postgres.catalog()
    asyncio.run(_set(url))
    with fleet(tmp_path, postgres, store, catalog_url=url) as replicas:
        first, second, third = replicas.replicas
        with Client(first.address) as client:
            client.push(small("release"), "release-1")
        crowd = Crowd(replicas.address, pushing=PUSHING, pulling=PULLING, pace=PACE)

        def restart(replica: OrlopServer, release: Path | None) -> None:
            assert replica.stop() == 0
            replica.program = release
            replica.start()
            time.sleep(1)

        with crowd.going():
            time.sleep(1)
            first.program = program
            assert [step["name"] for step in first.migrate()] == ["note"]
            assert [_version(replica) for replica in replicas.replicas] == [orlop.__version__] * 3
            _obeys(first)
            restart(third, None)  # the release before starts on a database that is a step ahead
            restart(first, program)
            restart(second, program)
            assert [_version(replica) for replica in replicas.replicas] == [NEXT, NEXT, orlop.__version__]
            for replica in replicas.replicas:
                _obeys(replica)
            restart(second, None)  # and back
            restart(second, program)
            restart(third, program)
            assert [_version(replica) for replica in replicas.replicas] == [NEXT] * 3
        told("rolling upgrade", restarts=6, **crowd.figures())
        assert not crowd.again, "a request failed during the upgrade"
        crowd.check()
        replicas.verify()


@pytest.mark.parametrize("steps", [(STEP, LAST_STEP), (LAST_STEP,)], ids=["two steps", "one that it must not outlive"])
def test_a_server_that_a_migration_leaves_behind_refuses_at_once(
    tmp_path: Path, postgres: PostgresServer, store: S3Server, steps: tuple[str, ...]
) -> None:
    """It was forgotten, and runs on under load: what it acknowledged is there. After the migration it writes nothing,
    gives no tag an old answer, and says what to do; the new release goes on alone."""
    url = postgres.catalog()
    program = _next_release(tmp_path / "next", *steps)
    with fleet(tmp_path, postgres, store, count=2, catalog_url=url) as replicas:
        forgotten, new = replicas.replicas
        acknowledged: dict[str, Pushable] = {}
        refusals: list[Answer] = []
        over = threading.Event()

        def push() -> None:
            with Client(forgotten.address) as client:
                while not refusals and not over.is_set():
                    what = small(f"image {len(acknowledged)}")
                    try:
                        client.push(what, f"v{len(acknowledged)}")
                    except Refused as refused:
                        refusals.append(refused.answer)
                    else:
                        acknowledged[f"v{len(acknowledged)}"] = what

        with ThreadPoolExecutor(1) as beside, ExitStack() as stack:
            stack.callback(over.set)
            pushing = beside.submit(push)
            eventually("it takes pushes", lambda: len(acknowledged) > 2)
            assert new.stop() == 0
            new.program = program
            new.migrate()
            migrated = _written(postgres, url)
            eventually("it refuses", pushing.done)
            pushing.result()
        assert_unavailable(refusals[0])
        assert b"a newer release migrated the database" in refusals[0].body, refusals[0]
        assert _written(postgres, url) == migrated, "it wrote to a database that is not its own any more"
        with Client(forgotten.address) as client:
            eventually("it is not ready", lambda: client.ask("GET", "/readyz").status == 503)
            assert client.ask("GET", f"/v2/{REPOSITORY}/manifests/v0").status == 503
        new.start()
        with Client(new.address) as client:
            client.held.update(acknowledged)
            client.pull_everything()
            client.push(small("another"), "another")
        assert forgotten.stop() == 0
        with pytest.raises(AssertionError, match="was written by a newer release"):
            forgotten.start()
        forgotten.program = program
        forgotten.start()
        _version(forgotten)
        forgotten.verify()


def _written(postgres: PostgresServer, url: str) -> list[int]:
    """How many rows there are of what pushes write, and how many transactions were committed."""
    tables = ("blobs", "blob_links", "uploads", "manifests", "tags", "outbox", "commits")
    return [postgres.query(f"SELECT count(*) FROM {table}", url)[0][0] for table in tables]
