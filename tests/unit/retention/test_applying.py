"""A plan deletes exactly what it shows, as far as that still is so; broken off anywhere, it is gone on with."""

import pytest

from orlop.adapters.sql.engine import Session
from orlop.domain.durations import DAY, HOUR, SECOND
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.retention.plans import PlanState
from orlop.ports.catalog import TagChange
from tests.content import image, index
from tests.contract.retention_applied import builds, filled
from tests.contract.scene import APP, LIB, START
from tests.unit.retention.registry import Retained


async def test_nothing_goes_that_the_plan_does_not_show() -> None:
    made, _ = await filled()
    plan = await made.plan()
    shown = await made.going(plan)
    for number in range(20, 24):  # the newest are others now
        made.pass_time(HOUR)
        await made.scene.push(APP, image(f"n{number}"), Tag(f"build-{number}"))
    before = await made.tags(APP)
    await made.apply(plan)
    assert before - await made.tags(APP) == shown


async def test_what_goes_waits_for_the_disk_a_few_times_however_much_it_is() -> None:
    made, _ = await filled(60)
    for number in range(20):
        await made.scene.push(RepositoryName(f"team/other{number:02}"), image("one"), Tag(f"build-{number}"))
    await made.rule({"delete": [{"tags": ["build-*"]}], "keep": [{"tags": ["build-58", "build-59"]}]})
    plan = await made.plan()
    before = made.stepped.writes
    done = await made.apply(plan)
    assert (done.done, done.skipped) == (78, 0)
    # It begins and ends; 58 of one repository go in four steps, one of each of the others in one, which are under way
    # side by side; what became of up to eight pages is written down at once.
    assert made.stepped.writes - before <= 2 + 4 + 20 + 21 // 8 + 2
    assert await made.scene.findings() == []


async def test_it_rests_as_long_as_it_works() -> None:
    made, _ = await filled(2)
    for number in range(20):
        await made.scene.push(RepositoryName(f"team/other{number:02}"), image("one"), Tag(f"build-{number}"))
    await made.rule({"delete": [{"tags": ["build-*"]}], "keep": [{"tags": ["build-19"]}]})
    plan = await made.plan()

    async def takes_long() -> None:
        made.clock.at += SECOND // 10

    made.watched.before |= dict.fromkeys(range(1, 22), takes_long)
    done = await made.apply(plan)
    assert done.done == 21
    assert sum(made.slept) == pytest.approx(2.1)


@pytest.mark.parametrize("whole", [True, False])
async def test_a_push_of_the_same_tag_meanwhile_is_not_lost(whole: bool) -> None:
    made, pushed = await filled(4)
    if not whole:
        await made.scene.push(APP, pushed[0], Tag("prod"))
    plan = await made.plan()
    new = image("new")
    made.watched.before[1] = lambda: made.scene.push(APP, new, Tag("build-0"))
    await made.apply(plan)
    found = await made.catalog.manifests.resolve(APP, Tag("build-0"))
    assert found is not None
    assert found.digest == new.digest
    said = (await made.outcomes(plan))["build-0"]
    assert "by now" in said or "any more" in said or "changed meanwhile" in said


async def test_a_tag_that_is_set_meanwhile_keeps_its_digest() -> None:
    made, pushed = await filled(4)
    plan = await made.plan()
    made.watched.before[1] = lambda: made.scene.push(APP, pushed[0], Tag("prod"))
    await made.apply(plan)
    assert await made.tags(APP) >= {"build-0", "prod"}
    assert (await made.outcomes(plan))["build-0"] == "the tag prod points at it by now"


async def test_a_rule_that_is_made_meanwhile_is_heeded() -> None:
    made, _ = await filled(8)
    plan = await made.plan()
    made.watched.before[1] = lambda: made.rule({"keep": [{"tags": ["build-0", "build-3"]}]}, "late")
    await made.apply(plan)
    assert await made.tags(APP) >= {"build-0", "build-3", "build-6", "build-7"}
    assert (await made.outcomes(plan))["build-3"].startswith("retention late of team/ keeps it")


async def test_where_no_rule_is_left_nothing_goes() -> None:
    made, _ = await filled()
    plan = await made.plan()
    await made.documents.remove("retention", "builds", made.scene.by(), path="team")
    done = await made.apply(plan)
    assert (done.done, done.skipped) == (0, 6)
    assert len(await made.tags(APP)) == 8
    assert set((await made.outcomes(plan)).values()) == {"no rule deletes anything there any more"}


async def test_a_plan_that_is_broken_off_while_it_is_made_is_made_anew() -> None:
    made, _ = await filled()
    begun = await made.catalog.retention.plans.add("team", made.scene.by())
    await made.planner.make(begun, made.scene.by())
    await made.planner.make(begun, made.scene.by())
    assert len(await made.items(begun)) == 8


async def test_an_index_goes_with_what_it_lists() -> None:
    made, both = Retained(), index("both", [image("one"), image("two")])
    await made.scene.push(APP, both, Tag("build-0"))
    await made.rule({"delete": [{"not_pushed_within": "1d"}]})
    made.pass_time(2 * DAY)
    plan = await made.plan()
    assert (plan.figures.deleted_tags, plan.figures.deleted_manifests) == (1, 3)
    done = await made.apply(plan)
    assert (done.done, done.skipped) == (3, 0)
    left = (await made.scene.view()).manifests
    assert len(left) == 3
    assert all(one.repository.startswith("~") for one in left), "they lie in the trash"


async def test_what_a_plan_deletes_lies_in_the_trash_as_the_rules_say() -> None:
    made, _ = await filled(3)
    await made.rule({"keep": "0"}, "now", "team", kind="trash-rule")
    await made.apply(await made.plan())
    assert len((await made.scene.view()).manifests) == 2


async def test_an_index_is_stale_by_age_but_its_child_was_pulled_today() -> None:
    made, one = Retained(), image("one")
    await made.scene.push(APP, index("both", [one, image("two")]), Tag("v1"))
    await made.rule({"delete": [{"not_pulled_within": "30d"}]})
    made.pass_time(60 * DAY)
    plan = await made.plan()
    assert await made.going(plan) == {"v1"}
    await made.catalog.pulls.record([(await made.scene.pull(APP, one.digest), 1, made.clock.at)])
    assert await made.going(await made.plan()) == set()
    done = await made.apply(plan)  # it was made before
    assert (done.done, done.skipped) == (0, 3)
    assert len((await made.scene.view()).manifests) == 3


async def test_what_other_repositories_hold_is_not_freed() -> None:
    made, pushed = await filled(4)
    await made.scene.push(LIB, pushed[0], Tag("build-0"))
    sizes = {piece.digest: piece.size for piece in pushed[1].blobs}
    base = next(piece for piece in pushed[0].blobs if piece.digest in sizes)
    own = sum(size for digest, size in sizes.items() if digest != base.digest)
    manifests = len(pushed[0].content) + len(pushed[1].content)
    shared = sum(piece.size for piece in pushed[0].blobs if piece.digest != base.digest)
    figures = (await made.plan()).figures
    assert (figures.bytes, figures.shared) == (manifests + own, shared)
    await made.rule({"delete": [{"not_pushed_within": "1h"}]})
    made.pass_time(DAY)
    blobs = {piece.digest: piece.size for what in pushed for piece in what.blobs}
    everything = sum(len(what.content) for what in (*pushed, pushed[0])) + sum(blobs.values())
    figures = (await made.plan()).figures
    assert (figures.bytes, figures.shared) == (everything, 0)


async def test_a_scheduled_run_plans_and_applies_under_the_brake() -> None:
    made, _ = await filled(3)
    assert await made.work.works()[1].do(made.run()) == "plan 1 of team/: 1 deleted, 0 left"
    assert made.counted == [(1, 0)]
    for number in range(3, 9):
        made.pass_time(HOUR)
        await made.scene.push(APP, builds(9)[number], Tag(f"build-{number}"))
    said = await made.work.works()[1].do(made.run(2))
    assert "more than the brake allows: orlop retention apply 2 --yes --over-brake" in said
    assert len(await made.tags(APP)) == 8
    assert (await made.found(2)).state is PlanState.PLANNED
    assert await made.work.works()[1].do(made.run(2)) == said  # tried again, it makes no other


async def test_without_rules_there_is_nothing_to_run() -> None:
    assert await Retained().work.works()[1].do(Retained().run()) == "there are no rules for retention"


async def test_a_day_of_history_says_who_deleted() -> None:
    made, _ = await filled(3)
    await made.apply(await made.plan())
    [last] = await made.catalog.history.history(APP, Tag("build-0"), 1)
    assert isinstance(last, TagChange)
    assert (last.actor, last.digest) == ("ann", None)
    deleted = [event for event in await made.catalog.outbox.events(0, 1_000) if event.kind == "manifest.deleted"]
    assert [event.origin.credential for event in deleted] == ["retention plan 1"]
    assert made.clock.at > START


async def test_verification_finds_what_does_not_belong_together() -> None:
    made, _ = await filled(3)
    plan = await made.plan()
    await made.catalog.retention.in_use.put("team", "prod-1", ["sha256:1"], made.clock.at + HOUR, made.scene.by())
    assert await made.scene.findings() == []

    async def damage(tx: Session) -> None:
        await tx.run("retention_plan_delete", plan.id)
        await tx.run("in_use_digests_delete", 1)

    await made.opened.engine.write(damage)
    assert {(finding.invariant, finding.where) for finding in await made.scene.findings()} == {
        (2, "plan 1 of retention"),
        (5, "prod-1 of team/"),
    }


async def test_jobs_of_retention_forget_what_is_of_no_use_any_more() -> None:
    made, _ = await filled(3)
    plan = await made.plan()
    await made.catalog.retention.in_use.put("team", "prod-1", ["sha256:1"], made.clock.at + HOUR, made.scene.by())
    made.pass_time(100 * DAY)
    await made.work.works()[1].do(made.run())
    assert await made.catalog.retention.plans.get(plan.id) is None
    assert await made.catalog.retention.in_use.get("team", "prod-1") is None
