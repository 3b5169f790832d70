"""What every catalog keeps to about the trash (ports.trash)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from orlop.adapters.sql import leaving
from orlop.domain.access.spans import EVERYTHING
from orlop.domain.digest import Digest
from orlop.domain.durations import MINUTE
from orlop.domain.errors import Conflict, Denied, NotFound, Stale
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName, Tag, fallback_tag
from orlop.domain.pages import Page, PageRequest
from orlop.domain.quotas import Room, Usage
from orlop.ports.catalog import Catalog, Terms
from orlop.ports.clock import HOUR
from orlop.ports.retention import Wanted
from orlop.ports.trash import Asked, Purged, Restored, Trashed, TrashEntry, key_of
from tests.content import artifact, blob, image, index
from tests.contract.scene import APP, LIB, START, V1, V2, WEB, Scene

ONE, TWO = image("one"), image("two")
BOTH = index("both", [ONE, TWO])
INNER = index("inner", [ONE])
OUTER = index("outer", [INNER])
SBOM = artifact("sbom", subject=ONE)
SEAL = artifact("seal", subject=SBOM)
SIGNATURE = image("signature")

#: More blobs than one transaction takes, and some of them.
LARGE = image("large", [f"layer {number}" for number in range(230)])
HALF = image("half", [f"layer {number}" for number in range(0, 230, 23)])

KEPT = Terms(trash=HOUR)


class TrashKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_a_manifest_comes_back_with_its_tags_as_it_was(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1, V2)
        pull = await scene.pull(APP, V1)
        async with _in_and_out(scene):
            await catalog.manifests.delete(APP, ONE.digest, scene.by(), KEPT)
            assert await catalog.manifests.resolve(APP, ONE.digest) is None
            assert await catalog.manifests.resolve(APP, V1) is None
            assert (await catalog.vitals.totals()).manifests == 0
            [entry] = await _entries(catalog)
            assert entry == TrashEntry(
                number=entry.number,
                kind=Trashed.MANIFEST,
                name=APP,
                digest=ONE.digest,
                tags=(V1, V2),
                size=len(ONE.content) + sum(piece.size for piece in ONE.blobs),
                deleted_at=START,
                deleted_by="alice",
                expires_at=START + HOUR,
            )
            assert await catalog.trash.get(entry.number) == entry
            await scene.news()
            asked = Asked(APP, digest=ONE.digest)
            looked = await catalog.trash.look(asked)
            assert looked == Restored(Trashed.MANIFEST, (ONE.digest,), {V1: ONE.digest, V2: ONE.digest})
            assert await catalog.trash.restore(asked, scene.by(), planned=looked) == looked
        assert await scene.news() == [
            (EventKind.MANIFEST_PUSHED, APP, ONE.digest, ""),
            (EventKind.TAG_SET, APP, ONE.digest, V1),
            (EventKind.TAG_SET, APP, ONE.digest, V2),
            (EventKind.TRASH_RESTORED, APP, ONE.digest, ""),
        ]
        assert await scene.pull(APP, V1) == pull
        history = await catalog.history.history(APP, V1, 10)
        assert [change.digest for change in history] == [ONE.digest, None, ONE.digest]
        assert await _entries(catalog) == ()

    async def test_a_tag_alone_leaves_its_manifest_and_comes_back(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1, V2)
        async with _in_and_out(scene):
            await catalog.manifests.untag(APP, V1, scene.by(), KEPT)
            [entry] = await _entries(catalog)
            assert (entry.kind, entry.digest, entry.tags, entry.size) == (Trashed.TAG, ONE.digest, (V1,), 0)
            assert await catalog.manifests.resolve(APP, V2) is not None
            await _restore(scene, APP, V1)

    async def test_a_tag_that_went_before_its_manifest_brings_that_along(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        async with _in_and_out(scene):
            await catalog.manifests.untag(APP, V1, scene.by(), KEPT)
            await catalog.manifests.delete(APP, ONE.digest, scene.by(), KEPT)
            await _restore(scene, APP, V1)

    async def test_without_a_time_to_keep_all_is_gone_at_once(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.push(LIB, ONE, V1)
        await catalog.manifests.untag(APP, V1, scene.by())
        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        await catalog.repositories.remove(LIB, scene.by())
        assert await _entries(catalog) == ()
        with pytest.raises(NotFound, match="the trash holds nothing of a tag v1 of team/app"):
            await _restore(scene, APP, V1)

    async def test_a_repository_comes_back_as_it_was(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, BOTH, V1)
        await scene.push(APP, SBOM)
        async with _in_and_out(scene):
            await catalog.repositories.remove(APP, scene.by(), KEPT)
            totals = await catalog.vitals.totals()
            assert (totals.repositories, totals.manifests, totals.tags) == (0, 0, 0)
            [entry] = await _entries(catalog)
            assert (entry.kind, entry.name, entry.digest, entry.tags) == (Trashed.REPOSITORY, APP, None, ())
            restored = await catalog.trash.restore(Asked(APP), scene.by())
            assert restored == Restored(Trashed.REPOSITORY, (), {V1: BOTH.digest})

    async def test_one_image_of_a_repository_comes_back_alone_and_the_rest_stays(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, BOTH, V1)
        await scene.push(APP, image("other"), V2)
        await catalog.repositories.remove(APP, scene.by(), KEPT)
        restored = await _restore(scene, APP, V1)
        assert set(restored.manifests) == {BOTH.digest, ONE.digest, TWO.digest}
        assert await catalog.manifests.resolve(APP, V2) is None
        assert await scene.findings() == []
        with pytest.raises(Conflict, match="there is a repository team/app again, and it is not overwritten"):
            await catalog.trash.restore(Asked(APP), scene.by())
        await catalog.repositories.remove(APP, scene.by())
        await catalog.trash.restore(Asked(APP), scene.by())
        assert await scene.findings() == []

    async def test_an_index_brings_what_it_lists_and_what_refers_to_any_of_that(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, OUTER, V1)
        for what in (SBOM, SEAL):
            await scene.push(APP, what)
        signature = Tag(f"{fallback_tag(INNER.digest)}.sig")
        await scene.push(APP, SIGNATURE, signature)
        async with _in_and_out(scene):
            for what in (OUTER, INNER, ONE, SBOM, SEAL, SIGNATURE):
                await catalog.manifests.delete(APP, what.digest, scene.by(), KEPT)
            restored = await _restore(scene, APP, V1)
            assert restored.tags == {V1: OUTER.digest, signature: SIGNATURE.digest}
        assert await _entries(catalog) == ()

    async def test_what_had_gone_long_before_stays_away(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.push(APP, SBOM)
        await catalog.manifests.delete(APP, SBOM.digest, scene.by(), Terms(trash=9 * HOUR))
        scene.at += HOUR
        await catalog.manifests.delete(APP, ONE.digest, scene.by(), KEPT)
        assert (await _restore(scene, APP, V1)).manifests == (ONE.digest,)
        assert [entry.digest for entry in await _entries(catalog)] == [SBOM.digest]

    async def test_a_name_that_is_used_again_is_not_overwritten(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await catalog.manifests.delete(APP, ONE.digest, scene.by(), KEPT)
        await scene.push(APP, TWO, V1)
        for asked in (Asked(APP, V1), Asked(APP, digest=ONE.digest)):
            async with scene.unchanged():
                with pytest.raises(
                    Conflict, match=f"points at {TWO.digest} meanwhile, and is not overwritten; restore"
                ):
                    await catalog.trash.restore(asked, scene.by())
        restored = await catalog.trash.restore(Asked(APP, digest=ONE.digest, untagged=True), scene.by())
        assert restored == Restored(Trashed.MANIFEST, (ONE.digest,), {})
        assert await scene.findings() == []
        assert await _entries(catalog) == ()

    async def test_what_was_pushed_again_is_taken_as_it_is(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, BOTH, V1)
        for what in (BOTH, ONE):
            await catalog.manifests.delete(APP, what.digest, scene.by(), KEPT)
        await scene.push(APP, BOTH)
        row = (await scene.pull(APP, BOTH.digest)).row
        restored = await _restore(scene, APP, V1)
        assert restored == Restored(Trashed.MANIFEST, (), {V1: BOTH.digest})
        assert (await scene.pull(APP, V1)).row == row
        assert await scene.findings() == []
        assert [entry.digest for entry in await _entries(catalog)] == [ONE.digest]

    async def test_what_is_not_whole_any_more_stays_where_it_is_and_the_reason_is_told(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, BOTH, V1)
        await catalog.manifests.delete(APP, BOTH.digest, scene.by(), KEPT)
        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        async with scene.unchanged():
            with pytest.raises(
                Conflict, match=f"v1 cannot be restored whole: manifest {ONE.digest} is neither in team/app nor in the"
            ) as refused:
                await _restore(scene, APP, V1)
        assert refused.value.detail == {"missing": [f"manifest {ONE.digest}"]}

    async def test_it_comes_back_by_the_terms_of_a_push(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await catalog.manifests.delete(APP, ONE.digest, scene.by(), KEPT)
        for terms in (Terms(content=Denied("no")), Terms(tag={V1: Denied("no")})):
            async with scene.unchanged():
                with pytest.raises(Denied, match="no"):
                    await catalog.trash.restore(Asked(APP, V1), scene.by(), terms)
        async with scene.unchanged():
            with pytest.raises(Stale):
                await catalog.trash.restore(
                    Asked(APP, V1), scene.by(), planned=Restored(Trashed.MANIFEST, (ONE.digest,), {})
                )
        await catalog.repositories.remove(APP, scene.by(), KEPT)
        for asked in (Asked(APP), Asked(APP, V1)):
            with pytest.raises(Denied, match="no"):
                await catalog.trash.restore(asked, scene.by(), Terms(create=Denied("no")))
        assert await scene.findings() == []

    async def test_an_entry_is_chosen_by_its_number(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        for what in (ONE, TWO):
            await scene.push(APP, what, V1)
            await catalog.manifests.untag(APP, V1, scene.by(), KEPT)
        older, newer = await _entries(catalog)
        with pytest.raises(NotFound):
            await catalog.trash.look(Asked(LIB, entry=older.number))
        assert (await catalog.trash.look(Asked(APP, V1))).tags == {V1: TWO.digest}
        restored = await catalog.trash.restore(Asked(APP, entry=older.number), scene.by())
        assert restored.tags == {V1: ONE.digest}
        assert await _entries(catalog) == (newer,)
        with pytest.raises(NotFound, match=f"there is no entry {older.number} of team/app in the trash"):
            await catalog.trash.restore(Asked(APP, entry=older.number), scene.by())

    async def test_a_locked_manifest_never_gets_there(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE)
        await catalog.locks.add(APP, ONE.digest, "audit", scene.by())
        for remove in (
            lambda: catalog.manifests.delete(APP, ONE.digest, scene.by(), KEPT),
            lambda: catalog.repositories.remove(APP, scene.by(), KEPT),
        ):
            with pytest.raises(Denied):
                await remove()
        assert await _entries(catalog) == ()

    async def test_no_list_shows_what_lies_there(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await _fill(scene)
        assert (await scene.view()).repositories == (WEB,)
        assert (await catalog.browse.repositories(PageRequest(10), [EVERYTHING])).items == (WEB,)
        assert await catalog.holdings.of(APP) is None
        for entry in await _entries(catalog):
            hidden = RepositoryName.stored(f"~{entry.number}/{entry.name}")
            assert (await catalog.browse.repositories(PageRequest(10, hidden))).items == ()
        totals = await catalog.vitals.totals()
        assert (totals.repositories, totals.manifests, totals.tags) == (1, 1, 1)

    async def test_pages_go_by_name_and_number(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await _fill(scene)
        every = await _entries(catalog)
        assert [entry.name for entry in every] == [APP, LIB, LIB, WEB]
        after, walked = "", []
        for _ in every:
            page = await catalog.trash.page(EVERYTHING, PageRequest(1, after))
            [entry] = page.items
            walked.append(entry)
            after = key_of(entry)
            assert page.more is (entry != every[-1])
        assert tuple(walked) == every
        assert await catalog.trash.page(EVERYTHING, PageRequest(1, after)) == Page(())
        keys = [key_of(entry) for entry in (await catalog.trash.page(EVERYTHING, PageRequest(100))).items]
        assert [await catalog.trash.passed(EVERYTHING, "", count + 1) for count in range(len(keys) + 1)] == [*keys, ""]
        assert await catalog.trash.passed(EVERYTHING, keys[0], 1) == keys[1]


class LargeTrashKit:
    """Needs the fixture `catalog`: an empty one. What is more than one transaction takes goes in steps."""

    async def test_a_large_repository_goes_and_comes_back_by_steps(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, LARGE, V1)
        await scene.push(LIB, HALF, V1)
        before = await _usages(catalog)
        async with _in_and_out(scene):
            await catalog.repositories.remove(APP, scene.by(), KEPT)
            assert await scene.findings() == []
            now = await _usages(catalog)
            assert now["team"] == now[LIB]
            assert now[""].stored_bytes == before[""].stored_bytes
            room = (Room("small", "team", Usage(stored_bytes=before["team"].stored_bytes - 1)),)
            with pytest.raises(Denied, match="the quota small of team/"):
                await catalog.trash.restore(Asked(APP), scene.by(), Terms(room=room))
            assert await scene.findings() == []
            assert await _usages(catalog) == now, "what was put back goes again"
            restored = await catalog.trash.restore(Asked(APP), scene.by())
            assert restored.tags == {V1: LARGE.digest}
            assert await _usages(catalog) == before

    async def test_a_removal_that_is_broken_off_is_gone_on_with(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, LARGE, V1)
        await scene.push(LIB, HALF, V1)
        async with _in_and_out(scene):
            await broken_off(catalog, catalog.repositories.remove(APP, scene.by(), KEPT))
            assert await scene.findings() == []
            with pytest.raises(NotFound):
                await catalog.trash.restore(Asked(LIB), scene.by())
            await _purged(scene, 60)
            now = await _usages(catalog)
            assert now["team"] == now[LIB]
            [entry] = await _entries(catalog)
            assert entry.name == APP
            await catalog.trash.restore(Asked(APP), scene.by())
        await broken_off(catalog, catalog.repositories.remove(APP, scene.by(), KEPT))
        await catalog.trash.restore(Asked(APP), scene.by())
        assert await scene.findings() == [], "it comes back before it has left, too"

    async def test_a_restoration_keeps_others_off_from_step_to_step_as_long_as_its_clock_may_be_right(
        self, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scene = Scene(catalog)
        await scene.push(APP, image("larger", [f"layer {number}" for number in range(650)]), V1)
        await scene.push(LIB, HALF, V1)
        async with _in_and_out(scene):
            await catalog.repositories.remove(APP, scene.by(), KEPT)
            gone = await _usages(catalog)
            with monkeypatch.context() as patched:
                patched.setattr(leaving, "monotonic", stopping_at(0, 6 * 60, 12 * 60))
                with pytest.raises(Stopped):
                    await catalog.trash.restore(Asked(APP), scene.by())
            for minutes in (12, 21):
                scene.at = START + minutes * MINUTE
                assert await catalog.trash_end.purge(100, scene.by()) == Purged(0, 0, 0)
                with pytest.raises(Conflict, match="somebody else removes or restores"):
                    await catalog.trash.restore(Asked(APP), scene.by())
            scene.at = START + 22 * MINUTE
            assert await _purged(scene, 200) == 3
            assert await _usages(catalog) == gone
            with monkeypatch.context() as patched:
                patched.setattr(leaving, "monotonic", stopping_at(0, 24 * 60 * 60))
                with pytest.raises(Stopped):
                    await catalog.trash.restore(Asked(APP), scene.by())
            assert await _purged(scene, 200) == 2, "a clock that is a day ahead says nothing"
            assert await _usages(catalog) == gone
            with monkeypatch.context() as patched:
                patched.setattr(leaving, "monotonic", stopping_at(0, 24 * 60 * 60))
                with pytest.raises(Stopped):
                    await catalog.trash.restore(Asked(APP), scene.by())
            await catalog.trash.restore(Asked(APP), scene.by())

    async def test_a_restoration_that_lost_its_lease_stops(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, LARGE, V1)
        await catalog.repositories.remove(APP, scene.by(), KEPT)
        task = asyncio.ensure_future(catalog.trash.restore(Asked(APP), scene.by()))
        for _ in range(1_000_000):
            await asyncio.sleep(0)
            if task.done() or (await _usages(catalog))["team"].stored_bytes:
                break
        scene.at += 20 * MINUTE
        await catalog.trash_end.purge(100, scene.by())
        [outcome] = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(outcome, Conflict | Restored), "it may have been quicker"
        await _purged(scene, 100)
        assert len(await _entries(catalog)) == isinstance(outcome, Conflict)
        assert await scene.findings() == []

    async def test_what_is_given_up_half_way_leaves_first(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, LARGE, V1)
        await scene.push(LIB, HALF, V1)
        await broken_off(catalog, catalog.repositories.remove(APP, scene.by(), KEPT))
        await catalog.trash_end.discard(EVERYTHING, 9, scene.by())
        await _purged(scene, 60)
        assert await _entries(catalog) == ()
        now = await _usages(catalog)
        assert now[""] == now["team"] == now[LIB]

    async def test_without_a_trash_it_is_hidden_at_once_and_removed_where_it_is(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, LARGE, V1)
        await scene.push(LIB, HALF, V1)
        await broken_off(catalog, catalog.repositories.remove(APP, scene.by()))
        assert (await scene.view()).repositories == (LIB,)
        assert await _entries(catalog) == ()
        await scene.push(APP, ONE, V2)
        assert await scene.findings() == []
        await _purged(scene, 60)
        view = await scene.view()
        assert view.tags == {APP: {V2: ONE.digest}, LIB: {V1: HALF.digest}}
        assert {r.blob.key.digest for r in view.blobs if r.state == "condemned"} == (
            {piece.digest for piece in LARGE.blobs} - {piece.digest for piece in (*HALF.blobs, *ONE.blobs)}
        )
        told = [each.digest for each in await catalog.outbox.events(0, 9999) if each.kind is EventKind.BLOB_UNLINKED]
        assert sorted(told) == sorted(piece.digest for piece in LARGE.blobs)

    async def test_links_that_nothing_names_and_history_go_by_steps(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.hold(APP, *(blob(f"loose {number}") for number in range(9)))
        for _ in range(9):
            await catalog.manifests.untag(APP, V1, scene.by())
            await scene.put(APP, ONE, V1)
        await catalog.repositories.remove(APP, scene.by(), KEPT)
        scene.at += HOUR
        assert await _purged(scene, 5) > 5
        assert await catalog.inspection.manifests(0, 10) == ()

    async def test_an_image_with_many_referrers_comes_back_after_them(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, BOTH, V1)
        seals = [artifact(f"seal {number}", subject=ONE) for number in range(205)]
        for what in seals:
            await scene.push(APP, what)
        pictured = index("listing", [seals[203], seals[204]], subject=ONE)
        await scene.push(APP, pictured, Tag("listing"))
        late = artifact("late", subject=seals[203])
        await scene.push(APP, late)
        async with _in_and_out(scene):
            for what in (BOTH, pictured, ONE, *seals, late):
                await catalog.manifests.delete(APP, what.digest, scene.by(), KEPT)
            assert not await _is_coming_back(catalog)
            if await broken_off(catalog, _restore(scene, APP, V1), seen=seals[0].digest):
                assert await catalog.manifests.resolve(APP, seals[203].digest) is not None
                assert await catalog.manifests.resolve(APP, late.digest) is None, "it is found all the same"
                assert await _is_coming_back(catalog)
                assert await catalog.manifests.resolve(APP, V1) is None
                assert await catalog.manifests.resolve(APP, BOTH.digest) is None
                assert await scene.findings() == []
                restored = await _restore(scene, APP, V1)
                assert BOTH.digest in restored.manifests
                assert restored.tags[V1] == BOTH.digest
                assert not await _is_coming_back(catalog)
        assert await _entries(catalog) == ()

    async def test_an_image_of_a_repository_is_coming_back_until_it_is_whole_or_given_up(
        self, catalog: Catalog
    ) -> None:
        scene = Scene(catalog)
        await scene.push(APP, BOTH, V1)
        seals = [artifact(f"seal {number}", subject=ONE) for number in range(205)]
        for what in seals:
            await scene.push(APP, what)
        await catalog.repositories.remove(APP, scene.by(), KEPT)
        assert await broken_off(catalog, _restore(scene, APP, V1), seen=seals[0].digest) is await _is_coming_back(
            catalog
        )
        await _restore(scene, APP, V1)
        assert not await _is_coming_back(catalog)
        await catalog.repositories.remove(APP, scene.by())
        await broken_off(catalog, _restore(scene, APP, V1), seen=seals[0].digest)
        await catalog.trash_end.discard(EVERYTHING, 9, scene.by())
        assert not await _is_coming_back(catalog)


class TrashEndKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_what_expired_is_purged_and_its_blobs_are_condemned(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await catalog.manifests.delete(APP, ONE.digest, scene.by(), KEPT)
        await catalog.collection.unlink_loose(scene.at + 1, 100, scene.by())
        assert {record.state for record in await catalog.inspection.blobs(0, 10)} == {"live"}
        scene.at += HOUR - 1
        assert await catalog.trash_end.purge(10, scene.by()) == Purged(0, 0, 0)
        scene.at += 1
        assert await catalog.trash_end.purge(10, scene.by()) == Purged(1, 1, len(ONE.blobs))
        assert {record.state for record in await catalog.inspection.blobs(0, 10)} == {"condemned"}
        assert await catalog.trash_end.purge(10, scene.by()) == Purged(0, 0, 0)
        assert await scene.findings() == []
        with pytest.raises(NotFound):
            await _restore(scene, APP, V1)

    async def test_steps_are_bounded_and_what_was_begun_is_not_there_any_more(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await _fill(scene)
        scene.at += HOUR
        steps = 0
        while (done := await catalog.trash_end.purge(1, scene.by())) != Purged(0, 0, 0):
            assert done.manifests <= 1
            assert await scene.findings() == []
            steps += 1
            assert steps < 20
        assert await _entries(catalog) == ()
        assert {record.repository for record in await catalog.inspection.manifests(0, 100)} == {WEB}
        purged = [event for event in await catalog.outbox.events(0, 1000) if event.kind is EventKind.TRASH_PURGED]
        assert [event.repository for event in purged].count(APP) == 1
        with pytest.raises(NotFound, match="there is no repository team/app in the trash"):
            await catalog.trash.restore(Asked(APP), scene.by())

    async def test_what_was_given_up_is_not_there_before_it_is_purged(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await _fill(scene)
        first, *others = await _entries(catalog)
        await catalog.trash_end.discard_one(first.number, scene.by())
        with pytest.raises(NotFound, match=f"there is no entry {first.number} in the trash"):
            await catalog.trash_end.discard_one(first.number, scene.by())
        assert await _entries(catalog) == tuple(others)
        assert await catalog.trash_end.discard(EVERYTHING, 2, scene.by()) == 2
        assert await catalog.trash_end.discard(EVERYTHING, 2, scene.by()) == 1
        assert await catalog.trash_end.discard(EVERYTHING, 2, scene.by()) == 0
        assert await _entries(catalog) == ()
        assert await catalog.trash.get(first.number) is None
        assert (await catalog.trash_end.purge(100, scene.by())).entries == 4
        assert await scene.findings() == []

    async def test_what_others_hold_stays(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.push(LIB, ONE, V1)
        await catalog.repositories.remove(APP, scene.by(), KEPT)
        scene.at += 2 * HOUR
        assert await catalog.trash_end.purge(100, scene.by()) == Purged(1, 1, 0)
        assert await catalog.manifests.resolve(LIB, V1) is not None
        assert await scene.findings() == []


@asynccontextmanager
async def _in_and_out(scene: Scene) -> AsyncIterator[None]:
    """After this everything is byte for byte as it was, and nothing is wrong."""
    before = await scene.view()
    yield
    assert await scene.findings() == []
    after = await scene.view()
    assert (after.repositories, after.tags, after.loose) == (before.repositories, before.tags, before.loose)
    assert {(record.repository, record.digest): record.content for record in after.manifests} == {
        (record.repository, record.digest): record.content for record in before.manifests
    }
    assert after.totals == before.totals


async def _usages(catalog: Catalog) -> dict[str, Usage]:
    return {path: usage for path, (usage, _) in (await catalog.usages.of(["", "team", LIB], START)).items()}


async def broken_off(catalog: Catalog, work: Coroutine[Any, Any, Any], seen: Digest | None = None) -> bool:
    """Begin something, and stop it as soon as its first transaction is to be seen: the repository is gone, or this
    manifest is there again. Whether it was: a catalog in memory lets nobody stop it."""
    task = asyncio.ensure_future(work)
    for _ in range(1_000_000):
        await asyncio.sleep(0)
        there = await catalog.manifests.resolve(APP, seen or V1) is not None
        if task.done() or there is (seen is not None):
            break
    task.cancel()
    await asyncio.wait([task])
    return task.cancelled()


async def _is_coming_back(catalog: Catalog) -> bool:
    """Whether retention leaves what has no tag, since it may belong to an image that is not back as a whole."""
    found = await catalog.retention.inventories.of(APP, Wanted(untagged=True))
    return found is not None and found.restoring


class Stopped(Exception):
    """What `stopping_at` breaks off with."""


def stopping_at(*seconds: float) -> Callable[[], float]:
    """A clock that tells these times, and breaks off whoever asks it for another."""
    times = iter(seconds)

    def told() -> float:
        for time in times:
            return time
        raise Stopped

    return told


async def _purged(scene: Scene, limit: int) -> int:
    """Purge in steps, after each of which every counter is right; how many."""
    steps = 0
    while (await scene.catalog.trash_end.purge(limit, scene.by())) != Purged(0, 0, 0):
        assert await scene.findings() == []
        steps += 1
        assert steps < 50
    return steps


async def _fill(scene: Scene) -> None:
    """A repository, two manifests of another and a tag of a third in the trash, which is there with a manifest."""
    catalog = scene.catalog
    for what in (BOTH, SBOM):
        await scene.push(APP, what, V1 if what is BOTH else V2)
    await catalog.repositories.remove(APP, scene.by(), KEPT)
    await scene.push(LIB, ONE, V1)
    await scene.push(LIB, TWO, V2)
    for gone in (ONE, TWO):
        await catalog.manifests.delete(LIB, gone.digest, scene.by(), KEPT)
    await catalog.repositories.remove(LIB, scene.by())
    await scene.push(WEB, ONE, V1, V2)
    await catalog.manifests.untag(WEB, V2, scene.by(), KEPT)


async def _entries(catalog: Catalog) -> tuple[TrashEntry, ...]:
    page = await catalog.trash.page(EVERYTHING, PageRequest(100))
    assert not page.more
    return page.items


async def _restore(scene: Scene, repository: RepositoryName, what: Tag | Digest) -> Restored:
    asked = Asked(repository, digest=what) if isinstance(what, Digest) else Asked(repository, what)
    return await scene.catalog.trash.restore(asked, scene.by())
