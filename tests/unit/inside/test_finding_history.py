"""What was known to be wrong, day by day: the job that writes it down, what a place is told of it, and its picture."""

import pytest

from orlop.domain.durations import DAY
from orlop.domain.job_kinds import FINDING_HISTORY
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.queue import Job
from orlop.faces.ui.inside.columns import DAYS, HIGH, WIDE, columns
from orlop.ports.finding_days import FindingDay, FindingNumbers
from orlop.services.advisories import history
from orlop.services.advisories.history import recording
from orlop.services.jobs.work import Run
from tests.api.harness import REGISTRY, Api, namespace
from tests.content import image
from tests.contract.advisories import ONE, SSL, TWO, ZLIB, advisory, batch, hold, matcher
from tests.contract.scene import APP, Scene

OTHER, UNREAD, BARE = map(RepositoryName, ("team/other", "team/unread", "else/bare"))


class Clock:
    """Stands still."""

    def __init__(self, at: int) -> None:
        self.at = at

    def now(self) -> int:
        return self.at


async def written(api: Api, clock: Clock) -> str:
    """Do what the job does; how it ended."""
    catalog = api.catalog.catalog
    nothing = dict.fromkeys(Job.__struct_fields__, 0)
    run = Run(Job(**{**nothing, "kind": FINDING_HISTORY.kind, "lease_until": clock.at + DAY}), clock)
    store = catalog.advisories
    return await recording(catalog.search, store.counting, api.desks.counts, store.days, clock).do(run)


async def filled() -> Api:
    """Two repositories with an image that is hit, one whose image is not read, and one without tags."""
    api = Api()
    await api.account("root", ("admin", REGISTRY))
    await api.account("ann", ("reader", namespace(APP.namespace)))
    catalog = api.catalog.catalog
    scene = Scene(catalog, at=api.now)
    await hold(catalog, scene, ONE, SSL, ZLIB)
    await scene.push(APP, ONE, Tag("1"))
    await hold(catalog, scene, TWO, SSL)
    await scene.push(OTHER, TWO, Tag("1"))
    await scene.push(UNREAD, image("never read"), Tag("1"))
    await scene.push(BARE, image("bare"))
    await catalog.advisories.advisories.store("hand", batch(advisory("TEST-1", "openssl9", "3.0.2-1")))
    await matcher(catalog, scene).advisories()
    return api


@pytest.mark.parametrize("step", [1, 2, 100])
async def test_a_day_of_every_repository_whose_image_was_read_is_written_down(
    step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_STEP", step)
    api = await filled()
    clock, days = Clock(api.now), api.catalog.catalog.advisories.days
    assert await written(api, clock) == "2 repositories written down"
    today, one = clock.at // DAY, FindingNumbers(others=1, fixable=1)
    for name in (APP, OTHER):
        assert await days.of([name], 0) == (FindingDay(today, one),)
    assert await days.of([UNREAD, BARE], 0) == ()
    # Of a day the last run counts.
    await matcher(api.catalog.catalog, Scene(api.catalog.catalog, at=api.now)).advisories()
    await api.catalog.catalog.advisories.advisories.store("hand", batch(advisory("TEST-2", "zlib9", "")))
    await matcher(api.catalog.catalog, Scene(api.catalog.catalog, at=api.now)).advisories()
    await written(api, clock)
    assert await days.of([APP], 0) == (FindingDay(today, FindingNumbers(others=2, fixable=1)),)
    clock.at += DAY
    await written(api, clock)
    assert [each.day for each in await days.of([APP], 0)] == [today, today + 1]


async def test_a_day_is_kept_for_four_hundred() -> None:
    api = await filled()
    clock, days = Clock(api.now), api.catalog.catalog.advisories.days
    today = clock.at // DAY
    for age in (401, 400, 399):
        await days.record(today - age, {APP: FindingNumbers(low=age)})
    await written(api, clock)
    assert [each.day - today for each in await days.of([APP], 0)] == [-400, -399, 0]


async def test_a_place_is_told_the_sum_of_what_the_reader_may_see_and_whether_there_is_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = await filled()
    await written(api, Clock(api.now))
    await api.account("bob", ("reader", namespace("else")))

    async def told(who: str, at: str) -> tuple[list[int], bool]:
        answer = (await api.ask("GET", f"/vulnerability-days?at={at}", who)).json()
        return [each["others"] for each in answer["days"]], answer["more"]

    assert await told("root", "") == ([2], False)
    assert await told("ann", "team") == ([2], False)
    assert await told("ann", "team/app") == ([1], False)
    assert await told("bob", "team") == ([], False)
    monkeypatch.setattr(history, "SUMMED", 1)
    assert await told("root", "team") == ([1], True)


def day(number: int, **numbers: int) -> FindingDay:
    return FindingDay(number, FindingNumbers(**numbers))


def test_a_picture_has_a_column_for_each_day_with_the_worst_at_its_foot() -> None:
    picture = columns([day(100, critical=1, low=3), day(102, high=2)], 102)
    assert picture is not None
    assert picture.most == 4
    assert [one.day for one in picture.days] == [102, 100]
    assert [(one.style, one.words, one.x, one.high) for one in picture.parts] == [
        ("critical", "1 critical", 0, HIGH / 4),
        ("low", "3 low", 0, HIGH * 3 / 4),
        ("high", "2 high", WIDE * 2 / 3, HIGH / 2),
    ]
    critical, low, _ = picture.parts
    assert critical.y + critical.high == HIGH
    assert low.y + low.high == critical.y
    assert all(0 <= one.x <= one.x + one.wide <= WIDE and 0 <= one.y <= HIGH for one in picture.parts)


def test_a_picture_of_days_without_anything_wrong_is_empty() -> None:
    picture = columns([day(100), day(101, accepted=3)], 101)
    assert picture is not None
    assert picture.parts == ()
    assert columns([day(100, low=1)], 100) is None
    assert columns([], 100) is None


def test_a_picture_ends_today_and_goes_no_further_back_than_its_days() -> None:
    picture = columns([day(100 - DAYS, low=1), day(95, low=1)], 100)
    assert picture is not None
    assert all(one.x >= 0 for one in picture.parts)
