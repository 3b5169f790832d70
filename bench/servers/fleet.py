"""Replicas of Orlop, one worker each, on one PostgreSQL and one bucket, behind nginx as deploy/ has it.

The programs beside Orlop are run as the tests run them.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.servers.process import Running, ServerFailed
from tests.fleet import fleet
from tests.needs import find
from tests.postgres import postgres_server
from tests.s3 import versitygw

#: What has to be on this machine.
PROGRAMS = ("initdb", "pg_ctl", "versitygw", "nginx")


@contextmanager
def serving(folder: Path, counts: tuple[int, ...]) -> Iterator[dict[str, Running]]:
    """Fleets of so many replicas, by name; each in a database and under a prefix of its own. Raises ServerFailed."""
    missing = [program for program in PROGRAMS if find(program) is None]
    if missing:
        raise ServerFailed(f"not on this machine: {', '.join(missing)}")
    with ExitStack() as stack:
        postgres = stack.enter_context(postgres_server(options=()))  # what is acknowledged is on disk
        store = stack.enter_context(versitygw(folder / "versitygw"))
        store.made("fleet")
        servers = {}
        for count in counts:
            replicas = stack.enter_context(fleet(folder / str(count), postgres, store, count=count))
            name = f"{count} replica{'s' if count > 1 else ''}"
            port = int(replicas.address.rpartition(":")[2])
            servers[name] = Running(name, port, replicas.replicas[0].pid, 0.0)
        yield servers
