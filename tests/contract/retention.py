"""What every catalog keeps to about retention: inventories, plans, and what is in use (ports.retention)."""

import pytest

from orlop.domain.errors import Conflict, Denied, ManifestUnknown, NameUnknown, NotFound, SettingsMoved, Stale
from orlop.domain.events import EventKind
from orlop.domain.labels import LabelChange
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.domain.retention.plan import PlannedItem
from orlop.domain.retention.plans import PlanFigures, PlanState, RuleVersion
from orlop.ports.catalog import Catalog, Terms
from orlop.ports.clock import HOUR, SECOND
from orlop.ports.retention import PageDone, PlanPage, Removal, Wanted
from tests.content import artifact, image, index
from tests.contract.scene import APP, LIB, START, V1, V2, WEB, Scene

ONE, TWO = image("one", layers=["base", "one"]), image("two", layers=["base", "two"])
BOTH = index("both", [ONE, TWO])
SBOM = artifact("sbom", subject=ONE)
NONE = type(None)
EVERYTHING = Wanted(labels=True, platforms=True, untagged=True)


class InventoriesKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_what_a_repository_holds(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, BOTH, V1)
        scene.at += HOUR
        await scene.push(APP, SBOM)
        await scene.push(APP, ONE, V2)
        await catalog.locks.add(APP, TWO.digest, "audit", scene.by())
        await catalog.labels.change(APP, ONE.digest, LabelChange(sets={"stage": "prod"}), scene.by())
        pulls = [await scene.pull(APP, V2), await scene.pull(APP, ONE.digest)]
        await catalog.pulls.record([(pulls[0], 1, START + 5), (pulls[1], 1, START + 9)])
        found = await catalog.retention.inventories.of(APP, EVERYTHING)
        assert found is not None
        assert [tuple(tag) for tag in found.tags] == [
            ("v1", BOTH.digest, START),
            ("v2", ONE.digest, START + HOUR),
        ]
        assert found.manifests.keys() == {each.digest for each in (ONE, TWO, BOTH, SBOM)}
        one, sbom = found.manifests[ONE.digest], found.manifests[SBOM.digest]
        assert (one.pushed_at, one.pulled_at, one.size) == (START, START + 9, len(ONE.content))
        assert (sbom.subject, sbom.artifact_type) == (ONE.digest, "application/vnd.example.sbom")
        assert found.children == {BOTH.digest: [ONE.digest, TWO.digest]}
        assert found.labels == {ONE.digest: {"stage": "prod"}}
        assert found.locked == {TWO.digest: "audit"}
        assert await catalog.retention.inventories.of(LIB, EVERYTHING) is None

    async def test_since_when_nothing_has_pointed_at_a_manifest(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1, V2)
        scene.at += HOUR
        await scene.push(APP, TWO, V1)
        scene.at += HOUR
        await catalog.manifests.untag(APP, V2, scene.by())
        found = await catalog.retention.inventories.of(APP, EVERYTHING)
        assert found is not None
        assert found.untagged_since == {ONE.digest: START + 2 * HOUR}

    async def test_a_large_repository_is_read_whole(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, *(Tag(f"t{number:04}") for number in range(2_100)))
        found = await catalog.retention.inventories.of(APP, Wanted())
        assert found is not None
        assert [tag.name for tag in found.tags] == [f"t{number:04}" for number in range(2_100)]

    async def test_what_is_freed_is_what_nothing_else_names(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        for what in (ONE, TWO):
            await scene.push(APP, what)
        await scene.push(LIB, ONE)
        found = await catalog.retention.inventories.of(APP, Wanted())
        assert found is not None
        base, own = ONE.blobs[-2], ONE.blobs[-1]
        freed = {blob.digest: blob for blob in await catalog.retention.inventories.freed(found, [ONE.digest])}
        assert base.digest not in freed
        assert (freed[own.digest].size, freed[own.digest].links) == (own.size, 2)
        both = {blob.digest for blob in await catalog.retention.inventories.freed(found, [ONE.digest, TWO.digest])}
        assert both == {piece.digest for what in (ONE, TWO) for piece in what.blobs}
        assert await catalog.retention.inventories.freed(found, []) == ()

    async def test_a_manifest_goes_only_with_the_tags_that_are_expected(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.push(APP, TWO, V2)
        with pytest.raises(Stale, match="the tag v2 does not point at"):
            await catalog.manifests.delete(
                APP, ONE.digest, scene.by(), Terms(expected={V1: ONE.digest, V2: ONE.digest})
            )
        await catalog.manifests.delete(APP, ONE.digest, scene.by(), Terms(expected={V1: ONE.digest}))
        assert await catalog.manifests.resolve(APP, V1) is None

    @pytest.mark.parametrize("trash", [0, HOUR])
    async def test_what_goes_together_is_left_one_by_one(self, catalog: Catalog, trash: int) -> None:
        """An index goes before what it lists, in the same transaction; what one is left for is no matter of others."""
        scene, three, four = Scene(catalog), image("three"), image("four")
        await scene.push(APP, BOTH, V1)
        await scene.push(APP, three, V2)
        await scene.push(APP, four, Tag("v4"), Tag("v5"))
        await catalog.locks.add(APP, three.digest, "audit", scene.by())
        told = len(await catalog.outbox.events(0, 1_000))
        freely = Terms(trash=trash)
        removals = [
            Removal(ONE.digest, freely),
            Removal(BOTH.digest, freely),
            Removal(three.digest, freely),
            Removal(ONE.digest, freely),
            Removal(TWO.digest, Terms(expected={V2: TWO.digest}, trash=trash)),
            Removal(Tag("v4"), Terms(expected={Tag("v4"): four.digest}, trash=trash)),
            Removal(Tag("v4"), freely),
        ]
        left = await catalog.retention.removals.remove(APP, removals, scene.by(), 0)
        assert [type(each) for each in left] == [Denied, NONE, Denied, NONE, Stale, NONE, ManifestUnknown]
        assert (await scene.view()).tags == {APP: {V2: three.digest, Tag("v5"): four.digest}}
        events = [(event.kind, event.tag or event.digest) for event in await catalog.outbox.events(0, 1_000)]
        assert events[told:] == [
            (EventKind.TAG_DELETED, V1),
            (EventKind.MANIFEST_DELETED, BOTH.digest),
            (EventKind.MANIFEST_DELETED, ONE.digest),
            (EventKind.TAG_DELETED, "v4"),
        ]
        assert await scene.findings() == []
        [gone] = await catalog.retention.removals.remove(LIB, removals[:1], scene.by(), 0)
        assert isinstance(gone, NameUnknown)
        with pytest.raises(SettingsMoved):
            await catalog.retention.removals.remove(APP, removals, scene.by(), 1_000)


def page(repository: RepositoryName, number: int, *going: bool) -> PlanPage:
    items = tuple(PlannedItem(f"t{place}", ONE.digest, "because", goes) for place, goes in enumerate(going))
    return PlanPage(repository, number, items)


class RetentionPlansKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_the_life_of_a_plan(self, catalog: Catalog) -> None:
        scene, plans = Scene(catalog), catalog.retention.plans
        made = await plans.add("team", scene.by())
        assert (made.path, made.state, made.asked_by) == ("team", PlanState.PLANNING, "alice")
        with pytest.raises(Conflict, match="is still being made"):
            await plans.apply(made.id, scene.by())
        await plans.keep(made.id, [page(APP, 0, True)])
        await plans.clear(made.id)
        pages = [page(APP, 0, True, False), page(APP, 1, False), page(WEB, 0, True, True)]
        await plans.keep(made.id, pages)
        figures = PlanFigures(
            rules=(RuleVersion("team", "builds", 3),),
            brake=50,
            repositories=2,
            tags=5,
            manifests=1,
            deleted_tags=3,
            deleted_manifests=1,
            bytes=7,
            shared=5,
        )
        await plans.planned(made.id, figures, scene.by())
        await plans.has_job(made.id, 9)
        found = await plans.get(made.id)
        assert found is not None
        assert (found.state, found.figures, found.job) == (PlanState.PLANNED, figures, 9)
        assert found.figures.is_over_brake
        assert await plans.pages(made.id, ("", 0), 2) == tuple(pages[:2])
        assert await plans.pages(made.id, (APP, 0), 9) == tuple(pages[1:])
        assert await plans.pages(made.id, ("", 0), 9, deletes=True) == (pages[0], pages[2])
        applying = await plans.apply(made.id, scene.by("bob"))
        assert (applying.state, applying.applied_by, applying.applied_at) == (PlanState.APPLYING, "bob", START)
        assert await plans.apply(made.id, scene.by("eve")) == applying
        assert await plans.open(made.id, 9) == (pages[0], pages[2])
        for _ in range(2):  # the second time says nothing new
            await plans.did(made.id, [PageDone(pages[0], 1, 0)])
        await plans.did(made.id, [PageDone(pages[0], 1, 0), PageDone(pages[2], 1, 1)])
        assert await plans.open(made.id, 9) == ()
        done = await plans.applied(made.id, scene.by("bob"))
        assert (done.state, done.done, done.skipped, done.ended_at) == (PlanState.APPLIED, 2, 1, START)
        assert await plans.applied(made.id, scene.by("bob")) == done
        with pytest.raises(Conflict, match="was applied already"):
            await plans.apply(made.id, scene.by())
        told = [event.kind for event in await catalog.outbox.events(0, 100)]
        assert told == [EventKind.RETENTION_PLANNED, EventKind.RETENTION_BEGUN, EventKind.RETENTION_APPLIED]
        assert await scene.findings() == []

    async def test_plans_are_listed_newest_first_and_forgotten_when_old(self, catalog: Catalog) -> None:
        scene, plans = Scene(catalog), catalog.retention.plans
        made = []
        for path in ("team", "", "team"):
            made.append((await plans.add(path, scene.by())).id)
            scene.at += SECOND
        await plans.keep(made[0], [page(APP, 0, True)])
        listed = await plans.page(PageRequest(2))
        assert ([plan.id for plan in listed.items], listed.more) == ([made[2], made[1]], True)
        listed = await plans.page(PageRequest(2, str(made[1])))
        assert [plan.id for plan in listed.items] == [made[0]]
        listed = await plans.page(PageRequest(9), "team")
        assert [plan.id for plan in listed.items] == [made[2], made[0]]
        assert await plans.forget(START + SECOND, 9) == 1
        assert await plans.get(made[0]) is None
        assert await plans.pages(made[0], ("", 0), 9) == ()
        with pytest.raises(NotFound, match="there is no plan"):
            await plans.apply(made[0], scene.by())


class InUseKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_what_is_in_use_until_it_expires(self, catalog: Catalog) -> None:
        scene, in_use = Scene(catalog), catalog.retention.in_use
        digests = [ONE.digest, TWO.digest, BOTH.digest]
        assert await in_use.among(APP, digests, START) == {}
        await in_use.put("team", "prod-1", [ONE.digest, ONE.digest], START + HOUR, scene.by())
        await in_use.put("web", "prod-2", [TWO.digest], START + HOUR, scene.by())
        await in_use.put("", "prod-3", [BOTH.digest], START + HOUR, scene.by())
        assert await in_use.among(APP, digests, START) == {
            ONE.digest: "prod-1 of team/ runs it",
            BOTH.digest: "prod-3 of / runs it",
        }
        assert await in_use.among(APP, digests, START + HOUR) == {}
        made = await in_use.put("team", "prod-1", [TWO.digest], START + 2 * HOUR, scene.by("bob"))
        assert (made.digests, made.posted_by, made.expires_at) == (1, "bob", START + 2 * HOUR)
        assert await in_use.get("team", "prod-1") == made
        assert (await in_use.among(APP, digests, START)).keys() == {TWO.digest, BOTH.digest}
        assert [one.key for one in (await in_use.page(PageRequest(2))).items] == [":prod-3", "team:prod-1"]
        assert [one.key for one in (await in_use.page(PageRequest(2, "team:prod-1"))).items] == ["web:prod-2"]
        assert [one.key for one in (await in_use.page(PageRequest(2), "web")).items] == ["web:prod-2"]
        await in_use.remove("team", "prod-1", scene.by())
        assert await in_use.get("team", "prod-1") is None
        with pytest.raises(NotFound, match="nothing named prod-1 is in use at team/"):
            await in_use.remove("team", "prod-1", scene.by())
        assert await in_use.forget(START + HOUR, 9) == 0
        assert await in_use.forget(START + HOUR + 1, 1) == 1
        assert await in_use.forget(START + HOUR + 1, 9) == 1
        assert (await in_use.page(PageRequest(2))).items == ()
        assert await scene.findings() == []
        kinds = {event.kind for event in await catalog.outbox.events(0, 100)}
        assert kinds == {EventKind.IN_USE_SET, EventKind.IN_USE_REMOVED}
