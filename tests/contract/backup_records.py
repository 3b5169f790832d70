"""What every catalog keeps to about scheduled backups: how they went, and what lies at their targets."""

import msgspec

from orlop.domain.durations import DAY
from orlop.domain.events import EventKind
from orlop.domain.pages import PageRequest
from orlop.ports.backups import BackupRun, BackupWork, StoredBackup
from orlop.ports.catalog import Catalog
from tests.contract.scene import Scene

RUN = BackupRun(schedule="nightly", work=BackupWork.BACKUP, target="/srv/bk", job=7, tried_at=5)
DRILL = msgspec.structs.replace(RUN, work=BackupWork.DRILL, job=9)


def stored(day: int) -> StoredBackup:
    """One backup of each day."""
    name = f"202611{day:02}T020000Z-{'0' * 16}"
    return StoredBackup(
        name=name, at=day * DAY, ended_at=day * DAY + 1, engine="sqlite", release="1", blobs=3, bytes=9, damaged=0
    )


class BackupRecordsKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_how_they_went_is_told_once(self, catalog: Catalog) -> None:
        scene, records = Scene(catalog), catalog.backups
        assert await records.runs() == ()
        assert await records.run("nightly", BackupWork.BACKUP) is None
        failed = msgspec.structs.replace(RUN, failures=1, error="the disk is full")
        for told in (
            failed,
            failed,  # the next try of the same job
            msgspec.structs.replace(failed, failures=3, error="another reason"),
            msgspec.structs.replace(failed, job=8),
            msgspec.structs.replace(RUN, done_at=6, backup="one", blobs=2, bytes=1 << 40, new_bytes=4, lasted=5),
            msgspec.structs.replace(DRILL, failures=1, error="a blob is gone"),
            msgspec.structs.replace(DRILL, backup="one"),
        ):
            await records.tell(told, scene.by())
            assert await records.run(told.schedule, told.work) == told
        events = await catalog.outbox.events(0, 100)
        assert [(event.kind, event.detail) for event in events] == [
            (EventKind.BACKUP_FAILED, "the disk is full"),
            (EventKind.BACKUP_FAILED, "another reason"),
            (EventKind.BACKUP_FAILED, "the disk is full"),
            (EventKind.BACKUP_COMPLETED, "one at /srv/bk: 2 blobs, 1 TiB, of which 4 B were new"),
            (EventKind.BACKUP_DRILL_FAILED, "a blob is gone"),
            (EventKind.BACKUP_DRILLED, "one at /srv/bk was restored and verified: nothing wrong"),
        ]
        assert {event.subject for event in events} == {"nightly"}
        assert [(run.schedule, run.work) for run in await records.runs()] == [
            ("nightly", BackupWork.BACKUP),
            ("nightly", BackupWork.DRILL),
        ]

    async def test_what_lies_there_is_what_was_seen_last(self, catalog: Catalog) -> None:
        scene, records = Scene(catalog), catalog.backups
        await records.tell(RUN, scene.by(), [stored(1), stored(2), stored(3)])
        await records.tell(msgspec.structs.replace(RUN, schedule="other"), scene.by(), [stored(9)])
        first = await records.page("nightly", PageRequest(2))
        assert ([one.name for one in first.items], first.more) == ([stored(3).name, stored(2).name], True)
        rest = await records.page("nightly", PageRequest(2, first.items[-1].name))
        assert (rest.items, rest.more) == ((stored(1),), False)
        await records.tell(msgspec.structs.replace(DRILL, backup=stored(2).name, error="rot"), scene.by())
        await records.tell(RUN, scene.by(), [stored(2), stored(4)])
        drilled = msgspec.structs.replace(stored(2), drilled_at=DRILL.tried_at, drill_error="rot")
        assert (await records.page("nightly", PageRequest(9))).items == (stored(4), drilled)
        await records.tell(RUN, scene.by())
        assert len((await records.page("nightly", PageRequest(9))).items) == 2, "nobody looked"

    async def test_schedules_that_are_gone_are_forgotten(self, catalog: Catalog) -> None:
        scene, records = Scene(catalog), catalog.backups
        for name in ("nightly", "other"):
            await records.tell(msgspec.structs.replace(RUN, schedule=name), scene.by(), [stored(1)])
        await records.forget(["other", "new"])
        assert [run.schedule for run in await records.runs()] == ["other"]
        assert (await records.page("nightly", PageRequest(9))).items == ()
        assert (await records.page("other", PageRequest(9))).items == (stored(1),)
