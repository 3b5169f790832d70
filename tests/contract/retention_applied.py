"""A plan that is applied on a catalog of any kind: what moved since is left, and a kill anywhere loses nothing."""

import pytest

from orlop.adapters.sql.catalog import OpenCatalog
from orlop.domain.durations import DAY, HOUR
from orlop.domain.names import Tag
from orlop.domain.retention.plans import PlanState
from tests.content import Pushable, artifact, image
from tests.contract.scene import APP
from tests.unit.retention.registry import Crash, Retained

BUILDS = {"delete": [{"tags": ["build-*"]}], "keep": [{"tags": ["build-*"], "newest": 2}]}


def builds(count: int) -> list[Pushable]:
    return [image(f"b{number}", layers=["base", f"l{number}"]) for number in range(count)]


async def filled(count: int = 8, opened: OpenCatalog | None = None) -> tuple[Retained, list[Pushable]]:
    """A repository with builds, one an hour, and the rule that keeps two of them."""
    made, pushed = Retained(opened), builds(count)
    for number, what in enumerate(pushed):
        made.pass_time(HOUR)
        await made.scene.push(APP, what, Tag(f"build-{number}"))
    await made.rule(BUILDS)
    return made, pushed


class RetentionAppliedKit:
    """Needs the fixture `opened`: an empty catalog, for each test."""

    async def test_a_plan_of_a_week_ago_leaves_what_moved_since_and_says_so(self, opened: OpenCatalog) -> None:
        made, pushed = await filled(10, opened)
        plan = await made.plan()
        assert await made.going(plan) == {f"build-{number}" for number in range(8)}
        made.pass_time(7 * DAY)
        by = made.scene.by()
        await made.scene.push(APP, image("other"), Tag("build-0"))  # it moved
        await made.scene.push(APP, pushed[1], Tag("prod"))  # its digest has another tag, and it has none but its own
        await made.catalog.manifests.untag(APP, Tag("build-2"), by)  # somebody deleted it
        await made.catalog.locks.add(APP, pushed[3].digest, "audit of May", by)
        await made.catalog.retention.in_use.put("team", "prod-1", [pushed[4].digest], made.clock.at + HOUR, by)
        await made.catalog.pulls.record([(await made.scene.pull(APP, Tag("build-5")), 1, made.clock.at)])
        await made.rule({"keep": [{"pulled_within": "1d"}]}, "pulled", "")
        await made.rule({"tags": ["build-6"], "immutable": True}, "frozen", "team", kind="tag-rule")
        done = await made.apply(plan)
        assert (done.state, done.done, done.skipped) == (PlanState.APPLIED, 2, 6)
        assert await made.tags(APP) == {"prod", *(f"build-{number}" for number in (0, 3, 4, 5, 6, 8, 9))}
        said = await made.outcomes(plan)
        assert said["build-0"] == f"it points at {image('other').digest} by now"
        assert said["build-1"] == said["build-7"] == "deleted"
        assert said["build-2"] == "it is gone"
        assert said["build-3"] == "its manifest is locked: audit of May"
        assert said["build-4"] == "it is in use: prod-1 of team/ runs it"
        assert said["build-5"] == "retention pulled of / keeps it: keep 1 (pulled_within 1d)"
        assert said["build-6"].startswith("the tag build-6 of team/app is immutable by the tag rule frozen of team/")
        assert await made.catalog.manifests.resolve(APP, pushed[1].digest) is not None, "the sibling keeps the digest"
        assert await made.catalog.manifests.resolve(APP, pushed[7].digest) is None
        assert await made.scene.findings() == []

    @pytest.mark.parametrize("number", [1, 2, 5, 7, 8])
    @pytest.mark.parametrize("after", [True, False])
    async def test_killed_anywhere_it_goes_on(self, opened: OpenCatalog, after: bool, number: int) -> None:
        async def die() -> None:
            raise Crash

        made, _ = await filled(8, opened)
        signed = artifact("sbom", subject=builds(1)[0])
        await made.scene.push(APP, signed)
        named = Tag(f"sha256-{builds(2)[1].digest.hex}.sig")
        await made.scene.push(APP, image("signature"), named)
        plan = await made.plan()
        (made.watched.after if after else made.watched.before)[number] = die
        try:
            await made.apply(plan)
            assert made.watched.deletions < number
        except Crash:
            assert (await made.found(plan.id)).state is PlanState.APPLYING
            await made.apply(plan)
        done = await made.found(plan.id)
        assert (done.state, done.done + done.skipped) == (PlanState.APPLIED, 8)
        assert await made.tags(APP) == {"build-6", "build-7"}
        tags = {tag: said for tag, said in (await made.outcomes(plan)).items() if tag}
        assert set(tags.values()) == {"deleted"}
        assert await made.catalog.manifests.resolve(APP, signed.digest) is None
        assert await made.scene.findings() == []
