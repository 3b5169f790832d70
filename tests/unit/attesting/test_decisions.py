"""What is said of a promotion, and of a push, is what the published schemas describe."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from orlop.domain.attesting.decisions import promotion_of
from orlop.domain.attesting.statements import DECISION_TYPE, RECEIPT_TYPE
from orlop.domain.events import Event, EventKind
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.promotion.promotion import GatePassed, NewPromotion, PromotedImage, Promotion
from orlop.ports.attesting import WantedStatement
from orlop.ports.catalog import ManifestPush
from orlop.ports.clock import HOUR
from orlop.ports.promotion import Move
from orlop.ports.terms import FREELY, Terms
from orlop.ports.trash import Asked
from tests.content import image, index
from tests.contract.scene import Scene
from tests.unit.attesting.attesting import Attests, attests

_FOLDER = Path(__file__).parents[3] / "docs" / "predicates"
SCHEMAS = {
    schema["$id"]: schema for schema in (json.loads(path.read_text()) for path in sorted(_FOLDER.glob("*.json")))
}
DEV, PROD = RepositoryName("team/dev/app"), RepositoryName("team/prod/app")
ONE, TWO = image("one"), image("two")


@pytest.fixture
def made(runner: asyncio.Runner) -> Iterator[Attests]:
    made = runner.run(attests())
    yield made
    made.api.close()


async def said(made: Attests) -> list[tuple[WantedStatement, Any]]:
    """What waits to be signed, which has to be as its schema says."""
    await made.follow()
    found = [one.wanted for one in await made.catalog.statements.due(made.clock.now(), 100)]
    for one in found:
        jsonschema.validate(json.loads(one.predicate), SCHEMAS[one.predicate_type])
    return [(one, json.loads(one.predicate)) for one in found]


def asked(*images: PromotedImage, bundle: str = "") -> NewPromotion:
    return NewPromotion(
        path="team", pipeline="app", source="dev", stage="prod", images=images, bundle=bundle, asked_id=7, needed=2
    )


async def promoted(made: Attests, bundle: str = "") -> Promotion:
    """Two images, the second past a gate that warned."""
    scene, rows = Scene(made.catalog, at=made.clock.now()), made.catalog.promotions
    images = []
    for tag, what in (("1", ONE), ("2", TWO)):
        await scene.push(DEV, what, Tag(tag))
        images.append(PromotedImage(DEV, Tag(tag), what.digest, PROD, Tag(tag)))
    waiting = await rows.ask(asked(*images, bundle=bundle), scene.by("ann"))
    for number, who in enumerate(("bob", "carol")):
        waiting = await rows.approve(waiting.id, 10 + number, scene.by(who))
    gates = (GatePassed("fresh", "team", "warn", "it is old"), GatePassed("signed", "", "enforce"))
    moves = [Move(images[0], (), FREELY), Move(images[1], (), FREELY, gates)]
    outcome = await rows.carry_out(waiting, moves, scene.by("ann"))
    assert outcome.promotion is not None
    return outcome.promotion


async def test_each_type_has_a_schema_of_its_own() -> None:
    assert set(SCHEMAS) == {RECEIPT_TYPE, DECISION_TYPE}


async def test_a_decision_names_who_wanted_and_allowed_it_and_what_gates_said(made: Attests) -> None:
    promotion = await promoted(made, bundle="release-42")
    found = [(one, each) for one, each in await said(made) if one.predicate_type == DECISION_TYPE]
    assert [(one.repository, one.digest) for one, _ in found] == [(PROD, ONE.digest), (PROD, TWO.digest)]
    first, second = (each for _, each in found)
    assert (first["promotion"], first["pipeline"]) == (promotion.id, {"name": "app", "path": "team"})
    assert (first["requestedBy"], first["approvalsNeeded"], first["bundle"]) == ("ann", 2, "release-42")
    assert [each["by"] for each in first["approvals"]] == ["bob", "carol"]
    assert first["from"] == {"stage": "dev", "repository": DEV, "tag": "1"}
    assert (first["decision"], first["gates"]) == ("promoted", [])
    assert second["gates"] == [
        {"name": "fresh", "path": "team", "mode": "warn", "verdict": "warned", "why": "it is old"},
        {"name": "signed", "path": "", "mode": "enforce", "verdict": "passed"},
    ]


async def test_what_a_promotion_brings_is_no_push_of_its_target(made: Attests) -> None:
    await promoted(made)
    receipts = [one.repository for one, _ in await said(made) if one.predicate_type == RECEIPT_TYPE]
    assert receipts == [DEV, DEV]


async def test_a_rollback_is_said_of_what_was_promoted_with_its_reason(made: Attests) -> None:
    promotion = await promoted(made)
    scene = Scene(made.catalog, at=made.clock.now())
    await made.catalog.promotions.roll_back(promotion, [FREELY, FREELY], "it is slow", scene.by("dave"))
    found = [each for one, each in await said(made) if one.predicate_type == DECISION_TYPE]
    assert [(each["decision"], each["decidedBy"], each.get("reason")) for each in found] == [
        *[("promoted", "ann", None)] * 2,
        *[("rolled back", "dave", "it is slow")] * 2,
    ]


async def test_nothing_is_said_where_the_rule_of_the_target_leaves_promotions_out(made: Attests) -> None:
    await made.rule("team/prod", promotions=False)
    await promoted(made)
    assert {one.predicate_type for one, _ in await said(made)} == {RECEIPT_TYPE}


async def test_what_the_trash_gives_back_or_a_cache_fetched_was_not_pushed(made: Attests) -> None:
    scene, repository = Scene(made.catalog, at=made.clock.now()), RepositoryName("team/app")
    await scene.push(repository, ONE, Tag("1"))
    assert len(await said(made)) == 1
    await made.catalog.manifests.delete(repository, ONE.digest, made.api.by, Terms(trash=HOUR))
    await made.api.desks.trash.restore(made.root, Asked(repository, digest=ONE.digest))
    await made.api.management.settings.put(made.root, "upstream", "far", {"url": "https://far.example"}, 0, "hub")
    await Scene(made.catalog, first=100, cache="hub").push(RepositoryName("hub/app"), TWO, Tag("1"))
    await made.push("team/app", TWO, "2")
    assert [one.digest for one, _ in await said(made)] == [ONE.digest, TWO.digest]


async def test_what_waits_in_quarantine_has_no_tag_for_it_and_a_receipt_of_its_release(made: Attests) -> None:
    scene, repository = Scene(made.catalog, at=made.clock.now()), RepositoryName("team/app")
    await scene.hold_missing(repository, ONE)
    push = ManifestPush(repository, ONE.digest, ONE.content, ONE.manifest, (Tag("1"),), held=True)
    assert await made.catalog.manifests.put(push, scene.by("bob"))
    scene.at += 7
    assert await made.catalog.manifests.put(push, scene.by("dave")), "whoever pushed it last is the one who pushed it"
    await said(made)
    assert await made.work() == "1 attested"
    assert (await made.referrers("team/app", ONE), await made.layers("team/app", ONE)) == (1, [])
    held = await made.catalog.held_pushes.of(repository, ONE.digest)
    assert held is not None
    await made.catalog.held_pushes.release(held, FREELY, scene.by("carol"), "looked at")
    ((_, receipt),) = await said(made)
    assert (receipt["pushedBy"], receipt["releasedBy"], receipt["digest"]) == ("dave", "carol", ONE.digest)
    assert (held.pushed_by, receipt["pushedAt"]) == ("dave", f"at {held.pushed_at}")
    assert await made.work() == "1 attested"
    assert (await made.referrers("team/app", ONE), len(await made.layers("team/app", ONE))) == (2, 1)


async def test_each_image_of_an_index_that_came_out_of_quarantine_has_a_receipt_below_its_tag(made: Attests) -> None:
    scene, repository, both = Scene(made.catalog, at=made.clock.now()), RepositoryName("team/app"), index("both", [ONE])
    for what, tags in ((ONE, ()), (both, (Tag("1"),))):
        await scene.hold_missing(repository, what)
        push = ManifestPush(repository, what.digest, what.content, what.manifest, tags, held=True)
        assert await made.catalog.manifests.put(push, scene.by("bob"))
    await said(made)
    await made.work()
    held = await made.catalog.held_pushes.of(repository, both.digest)
    assert held is not None
    await made.catalog.held_pushes.release(held, FREELY, scene.by("carol"), "looked at")
    receipts = [(each["digest"], each["pushedBy"], each["releasedBy"]) for _, each in await said(made)]
    assert receipts == [(ONE.digest, "bob", "carol"), (both.digest, "bob", "carol")]
    assert await made.work() == "2 attested"
    assert [len(await made.layers("team/app", what)) for what in (ONE, both)] == [1, 1]


def test_only_what_names_a_promotion_is_about_one() -> None:
    for subject, number in {"promotion 12": 12, "promotion 12 ": None, "promotion": None, "promotion -1": None}.items():
        assert promotion_of(Event(at=1, kind=EventKind.IMAGE_PROMOTED, subject=subject)) == number
