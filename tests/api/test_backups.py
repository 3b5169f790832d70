"""Scheduled backups over the API: how they fare, what lies at their targets, one more now; nobody makes them here."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from orlop.domain.durations import DAY, SECOND
from orlop.ports.backups import BackupRun, BackupWork, StoredBackup
from orlop.telemetry.backups import BackupUse, backup_families
from tests.api.harness import Api, assert_problem, registry

pytestmark = pytest.mark.slow

NIGHTLY = {"to": "/srv/backups/orlop", "cron": "0 2 * * *", "drill": "weekly"}
NEW = {"if-none-match": "*"}


@pytest.fixture(name="api")
def _api(runner: asyncio.Runner) -> Iterator[Api]:
    made = runner.run(registry())
    yield made
    made.close()


def run(api: Api, **more: object) -> BackupRun:
    made = BackupRun(schedule="nightly", work=BackupWork.BACKUP, target=NIGHTLY["to"], job=7, tried_at=api.now)
    return msgspec.structs.replace(made, **more)


def stored(number: int) -> StoredBackup:
    name = f"2026113{number}T020000Z-{'0' * 16}"
    return StoredBackup(
        name=name, at=SECOND, ended_at=2 * SECOND, engine="sqlite", release="1", blobs=3, bytes=9, damaged=0
    )


async def told(api: Api, who: str) -> list[str]:
    """What needs somebody."""
    return [one["text"] for one in (await api.ask("GET", "/attention", who)).json() if one["kind"] == "backup"]


async def test_how_a_schedule_fares(api: Api) -> None:
    assert (await api.ask("GET", "/backup-status", "root")).json() == []
    assert (await api.ask("PUT", "/backup-schedules/nightly", "root", NIGHTLY, headers=NEW)).status == 200
    [status] = (await api.ask("GET", "/backup-status", "aud")).json()
    assert (status["schedule"], status["to"], status["backup"], status["drill"]) == (
        "nightly",
        NIGHTLY["to"],
        None,
        None,
    )
    assert status["next_drill_at"] is not None
    records = api.catalog.catalog.backups
    await records.tell(run(api, done_at=api.now, backup="one", bytes=5, lasted=SECOND), api.by)
    await records.tell(run(api, work=BackupWork.DRILL, failures=2, error="rot"), api.by)
    [status] = (await api.ask("GET", "/backup-status", "aud")).json()
    assert (status["backup"]["backup"], status["backup"]["seconds"]) == ("one", 1.0)
    assert (status["drill"]["error"], status["drill"]["done_at"]) == ("rot", None)
    moved = NIGHTLY | {"to": "/srv/backups/other"}
    assert (await api.ask("PUT", "/backup-schedules/nightly", "root", moved, headers={"if-match": '"1"'})).status == 200
    [status] = (await api.ask("GET", "/backup-status", "aud")).json()
    assert status["backup"] is None, "what lies elsewhere is no backup of this target"


async def test_a_secret_is_not_shown_and_not_sent_elsewhere(api: Api) -> None:
    keys = {"access_key_id": "key", "secret_access_key": "hunter22"}
    bucket = NIGHTLY | {"to": "s3://backups/orlop"} | keys
    made = await api.ask("PUT", "/backup-schedules/nightly", "root", bucket, headers=NEW)
    assert (made.status, made.json()["body"]["secret_access_key"]) == (200, "(set)")
    kept = bucket | {"secret_access_key": "(set)", "keep": 3}
    assert (await api.ask("PUT", "/backup-schedules/nightly", "root", kept, headers={"if-match": '"1"'})).status == 200
    elsewhere = kept | {"to": "s3://theirs/orlop"}
    refused = await api.ask("PUT", "/backup-schedules/nightly", "root", elsewhere, headers={"if-match": '"2"'})
    assert_problem(refused, 400)
    assert "give the secret anew" in refused.json()["detail"]


async def test_what_lies_there_in_pages(api: Api) -> None:
    assert_problem(await api.ask("GET", "/backups?schedule=nightly", "root"), 404)
    assert_problem(await api.ask("GET", "/backups", "root"), 400)
    await api.ask("PUT", "/backup-schedules/nightly", "root", NIGHTLY, headers=NEW)
    await api.catalog.catalog.backups.tell(run(api), api.by, [stored(number) for number in range(3)])
    first = await api.ask("GET", "/backups?schedule=nightly&n=2", "root")
    assert [one["name"] for one in first.json()] == [stored(2).name, stored(1).name]
    link = first.header("link")
    assert "schedule=nightly" in link
    rest = await api.ask("GET", link[1 : link.index(">")].removeprefix("/api/v1"), "root")
    assert [one["name"] for one in rest.json()] == [stored(0).name]
    assert rest.json()[0]["drilled_at"] is None


async def test_one_is_asked_for_and_not_twice(api: Api) -> None:
    await api.ask("PUT", "/backup-schedules/nightly", "root", NIGHTLY, headers=NEW)
    for path, kind in (("/backups", "backup"), ("/backup-drills", "backup-drill")):
        made = await api.ask("POST", path, "root", {"schedule": "nightly"})
        job = made.json()
        assert (made.status, made.header("location")) == (201, f"/api/v1/jobs/{job['id']}")
        assert (job["kind"], job["arguments"], job["asked_by"]) == (kind, {"schedule": "nightly"}, "root")
        again = await api.ask("POST", path, "root", {"schedule": "nightly"})
        assert_problem(again, 409)
        assert "waits or runs already" in again.json()["detail"]
        missing = await api.ask("POST", path, "root", {"schedule": "nightli"})
        assert_problem(missing, 404)
        assert "the nearest known one is nightly" in missing.json()["detail"]


async def test_what_needs_somebody(api: Api) -> None:
    await api.ask("PUT", "/backup-schedules/nightly", "root", NIGHTLY, headers=NEW)
    records = api.catalog.catalog.backups
    assert await told(api, "root") == [], "it was just set"
    await records.tell(run(api, done_at=api.now - 5 * DAY, backup="one", error="no room"), api.by)
    assert await told(api, "root") == ["the newest whole backup of nightly is 5 days old: no room"]
    await records.tell(run(api, done_at=api.now - DAY, backup="one"), api.by)
    assert await told(api, "root") == []
    await records.tell(run(api, work=BackupWork.DRILL, error="rot"), api.by)
    assert await told(api, "root") == ["the drill of nightly failed: rot"]
    assert {who for who in ("root", "aud", "ann", "eve") if await told(api, who)} == {"root", "aud"}
    [concern] = (await api.ask("GET", "/attention", "root")).json()
    assert (concern["severity"], concern["name"], concern["page"]) == (
        "error",
        "nightly",
        "/backups?schedule=nightly",
    )


def test_metrics_leave_out_what_there_is_not() -> None:
    used = [BackupUse("new", None, None, 0, 0, 0, 3, 0), BackupUse("nightly", 5, 6, 7, 8, 9, 0, 1)]
    found = {
        family.name: {sample.labels["schedule"]: sample.value for sample in family.samples}
        for family in backup_families(used)
    }
    assert found == {
        "orlop_backup_age_seconds": {"nightly": 5},
        "orlop_backup_drill_age_seconds": {"nightly": 6},
        "orlop_backup_bytes": {"nightly": 7},
        "orlop_backup_new_bytes": {"nightly": 8},
        "orlop_backup_duration_seconds": {"nightly": 9},
        "orlop_backup_failures": {"new": 3, "nightly": 0},
        "orlop_backup_drill_failures": {"new": 0, "nightly": 1},
    }
