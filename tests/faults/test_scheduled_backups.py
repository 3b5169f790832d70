"""Scheduled backups as the jobs of the queue do them: made, let go, drilled, and what becomes of those that cannot be
made, that somebody cancels, and whose process is killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.commands.backup_child import settings_as_json, settings_of
from orlop.bootstrap.server.backups import build_scheduled_backups
from orlop.bootstrap.stores.opening import open_stores
from orlop.config import Settings
from orlop.config.backup import BackupSettings
from orlop.config.jobs import JobSettings
from orlop.domain.backup_schedules import BACKUP_SCHEDULES
from orlop.domain.errors import NotFound
from orlop.domain.events import EventKind
from orlop.domain.job_kinds import BACKUP_DRILL
from orlop.domain.pages import PageRequest
from orlop.domain.queue import Job, JobState
from orlop.ports.backups import BackupFailed, BackupRun, BackupWork, StoredBackup
from orlop.ports.catalog import By
from orlop.ports.settings import Document
from orlop.services.jobs.work import Run
from tests.content import blob, image
from tests.needs import lack, need
from tests.wire.inprocess import InProcess

pytestmark = pytest.mark.slow

MIB = 1 << 20
ROOT = Path(__file__).parents[2]


class Registry:
    """One with an image, whose jobs the test does by its own hand."""

    def __init__(self, folder: Path, inside: InProcess) -> None:
        self.folder = folder
        self.inside = inside
        self.works = inside.run(self._works())

    async def _works(self) -> dict[str, Any]:
        made = build_scheduled_backups(self.inside.settings, self.inside.stores)
        return {work.kind.kind: work for work in made.works()}

    def set(self, name: str = "nightly", **body: Any) -> Path:
        """Set a schedule; its target."""
        target = self.folder / "targets" / name
        parsed = BACKUP_SCHEDULES.parse(name, {"to": str(target), "cron": "0 2 * * *"} | body)
        document = Document(BACKUP_SCHEDULES.kind, name, msgspec.json.encode(parsed))
        documents = self.inside.stores.identity.documents
        self.inside.run(documents.put(document, By("root", SystemClock().now())))
        return target

    def asked(self, name: str, number: int = 1) -> Run:
        """A try at a job."""
        nothing = dict.fromkeys(Job.__struct_fields__, 0)
        told = {"id": number, "lease_until": 1 << 62, "arguments": {"schedule": name}}
        return Run(Job(**{**nothing, **told}), SystemClock())

    def do(self, kind: str = "backup", name: str = "nightly", number: int = 1) -> str:
        """Do a job; how it ended."""
        done: str = self.inside.run(self.works[kind].do(self.asked(name, number)))
        return done

    def run(self, work: BackupWork = BackupWork.BACKUP, name: str = "nightly") -> BackupRun:
        """How one went."""
        found = self.inside.run(self.inside.stores.catalog.backups.run(name, work))
        assert found is not None
        return found

    def seen(self, name: str = "nightly") -> tuple[StoredBackup, ...]:
        """What lies at a target, as far as the catalog knows."""
        return self.inside.run(self.inside.stores.catalog.backups.page(name, PageRequest(50))).items

    def waiting(self) -> list[str]:
        """Jobs that wait."""
        page = self.inside.run(self.inside.stores.queue.jobs.page(PageRequest(50), JobState.WAITING))
        return [job.kind for job in page.items]

    def events(self) -> list[tuple[EventKind, str]]:
        """What was told of backups."""
        events = self.inside.run(self.inside.stores.catalog.outbox.events(0, 1000))
        return [(event.kind, event.detail) for event in events if event.kind.startswith("backup.")]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    (tmp_path / "targets").mkdir()
    (tmp_path / "scratch").mkdir()
    backup = BackupSettings(targets=str(tmp_path / "targets"), scratch=tmp_path / "scratch")
    with InProcess(tmp_path / "data", backup=backup, jobs=JobSettings(serve=False)) as inside:
        inside.push("team/app", image("app"), "v1")
        yield Registry(tmp_path, inside)


def test_settings_go_to_another_process_as_they_are(registry: Registry) -> None:
    for settings in (registry.inside.settings, Settings()):
        assert settings_of(settings_as_json(settings)) == settings


def test_one_is_made_drilled_and_let_go(registry: Registry) -> None:
    target = registry.set(keep=2, drill="weekly")
    assert "2 blobs" in registry.do()
    run = registry.run()
    assert (run.error, run.failures, run.target) == ("", 0, str(target))
    assert run.new_bytes == run.bytes > 0
    [one] = registry.seen()
    assert (one.name, one.at, one.drilled_at) == (run.backup, run.done_at, 0)
    assert registry.waiting().count(BACKUP_DRILL.kind) == 1
    assert "verified 1 manifest" in registry.do("backup-drill")
    assert list((registry.folder / "scratch").iterdir()) == []
    [one] = registry.seen()
    assert one.drilled_at
    assert one.drill_error == ""
    registry.inside.push("team/app", image("second"), "v2")
    registry.do()
    assert 0 < registry.run().new_bytes < registry.run().bytes
    assert "1 backup let go" in registry.do()
    names = [one.name for one in registry.seen()]
    assert len(names) == 2
    assert sorted(path.stem for path in (target / "backups").iterdir()) == sorted(names)
    assert one.name not in names
    assert [kind for kind, _ in registry.events()] == [
        EventKind.BACKUP_COMPLETED,
        EventKind.BACKUP_DRILLED,
        EventKind.BACKUP_COMPLETED,
        EventKind.BACKUP_COMPLETED,
    ]


def test_what_the_server_makes_is_encrypted_where_the_settings_say_so(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = msgspec.structs.replace(registry.inside.settings.backup, passphrase="a phrase of the server")
    settings = msgspec.structs.replace(registry.inside.settings, backup=told)
    monkeypatch.setattr(registry.inside, "settings", settings)
    target = registry.set("locked", keep=1)
    locked = Registry(registry.folder, registry.inside)
    for number in (1, 2):
        locked.do(name="locked", number=number)
    assert len(list((target / "backups").glob("*.json.age"))) == 1
    assert not [file for file in target.rglob("*/*/*") if file.is_file() and file.suffix != ".age"]
    locked.do("backup-drill", name="locked")
    assert locked.run(BackupWork.DRILL, "locked").error == ""


def test_a_drill_finds_what_rots(registry: Registry) -> None:
    target = registry.set(drill="daily")
    with pytest.raises(BackupFailed, match="there are no backups of Orlop"):
        registry.do("backup-drill")
    registry.do()
    for path in sorted((target / "blobs").rglob("*")):
        if path.is_file():
            path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(BackupFailed, match="has other bytes"):
        registry.do("backup-drill", number=2)
    run = registry.run(BackupWork.DRILL)
    assert (run.failures, run.done_at) == (2, 0)
    assert [kind for kind, _ in registry.events()] == [
        EventKind.BACKUP_DRILL_FAILED,
        EventKind.BACKUP_COMPLETED,
        EventKind.BACKUP_DRILL_FAILED,
    ]


def test_where_none_may_be_none_is_made(registry: Registry, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "targets" / "link").symlink_to(elsewhere)
    for name, body, why in (
        ("outside", {"to": str(elsewhere)}, "does not lie at or below"),
        ("bucket", {"to": "s3://bucket/orlop"}, "does not lie at or below"),
        ("link", {"to": str(tmp_path / "targets" / "link" / "below")}, "is a link that leads out of"),
    ):
        registry.set(name, **body)
        with pytest.raises(BackupFailed, match=why):
            registry.do("backup-drill" if name == "link" else "backup", name)
    assert list(elsewhere.iterdir()) == []
    foreign = registry.set("foreign")
    foreign.mkdir()
    (foreign / "mine").touch()
    with pytest.raises(BackupFailed, match="is not empty, and holds no backups"):
        registry.do("backup", "foreign")
    assert [path.name for path in foreign.iterdir()] == ["mine"]
    with pytest.raises(NotFound, match="there is no schedule 'nihtly'"):
        registry.do("backup", "nihtly")


def test_a_target_that_is_full_is_told_and_the_next_one_goes_on(registry: Registry) -> None:
    programs = need("mount", "umount")
    target = registry.set()
    target.mkdir()
    command = [programs["mount"], "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(target)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        lack("a disk cannot be mounted here")
    try:
        registry.do()
        with (target / "filler").open("wb", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(bytes(4096))
        registry.inside.push("team/app", image("large", layers=(blob("large", MIB),)), "v2")
        with pytest.raises(BackupFailed, match=r"full|no space"):
            registry.do(number=2)
        kind, detail = registry.events()[-1]
        assert (kind, registry.run().error, registry.run().failures) == (EventKind.BACKUP_FAILED, detail, 1)
        assert registry.inside.ask("GET", "/v2/").status == 200
        registry.inside.push("team/app", image("third"), "v3")
        (target / "filler").unlink()
        registry.do(number=3)
        assert (registry.run().error, len(registry.seen())) == ("", 2)
    finally:
        subprocess.run([programs["umount"], "-l", str(target)], check=True)


#: At this pace a backup of the large blob lasts for seconds, and one of the catalog does not.
SLOW, LARGE = 4 * MIB, 32 * MIB


def large(registry: Registry) -> Path:
    """Have a backup begin that takes long; its target."""
    registry.inside.push("team/app", image("large", layers=(blob("large", LARGE),)), "large")
    return registry.set(limit=SLOW)


async def begun(target: Path) -> None:
    """Until the large blob is on its way."""
    async with asyncio.timeout(30):
        while not await asyncio.to_thread(_is_under_way, target):  # noqa: ASYNC110 - a file of another process
            await asyncio.sleep(0.02)


def _is_under_way(target: Path) -> bool:
    with suppress(FileNotFoundError):
        return any(path.stat().st_size >= MIB for path in (target / "tmp").iterdir() if "-" in path.name)
    return False


def children() -> set[int]:
    """Processes of this one that make backups."""
    found = set()
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if b"backup_child" in (each / "cmdline").read_bytes():
                found.add(int(each.name))
    return found


def test_one_that_somebody_cancels_lets_go_of_everything(registry: Registry) -> None:
    target, before = large(registry), children()

    async def cancelled() -> None:
        doing = asyncio.ensure_future(registry.works["backup"].do(registry.asked("nightly")))
        await begun(target)
        doing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await doing

    registry.inside.run(cancelled())
    assert children() == before
    registry.set()
    registry.do(number=2)  # nobody holds what the other held
    assert registry.run().error == ""


_PROCESS = """
import asyncio, sys
from pathlib import Path
from tests.faults.test_scheduled_backups import away
asyncio.run(away(Path(sys.argv[1]).read_bytes()))
"""


async def away(settings: bytes) -> None:
    """Do the job in another process."""
    read = settings_of(settings)
    stores = open_stores(read)
    work, _ = build_scheduled_backups(read, stores).works()
    nothing = dict.fromkeys(Job.__struct_fields__, 0)
    told = {"id": 5, "lease_until": 1 << 62, "arguments": {"schedule": "nightly"}}
    await work.do(Run(Job(**{**nothing, **told}), SystemClock()))


@pytest.mark.parametrize("whom", ["who asked", "both"])
def test_whoever_is_killed_in_the_middle_the_next_goes_on(registry: Registry, tmp_path: Path, whom: str) -> None:
    target, before = large(registry), children()
    settings = tmp_path / "settings.json"
    settings.write_bytes(settings_as_json(registry.inside.settings))
    process = subprocess.Popen([sys.executable, "-c", _PROCESS, str(settings)], cwd=ROOT)
    try:
        registry.inside.run(begun(target))
        if whom == "both":  # as a machine that loses its power
            for each in children() - before:
                os.kill(each, signal.SIGKILL)
    finally:
        process.kill()
        process.wait(10)
    registry.set()
    registry.do(number=5)  # the same job, which the queue gives to the next process
    assert (registry.run().error, len(registry.seen())) == ("", 1)
    assert children() == before
    assert "verified 2 manifests" in registry.do("backup-drill")
