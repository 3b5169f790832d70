"""A rolling upgrade across a migration, and back: replicas of two releases on one database, under load."""

import re
import shutil
import time
import urllib.request
from pathlib import Path

import pytest

import orlop
from orlop.adapters.sql.migrations import known
from tests.fleet import fleet
from tests.postgres import PostgresServer
from tests.replicas.crowd import PACE, PULLING, PUSHING, Crowd
from tests.s3 import S3Server
from tests.servers import OrlopServer
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


def _next_release(folder: Path) -> Path:
    """This program with one migration more, and another version; where it is imported from."""
    package = folder / "orlop"
    shutil.copytree(Path(orlop.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    number = known("postgres")[-1].number + 1
    (package / "adapters/sql/migrations/postgres" / f"{number:04}_note.sql").write_text(STEP)
    head = package / "__init__.py"
    head.write_text(re.sub(r'__version__ = "[^"]+"', f'__version__ = "{NEXT}"', head.read_text()))
    return folder


def _version(replica: OrlopServer) -> str:
    with urllib.request.urlopen(f"{replica.url}/metrics", timeout=30) as answer:
        found = re.search(r'^orlop_build_info\{.*version="([^"]+)"', answer.read().decode(), re.MULTILINE)
    assert found is not None
    return found[1]


def test_an_upgrade_across_a_migration_fails_nobody(tmp_path: Path, postgres: PostgresServer, store: S3Server) -> None:
    """Not even a client that never tries twice: the step, new replicas beside old ones, an old one that starts anew
    after the step, and one that goes back."""
    program = _next_release(tmp_path / "next")
    with fleet(tmp_path, postgres, store) as replicas:
        first, second, third = replicas.replicas
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
            restart(third, None)  # the release before starts on a database that is a step ahead
            restart(first, program)
            restart(second, program)
            assert [_version(replica) for replica in replicas.replicas] == [NEXT, NEXT, orlop.__version__]
            restart(second, None)  # and back
            restart(second, program)
            restart(third, program)
            assert [_version(replica) for replica in replicas.replicas] == [NEXT] * 3
        told("rolling upgrade", restarts=6, **crowd.figures())
        assert not crowd.again, "a request failed during the upgrade"
        crowd.check()
        replicas.verify()
