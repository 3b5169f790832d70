"""Whatever happens between any two steps of applying a plan, what clients were told holds, and the store is sound."""

import pytest

from orlop.domain.durations import DAY, HOUR
from orlop.domain.errors import ManifestUnknown
from orlop.domain.names import Tag
from tests.content import artifact, image, index
from tests.contract.scene import APP
from tests.unit.retention.registry import Retained

OLD, NEW, PROD = Tag("build-0"), image("new"), Tag("prod")
ONE, TWO = image("one"), image("two")
BOTH = index("both", [ONE, TWO])
SIGNATURE = artifact("signature", subject=BOTH)


async def registry() -> tuple[Retained, int]:
    """An old index with a signature, which a plan is about to delete; the plan."""
    made = Retained()
    await made.scene.push(APP, BOTH, OLD)
    await made.scene.push(APP, SIGNATURE)
    await made.rule({"delete": [{"not_pushed_within": "1d"}]})
    made.pass_time(2 * DAY)
    return made, (await made.plan()).id


async def same_tag(made: Retained) -> None:
    await made.scene.push(APP, NEW, OLD)


async def same_content(made: Retained) -> None:
    await made.scene.push(APP, BOTH, PROD)


async def other_index(made: Retained) -> None:
    await made.scene.push(APP, index("other", [TWO]), PROD)


async def retag(made: Retained) -> None:
    """What `orlop tag` does with what is there."""
    found = await made.catalog.manifests.resolve(APP, OLD)
    if found is not None:
        await made.scene.put(APP, BOTH, PROD)


async def untag(made: Retained) -> None:
    try:
        await made.catalog.manifests.untag(APP, OLD, made.scene.by())
    except ManifestUnknown:
        return


async def lock(made: Retained) -> None:
    try:
        await made.catalog.locks.add(APP, TWO.digest, "audit", made.scene.by())
    except ManifestUnknown:
        return


async def rule(made: Retained) -> None:
    await made.rule({"keep": [{"tags": ["build-*"]}]}, "late")


async def collect(made: Retained) -> None:
    now = made.clock.at
    await made.catalog.collection.unlink_loose(now + HOUR, 100, made.scene.by())


MEANWHILE = [same_tag, same_content, other_index, retag, untag, lock, rule, collect]


@pytest.mark.parametrize("happens", MEANWHILE)
async def test_between_any_two_steps(happens: object) -> None:
    step = 0
    while True:
        step += 1
        made, number = await registry()
        told: dict[Tag, str] = {}

        async def act() -> None:
            await happens(made)  # noqa: B023 - awaited before the next turn  # type: ignore[operator]
            for tag in (OLD, PROD):
                found = await made.catalog.manifests.resolve(APP, tag)  # noqa: B023
                if found is not None:
                    told[tag] = found.digest  # noqa: B023

        made.stepped.at[step] = act
        made.stepped.is_counting = True
        done = await made.apply(await made.found(number))
        made.stepped.is_counting = False
        if made.stepped.at:
            break
        for tag, digest in told.items():
            planned = tag == OLD and digest == BOTH.digest
            found = await made.catalog.manifests.resolve(APP, tag)
            if found is None or found.digest != digest:
                assert planned, (step, tag, "what the plan did not show is gone")
            if found is not None:
                assert await made.catalog.manifests.resolve(APP, found.digest) is not None
        assert done.done + done.skipped == 4
        assert await made.scene.findings() == [], step
    assert step > 10
