"""Schedules of backups as values and as times: what they may say, when one is late, and one job for all processes."""

from typing import Any

import msgspec
import pytest

from orlop.adapters.sql.memory import open_memory
from orlop.domain.access.actions import Action
from orlop.domain.backup_schedules import BACKUP_SCHEDULES, DrillInterval
from orlop.domain.durations import DAY, HOUR, MINUTE
from orlop.domain.errors import RequestInvalid
from orlop.domain.pages import PageRequest
from orlop.ports.by import By
from orlop.ports.settings import Document
from orlop.services.backup.targets import AllowedTargets
from orlop.services.backup.times import BackupTimes
from tests.registry import HandClock

NIGHTLY = {"to": "/srv/backups/orlop", "cron": "0 2 * * *"}


def parsed(**more: Any) -> Any:
    return BACKUP_SCHEDULES.parse("nightly", NIGHTLY | more)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"to": "backups"}, "absolute path of a folder"),
        ({"to": "/srv/../etc"}, "absolute path of a folder"),
        ({"to": "s3://"}, "absolute path of a folder"),
        ({"to": "s3://bucket/a/../b"}, "absolute path of a folder"),
        ({"to": "/srv/a\0b"}, "absolute path of a folder"),
        ({"every": "6h"}, "either by cron or by every"),
        ({"cron": ""}, "either by cron or by every"),
        ({"cron": "", "every": "30s"}, "every: 1m or more"),
        ({"cron": "0 25 * * *"}, "cron: bad hour"),
        ({"keep_for": "soon"}, "is no length of time"),
        ({"drill": "often"}, "drill"),
        ({"access_key_id": "k"}, "go together"),
        ({"access_key_id": "k", "secret_access_key": "s"}, "a folder has none"),
        ({"keeps": 3}, "keeps"),
    ],
)
def test_what_makes_no_sense_is_refused(body: dict[str, Any], why: str) -> None:
    with pytest.raises(RequestInvalid, match=why):
        parsed(**body)


def test_it_is_late_when_two_were_due_and_twice_as_long_has_passed() -> None:
    monday = 1_798_423_200_000_000  # two o'clock UTC
    assert parsed().late_at(monday + 10 * MINUTE) == monday + 10 * MINUTE + 2 * DAY
    weekdays = parsed(cron="0 2 * * 1-5")
    friday = monday + 4 * DAY
    assert weekdays.late_at(friday) == friday + 4 * DAY, "what is due on Monday and Tuesday"
    assert parsed(cron="", every="6h").late_at(monday) == monday + 12 * HOUR
    assert [each.length for each in DrillInterval] == [0, DAY, 7 * DAY, 30 * DAY]


def test_who_reads_its_target_has_everything() -> None:
    tells, before = BACKUP_SCHEDULES.tells, parsed()
    assert tells("", None, before) >= {Action.PULL, Action.ADMIN, Action.SYSTEM}
    assert tells("", before, parsed(keep=3)) == frozenset()
    assert tells("", before, parsed(to="/srv/backups/other")) == tells("", None, before)


@pytest.mark.parametrize("target", ["/srv/backups", "/srv/backups/", "/srv/backups/a/b", "s3://backups/orlop/x"])
def test_targets_that_are_allowed(target: str) -> None:
    assert AllowedTargets(("/srv/backups/", "s3://backups/orlop")).of(target)


@pytest.mark.parametrize("target", ["/srv/backups2", "/srv", "/etc", "s3://backups", "s3://backups/orlop2"])
def test_targets_that_are_not(target: str) -> None:
    with pytest.raises(RequestInvalid, match="does not lie at or below /srv/backups or s3://backups/orlop"):
        AllowedTargets(("/srv/backups/", "s3://backups/orlop")).of(target)
    with pytest.raises(RequestInvalid, match="no target of backups is allowed"):
        AllowedTargets(()).of(target)


class Times:
    """Two processes that ask when backups are due."""

    def __init__(self) -> None:
        self.clock, self.opened = HandClock(), open_memory()
        documents, changes = self.opened.identity.documents, self.opened.settings_changes
        self.both = [
            BackupTimes(documents, changes, self.opened.queue.timetable, self.clock, lambda: 0.0) for _ in range(2)
        ]

    def by(self) -> By:
        return By("root", self.clock.at)

    async def set(self, name: str, **body: Any) -> None:
        document = Document(BACKUP_SCHEDULES.kind, name, msgspec.json.encode(parsed(**body)))
        await self.opened.identity.documents.put(document, self.by())

    async def jobs(self) -> list[tuple[str, str]]:
        """All there are, oldest first."""
        page = await self.opened.queue.jobs.page(PageRequest(100))
        return [(job.kind, job.arguments["schedule"]) for job in reversed(page.items)]


async def test_two_processes_ask_for_one_backup() -> None:
    times = Times()
    assert await times.both[0].run_due() is None
    await times.set("hourly", cron="0 * * * *")
    await times.set("off", enabled=False)
    due = await times.both[0].run_due()
    assert due is not None
    assert (due % HOUR, await times.jobs()) == (0, [])
    times.clock.at = due
    for each in times.both:
        assert await each.run_due() == due + HOUR
    assert await times.jobs() == [("backup", "hourly")]
    times.clock.at = due + HOUR
    for each in times.both:
        await each.run_due()
    assert await times.jobs() == [("backup", "hourly")], "the one before has not ended"
    await times.set("nightly")
    await times.both[1].run_due()
    assert await times.jobs() == [("backup", "hourly")], "it is not two o'clock"


async def test_one_that_is_set_anew_does_not_run_for_what_it_missed() -> None:
    times = Times()
    await times.set("nightly")
    due = await times.both[0].run_due()
    assert due is not None
    await times.opened.identity.documents.remove(BACKUP_SCHEDULES.kind, "nightly", times.by())
    assert await times.both[0].run_due() is None
    times.clock.at = due + HOUR
    await times.set("nightly")
    assert await times.both[0].run_due() == due + DAY
    assert await times.jobs() == []
