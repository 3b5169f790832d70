"""What every catalog keeps to about promotions (ports.promotion.Promotions)."""

import asyncio
from functools import partial
from typing import Any

import msgspec
import pytest

from orlop.domain.errors import Conflict, Denied, ManifestBlobUnknown, ManifestUnknown, NameUnknown, NotFound, Stale
from orlop.domain.events import EventKind
from orlop.domain.manifest import parse_manifest
from orlop.domain.names import RepositoryName, Tag, referrers_tags
from orlop.domain.pages import PageRequest
from orlop.domain.promotion.promotion import GatePassed, NewPromotion, PromotedImage, PromotionState
from orlop.domain.quotas import Room, Usage
from orlop.ports.boards import StandingTag
from orlop.ports.catalog import FREELY, Catalog, ManifestPush, Terms
from orlop.ports.clock import HOUR
from orlop.ports.promotion import AlongPipeline, Move, PromotionOutcome
from tests.content import Pushable, artifact, image, index
from tests.contract.scene import START, V1, V2, Scene

DEV, PROD, DB = RepositoryName("dev/app"), RepositoryName("prod/app"), RepositoryName("prod/db")
ONE, TWO = image("one"), image("two", ["base", "two-layer"])
BOTH = index("both", [ONE, TWO])


def promoted(what: Pushable, tag: Tag | None = V1, target: RepositoryName = PROD) -> PromotedImage:
    return PromotedImage(DEV, tag, what.digest, target, tag)


def asked(*images: PromotedImage, needed: int = 0, expires_at: int = START + HOUR) -> NewPromotion:
    return NewPromotion(
        path="",
        pipeline="app",
        source="dev",
        stage="prod",
        images=images,
        asked_id=7,
        needed=needed,
        expires_at=expires_at,
    )


def automatic(*images: PromotedImage, needed: int = 0) -> NewPromotion:
    return msgspec.structs.replace(asked(*images, needed=needed), automatic=True, due_at=START)


async def done(scene: Scene, *images: PromotedImage, terms: Terms = FREELY) -> PromotionOutcome:
    rows = scene.catalog.promotions
    moves = [Move(one, await rows.beside(one.repository, one.digest), terms) for one in images]
    return await rows.carry_out(asked(*images), moves, scene.by())


async def tags(catalog: Catalog, repository: RepositoryName) -> dict[Tag, str]:
    names = (await catalog.browse.tags(repository, PageRequest())).items
    found = {name: await catalog.manifests.resolve(repository, name) for name in names}
    return {name: each.digest for name, each in found.items() if each is not None}


class BoardsKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_a_board_has_the_tag_that_was_set_last_and_no_signatures(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(DEV, ONE, V1)
        await scene.push(DEV, TWO, V2)
        await scene.push(DEV, artifact("a signature of cosign"), referrers_tags(TWO.digest)[1])
        await scene.push(DEV, index("listed", [artifact("listed for two")]), referrers_tags(TWO.digest)[0])
        await scene.push(DB, ONE)
        found = await catalog.boards.newest([DEV, DB, PROD])
        assert {name: (one.tag, one.digest) for name, one in found.items()} == {DEV: (V2, TWO.digest)}
        await Scene(catalog, at=START + HOUR, first=100).push(DEV, TWO, V1)
        assert (await catalog.boards.newest([DEV]))[DEV].tag == V1
        standing = await catalog.boards.tagged(DEV, V2)
        assert standing is not None
        assert standing.digest == TWO.digest
        assert await catalog.boards.tagged(PROD, V2) is None

    async def test_a_board_has_the_repositories_anywhere_below_a_stage(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        names = [RepositoryName(name) for name in ("dev/app", "dev/app-b", "dev/team/app", "dev2/app", "developer")]
        for name in names:
            await scene.push(name, ONE, V1)
        assert await catalog.boards.repositories("dev", "", 10) == tuple(sorted(names[:3]))
        assert await catalog.boards.repositories("dev", "app", 1) == (names[1],)
        assert await catalog.boards.repositories("dev", "team/app", 10) == ()

    async def test_a_digest_stands_where_it_is_held_by_the_tag_that_was_set_last(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(DEV, ONE, V1)
        await Scene(catalog, at=START + HOUR, first=100).push(DEV, ONE, V2)
        await scene.push(DEV, TWO)
        await scene.push(DB, TWO, V1)
        wanted = {(place, what.digest) for place in (DEV, DB, PROD) for what in (ONE, TWO)}
        found = await catalog.boards.holding(wanted)
        assert found == {
            (DEV, ONE.digest): StandingTag(V2, ONE.digest, START + HOUR),
            (DEV, TWO.digest): StandingTag("", TWO.digest, START),
            (DB, TWO.digest): StandingTag(V1, TWO.digest, START),
        }
        assert await catalog.boards.holding({(DB, ONE.digest)}) == {}
        assert await catalog.boards.holding(()) == {}

    async def test_a_board_has_what_waits_along_its_pipeline(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.promotions
        await scene.push(DEV, ONE, V1)
        first = await rows.ask(asked(promoted(ONE), needed=1), scene.by())
        other = msgspec.structs.replace(asked(promoted(ONE, V2), needed=1), pipeline="another")
        await rows.ask(other, scene.by())
        last = await rows.ask(asked(promoted(ONE, V2), needed=1), scene.by())
        elsewhere = msgspec.structs.replace(promoted(ONE, Tag("v3")), target=DB)
        there = await rows.ask(asked(elsewhere, needed=1), scene.by())
        waiting = partial(catalog.boards.waiting, "", "app")
        assert [one.id for one in await waiting([PROD, DEV], 10)] == [last.id, first.id]
        assert [one.id for one in await waiting([PROD], 1)] == [last.id]
        assert [one.id for one in await waiting([DB], 1)] == [there.id]
        assert await waiting([], 10) == ()
        await rows.end(last.id, PromotionState.REFUSED, "no", scene.by())
        assert await waiting([PROD], 10) == (first,)
        assert await catalog.boards.waiting("elsewhere", "app", [PROD], 10) == ()


class PromotionsKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_an_image_goes_with_its_children_and_all_that_refers_to_them(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(DEV, BOTH, V1)
        of_index = artifact("signature of both", subject=BOTH)
        of_child = artifact("sbom of two", subject=TWO)
        of_sbom = artifact("signature of the sbom", subject=of_child)
        beside = artifact("a signature of cosign")
        fallback = index("listed", [artifact("listed for one")])
        for what in (of_index, of_child, of_sbom):
            await scene.push(DEV, what)
        signed, listed = referrers_tags(BOTH.digest)[1], referrers_tags(ONE.digest)[0]
        await scene.push(DEV, beside, signed)
        await scene.push(DEV, fallback, listed)
        await scene.push(DEV, image("of nobody"), V2)
        outcome = await done(scene, promoted(BOTH))
        assert outcome.promotion is not None
        assert (outcome.promotion.state, outcome.manifests) == (PromotionState.DONE, 9)
        assert await tags(catalog, PROD) == {V1: BOTH.digest, signed: beside.digest, listed: fallback.digest}
        for subject in (BOTH, TWO, of_child):
            here, there = [
                await catalog.browse.referrers(name, subject.digest, None, PageRequest()) for name in (DEV, PROD)
            ]
            assert here.items == there.items
            assert here.items
        for what in (BOTH, ONE, TWO, of_index, of_child, of_sbom, beside, fallback):
            first, second = [await catalog.manifests.resolve(name, what.digest) for name in (DEV, PROD)]
            assert first is not None
            assert second is not None
            assert (first.content, first.media_type) == (second.content, second.media_type)
            for piece in what.blobs:
                assert await catalog.links.find(PROD, piece.digest) is not None
                assert await scene.loose(PROD, piece.digest) is None
        assert await scene.findings() == []

    async def test_what_is_there_already_is_done_with(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(DEV, ONE, V1)
        first = await done(scene, promoted(ONE))
        assert first.promotion is not None
        assert first.promotion.images[0].moved
        async with scene.unchanged():
            assert (await done(scene, promoted(ONE))).promotion is None
        await scene.push(DEV, artifact("signed later", subject=ONE))
        again = await done(scene, promoted(ONE))
        assert again.promotion is not None
        assert (again.manifests, again.promotion.images[0].moved) == (1, False)
        assert await scene.findings() == []

    async def test_all_of_several_or_nothing(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(DEV, ONE, V1)
        await scene.push(DEV, TWO, V2)
        fixed = Terms(tag={V2: Denied("not that one")})
        async with scene.unchanged():
            with pytest.raises(Denied, match="not that one"):
                await done(scene, promoted(ONE), promoted(TWO, V2, DB), terms=fixed)
        outcome = await done(scene, promoted(ONE), promoted(TWO, V2, DB))
        assert outcome.promotion is not None
        assert [one.target for one in outcome.promotion.images] == [PROD, DB]
        assert (await tags(catalog, PROD), await tags(catalog, DB)) == ({V1: ONE.digest}, {V2: TWO.digest})
        assert await scene.findings() == []

    async def test_terms_refuse_before_anything_is_written(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(DEV, ONE, V1)
        refused = Denied("no")
        room = (Room("small", "prod", Usage(stored_bytes=10)),)
        for terms in (Terms(create=refused), Terms(content=refused), Terms(tag={V1: refused}), Terms(room=room)):
            async with scene.unchanged():
                with pytest.raises(Denied):
                    await done(scene, promoted(ONE), terms=terms)
        await scene.push(PROD, TWO, V1)
        async with scene.unchanged():
            with pytest.raises(Denied, match="no"):
                await done(scene, promoted(ONE), terms=Terms(overwrite={V1: refused}))
        # Room of a place above several targets is for all of them together.
        sizes = sum(len(piece.content) for piece in ONE.blobs) + len(ONE.content)
        shared = (Room("small", "prod", Usage(logical_bytes=sizes * 2 + len(TWO.content) * 2)),)
        async with scene.unchanged():
            with pytest.raises(Denied, match="the quota small of prod/"):
                await done(
                    scene,
                    *(promoted(ONE, V2, RepositoryName(f"prod/n{number}")) for number in range(9)),
                    terms=Terms(room=shared),
                )

    async def test_what_the_source_lacks_is_not_promoted(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(DEV, ONE, V1)
        with pytest.raises(ManifestUnknown):
            await catalog.promotions.beside(DEV, TWO.digest)
        with pytest.raises(NameUnknown):
            await catalog.promotions.beside(DB, ONE.digest)
        async with scene.unchanged():
            with pytest.raises(ManifestUnknown):
                await catalog.promotions.carry_out(asked(promoted(TWO)), [Move(promoted(TWO), (), FREELY)], scene.by())
        # A cache has what was pulled through it alone.
        lazy = Scene(catalog, first=50, cache="dev")
        part, whole = RepositoryName("dev/cached"), image("cached", ["base", "not fetched"])
        await _lazily(lazy, part, whole)
        moved = msgspec.structs.replace(promoted(whole), repository=part)
        with pytest.raises(ManifestBlobUnknown, match="dev/cached does not hold"):
            await done(scene, moved)

    async def test_what_waits_in_quarantine_neither_leaves_nor_gets_a_tag(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(DEV, ONE, V1)
        signature = artifact("held", subject=ONE)
        for what, name, tag in ((TWO, DEV, V2), (signature, DEV, None), (TWO, PROD, V2)):
            await scene.hold_missing(name, what)
            tagged = (tag,) if tag is not None else ()
            push = ManifestPush(name, what.digest, what.content, what.manifest, tagged, held=True)
            assert await catalog.manifests.put(push, scene.by())
        assert (await done(scene, promoted(ONE))).manifests == 1  # and not what refers to it, and is hidden
        assert await catalog.manifests.resolve(PROD, signature.digest) is None
        async with scene.unchanged():
            with pytest.raises(ManifestUnknown):
                await done(scene, promoted(TWO, V2))
            within = PromotedImage(PROD, V2, TWO.digest, PROD, V1)
            with pytest.raises((Conflict, ManifestUnknown)):
                await done(scene, within)
        other = RepositoryName("staging/app")
        await scene.push(other, TWO, V2)
        async with scene.unchanged():
            with pytest.raises(Conflict, match="waits in quarantine in prod/app"):
                await done(scene, PromotedImage(other, V2, TWO.digest, PROD, V2))

    async def test_a_tag_beside_moves_along_the_history_of_the_source_alone(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(DEV, ONE, V1)
        signed = referrers_tags(ONE.digest)[1]
        first, second, own = artifact("first"), artifact("second"), artifact("of prod")
        await scene.push(DEV, first, signed)
        await done(scene, promoted(ONE))
        await scene.push(DEV, second, signed)
        await done(scene, promoted(ONE))
        assert (await tags(catalog, PROD))[signed] == second.digest
        await scene.push(PROD, own, signed)
        await done(scene, promoted(ONE))
        assert (await tags(catalog, PROD))[signed] == own.digest
        late = referrers_tags(ONE.digest)[2]
        await scene.push(DEV, artifact("attested"), late)
        with pytest.raises(Stale, match="was set meanwhile"):
            await catalog.promotions.carry_out(
                asked(promoted(ONE)), [Move(promoted(ONE), (signed,), FREELY)], scene.by()
            )
        assert await scene.findings() == []

    async def test_one_that_waits_is_done_once(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.promotions
        await scene.push(DEV, ONE, V1)
        waiting = await rows.ask(asked(promoted(ONE), needed=2), scene.by())
        assert (await rows.ask(asked(promoted(ONE), needed=2), scene.by())).id == waiting.id
        await rows.approve(waiting.id, 3, scene.by("bob"))
        await rows.approve(waiting.id, 3, scene.by("bob"))
        approved = await rows.approve(waiting.id, 4, scene.by("carol"))
        assert [(each.account, each.name) for each in approved.approvals] == [(3, "bob"), (4, "carol")]
        await scene.push(DEV, TWO, V1)  # the digest that was shown is what is promoted
        moves = [Move(one, (), FREELY) for one in approved.images]
        outcomes = await asyncio.gather(
            *(rows.carry_out(approved, moves, scene.by()) for _ in range(4)), return_exceptions=True
        )
        stale = [one for one in outcomes if isinstance(one, Stale)]
        assert len(stale) == 3
        assert all(f"promotion {waiting.id} is done" in str(one) for one in stale)
        assert await tags(catalog, PROD) == {V1: ONE.digest}
        for ended in (
            rows.approve(waiting.id, 5, scene.by()),
            rows.end(waiting.id, PromotionState.REFUSED, "late", scene.by()),
        ):
            with pytest.raises(Stale):
                await ended
        with pytest.raises(NotFound):
            await rows.approve(999, 5, scene.by())
        kinds = [event.kind for event in await catalog.outbox.events(0, 1_000) if "promot" in event.kind]
        assert kinds == [
            EventKind.PROMOTION_ASKED,
            EventKind.PROMOTION_APPROVED,
            EventKind.PROMOTION_APPROVED,
            EventKind.IMAGE_PROMOTED,
        ]

    async def test_what_gates_said_is_kept_by_image(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.promotions
        await scene.push(DEV, ONE, V1)
        await scene.push(DEV, TWO, V2)
        said = (GatePassed("signed", "prod", "enforce"), GatePassed("fresh", "", "warn", "it is old"))
        images = promoted(ONE), promoted(TWO, V2)
        moves = [Move(images[0], (), FREELY), Move(images[1], (), FREELY, said)]
        outcome = await rows.carry_out(asked(*images), moves, scene.by())
        assert outcome.promotion is not None
        assert await rows.gates(outcome.promotion.id) == ((), said)
        other = await done(scene, promoted(ONE, V2, DB))
        assert other.promotion is not None
        assert await rows.gates(other.promotion.id) == ()
        assert await rows.gates(999) == ()
        events = await catalog.outbox.events(0, 1_000)
        of_it = {(event.kind, event.repository) for event in events if event.subject == "promotion 1"}
        assert of_it == {(EventKind.IMAGE_PROMOTED, PROD), (EventKind.MANIFEST_PUSHED, PROD)}

    async def test_concurrent_ones_into_one_place_do_not_mix(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(DEV, ONE, V1)
        await scene.push(DEV, TWO, V2)
        moves = [promoted(ONE), promoted(TWO, V2), promoted(ONE, V2, DB), promoted(TWO, V1, DB)] * 2
        await asyncio.gather(*(done(scene, move) for move in moves))
        assert await tags(catalog, PROD) == {V1: ONE.digest, V2: TWO.digest}
        assert await tags(catalog, DB) == {V2: ONE.digest, V1: TWO.digest}
        assert len((await catalog.promotions.page(PageRequest())).items) == 4
        assert await scene.findings() == []

    async def test_what_is_rolled_back_points_where_it_did(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.promotions
        await scene.push(DEV, ONE, V1)
        await scene.push(DEV, TWO, V2)
        await done(scene, promoted(ONE))
        moved = await done(scene, msgspec.structs.replace(promoted(TWO, V2), target_tag=V1))
        assert moved.promotion is not None
        assert moved.promotion.images[0].previous == ONE.digest
        newest = await rows.newest(PROD)
        assert newest == moved.promotion
        back = await rows.roll_back(newest, [FREELY], "it broke", scene.by())
        assert (back.state, back.why) == (PromotionState.ROLLED_BACK, "it broke")
        assert await tags(catalog, PROD) == {V1: ONE.digest}
        with pytest.raises(Stale):
            await rows.roll_back(newest, [FREELY], "again", scene.by())
        first = await rows.newest(PROD)
        assert first is not None
        await scene.push(PROD, TWO, V1)
        with pytest.raises(Stale):
            await rows.roll_back(first, [Terms(expected={V1: ONE.digest})], "changed since", scene.by())
        await scene.push(PROD, ONE, V1)
        await rows.roll_back(first, [Terms(expected={V1: ONE.digest})], "all of it", scene.by())
        assert await tags(catalog, PROD) == {}
        assert await rows.newest(PROD) is None
        assert await scene.findings() == []

    async def test_what_waits_for_a_time_is_due_then(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.promotions
        await scene.push(DEV, ONE, V1)
        waiting = await rows.ask(asked(promoted(ONE), needed=1), scene.by())
        assert await rows.due(START + 9 * HOUR, 10) == ()
        held = await rows.hold(waiting.id, START + 2 * HOUR)
        assert (held.due_at, held.expires_at) == (START + 2 * HOUR, START + 26 * HOUR)
        assert await rows.due(START + 2 * HOUR - 1, 10) == ()
        assert await rows.due(START + 2 * HOUR, 10) == (held,)
        await rows.end(waiting.id, PromotionState.REFUSED, "no", scene.by())
        assert await rows.due(START + 2 * HOUR, 10) == ()
        with pytest.raises(Stale):
            await rows.hold(waiting.id, START + 3 * HOUR)

    async def test_those_along_a_pipeline_are_found_by_stage_state_and_image(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.promotions
        await scene.push(DEV, ONE, V1)
        await scene.push(DEV, TWO, V2)
        made = [
            await rows.ask(msgspec.structs.replace(asked(promoted(what, tag), needed=1), **more), scene.by())
            for what, tag in ((ONE, V1), (TWO, V2))
            for more in ({}, {"stage": "other"}, {"pipeline": "another"}, {"path": "elsewhere"})
        ]
        await rows.end(made[0].id, PromotionState.REFUSED, "no", scene.by())
        along = AlongPipeline(made[0].path, made[0].pipeline)
        into = msgspec.structs.replace(along, stage=made[0].stage)

        async def found(*which: Any) -> list[int]:
            return [made.index(one) for one in made if one.id in [e.id for e in (await rows.page(*which)).items]]

        everything = PageRequest()
        assert await found(everything, None, None, along) == [0, 1, 4, 5]
        assert await found(everything, None, None, into) == [0, 4]
        assert await found(everything, PromotionState.WAITING, None, along) == [1, 4, 5]
        assert await found(everything, PromotionState.REFUSED, None, into) == [0]
        assert await found(everything, PromotionState.WAITING, TWO.digest, into) == [4]
        assert await found(everything, None, TWO.digest, along) == [4, 5]
        pages = [await rows.page(PageRequest(2, after), None, None, along) for after in ("", str(made[4].id))]
        assert [[each.id for each in part.items] for part in pages] == [
            [made[5].id, made[4].id],
            [made[1].id, made[0].id],
        ]

    async def test_what_waits_for_too_long_ends(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.promotions
        await scene.push(DEV, ONE, V1)
        await scene.push(DEV, TWO, V2)
        one = await rows.ask(asked(promoted(ONE), needed=1), scene.by())
        two = await rows.ask(asked(promoted(TWO, V2), needed=1, expires_at=START + 2 * HOUR), scene.by())
        assert await rows.expire(START + HOUR, 10, scene.by("orlop")) == 1
        assert await rows.expire(START + HOUR, 10, scene.by("orlop")) == 0
        page = await rows.page(PageRequest(), PromotionState.WAITING)
        assert [each.id for each in page.items] == [two.id]
        found = await rows.get(one.id)
        assert found is not None
        assert (found.state, found.ended_by) == (PromotionState.EXPIRED, "orlop")
        assert await rows.get(999) is None
        pages = [await rows.page(PageRequest(1, after)) for after in ("", str(two.id), str(one.id))]
        assert [[each.id for each in part.items] for part in pages] == [[two.id], [one.id], []]


async def _lazily(scene: Scene, repository: RepositoryName, what: Pushable) -> None:
    """As a cache keeps a manifest before what it names."""
    manifest = parse_manifest(what.content, what.media_type)
    push = ManifestPush(repository, what.digest, what.content, manifest, lazy=True, terms=scene.terms)
    await scene.catalog.manifests.put(push, scene.by())

    async def test_what_nobody_asks_for_is_asked_for_once(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.promotions
        await scene.push(DEV, ONE, V1)
        new = automatic(promoted(ONE))
        made = await rows.ask_by_itself(new, scene.by("pipeline:app"))
        assert made is not None
        assert (made.automatic, made.asked_by, made.asked_id, made.due_at) == (True, "pipeline:app", 7, START)
        assert await rows.ask_by_itself(new, scene.by()) is None
        for state in (PromotionState.REFUSED, PromotionState.ROLLED_BACK):
            other = automatic(promoted(ONE, Tag(f"t{state}")))
            kept = await rows.ask_by_itself(other, scene.by())
            assert kept is not None
            await rows.end(kept.id, state, "why", scene.by())
            assert await rows.ask_by_itself(other, scene.by()) is None
        by_hand = await rows.ask(asked(promoted(ONE, V2), needed=1), scene.by())
        assert await rows.ask_by_itself(automatic(promoted(ONE, V2)), scene.by()) is None
        await rows.end(by_hand.id, PromotionState.EXPIRED, "nobody decided", scene.by())
        assert await rows.ask_by_itself(automatic(promoted(ONE, V2)), scene.by()) is not None

    async def test_asking_at_once_by_itself_keeps_one(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.promotions
        await scene.push(DEV, ONE, V1)
        found = await asyncio.gather(*(rows.ask_by_itself(automatic(promoted(ONE)), scene.by()) for _ in range(4)))
        assert len([one for one in found if one is not None]) == 1
        assert len((await rows.page(PageRequest())).items) == 1

    async def test_another_digest_of_a_tag_takes_the_place_of_what_waits(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.promotions
        await scene.push(DEV, ONE, V1)
        old = await rows.ask_by_itself(automatic(promoted(ONE)), scene.by())
        other = await rows.ask_by_itself(automatic(promoted(ONE, V2)), scene.by())
        by_hand = await rows.ask(asked(promoted(TWO), needed=1), scene.by())
        assert old is not None
        assert other is not None
        assert await rows.outdate("", "app", (DEV, V1), ONE.digest, scene.by()) == 0
        assert await rows.outdate("", "another", (DEV, V1), TWO.digest, scene.by()) == 0
        assert await rows.outdate("", "app", (DEV, V1), TWO.digest, scene.by()) == 1
        ended = await rows.get(old.id)
        assert ended is not None
        assert (ended.state, ended.why) == (PromotionState.EXPIRED, f"{DEV}:{V1} is {TWO.digest}")
        assert await rows.outdate("", "app", (DEV, V2), "", scene.by()) == 1
        assert [one.id for one in (await rows.page(PageRequest(), PromotionState.WAITING)).items] == [by_hand.id]

    async def test_what_nobody_asks_for_goes_no_further_than_its_tag(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.promotions
        await scene.push(DEV, ONE, V1)
        by_itself = await rows.ask_by_itself(automatic(promoted(ONE)), scene.by())
        approved = await rows.ask_by_itself(automatic(promoted(ONE, V2), needed=1), scene.by())
        assert by_itself is not None
        assert approved is not None
        await scene.push(DEV, TWO, V1)
        async with scene.unchanged():
            with pytest.raises(Conflict, match=f"{DEV}:{V1} does not point at it any more"):
                await rows.carry_out(by_itself, [Move(promoted(ONE), (), FREELY)], scene.by())
        done = await rows.carry_out(approved, [Move(promoted(ONE, V2), (), FREELY)], scene.by())
        assert done.promotion is not None, "people agreed to its digest"

    async def test_what_waits_by_itself_is_put_off_and_hastened(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.promotions
        await scene.push(DEV, ONE, V1)
        assert await rows.hasten((), START) == 0
        by_hand = await rows.ask(asked(promoted(ONE, V2), needed=1), scene.by())
        one = await rows.ask_by_itself(automatic(promoted(ONE)), scene.by())
        assert one is not None
        assert await rows.waiting() == (1, 1)
        assert [each.id for each in await rows.due(START, 10)] == [one.id]
        await rows.put_off(one, START + HOUR, "a gate refuses it")
        [found] = [each for each in (await rows.page(PageRequest())).items if each.id == one.id]
        assert (found.due_at, found.why) == (START + HOUR, "a gate refuses it")
        assert await rows.due(START, 10) == ()
        assert await rows.hasten([PROD], START + 1) == 0
        assert await rows.hasten([DB, DEV], START + 1) == 1
        assert [each.id for each in await rows.due(START + 1, 10)] == [one.id]
        await rows.put_off(found, START + HOUR, "late")  # it was hastened since
        assert [each.id for each in await rows.due(START + 1, 10)] == [one.id]
        assert await rows.hasten((), START + 2) == 1
        assert [each.id for each in await rows.due(START + 2, 10)] == [one.id]
        since = await rows.get(one.id)
        assert since is not None
        assert since.due_at <= START + 1, "what is due stays due since then: its stage may have opened then alone"
        await rows.end(one.id, PromotionState.REFUSED, "no", scene.by())
        assert await rows.hasten((), START + 3) == 0
        assert await rows.waiting() == (1, 0)
        assert (await rows.get(by_hand.id)) == by_hand
