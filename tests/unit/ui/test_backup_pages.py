"""The page of backups: who sees it, what it says, and the forms that have one made or drilled."""

import pytest

from orlop.domain.durations import DAY
from orlop.ports.backups import BackupRun, BackupWork, StoredBackup
from tests.unit.ui.places import HOSTILE, PEOPLE, person, put
from tests.unit.ui.scene import START, Scene

PAGE = "/backups"
NIGHTLY = {"to": "/srv/backups/orlop", "cron": "0 2 * * *", "drill": "weekly"}


def stored(number: int, **more: object) -> StoredBackup:
    fields = {"engine": "sqlite", "release": "1", "blobs": 1234, "bytes": 9, "damaged": 0, **more}
    return StoredBackup(name=f"20261130T02{number:04}Z-{'0' * 16}", at=START - DAY, ended_at=START, **fields)


async def fared(scene: Scene) -> None:
    """A schedule whose backups and drills went in every way."""
    await put(scene, "backup-schedule", "nightly", "", **NIGHTLY)
    run = BackupRun(schedule="nightly", work=BackupWork.BACKUP, target=str(NIGHTLY["to"]), job=7, tried_at=START)
    drilled = stored(60, drilled_at=0)
    seen = [stored(number) for number in range(60)] + [drilled, stored(61, damaged=3)]
    await scene.memory.catalog.backups.tell(run, scene.by(), seen)
    drill = BackupRun(schedule="nightly", work=BackupWork.DRILL, target=str(NIGHTLY["to"]), backup=drilled.name)
    for error in ("", HOSTILE):
        told = BackupRun(**{**{name: getattr(drill, name) for name in drill.__struct_fields__}, "error": error})
        await scene.memory.catalog.backups.tell(told, scene.by())


@pytest.mark.parametrize(("who", "at"), [(who, at) for at, who in enumerate(PEOPLE)])
async def test_who_sees_it(scene: Scene, who: str, at: int) -> None:
    browser = await person(scene, who)
    assert (await browser.get(PAGE)).status == (303, 403, 403, 403, 403, 403, 200)[at]


async def test_what_it_says(scene: Scene) -> None:
    browser = await person(scene, "admin")
    assert "Nothing makes backups of this registry by itself" in (await browser.get(PAGE)).text
    await fared(scene)
    page = (await browser.get(PAGE)).text
    for words in ("/srv/backups/orlop", "1,234", "lacks 3", "drilled weekly", "Back up nightly now"):
        assert words in page
    assert HOSTILE not in page
    assert page.count("<code>20261130T02") == 50
    rest = (await browser.get(f"{PAGE}?schedule=nightly&last={stored(12).name}&part=rows")).text
    assert rest.count("<code>20261130T02") == 12
    assert (await browser.get(f"{PAGE}?schedule=none")).status == 404


async def test_one_is_made_and_drilled_now(scene: Scene) -> None:
    await fared(scene)
    browser = await person(scene, "admin")
    for what in ("run", "drill"):
        await browser.get(PAGE)
        assert browser.page is not None
        form = {"csrf": browser.page.hidden("csrf"), "schedule": "nightly"}
        answer = await browser.post(f"{PAGE}/{what}", form)
        assert answer.status == 303
        job = await browser.get(answer.header("location"))
        assert "nightly" in job.text
        await browser.get(PAGE)
        again = await browser.post(f"{PAGE}/{what}", form)
        assert (again.status, "waits or runs already" in again.text) == (409, True)
    other = await person(scene, "owner")
    await other.get("/account")
    assert other.page is not None
    form = {"csrf": other.page.hidden("csrf"), "schedule": "nightly"}
    assert (await other.post(f"{PAGE}/run", form)).status == 403
