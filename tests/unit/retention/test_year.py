"""A year of a team's life: what is pushed and pulled every day, what retention deletes every night, what is left."""

import random

from orlop.domain.access.spans import EVERYTHING
from orlop.domain.durations import DAY, HOUR
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.catalog import Pull
from tests.content import Pushable, image
from tests.unit.retention.registry import Retained
from tests.volume import told, volume

REPOSITORIES, DAYS = volume(5, 50), volume(40, 365)
PUSHES, PULLS = volume(10, 200), volume(60, 5_000)

RULES = {
    "delete": [{"channels": ["build", "dev", "rc"]}],
    "keep": [
        {"channels": ["build"], "newest": 10},
        {"channels": ["dev"], "newest": 3},
        {"channels": ["rc"], "pushed_within": "14d"},
        {"pulled_within": "7d"},
    ],
    "untagged_after": "3d",
    "brake": 90,
}


async def night(made: Retained) -> None:
    """Retention, the end of the trash, and collection, as far as rows go."""
    await made.work.works()[1].do(made.run(made.clock.at // DAY))
    by, collection = made.scene.by(), made.catalog.collection
    while (purged := await made.catalog.trash_end.purge(500, by)).entries or purged.manifests:
        pass
    while (await collection.unlink_loose(made.clock.at - HOUR, 500, by))[0]:
        pass
    while await collection.tombstone(made.clock.at - HOUR, 500, by):
        pass
    while gone := await collection.tombstones(0, 500):
        await collection.gone([number for number, _ in gone], by)


async def test_a_year_of_a_team() -> None:
    made, chance = Retained(), random.Random(4)
    await made.rule(RULES)
    await made.rule({"keep": "2d"}, "short", kind="trash-rule")
    names = [RepositoryName(f"team/app{number}") for number in range(REPOSITORIES)]
    released: dict[tuple[RepositoryName, Tag], str] = {}
    recent: list[Pull] = []
    pushed = 0
    for day in range(DAYS):
        for number in range(PUSHES):
            made.pass_time(DAY // (PUSHES + 1))
            name = chance.choice(names)
            what: Pushable = image(f"{day}.{number}", layers=[f"base {day // 30}", f"layer {day}.{number}"])
            match chance.choices(("build", "dev", "rc", "release"), (60, 30, 7, 3))[0]:
                case "release":
                    tag = Tag(f"1.{day}.{number}")
                    released[name, tag] = what.digest
                case "rc":
                    tag = Tag(f"1.{day}.{number}-rc.1")
                case "dev":
                    tag = Tag(f"dev-{chance.randrange(5)}")  # these move
                case channel:
                    tag = Tag(f"{channel}-{day}-{number}")
            await made.scene.push(name, what, tag)
            pushed += 1
            recent.append(await made.scene.pull(name, tag))
        pulled = chance.choices(recent[-PUSHES * 20 :], k=PULLS)
        counted = {(pull.row, pull.tag): pull for pull in pulled}
        await made.catalog.pulls.record([(pull, 1, made.clock.at) for pull in counted.values()])
        await night(made)
    totals = await made.catalog.vitals.totals()
    # No release is lost, and every counter is what a recount says.
    for (name, tag), digest in released.items():
        found = await made.catalog.manifests.resolve(name, tag)
        assert found is not None
        assert found.digest == digest
    assert released
    assert await made.scene.findings() == []
    # What is left is what the rules keep, and not what was pushed.
    most = REPOSITORIES * (10 + 5) + len(released) + PUSHES * 20
    assert totals.tags <= most
    assert totals.tags < pushed // 2
    told("a year of a team", pushed=pushed, left=totals.manifests, tags=totals.tags, blob_bytes=totals.blob_bytes)
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
    assert await made.scene.findings() == []
