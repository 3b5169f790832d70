"""A process that writes the audit log is killed at any of its writes: nothing is lost, doubled, or out of order."""

import asyncio
import subprocess
from pathlib import Path

import apsw
import pytest

from orlop.adapters.identity.heads import Ed25519HeadChecker
from orlop.adapters.sql.catalog import DATABASE, open_sqlite
from orlop.services.audit_verify import AuditReport, AuditVerification
from tests.faults.strace import PYTHON, counted, killing, spread

pytestmark = pytest.mark.slow

#: Points to kill at. All that matters to the catalog passes through these calls.
POINTS = 8
_CALLS = ("pwrite64", "fdatasync", "ftruncate")


def command(folder: Path, run: int) -> list[str]:
    return [PYTHON, "-m", "tests.faults.auditing", str(folder), str(run)]


def verified(folder: Path) -> AuditReport:
    async def verify() -> AuditReport:
        opened = open_sqlite(folder)
        audit = opened.audit
        report = await AuditVerification(audit.log, audit.reader, Ed25519HeadChecker(audit.keys)).run()
        await opened.engine.close()
        return report

    return asyncio.run(verify())


def test_a_kill_at_any_point_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    subprocess.run(command(tmp_path, 0), check=True, timeout=120)
    most = counted(command(tmp_path, 1), _CALLS, tmp_path / "trace")
    points, kills = spread(most, POINTS), 0
    for run, (call, number) in enumerate(points, 2):
        killed = subprocess.run([*killing(call, number), *command(tmp_path, run)], check=False, timeout=120)
        kills += killed.returncode != 0  # how many calls a run takes differs a little
        assert verified(tmp_path).findings == [], (call, number)
    assert kills > len(points) // 2
    subprocess.run(command(tmp_path, 99), check=True, timeout=120)
    report = verified(tmp_path)
    assert report.findings == []
    assert report.dropped > 0
    rows = apsw.Connection(str(tmp_path / DATABASE))
    events = [number for (number,) in rows.execute("SELECT id FROM outbox ORDER BY id")]
    kept = [number for (number,) in rows.execute("SELECT event FROM audit WHERE event > 0 ORDER BY sequence")]
    rows.close()
    assert kept == events[-len(kept) :]
    # What is gone was of an event each, but for the few that told of a retention: none was skipped, none came twice.
    assert 0 <= (report.first - 1) - (len(events) - len(kept)) <= 3 * (len(points) + 3)
