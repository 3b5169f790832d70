"""A move keeps everything and loses no push, wherever it is interrupted; never can somebody push at both places."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orlop.domain.errors import ContentCorrupt, Denied, TooManyRequests, Unavailable
from orlop.domain.moving import Move, MoveState
from orlop.ports.blobs import BlobStage
from orlop.services.moving.move import StoreMove
from tests.contract.scene import APP, LIB, V1
from tests.registry import ALICE
from tests.unit.moving.places import AFTER, BOTH, LATE, ONE, SBOM, Place, lived_in, move_between, place

pytestmark = pytest.mark.slow  # two places on the disk for each


@pytest.fixture
def places(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[tuple[Place, Place]]:
    """A place that was lived in, and an empty one."""
    runner = request.getfixturevalue("runner")

    async def make() -> tuple[Place, Place]:
        made = place(tmp_path / "here", 0), place(tmp_path / "there", 100_000)
        await lived_in(made[0])
        return made

    made = runner.run(make())
    yield made
    for each in made:
        runner.run(each.close())


async def complete(at: Place, *more: object) -> None:
    """Everything that was pushed is there, byte for byte, and `orlop verify` finds nothing wrong."""
    for repository, reference, what in ((APP, V1, BOTH), (LIB, ONE.digest, ONE), (APP, SBOM.digest, SBOM)):
        assert (await at.registry.manifests.resolve(repository, reference)).content == what.content
    for pushed in (BOTH, SBOM, *more):
        for each in pushed.everything():  # type: ignore[attr-defined]
            for piece in each.blobs:
                stored = await at.stores.catalog.links.stored(piece.digest)
                assert stored is not None
                content = await at.stores.reader.open(stored)
                assert await content.read() == piece.content
                content.close()
    report = await at.registry.verification().run()
    assert report.is_clean, report.findings


async def whole(move: StoreMove) -> None:
    """Both parts of a run."""
    await move.copy()
    await move.cut_over()


async def test_everything_arrives_and_only_the_new_place_takes_pushes(places: tuple[Place, Place]) -> None:
    here, there = places
    move = move_between(here, there)
    await move.copy()
    assert (await here.end().moves.current()).state is MoveState.COPYING
    assert not await there.is_open()
    await here.registry.push(APP, LATE, V1)
    await here.registry.push(APP, BOTH, V1)
    await move.cut_over()
    assert move.report.moved
    assert not await here.is_open()
    await complete(there, LATE)
    assert await there.is_open()
    await complete(there, LATE, AFTER)
    assert (await here.registry.manifests.resolve(APP, V1)).content == BOTH.content
    told = [event.kind for event in await here.stores.catalog.outbox.events(0, 1000)]
    assert [event.kind for event in await there.stores.catalog.outbox.events(0, 1000)][: len(told)] == told
    assert await there.stores.catalog.history.history(APP, V1, 9) == await here.stores.catalog.history.history(
        APP, V1, 9
    )
    again = move_between(here, there, ids=7)
    await whole(again)
    assert again.report.moved


async def test_it_moves_back_to_another_empty_place(places: tuple[Place, Place], tmp_path: Path) -> None:
    here, there = places
    await whole(move_between(here, there))
    await there.registry.push(LIB, LATE)
    with pytest.raises(Denied):
        await move_between(there, here, ids=3).copy()
    home = place(tmp_path / "home", 200_000)
    await whole(move_between(there, home, ids=5))
    await complete(home, LATE)
    assert await home.is_open()
    assert not await there.is_open()
    await home.close()


async def test_killed_anywhere_it_is_run_again_and_goes_on(tmp_path: Path) -> None:
    """Dead before the second change, before the third, and so on until it lives to the end."""
    for life in range(1, 60):
        here, there = place(tmp_path / f"here{life}", 0), place(tmp_path / f"there{life}", 100_000)
        await lived_in(here)
        survived = await _lives(move_between(here, there, life))
        assert not (await _open(here) and await _open(there)), life
        if not survived:
            is_served = await here.is_open(LATE)
            await whole(move_between(here, there, ids=10))
            await complete(there, *([LATE] if is_served else []))
        assert await _open(there)
        assert not await _open(here)
        await here.close()
        await there.close()
        if survived:
            assert life > 20
            return
    raise AssertionError("it never lived to the end")


async def test_killed_anywhere_it_can_be_given_up_unless_it_has_moved(tmp_path: Path) -> None:
    for life in range(60):
        here, there = place(tmp_path / f"here{life}", 0), place(tmp_path / f"there{life}", 100_000)
        await lived_in(here)
        survived = await _lives(move_between(here, there, life))
        has_moved = (await here.end().moves.current()).state is MoveState.MOVED
        quitting = move_between(here, there, ids=20)
        try:
            await quitting.abandon()
        except Denied:
            assert has_moved
        else:
            await quitting.forget_target()
            assert not has_moved
            assert await here.is_open(LATE)
            assert (await there.end().moves.current()) == Move()
            await whole(move_between(here, there, ids=30))
            await complete(there, LATE)
        await here.close()
        await there.close()
        if survived:
            return
    raise AssertionError("it never lived to the end")


async def _lives(move: StoreMove) -> bool:
    try:
        await whole(move)
    except Unavailable:
        return False
    return True


async def _open(at: Place) -> bool:
    return not (await at.end().moves.current()).is_shut


async def test_a_blob_that_rotted_is_named_and_the_registry_stays(places: tuple[Place, Place]) -> None:
    here, there = places
    blob = await here.stores.catalog.links.stored(ONE.blobs[1].digest)
    assert blob is not None
    copy = next((here.folder / "blobs").rglob(f"*.{blob.key.copy}"))
    copy.write_bytes(b"x" + copy.read_bytes()[1:])
    move = move_between(here, there)
    with pytest.raises(ContentCorrupt):
        await whole(move)
    assert [finding.where for finding in move.report.findings] == [f"{blob.key.digest}/{blob.key.copy}"]
    assert await here.is_open()
    copy.write_bytes(ONE.blobs[1].content)
    await whole(move_between(here, there, ids=5))
    await complete(there, AFTER)


async def test_a_blob_that_rots_when_the_gate_is_shut_opens_it_again(places: tuple[Place, Place]) -> None:
    here, there = places
    move = move_between(here, there)
    await move.copy()
    late = await here.registry.push_blob(LIB, LATE.blobs[2])
    copy = next((here.folder / "blobs").rglob(f"*.{late.key.copy}"))
    copy.unlink()
    with pytest.raises(ContentCorrupt):
        await move.cut_over()
    assert await here.is_open()
    assert (await here.end().moves.current()).state is MoveState.COPYING


async def test_a_full_target_leaves_the_registry_where_it_is(places: tuple[Place, Place]) -> None:
    here, there = places

    class Full:
        """A store without room."""

        async def open(self, *_: object) -> None:
            raise Unavailable("the disk is full")

    full: BlobStage = Full()  # type: ignore[assignment]
    with pytest.raises(Unavailable, match="full"):
        await whole(move_between(here, there, target_stage=full))
    assert await here.is_open()


async def test_a_target_in_use_is_refused_and_left_alone(places: tuple[Place, Place]) -> None:
    here, there = places
    await there.registry.push(APP, LATE, V1)
    with pytest.raises(Denied):
        await move_between(here, there).copy()
    assert await there.is_open()
    assert await here.is_open()
    assert (await there.registry.manifests.resolve(APP, V1)).content == LATE.content


async def test_a_run_that_was_overtaken_changes_nothing_more(places: tuple[Place, Place]) -> None:
    here, there = places
    slow, quick = move_between(here, there), move_between(here, there, ids=100)
    await slow.copy()
    await quick.copy()
    with pytest.raises(TooManyRequests):
        await slow.cut_over()
    assert await here.is_open()
    await quick.cut_over()
    await complete(there, AFTER)


async def test_uploads_do_not_move(places: tuple[Place, Place]) -> None:
    here, there = places
    upload = await here.registry.uploads.start(APP, ALICE)
    await whole(move_between(here, there))
    assert not await there.stores.catalog.inspection.knows_upload(upload.id)
    assert (await there.stores.catalog.vitals.totals()).uploads == 0
