"""What every catalog keeps to about what is pushed into quarantine (ports.held)."""

import asyncio

import pytest

from orlop.domain.access.spans import EVERYTHING, NameSpan
from orlop.domain.errors import Conflict, ManifestUnknown
from orlop.domain.events import EventKind
from orlop.domain.labels import LabelChange, Term
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.ports.catalog import Catalog, ManifestPush
from orlop.ports.held import HeldPush, HeldState
from orlop.ports.retention import Wanted
from orlop.ports.search import Sought
from orlop.ports.terms import Terms
from orlop.ports.trash import Asked
from tests.content import Pushable, image, index
from tests.contract import insides
from tests.contract.scene import APP, V1, V2, WEB, Scene
from tests.volume import volume

ONE, TWO = image("one"), image("two")
KEPT = Terms(trash=1_000_000)
PAGE = PageRequest(100)


async def put(scene: Scene, name: RepositoryName, what: Pushable, *tags: Tag) -> bool:
    """Push a manifest, with its blobs, to where what is pushed is held; whether it is."""
    await scene.hold_missing(name, what)
    push = ManifestPush(name, what.digest, what.content, what.manifest, tags, held=True)
    return await scene.catalog.manifests.put(push, scene.by())


async def held(scene: Scene, what: Pushable, *tags: Tag, name: RepositoryName = APP) -> HeldPush:
    """Something that is pushed into quarantine."""
    assert await put(scene, name, what, *tags)
    found = await scene.catalog.held_pushes.of(name, what.digest)
    assert found is not None
    return found


async def target(catalog: Catalog, tag: Tag) -> str | None:
    found = await catalog.manifests.resolve(APP, tag)
    return found.digest if found is not None else None


async def waiting(catalog: Catalog, state: HeldState = HeldState.WAITING) -> list[str]:
    rows = await catalog.held_pushes.page((EVERYTHING,), state, 0, 10)
    return [row.digest for row in rows]


class HeldPushesKit:
    """Needs the fixture `catalog`: an empty one, for each test."""

    async def test_what_is_held_has_no_tag_until_it_is_let_out(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        two = await held(scene, TWO, V1, V2)
        assert (two.tags, two.expected[V1], two.expected[V2]) == ((V1, V2), ONE.digest, None)
        assert await target(catalog, V1) == ONE.digest
        assert await target(catalog, V2) is None
        assert await waiting(catalog) == [TWO.digest]
        scene.at += 5
        await catalog.held_pushes.release(two, Terms(), scene.by(), "it is fine")
        assert await target(catalog, V1) == await target(catalog, V2) == TWO.digest
        assert await catalog.held_pushes.of(APP, TWO.digest) is None
        done = await catalog.held_pushes.get(two.id)
        assert done is not None
        assert (done.state, done.decided_at, done.reason) == (HeldState.RELEASED, scene.at, "it is fine")
        assert await waiting(catalog) == []
        with pytest.raises(Conflict):
            await catalog.held_pushes.release(two, Terms(), scene.by())
        kinds = [event.kind for event in await catalog.outbox.events(0, 100)]
        assert kinds.count(EventKind.QUARANTINE_HELD) == kinds.count(EventKind.QUARANTINE_RELEASED) == 1

    async def test_what_is_shown_already_is_not_held_again(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        assert not await put(scene, APP, ONE, V2)
        assert await target(catalog, V2) == ONE.digest

    async def test_the_last_push_of_a_tag_takes_the_place_of_those_that_wait(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        one = await held(scene, ONE, V1, V2)
        two = await held(scene, TWO, V1)
        with pytest.raises(Conflict, match="was pushed again"):
            await catalog.held_pushes.release(one, Terms(), scene.by())
        now = await catalog.held_pushes.get(one.id)
        assert now is not None
        assert now.tags == (V2,)
        await catalog.held_pushes.release(two, Terms(), scene.by())
        await catalog.held_pushes.release(now, Terms(), scene.by())
        assert (await target(catalog, V1), await target(catalog, V2)) == (TWO.digest, ONE.digest)

    async def test_a_tag_that_was_set_meanwhile_is_not_moved(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        one = await held(scene, ONE, V1, V2)
        await scene.push(APP, TWO, V2)
        with pytest.raises(Conflict, match="changed meanwhile"):
            await catalog.held_pushes.release(one, Terms(), scene.by())
        assert await target(catalog, V1) is None
        assert await waiting(catalog) == [ONE.digest]

    async def test_what_is_refused_goes_into_the_trash_and_is_hidden_when_it_comes_back(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        one = await held(scene, ONE, V1)
        await catalog.held_pushes.refuse(one, KEPT, scene.by(), "not before Monday")
        assert await catalog.manifests.resolve(APP, ONE.digest) is None
        assert await waiting(catalog, HeldState.REFUSED) == [ONE.digest]
        with pytest.raises(ManifestUnknown):
            await catalog.held_pushes.refuse(one, KEPT, scene.by(), "again")
        again = await held(scene, ONE, V1)
        assert (again.state, again.reason) == (HeldState.WAITING, "")

    async def test_what_an_index_names_shares_its_fate(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        both = index("both", [ONE, TWO])
        await held(scene, ONE)
        await held(scene, TWO, V2)
        all_ = await held(scene, both, V1)
        assert await waiting(catalog) == [both.digest, TWO.digest]  # of the other nothing else is to be decided
        with pytest.raises(Conflict, match=f"it names {TWO.digest}, which waits as .* for {V2}"):
            await catalog.held_pushes.release(all_, Terms(), scene.by())
        assert (await target(catalog, V1), await waiting(catalog)) == (None, [both.digest, TWO.digest])
        await catalog.held_pushes.release(await found(catalog, TWO), Terms(), scene.by())
        await catalog.held_pushes.release(all_, Terms(), scene.by())
        assert await catalog.held_pushes.of(APP, ONE.digest) is None
        assert (await target(catalog, V1), await waiting(catalog)) == (both.digest, [])
        assert await let_out(catalog) == [(TWO.digest, V2, ""), (ONE.digest, "", ""), (both.digest, V1, "")]

    async def test_what_is_pushed_again_where_nothing_is_held_is_shown(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.held_pushes
        both = index("both", [ONE, TWO])
        for what in (ONE, TWO):
            await held(scene, what)
        waits = await held(scene, both, V1)
        await scene.push(APP, both, V1)
        assert (await target(catalog, V1), await waiting(catalog)) == (both.digest, [])
        for what in (both, ONE, TWO):
            assert await rows.of(APP, what.digest) is None
        done = await rows.get(waits.id)
        assert done is not None
        assert (done.state, done.reason) == (HeldState.RELEASED, "pushed again where nothing is held")
        told = await let_out(catalog)
        assert sorted(told) == sorted((what.digest, "", done.reason) for what in (both, ONE, TWO))
        assert told[-1][0] == both.digest, "what it names comes first"
        one = await held(scene, image("refused"), V2)
        await rows.refuse(one, KEPT, scene.by(), "no")
        with pytest.raises(Conflict):
            await rows.refuse(waits, KEPT, scene.by(), "too late")
        assert await target(catalog, V1) == both.digest

    @pytest.mark.parametrize("whole", [False, True])
    async def test_what_comes_back_out_of_the_trash_is_hidden_as_before(self, catalog: Catalog, *, whole: bool) -> None:
        scene = Scene(catalog)
        one = await held(scene, ONE, V1)
        if whole:
            await catalog.repositories.remove(APP, scene.by(), KEPT)
        else:
            await catalog.manifests.delete(APP, ONE.digest, scene.by(), KEPT)
        await catalog.trash.restore(Asked(APP, digest=ONE.digest), scene.by())
        again = await found(catalog, ONE)
        assert (again.state, again.tags, again.pushed_at) == (HeldState.WAITING, (V1,), one.pushed_at)
        assert await put(scene, APP, ONE, V2), "it waits still"
        assert await target(catalog, V2) is None

    async def test_a_tag_that_comes_back_points_at_nothing_that_waits(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await catalog.manifests.delete(APP, ONE.digest, scene.by(), KEPT)
        await held(scene, ONE, V1)
        async with scene.unchanged():
            with pytest.raises(Conflict, match="waits in quarantine in"):
                await catalog.trash.restore(Asked(APP, digest=ONE.digest), scene.by())
        await catalog.held_pushes.release(await found(catalog, ONE), Terms(), scene.by())
        assert await target(catalog, V1) == ONE.digest

    async def test_with_an_index_what_only_it_names_is_refused(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        both, alone = index("both", [ONE, TWO]), index("alone", [TWO])
        await held(scene, ONE)
        await held(scene, TWO)
        await held(scene, alone, V2)
        all_ = await held(scene, both, V1)
        await catalog.held_pushes.refuse(all_, KEPT, scene.by(), "no")
        assert await catalog.manifests.resolve(APP, ONE.digest) is None
        assert await catalog.manifests.resolve(APP, TWO.digest) is not None
        assert await waiting(catalog) == [alone.digest]
        assert await waiting(catalog, HeldState.REFUSED) == [both.digest]

    async def test_pages_are_of_a_place_the_last_first(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        one = await held(scene, ONE, V1)
        two = await held(scene, TWO, V1, name=WEB)
        rows = catalog.held_pushes
        assert [row.id for row in await rows.page((EVERYTHING,), HeldState.WAITING, 0, 1)] == [two.id]
        assert [row.id for row in await rows.page((EVERYTHING,), HeldState.WAITING, two.id, 9)] == [one.id]
        web = NameSpan(str(WEB), f"{WEB}!")
        assert [row.id for row in await rows.page((web,), HeldState.WAITING, 0, 9)] == [two.id]
        await catalog.manifests.delete(WEB, TWO.digest, scene.by(), KEPT)
        assert await rows.page((web,), HeldState.WAITING, 0, 9) == ()

    async def test_no_list_has_what_waits(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        says = image("of one", subject=ONE, annotations={"org.example.team": "blue"})
        await held(scene, says, V2)
        package = insides.package("both", "MIT")
        for what in (ONE, says):
            await insides.read(catalog, scene, what.digest, insides.held(package))
            await catalog.labels.change(APP, what.digest, LabelChange(sets={"team": "blue"}), scene.by())
        before = await lists(catalog, says)
        assert before == {name: (name != "untagged") * [ONE.digest] for name in before} | {
            "annotation": [],
            "digest": [],
            "referrers": [],
            "manifests": 1,
        }
        waits = await catalog.held_pushes.of(APP, says.digest)
        assert waits is not None
        await catalog.held_pushes.release(waits, Terms(), scene.by())
        both = sorted((ONE.digest, says.digest))
        assert await lists(catalog, says) == dict.fromkeys(before, both) | {
            "annotation": [says.digest],
            "digest": [says.digest],
            "referrers": [says.digest],
            "untagged": [],
            "manifests": 2,
        }
        loose = image("loose")
        assert await put(scene, APP, loose)
        assert (await lists(catalog, loose))["untagged"] == []
        await catalog.held_pushes.release(await found(catalog, loose), Terms(), scene.by())
        assert (await lists(catalog, loose))["untagged"] == [loose.digest]

    async def test_how_many_wait_and_since_when(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.held_pushes
        assert await rows.depth() == (0, 0)
        one = await held(scene, ONE, V1)
        scene.at += 7
        two = await held(scene, TWO, V2)
        assert await rows.depth() == (2, one.pushed_at)
        await rows.release(one, Terms(), scene.by())
        assert await rows.depth() == (1, two.pushed_at)
        await catalog.manifests.delete(APP, TWO.digest, scene.by(), KEPT)
        assert await rows.depth() == (0, 0), "what lies in the trash does not wait"

    async def test_what_was_pushed_again_is_decided_of_as_it_is_now(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.held_pushes
        one = await held(scene, ONE, V1)
        scene.at += 5
        again = await held(scene, ONE, V1)
        assert again.id == one.id
        assert await rows.released(APP, ONE.digest) is None
        for decide in (rows.release(one, Terms(), scene.by()), rows.refuse(one, KEPT, scene.by(), "no")):
            with pytest.raises(Conflict, match="was pushed again"):
                await decide
        await rows.release(again, Terms(), scene.by())
        released = await rows.released(APP, ONE.digest)
        assert released is not None
        assert (released.id, released.pushed_at, released.state) == (one.id, again.pushed_at, HeldState.RELEASED)
        assert await rows.released(WEB, ONE.digest) is None

    async def test_one_decision_counts_of_those_that_race(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.held_pushes
        for number in range(volume(3, 30)):
            what = image(f"raced {number}")
            waits = await held(scene, what, Tag(f"t{number}"))
            done = await asyncio.gather(
                rows.release(waits, Terms(), scene.by("ann")),
                rows.refuse(waits, KEPT, scene.by("bob"), "no"),
                rows.release(waits, Terms(), scene.by("eve")),
                return_exceptions=True,
            )
            lost = [one for one in done if one is not None]
            assert len(lost) == 2
            assert all(isinstance(one, Conflict | ManifestUnknown) for one in lost), lost
            decided = await rows.get(waits.id)
            assert decided is not None
            there = await target(catalog, Tag(f"t{number}"))
            if decided.state is HeldState.RELEASED:
                assert (there, decided.decided_by in {"ann", "eve"}) == (what.digest, True)
            else:
                assert (there, decided.decided_by) == (None, "bob")
                assert await catalog.manifests.resolve(APP, what.digest) is None

    async def test_a_release_and_a_push_of_its_tag_leave_the_last_push(self, catalog: Catalog) -> None:
        """Whichever is first: no earlier build comes out after a later one."""
        scene, rows = Scene(catalog), catalog.held_pushes
        for number in range(volume(3, 30)):
            tag = Tag(f"t{number}")
            earlier, later = image(f"earlier {number}"), image(f"later {number}")
            waits = await held(scene, earlier, tag)
            await scene.hold_missing(APP, later)
            push = ManifestPush(APP, later.digest, later.content, later.manifest, (tag,), held=True)
            done = await asyncio.gather(
                rows.release(waits, Terms(), scene.by()),
                catalog.manifests.put(push, scene.by()),
                return_exceptions=True,
            )
            assert done[1] is True, "it waits"
            assert done[0] is None or isinstance(done[0], Conflict), done
            last = await found(catalog, later)
            await rows.release(last, Terms(), scene.by())
            assert await target(catalog, tag) == later.digest
            before = await rows.get(waits.id)
            assert before is not None
            if before.state is HeldState.WAITING:
                assert before.tags == ()

    async def test_its_events_say_what_happened(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.held_pushes
        one = await held(scene, ONE, V1, V2)
        two = await held(scene, TWO)
        await rows.release(one, Terms(), scene.by("ann"), "looked at it")
        await rows.refuse(two, KEPT, scene.by("bob"), "not before Monday")
        told = [
            (event.kind, event.actor, event.repository, event.digest, event.tag, event.detail)
            for event in await catalog.outbox.events(0, 1_000)
            if event.kind.value.startswith("quarantine.") or event.kind is EventKind.TAG_SET
        ]
        assert told == [
            (EventKind.QUARANTINE_HELD, "alice", APP, ONE.digest, V1, ""),
            (EventKind.QUARANTINE_HELD, "alice", APP, TWO.digest, "", ""),
            (EventKind.TAG_SET, "ann", APP, ONE.digest, V1, ""),
            (EventKind.TAG_SET, "ann", APP, ONE.digest, V2, ""),
            (EventKind.QUARANTINE_RELEASED, "ann", APP, ONE.digest, V1, "looked at it"),
            (EventKind.QUARANTINE_REFUSED, "bob", APP, TWO.digest, "", "not before Monday"),
        ]

    async def test_retention_knows_what_waits(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        two = await held(scene, TWO, V2)
        inventories = catalog.retention.inventories
        before = await inventories.of(APP, Wanted())
        assert before is not None
        assert (before.waiting, before.manifests.keys()) == ({TWO.digest}, {ONE.digest, TWO.digest})
        await catalog.held_pushes.refuse(two, KEPT, scene.by(), "no")
        after = await inventories.of(APP, Wanted())
        assert after is not None
        assert (after.waiting, after.manifests.keys()) == (set(), {ONE.digest})


async def found(catalog: Catalog, what: Pushable) -> HeldPush:
    """What waits as this."""
    waits = await catalog.held_pushes.of(APP, what.digest)
    assert waits is not None
    return waits


async def let_out(catalog: Catalog) -> list[tuple[str, str, str]]:
    """What events say came out: the digest, the tag and why."""
    events = await catalog.outbox.events(0, 1_000)
    return [(event.digest, event.tag, event.detail) for event in events if event.kind is EventKind.QUARANTINE_RELEASED]


async def lists(catalog: Catalog, what: Pushable) -> dict[str, object]:
    """The digests of everything that lists manifests of a repository, and how many it has."""
    search, holding = catalog.search, catalog.advisories.holding
    sought = {
        "label": Sought("label", "blue", key="team"),
        "annotation": Sought("annotation", "blue", key="org.example.team"),
        "digest": Sought("manifest", what.digest[:30]),
    }
    told: dict[str, object] = {}
    for name, one in sought.items():
        rare = sorted(row.digest for row in await search.rare(one, 9))
        assert rare == sorted(row.digest for row in await search.within(one, (EVERYTHING,), ("", ""), 9)), name
        told[name] = rare
    terms = (Term("team", "blue"),), (Term("team", None),)
    by_value, by_key = [await catalog.labels.having(each, EVERYTHING, ("", ""), 9) for each in terms]
    assert by_value == by_key
    told["labelled"] = sorted(one.digest or "" for one in by_key)
    told["referrers"] = [one.digest for one in (await catalog.browse.referrers(APP, ONE.digest, None, PAGE)).items]
    told["untagged"] = [one.digest for one in (await catalog.holdings.untagged(APP, PAGE)).items]
    packages = [one.id for one in await holding.asked("both", "", 9)]
    licences = [one.id for one in await holding.licences("mit", "mit~", 9)]
    for name, rare_, along in (
        ("holds", await holding.rare(packages, 9), await holding.along(packages, [APP], ("", ""), 9)),
        (
            "licensed",
            await holding.rare_licensed(licences, 9),
            await holding.along_licensed(licences, [APP], ("", ""), 9),
        ),
    ):
        assert sorted(one.digest for one in rare_ or ()) == sorted(one.place.digest for one in along if one.holds)
        told[name] = sorted(one.digest for one in rare_ or ())
    counted = await catalog.holdings.of(APP)
    told["manifests"] = counted.manifests if counted is not None else 0
    return told
