"""A process that writes the audit log is killed at any of its writes: nothing is lost, doubled, or out of order."""

import asyncio
import subprocess
from collections.abc import Sequence
from pathlib import Path

import apsw
import asyncpg
import pytest

from orlop.adapters.identity.heads import Ed25519HeadChecker
from orlop.adapters.sql.catalog import DATABASE
from orlop.services.audit.verify import AuditReport, AuditVerification
from tests.faults.auditing import opened_at
from tests.faults.strace import PYTHON, counted, killing, spread
from tests.postgres import PostgresServer

pytestmark = pytest.mark.slow

#: Points to kill at.
POINTS = 8
#: All that matters to a catalog passes through these calls: to a file, or to the socket of a database.
FILE, SOCKET = ("pwrite64", "fdatasync", "ftruncate"), ("sendto",)


def command(place: str, run: int) -> list[str]:
    return [PYTHON, "-m", "tests.faults.auditing", place, str(run)]


def verified(place: str) -> AuditReport:
    async def verify() -> AuditReport:
        opened = opened_at(place)
        audit = opened.audit
        report = await AuditVerification(audit.log, audit.reader, Ed25519HeadChecker(audit.keys)).run()
        await opened.engine.close()
        return report

    return asyncio.run(verify())


def killed_again_and_again(place: str, calls: Sequence[str], trace: Path) -> int:
    """Runs that are killed at a point each, and a whole one before and behind them; how many runs there were."""
    subprocess.run(command(place, 0), check=True, timeout=120)
    points, kills = spread(counted(command(place, 1), calls, trace), POINTS), 0
    for run, (call, number) in enumerate(points, 2):
        killed = subprocess.run([*killing(call, number), *command(place, run)], check=False, timeout=120)
        kills += killed.returncode != 0  # how many calls a run takes differs a little
        assert verified(place).findings == [], (call, number)
    assert kills > len(points) // 2
    subprocess.run(command(place, 99), check=True, timeout=120)
    return len(points) + 3


def check(place: str, runs: int, events: list[int], kept: list[int]) -> None:
    """Of what happened nothing is missing in what is kept, and nothing is there twice."""
    report = verified(place)
    assert report.findings == []
    assert report.dropped > 0
    assert kept == events[-len(kept) :]
    # What is gone was of an event each, but for the few that told of a retention: none was skipped, none came twice.
    assert 0 <= (report.first - 1) - (len(events) - len(kept)) <= 3 * runs


_EVENTS = "SELECT id FROM outbox ORDER BY id"
_KEPT = "SELECT event FROM audit WHERE event > 0 ORDER BY sequence"


def test_a_kill_at_any_write_to_sqlite(tmp_path: Path) -> None:
    runs = killed_again_and_again(str(tmp_path), FILE, tmp_path / "trace")
    rows = apsw.Connection(str(tmp_path / DATABASE))
    events, kept = ([number for (number,) in rows.execute(query)] for query in (_EVENTS, _KEPT))
    rows.close()
    check(str(tmp_path), runs, events, kept)


def test_a_kill_at_any_word_to_postgres(postgres: PostgresServer, tmp_path: Path) -> None:
    url = postgres.catalog()
    runs = killed_again_and_again(url, SOCKET, tmp_path / "trace")
    events, kept = asyncio.run(_numbers(url, _EVENTS, _KEPT))
    check(url, runs, events, kept)


async def _numbers(url: str, *queries: str) -> list[list[int]]:
    connection = await asyncpg.connect(url)
    found = [[row[0] for row in await connection.fetch(query)] for query in queries]
    await connection.close()
    return found
