"""What every catalog keeps to about usage and room (ports.usage, ports.terms.Terms.room)."""

import asyncio

import msgspec
import pytest

from orlop.domain.durations import HOUR, MINUTE
from orlop.domain.errors import Denied
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName
from orlop.domain.quotas import Room, Usage
from orlop.ports.catalog import Catalog, ManifestPush, Terms, UploadCommit
from orlop.ports.trash import Asked
from orlop.ports.usage import Sharing, UsageBelow, UsageDay
from tests.content import Pushable, blob, image
from tests.contract.scene import APP, LIB, V1, V2, WEB, Scene, copy_of

ONE, TWO = image("one", ["base", "code"]), image("two", ["base", "more"])
DEEP = RepositoryName("team/web/front")


def stored(*images: Pushable) -> int:
    """Bytes of these where they lie once."""
    blobs = {piece.digest: piece.size for what in images for piece in what.blobs}
    return sum(blobs.values()) + sum(len(what.content) for what in images)


async def usage(catalog: Catalog, path: str) -> Usage:
    """What lies at a path."""
    return (await catalog.usages.of([path], 0)).get(path, (Usage(), 0))[0]


def bytes_room(limit: int, path: str = "team", warn: int = 0) -> tuple[Room, ...]:
    """A quota of bytes."""
    return (Room("small", path, Usage(stored_bytes=limit), warn),)


class UsageKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_a_node_counts_each_blob_once_and_each_repository_what_it_holds(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.push(LIB, TWO, V1, V2)
        await scene.push(DEEP, ONE)
        await scene.push(WEB, ONE)
        everything = Usage(
            stored_bytes=stored(ONE, TWO) + 2 * len(ONE.content),
            logical_bytes=3 * stored(ONE) + stored(TWO),
            tags=3,
            manifests=4,
            repositories=4,
        )
        assert await usage(catalog, "") == everything
        team = Usage(stored(ONE, TWO) + len(ONE.content), 2 * stored(ONE) + stored(TWO), 3, 3, 3)
        assert await usage(catalog, "team") == team
        assert await usage(catalog, "team/web") == Usage(stored(ONE), stored(ONE), 0, 1, 1)
        assert await usage(catalog, APP) == Usage(stored(ONE), stored(ONE), 1, 1, 1), "a repository is a place, too"
        assert await catalog.usages.of(["nowhere"], 0) == {}
        await catalog.repositories.remove(APP, scene.by())
        assert await usage(catalog, "team") == Usage(stored(ONE, TWO), stored(ONE) + stored(TWO), 2, 2, 2)
        await catalog.manifests.delete(LIB, TWO.digest, scene.by())
        await catalog.collection.unlink_loose(scene.at + 1, 100, scene.by())
        assert await usage(catalog, "team") == Usage(stored(ONE), stored(ONE), 0, 1, 2)
        for name in (LIB, DEEP, WEB):
            await catalog.repositories.remove(name, scene.by())
        assert await usage(catalog, "") == Usage()
        assert await scene.findings() == []

    async def test_what_lies_below_is_listed_by_size_and_by_growth(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(DEEP, ONE)
        assert await catalog.usage_keeping.record(100, 0) == 3
        assert await catalog.usage_keeping.record(100, 0) == 3, "the last of a day is what counts"
        await scene.push(LIB, TWO)
        await scene.push(RepositoryName("team/web/back"), TWO)
        await catalog.usage_keeping.record(101, 0)
        both = await usage(catalog, "team/web")
        assert await catalog.usages.below("team", 10, 90, by_growth=False) == (
            UsageBelow("team/web/", both, stored(ONE)),
            UsageBelow(LIB, await usage(catalog, LIB), None),
        )
        assert await catalog.usages.below("team", 1, 101, by_growth=True) == (
            UsageBelow("team/web/", both, both.stored_bytes),
        )
        days = await catalog.usages.days("team/web", 0)
        assert days == (UsageDay(100, Usage(stored(ONE), stored(ONE), 0, 1, 1)), UsageDay(101, both))
        await catalog.usage_keeping.record(102, 101)
        assert [each.day for each in await catalog.usages.days("team/web", 0)] == [101, 102], "older ones are dropped"

    @pytest.mark.parametrize("together", [500, 1])
    async def test_who_shares_what_lies_somewhere_is_told(
        self, catalog: Catalog, together: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("orlop.adapters.sql.usage._BLOBS", together)
        scene = Scene(catalog)
        await scene.push(DEEP, ONE)
        await scene.push(LIB, TWO)
        await scene.push(WEB, ONE)
        base, everything = blob("base"), sum(piece.size for piece in ONE.blobs)
        assert await catalog.usages.sharing("team/web", 100, 10) == (
            Sharing("", len(ONE.blobs), everything),
            Sharing("team", 1, base.size),
        )
        assert await catalog.usages.sharing("team/web", 100, 1) == (Sharing("", len(ONE.blobs), everything),)
        assert await catalog.usages.sharing("", 100, 10) == (), "there is nothing outside of everything"

    async def test_others_have_their_turn_while_it_is_looked_who_shares(
        self, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("orlop.adapters.sql.usage._BLOBS", 1)
        scene, turns = Scene(catalog), 0
        await scene.push(DEEP, ONE)

        async def take_turns() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        other = asyncio.create_task(take_turns())
        await catalog.usages.sharing("team/web", 100, 10)
        other.cancel()
        assert turns >= len(ONE.blobs)

    async def test_a_recount_finds_nothing_to_mend(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE)
        end = await catalog.usage_keeping.last_blob() + 1
        assert await catalog.usage_keeping.recount_blobs(0, end) == 0
        assert await catalog.usage_keeping.recount_nodes() == 0


class RoomKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_a_blob_that_does_not_fit_leaves_everything_as_it_was(self, catalog: Catalog) -> None:
        scene, large = Scene(catalog), blob("large", 50)
        await scene.push(APP, ONE)
        used = stored(ONE)
        for path in ("", "team", APP):
            upload = await scene.claimed(APP, large.digest)
            refused = UploadCommit(
                upload, copy_of(upload, large), promoted=True, terms=Terms(room=bytes_room(used, path))
            )
            with pytest.raises(Denied) as denied:
                await catalog.uploads.commit(refused, scene.by())
            assert denied.value.detail == {
                "quota": "small",
                "path": path,
                "of": "stored_bytes",
                "limit": used,
                "used": used,
                "needed": 50,
                "held": 0,
            }
            assert denied.value.refused is not None, "the audit log is told"
            assert await usage(catalog, path) == await usage(catalog, APP)
            fits = msgspec.structs.replace(refused, terms=Terms(room=bytes_room(used + 50, path)))
            await catalog.uploads.commit(fits, scene.by())
            await catalog.links.unlink(APP, large.digest, scene.by())
        assert await scene.findings() == []

    async def test_what_the_node_holds_already_needs_no_room(self, catalog: Catalog) -> None:
        scene, base = Scene(catalog), blob("base")
        await scene.push(APP, ONE)
        full = Terms(room=bytes_room(stored(ONE)))
        assert await catalog.links.mount(base.digest, APP, LIB, scene.by(), full) is not None
        logical = Terms(room=(Room("sum", "team", Usage(logical_bytes=stored(ONE) + base.size)),))
        with pytest.raises(Denied, match="of logical bytes"):
            await catalog.links.mount(base.digest, APP, DEEP, scene.by(), logical)
        with pytest.raises(Denied):
            await catalog.links.mount(base.digest, APP, WEB, scene.by(), Terms(room=bytes_room(1, WEB)))

    async def test_tags_manifests_and_repositories_are_limited_too(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.hold(APP, *TWO.blobs)

        async def put(name: RepositoryName, what: Pushable, limits: Usage) -> None:
            terms = Terms(room=(Room("few", "team", limits),))
            push = ManifestPush(name, what.digest, what.content, what.manifest, (V2,), terms=terms)
            await catalog.manifests.put(push, scene.by())

        for limits, words in (
            (Usage(tags=1), "is 1 tag, 1 tag are in use, and this push needs 1 tag more"),
            (Usage(manifests=1), "is 1 manifest, 1 manifest are"),
        ):
            with pytest.raises(Denied, match=words):
                await put(APP, TWO, limits)
        await put(APP, ONE, Usage(manifests=1, tags=2))
        await put(APP, ONE, Usage(manifests=1, tags=1))  # nothing more than there is, however little room there is
        with pytest.raises(Denied, match="is 1 repository"):
            await catalog.links.mount(
                blob("base").digest, APP, LIB, scene.by(), Terms(room=(Room("one", "team", Usage(repositories=1)),))
            )
        assert await scene.findings() == []

    async def test_uploads_under_way_hold_what_they_announced_until_they_are_over(self, catalog: Catalog) -> None:
        scene, room = Scene(catalog), bytes_room(100)

        async def begin(size: int) -> str:
            upload = msgspec.structs.replace(scene.upload(), reserved=size, lease_until=scene.at + MINUTE)
            await catalog.uploads.start(upload, room=room)
            return upload.id

        await begin(60)
        with pytest.raises(Denied, match="60 B are held for uploads under way, and this push needs 41 B more"):
            await begin(41)
        await begin(40)
        assert (await catalog.usages.of(["team"], scene.at)) == {}, "there is no namespace yet"
        scene.at += 2 * MINUTE
        third = await begin(100)  # who announced the others is gone, and no byte of theirs is here
        await catalog.expiry.cancel(APP, third, scene.at)
        await begin(100)
        scene.at += 2 * HOUR
        await begin(100)

    async def test_a_threshold_is_told_once_for_each_time_that_it_is_reached(self, catalog: Catalog) -> None:
        scene, warned = Scene(catalog), []
        pieces = [blob(f"piece {number}", 10) for number in range(4)]

        async def push(number: int) -> None:
            upload = await scene.claimed(APP, pieces[number].digest)
            terms = Terms(room=bytes_room(50, warn=50))
            commit = UploadCommit(upload, copy_of(upload, pieces[number]), promoted=True, terms=terms)
            await catalog.uploads.commit(commit, scene.by())
            events = await catalog.outbox.events(0, 1000)
            warned.append([event.detail for event in events if event.kind is EventKind.QUOTA_WARNING])

        for number in range(4):
            await push(number)
        once = ["the quota small of team/: 30 B of 50 B are in use, 60 %"]
        assert warned == [[], [], once, once]
        await catalog.links.unlink(APP, pieces[0].digest, scene.by())
        await catalog.links.unlink(APP, pieces[1].digest, scene.by())
        await push(0)
        assert warned[-1] == once * 2

    async def test_a_threshold_that_is_no_whole_number_is_reached_by_a_little(self, catalog: Catalog) -> None:
        scene, room = Scene(catalog), Terms(room=bytes_room(100_003, warn=50))
        for size, times in ((50_001, 0), (1, 1)):
            piece = blob(f"of {size}", size)
            upload = await scene.claimed(APP, piece.digest)
            await catalog.uploads.commit(
                UploadCommit(upload, copy_of(upload, piece), promoted=True, terms=room), scene.by()
            )
            events = await catalog.outbox.events(0, 1000)
            assert [event.kind for event in events].count(EventKind.QUOTA_WARNING) == times

    async def test_of_many_at_once_no_more_get_in_than_there_is_room_for(self, catalog: Catalog) -> None:
        scene, room = Scene(catalog), Terms(room=bytes_room(55))
        commits = []
        for number in range(12):
            piece = blob(f"piece {number}", 10)
            upload = await scene.claimed(RepositoryName(f"team/{number}"), piece.digest)
            commits.append(UploadCommit(upload, copy_of(upload, piece), promoted=True, terms=room))
        ended = await asyncio.gather(
            *(catalog.uploads.commit(commit, scene.by()) for commit in commits), return_exceptions=True
        )
        assert sum(isinstance(end, Denied) for end in ended) == 7
        assert (await usage(catalog, "team")).stored_bytes == 50
        assert await scene.findings() == []

    async def test_the_same_by_two_at_once_is_counted_once(self, catalog: Catalog) -> None:
        scene, piece = Scene(catalog), blob("same", 10)
        uploads = [await scene.claimed(name, piece.digest) for name in (APP, LIB)]
        room = Terms(room=bytes_room(10))
        commits = [UploadCommit(one, copy_of(one, piece), promoted=True, terms=room) for one in uploads]
        await asyncio.gather(*(catalog.uploads.commit(commit, scene.by()) for commit in commits))
        assert await usage(catalog, "team") == Usage(10, 20, 0, 0, 2)
        assert await scene.findings() == []


class TrashedUsageKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_what_lies_in_the_trash_counts_for_the_registry_alone(self, catalog: Catalog) -> None:
        scene, kept = Scene(catalog), Terms(trash=HOUR)
        await scene.push(APP, ONE, V1)
        await scene.push(LIB, TWO, V1)
        before = {path: await usage(catalog, path) for path in ("", "team", APP)}
        await catalog.repositories.remove(APP, scene.by(), kept)
        assert await usage(catalog, "team") == await usage(catalog, LIB)
        assert (await usage(catalog, "")).stored_bytes == before[""].stored_bytes, "its bytes are still there"
        assert (await usage(catalog, "")).repositories == 1
        assert await scene.findings() == []
        room = Terms(room=bytes_room(before["team"].stored_bytes - 1))
        with pytest.raises(Denied, match="the quota small of team/"):
            await catalog.trash.restore(Asked(APP), scene.by(), room)
        assert await scene.findings() == []
        await catalog.trash.restore(Asked(APP), scene.by(), Terms(room=bytes_room(before["team"].stored_bytes)))
        assert {path: await usage(catalog, path) for path in before} == before
        await catalog.manifests.delete(APP, ONE.digest, scene.by(), kept)
        await catalog.collection.unlink_loose(scene.at + 1, 100, scene.by())
        assert await usage(catalog, APP) == Usage(repositories=1)
        assert await scene.findings() == []
        await catalog.trash.restore(Asked(APP, tag=V1), scene.by())
        assert {path: await usage(catalog, path) for path in before} == before
        await catalog.repositories.remove(APP, scene.by(), kept)
        scene.at += 2 * HOUR
        await catalog.trash_end.purge(100, scene.by())
        assert await usage(catalog, "") == Usage(stored(TWO), stored(TWO), 1, 1, 1)
        assert await scene.findings() == []
