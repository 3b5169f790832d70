"""A year of a team's life, scaled down, and the picture of a whole one in the documentation."""

import msgspec
import pytest

from orlop.domain.access.spans import EVERYTHING
from orlop.domain.durations import DAY
from tests.unit.retention.picture import PICTURE, drawn, figures
from tests.unit.retention.year import DRAWN, RULES, Evening, Team, Year, night
from tests.volume import told, volume

TEAM = Team(repositories=volume(5, 50), days=volume(40, 365), pushes=volume(10, 200), pulls=volume(60, 5_000))


async def test_a_year_of_a_team() -> None:
    year = Year(TEAM)
    made, released = year.made, year.released
    async for evening in year.lived():
        if evening.day % (TEAM.days // 4) == 0:
            await year.check()
    totals = await made.catalog.vitals.totals()
    assert released
    # What is left is what the rules keep, and not what was pushed.
    most = TEAM.repositories * (10 + 5) + len(released) + TEAM.pushes * 20
    assert totals.tags <= most
    assert totals.tags < evening.pushed // 2
    told("a year of a team", **{name: getattr(evening, name) for name in evening.__struct_fields__})
    # With nothing more to keep, everything but releases goes, and the store with it.
    made.pass_time(60 * DAY)
    await made.rule(RULES | {"keep": [{"channels": ["release"]}], "brake": 100})
    for _ in range(3):
        await night(made)
        made.pass_time(5 * DAY)
    await made.catalog.trash_end.discard(EVERYTHING, 10_000, made.scene.by())
    for _ in range(3):
        await night(made)
        made.pass_time(5 * DAY)
    totals = await made.catalog.vitals.totals()
    assert totals.tags == totals.manifests == len(released)
    await year.check()


@pytest.mark.slow
async def test_the_picture_of_a_year_is_what_comes_of_it() -> None:
    """`python -m tests.unit.retention.year` draws it anew. Its first week is lived again, or in the long run its first
    six; the year as a whole is lived by the smaller `TEAM` alone."""
    shown = figures()
    evenings = msgspec.convert(shown["evenings"], list[Evening])
    assert msgspec.convert(shown["team"], Team) == DRAWN
    assert evenings[-1].day == DRAWN.days // 7 * 7
    assert PICTURE.read_text() == drawn(DRAWN, evenings)
    weeks = volume(1, 6)
    lived = [evening async for evening in Year(msgspec.structs.replace(DRAWN, days=weeks * 7)).lived()]
    assert lived[6::7] == evenings[:weeks]
