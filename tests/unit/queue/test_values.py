"""Jobs as values: their life, the pauses between their tries, and when schedules have them run."""

from datetime import UTC, datetime
from itertools import pairwise, product

import pytest

from orlop.domain.errors import Conflict, RequestInvalid
from orlop.domain.job_kinds import COLLECTION, JOB_KINDS, job_kind
from orlop.domain.queue import ENDED, FIRST_PAUSE, LONGEST_PAUSE, TRANSITIONS, JobState, JobStep, after, pause
from orlop.domain.schedules import JOB_SCHEDULES, Schedule
from orlop.ports.clock import SECOND


def test_what_is_not_in_the_table_cannot_happen() -> None:
    for state, step in product(JobState, JobStep):
        if (state, step) in TRANSITIONS:
            assert after(state, step) in JobState
        else:
            with pytest.raises(Conflict):
                after(state, step)
    assert {state for state, step in TRANSITIONS if step is not JobStep.AGAIN} == set(JobState) - ENDED


def test_pauses_double_to_a_limit_and_chance_spreads_them() -> None:
    longest = [pause(attempts, 1) for attempts in range(1, 15)]
    assert longest[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert longest[-1] == LONGEST_PAUSE == pause(1_000, 1)
    assert all(one <= other for one, other in pairwise(longest))
    assert [pause(attempts, 0) * 2 for attempts in range(1, 15)] == longest


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


def times(schedule: Schedule, since: str, count: int) -> list[str]:
    found, time = [], at(since)
    for _ in range(count):
        time = schedule.following(time, 0)
        found.append(datetime.fromtimestamp(time / SECOND, UTC).strftime("%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("cron", "since", "expected"),
    [
        # On 28 March 2027 at 02:00 it is 03:00 in Berlin: 01:00 in UTC. What is due in the hour that is left out runs
        # right behind it, once.
        ("30 2 * * *", "2027-03-26T12:00:00Z", ["27 01:30", "28 01:00", "29 00:30", "30 00:30"]),
        ("0 3 * * *", "2027-03-26T12:00:00Z", ["27 02:00", "28 01:00", "29 01:00"]),
        ("*/30 * * * *", "2027-03-28T00:00:00Z", ["28 00:30", "28 01:00", "28 01:30", "28 02:00"]),
        ("0 * * * *", "2027-03-27T23:30:00Z", ["28 00:00", "28 01:00", "28 02:00"]),
        # On 31 October 2027 at 03:00 it is 02:00 again: 01:00 in UTC. What is due in the hour
        # that comes twice runs once.
        ("30 2 * * *", "2027-10-29T12:00:00Z", ["30 00:30", "31 00:30", "01 01:30"]),
        ("30 2 * * *", "2027-10-31T01:10:00Z", ["01 01:30", "02 01:30"]),
        ("0 3 * * *", "2027-10-29T12:00:00Z", ["30 01:00", "31 02:00", "01 02:00"]),
        ("*/30 * * * *", "2027-10-31T00:00:00Z", ["31 00:30", "31 01:00", "31 01:30", "31 02:00"]),
    ],
)
def test_cron_is_right_where_clocks_change(cron: str, since: str, expected: list[str]) -> None:
    assert times(Schedule(cron=cron, time_zone="Europe/Berlin"), since, len(expected)) == expected


def test_a_night_job_runs_once_a_day_from_any_moment_around_both_changes() -> None:
    schedule = Schedule(cron="30 2 * * *", time_zone="Europe/Berlin")
    for first, days in (("2027-03-27T12:00:00Z", 2), ("2027-10-30T12:00:00Z", 2)):
        ran, now, due = 0, at(first), schedule.following(at(first), 0)
        end = now + days * 86_400 * SECOND
        while now < end:  # looked at every seven minutes, as by a process that has other things to do
            now += 7 * 60 * SECOND
            if due <= now:
                ran, due = ran + 1, schedule.following(now, 0)
        assert ran == days


def test_intervals_go_by_the_time_that_passes_and_jitter_adds_to_it() -> None:
    schedule = Schedule(every=3600, jitter=60)
    assert schedule.following(5 * SECOND, 0) == 3605 * SECOND
    assert schedule.following(5 * SECOND, 0.5) == 3635 * SECOND
    assert Schedule(cron="0 3 * * *", jitter=60).following(0, 1) == (3 * 3600 + 60) * SECOND


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "either by cron or by every"),
        ({"cron": "0 3 * * *", "every": 60}, "either by cron or by every"),
        ({"every": 9}, "10 seconds or more"),
        ({"every": -1}, "every"),
        ({"cron": "0 25 * * *"}, "cron: bad hour"),
        ({"cron": "* * * *"}, "five fields"),
        ({"cron": "0 0 3 * * *"}, "five fields"),
        ({"cron": "0 0 31 2 *"}, "cron: bad day-of-month"),
        ({"cron": "0 0 30 2 *"}, "cron: bad day-of-month"),
        ({"cron": "0 3 * * *", "time_zone": "Europe/Nowhere"}, "time_zone"),
        ({"cron": "0 3 * * *", "time_zone": "../../etc/passwd"}, "time_zone"),
        ({"cron": "0 3 * * *", "time_zone": ""}, "time_zone"),
        ({"every": 60, "time_zone": "Europe/Berlin"}, "an interval has none"),
        ({"every": 60, "zone": "x"}, "no field zone"),
    ],
)
def test_what_makes_no_sense_as_a_schedule_is_refused_in_words(body: dict[str, object], words: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        JOB_SCHEDULES.parse("collection", body)
    assert words in refused.value.message


def test_a_schedule_is_of_a_kind_of_job() -> None:
    with pytest.raises(RequestInvalid, match="collection"):
        JOB_SCHEDULES.parse("colection", {"every": 60})
    assert JOB_SCHEDULES.parse("collection", {"every": 60}) == Schedule(every=60)


def test_arguments_are_those_of_the_kind() -> None:
    assert COLLECTION.checked({}) == {}
    with pytest.raises(RequestInvalid, match="no field grace"):
        COLLECTION.checked({"grace": 1})
    assert all(job_kind(name) is kind for name, kind in JOB_KINDS.items())
    with pytest.raises(RequestInvalid, match="the nearest known one is sweep"):
        job_kind("swep")
