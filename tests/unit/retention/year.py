"""A year of a team's life: what is pushed and pulled every day, what retention deletes every night, what is left.

`python -m tests.unit.retention.year` lives it again and draws docs/pictures/retention-year.svg; that takes
seven minutes of a core.
"""

import asyncio
import random
from collections.abc import AsyncIterator

import msgspec

from orlop.domain.durations import DAY, HOUR
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.catalog import Pull
from tests.content import Pushable, image
from tests.unit.retention.picture import PICTURE, drawn
from tests.unit.retention.registry import Retained

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


class Team(msgspec.Struct, frozen=True):
    """How much there is of it: repositories, days, and what is pushed and pulled on each."""

    repositories: int
    days: int
    pushes: int
    pulls: int


class Evening(msgspec.Struct, frozen=True):
    """What there is at the end of a day: pushed are all images so far, with the bytes of their blobs, each once."""

    day: int
    pushed: int
    pushed_bytes: int
    stored: int
    stored_bytes: int
    releases: int


#: The team of the picture.
DRAWN = Team(repositories=50, days=365, pushes=200, pulls=5_000)


class Year:
    """One registry, and what its clients were told."""

    def __init__(self, team: Team) -> None:
        self.made = Retained()
        self.team = team
        self.released: dict[tuple[RepositoryName, Tag], str] = {}
        self._chance = random.Random(4)
        self._names = [RepositoryName(f"team/app{number}") for number in range(team.repositories)]
        self._recent: list[Pull] = []
        self._sizes: dict[str, int] = {}

    async def lived(self) -> AsyncIterator[Evening]:
        """Day by day."""
        made, team = self.made, self.team
        await made.rule(RULES)
        await made.rule({"keep": "2d"}, "short", kind="trash-rule")
        for day in range(team.days):
            for number in range(team.pushes):
                made.pass_time(DAY // (team.pushes + 1))
                await self._push(day, number)
            del self._recent[: -team.pushes * 20]
            pulled = self._chance.choices(self._recent, k=team.pulls)
            counted = {(pull.row, pull.tag): pull for pull in pulled}
            await made.catalog.pulls.record([(pull, 1, made.clock.at) for pull in counted.values()])
            await night(made)
            totals = await made.catalog.vitals.totals()
            yield Evening(
                day + 1,
                (day + 1) * team.pushes,
                sum(self._sizes.values()),
                totals.manifests,
                totals.blob_bytes,
                len(self.released),
            )

    async def check(self) -> None:
        """No release is lost, and every counter, of all nodes and of all blobs, is what a recount says."""
        catalog = self.made.catalog
        for (name, tag), digest in self.released.items():
            found = await catalog.manifests.resolve(name, tag)
            assert found is not None
            assert found.digest == digest
        keeping = catalog.usage_keeping
        assert await keeping.recount_blobs(0, await keeping.last_blob() + 1) == 0
        assert await keeping.recount_nodes() == 0
        assert await self.made.scene.findings() == []

    async def _push(self, day: int, number: int) -> None:
        name = self._chance.choice(self._names)
        what: Pushable = image(f"{day}.{number}", layers=[f"base {day // 30}", f"layer {day}.{number}"])
        match self._chance.choices(("build", "dev", "rc", "release"), (60, 30, 7, 3))[0]:
            case "release":
                tag = Tag(f"1.{day}.{number}")
                self.released[name, tag] = what.digest
            case "rc":
                tag = Tag(f"1.{day}.{number}-rc.1")
            case "dev":
                tag = Tag(f"dev-{self._chance.randrange(5)}")  # these move
            case channel:
                tag = Tag(f"{channel}-{day}-{number}")
        await self.made.scene.push(name, what, tag)
        self._sizes |= {piece.digest: piece.size for piece in what.blobs}
        self._recent.append(await self.made.scene.pull(name, tag))


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


async def _evenings() -> list[Evening]:
    year = Year(DRAWN)
    evenings = [evening async for evening in year.lived()]
    await year.check()
    return evenings


if __name__ == "__main__":
    PICTURE.write_text(drawn(DRAWN, asyncio.run(_evenings())[6::7]))
