"""When jobs run by themselves: by a setting, by an interval, once after a pause."""

import msgspec

from orlop.domain.schedules import JOB_SCHEDULES, Schedule
from orlop.ports.clock import HOUR, SECOND
from orlop.ports.settings import Document
from orlop.services.jobs.schedules import Schedules
from orlop.services.jobs.work import Run
from tests.registry import START
from tests.unit.worker.office import Office, work

DAY = 24 * HOUR


async def nothing(_: Run) -> str:
    return ""


async def scheduled(office: Office, **body: object) -> None:
    """A setting for `stir`."""
    content = msgspec.json.encode(Schedule(**body))  # type: ignore[arg-type]
    documents = office.rows.identity.documents
    await documents.put(Document(JOB_SCHEDULES.kind, "stir", content), office.by(), rights=False)


def at(office: Office, every: int = 0) -> Schedules:
    """What a process sees that does `stir`, by itself at an interval."""
    return office.schedules([work(nothing, every=every)])


async def jobs(office: Office) -> int:
    """How many there are; each ends."""
    await office.day(office.worker([work(nothing)]))
    return len(await office.all())


async def test_what_never_ran_runs_at_once_and_then_at_its_interval() -> None:
    office = Office()
    schedules = at(office, HOUR)
    assert await schedules.run_due() == START + HOUR
    assert await jobs(office) == 1
    office.clock.at += HOUR
    assert await schedules.run_due() == START + 2 * HOUR
    assert await jobs(office) == 2


async def test_after_a_pause_of_any_length_it_runs_once() -> None:
    office = Office()
    schedules = at(office, HOUR)
    await schedules.run_due()
    assert await jobs(office) == 1
    office.clock.at += 1000 * HOUR + 5
    assert await schedules.run_due() == START + 1001 * HOUR + 5
    assert await schedules.run_due() == START + 1001 * HOUR + 5
    assert await jobs(office) == 2


async def test_there_is_no_second_one_while_the_first_has_not_ended() -> None:
    office = Office()
    schedules = at(office, HOUR)
    for _ in range(5):
        await schedules.run_due()
        office.clock.at += HOUR
    assert len(await office.all()) == 1


async def test_a_setting_takes_the_place_of_the_interval_and_gives_it_back() -> None:
    office = Office()
    schedules = at(office, HOUR)
    await schedules.run_due()
    assert await jobs(office) == 1
    await scheduled(office, cron="0 3 * * *", time_zone="Europe/Berlin")
    due = await schedules.run_due()
    assert due == Schedule(cron="0 3 * * *", time_zone="Europe/Berlin").following(START, 0)
    [shown] = await schedules.all()
    assert (shown.by_setting, shown.next_at) == (True, due)
    await office.rows.identity.documents.remove(JOB_SCHEDULES.kind, "stir", office.by(), rights=False)
    assert await schedules.run_due() == START + HOUR, "as if it had not been there"
    assert not (await schedules.all())[0].by_setting


async def test_what_is_disabled_does_not_run() -> None:
    office = Office()
    schedules = at(office, HOUR)
    await scheduled(office, every=60, enabled=False)
    assert await schedules.run_due() is None
    [shown] = await schedules.all()
    assert shown.next_at == 0
    assert await jobs(office) == 0


async def test_a_kind_without_an_interval_runs_only_by_a_setting() -> None:
    office = Office()
    schedules = at(office)
    assert await schedules.run_due() is None
    await scheduled(office, every=60, jitter=10)
    assert await schedules.run_due() == START + 60 * SECOND


async def test_replicas_that_are_told_different_intervals_do_not_put_each_other_off() -> None:
    office = Office()
    one, other = at(office, HOUR), at(office, 2 * HOUR)
    ran = 0
    for _ in range(48):
        for schedules in (one, other, one, other):
            await schedules.run_due()
        ran = await jobs(office)
        office.clock.at += HOUR // 2
    assert 11 <= ran <= 24


async def test_a_clock_that_is_set_back_does_not_stop_the_schedule() -> None:
    office = Office()
    schedules = at(office, HOUR)
    office.clock.at += 1000 * DAY
    await schedules.run_due()
    office.clock.at = START
    assert await schedules.run_due() == START + HOUR
    office.clock.at += HOUR
    await schedules.run_due()
    assert len(await office.all()) == 1, "the one before it has not ended"
