"""What every catalog keeps to about upload sessions (ports.catalog.Uploads, UploadExpiry)."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from orlop.domain.blob import Blob, BlobKey, BlobState
from orlop.domain.errors import BlobUploadUnknown, TooManyRequests
from orlop.domain.events import EventKind
from orlop.domain.upload import Upload
from orlop.ports.catalog import Catalog, ExpiredUpload, LinkedBlob, UploadCommit
from orlop.ports.clock import HOUR, SECOND
from tests.content import blob
from tests.contract.scene import APP, LIB, Scene, copy_of

BASE = blob("base")
MINUTE = 60 * SECOND


class SessionKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_a_session_is_found_as_it_was_begun(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        upload = msgspec.structs.replace(scene.upload(), algorithm="sha512")
        await catalog.uploads.start(upload)
        assert await catalog.uploads.get(APP, upload.id, scene.at) == upload
        assert (await catalog.vitals.totals()).uploads == 1
        assert await scene.news() == []

    async def test_somebody_has_so_many_sessions_and_no_more(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        first, *others = (msgspec.structs.replace(scene.upload(), created_by=name) for name in ("ann", "ann", "bob"))
        await catalog.uploads.start(first, 2)
        await catalog.uploads.start(others[0], 2)
        one_more = msgspec.structs.replace(scene.upload(LIB), created_by="ann")
        with pytest.raises(TooManyRequests, match="ann has 2 uploads under way"):
            await catalog.uploads.start(one_more, 2)
        with pytest.raises(BlobUploadUnknown):
            await catalog.uploads.get(LIB, one_more.id, scene.at)
        await catalog.uploads.start(others[1], 1)
        await catalog.uploads.start(one_more, 3)
        await catalog.expiry.cancel(APP, first.id, scene.at)
        await catalog.uploads.start(msgspec.structs.replace(scene.upload(), created_by="ann"), 3)
        await catalog.uploads.start(msgspec.structs.replace(scene.upload(), created_by="ann"))

    async def test_sessions_belong_to_an_account_and_not_to_its_name(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        of_the_first = msgspec.structs.replace(scene.upload(), created_by="ann", owner=7)
        of_a_name = msgspec.structs.replace(scene.upload(), created_by="ann", owner=None)
        of_the_second = msgspec.structs.replace(scene.upload(), created_by="ann", owner=8)
        for upload in (of_the_first, of_a_name):
            await catalog.uploads.start(upload)
            assert await catalog.uploads.get(APP, upload.id, scene.at) == upload
        with pytest.raises(TooManyRequests):
            await catalog.uploads.start(of_the_second, 1)
        await catalog.uploads.start(of_the_second, 2)
        claimed = await catalog.uploads.claim(APP, of_the_second.id, now=scene.at, lease_until=scene.at + SECOND)
        assert claimed.belongs_to("ann", 8)
        assert not claimed.belongs_to("ann", 7)

    async def test_beginning_makes_no_repository(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.claimed()
        assert (await scene.view()).repositories == ()

    async def test_a_session_belongs_to_its_repository(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        upload = scene.upload(APP)
        await catalog.uploads.start(upload)
        with pytest.raises(BlobUploadUnknown):
            await catalog.uploads.get(LIB, upload.id, scene.at)
        with pytest.raises(BlobUploadUnknown):
            await catalog.uploads.claim(LIB, upload.id, now=scene.at, lease_until=scene.at + MINUTE)
        with pytest.raises(BlobUploadUnknown):
            await catalog.expiry.cancel(LIB, upload.id, scene.at)
        assert await catalog.uploads.get(APP, upload.id, scene.at) == upload

    async def test_a_session_expires(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        upload = scene.upload(expire=HOUR)
        await catalog.uploads.start(upload)
        assert await catalog.uploads.get(APP, upload.id, scene.at + HOUR - 1) == upload
        with pytest.raises(BlobUploadUnknown):
            await catalog.uploads.get(APP, upload.id, scene.at + HOUR)
        with pytest.raises(BlobUploadUnknown):
            await catalog.uploads.claim(APP, upload.id, now=scene.at + HOUR, lease_until=scene.at + 2 * HOUR)

    async def test_an_unknown_session_is_an_error(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.claimed()
        stranger = scene.upload()
        with pytest.raises(BlobUploadUnknown):
            await catalog.uploads.get(APP, stranger.id, scene.at)
        with pytest.raises(BlobUploadUnknown):
            await catalog.uploads.get(APP, "../../etc/passwd", scene.at)
        with pytest.raises(BlobUploadUnknown):
            await catalog.uploads.claim(APP, stranger.id, now=scene.at, lease_until=scene.at + MINUTE)
        with pytest.raises(BlobUploadUnknown):
            await catalog.uploads.advance(
                stranger, offset=1, digest=None, place="", lease_until=0, expires_at=stranger.expires_at
            )
        with pytest.raises(BlobUploadUnknown):
            await catalog.uploads.commit(UploadCommit(stranger, copy_of(stranger, BASE), promoted=True), scene.by())
        with pytest.raises(BlobUploadUnknown):
            await catalog.expiry.cancel(APP, stranger.id, scene.at)

    async def test_a_claim_raises_the_fence_and_holds_for_its_lease(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        upload = scene.upload()
        await catalog.uploads.start(upload)
        claimed = await catalog.uploads.claim(APP, upload.id, now=scene.at, lease_until=scene.at + MINUTE)
        assert claimed == msgspec.structs.replace(upload, fence=upload.fence + 1, lease_until=scene.at + MINUTE)
        assert await catalog.uploads.get(APP, upload.id, scene.at) == claimed
        for now, seconds in ((scene.at, 60), (scene.at + 1, 60), (scene.at + SECOND, 59), (scene.at + MINUTE - 1, 1)):
            with pytest.raises(TooManyRequests) as refusal:
                await catalog.uploads.claim(APP, upload.id, now=now, lease_until=now + MINUTE)
            assert refusal.value.retry_after == seconds
        again = await catalog.uploads.claim(APP, upload.id, now=scene.at + MINUTE, lease_until=scene.at + 2 * MINUTE)
        assert again.fence > claimed.fence

    async def test_a_session_may_be_claimed_from_its_beginning(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        claimed = msgspec.structs.replace(scene.upload(), fence=1, lease_until=scene.at + MINUTE)
        await catalog.uploads.start(claimed, target=BASE.digest)
        assert await catalog.uploads.get(APP, claimed.id, scene.at) == claimed
        with pytest.raises(TooManyRequests):
            await catalog.uploads.claim(APP, claimed.id, now=scene.at, lease_until=scene.at + MINUTE)
        copy = copy_of(claimed, BASE)
        assert await catalog.uploads.commit(UploadCommit(claimed, copy, promoted=True), scene.by()) == copy

    async def test_a_session_does_not_expire_while_somebody_writes(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        upload = scene.upload(expire=MINUTE)
        await catalog.uploads.start(upload)
        claimed = await catalog.uploads.claim(APP, upload.id, now=scene.at, lease_until=scene.at + 2 * MINUTE)
        now = scene.at + MINUTE
        assert await catalog.uploads.get(APP, upload.id, now) == claimed
        with pytest.raises(TooManyRequests):
            await catalog.uploads.claim(APP, upload.id, now=now, lease_until=now + MINUTE)
        assert await catalog.expiry.expired(now, 10) == ()

    async def test_advancing_records_how_far_it_came(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        claimed = await scene.claimed()
        advanced = await catalog.uploads.advance(
            claimed, offset=7, digest=BASE.digest, place="here", lease_until=scene.at + 2, expires_at=scene.at + 3
        )
        expected = msgspec.structs.replace(
            claimed, offset=7, digest=BASE.digest, place="here", lease_until=scene.at + 2, expires_at=scene.at + 3
        )
        assert advanced == expected
        assert await catalog.uploads.get(APP, claimed.id, scene.at) == expected
        forgotten = await catalog.uploads.advance(
            advanced, offset=9, digest=None, place="", lease_until=0, expires_at=scene.at + HOUR
        )
        assert (forgotten.offset, forgotten.digest, forgotten.lease_until) == (9, None, 0)
        assert await scene.news() == []

    async def test_a_session_may_begin_with_all_of_its_first_chunk(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        begun = msgspec.structs.replace(scene.upload(), fence=1, offset=7, digest=BASE.digest, place="here")
        await catalog.uploads.start(begun)
        assert await catalog.uploads.get(APP, begun.id, scene.at) == begun
        again = await catalog.uploads.claim(APP, begun.id, now=scene.at, lease_until=scene.at + MINUTE)
        assert (again.offset, again.digest, again.place) == (7, BASE.digest, "here")

    async def test_a_session_is_found_by_the_ticket_that_it_was_begun_with(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        upload = msgspec.structs.replace(scene.upload(), fence=1)
        assert await catalog.uploads.begun(APP, "ticket", scene.at) is None
        await catalog.uploads.start(upload, ticket="ticket")
        await catalog.uploads.start(scene.upload(), ticket="another")
        await catalog.uploads.start(scene.upload())
        assert await catalog.uploads.begun(APP, "ticket", scene.at) == upload
        assert await catalog.uploads.get(APP, upload.id, scene.at) == upload
        assert await catalog.uploads.begun(APP, upload.id, scene.at) is None
        with pytest.raises(BlobUploadUnknown):
            await catalog.uploads.begun(LIB, "ticket", scene.at)

    async def test_a_session_that_is_over_is_not_found_by_its_ticket(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        expired, cancelled = scene.upload(expire=MINUTE), scene.upload(expire=2 * MINUTE)
        ended = msgspec.structs.replace(scene.upload(expire=3 * MINUTE), fence=1)
        for name, upload in (("expired", expired), ("cancelled", cancelled), ("ended", ended)):
            await catalog.uploads.start(upload, ticket=name)
        with pytest.raises(BlobUploadUnknown):
            await catalog.uploads.begun(APP, "expired", scene.at + MINUTE)
        await catalog.expiry.cancel(APP, cancelled.id, scene.at)
        with pytest.raises(BlobUploadUnknown):
            await catalog.uploads.begun(APP, "cancelled", scene.at)
        with pytest.raises(BlobUploadUnknown):
            await catalog.uploads.start(scene.upload(), ticket="cancelled")
        await catalog.uploads.commit(UploadCommit(ended, copy_of(ended, BASE), promoted=True), scene.by())
        assert await catalog.uploads.begun(APP, "ended", scene.at) is None

    async def test_the_ticket_of_a_session_that_is_over_is_for_another(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        first = msgspec.structs.replace(scene.upload(), lease_until=scene.at + SECOND, expires_at=scene.at + SECOND)
        await catalog.uploads.start(first, ticket="ticket")
        await catalog.uploads.give_up("ticket", scene.at)
        assert await catalog.uploads.begun(APP, "ticket", scene.at) == first, "it is not over"
        after = scene.at + SECOND
        await catalog.uploads.give_up("ticket", after)
        assert await catalog.uploads.begun(APP, "ticket", after) is None
        second = msgspec.structs.replace(scene.upload(), started_at=after)
        await catalog.uploads.start(second, ticket="ticket")
        assert await catalog.uploads.begun(APP, "ticket", after) == second
        assert [each.id for each in await catalog.expiry.expired(after, 9)] == [first.id]

    async def test_one_session_is_begun_with_a_ticket(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        first, second, third = (msgspec.structs.replace(scene.upload(), fence=1) for _ in range(3))
        outcomes = await asyncio.gather(
            *(catalog.uploads.start(each, 9, ticket="ticket") for each in (first, second, third)),
            return_exceptions=True,
        )
        (winner,) = (each for each, outcome in zip((first, second, third), outcomes, strict=True) if outcome is None)
        assert [type(each) for each in outcomes if each is not None] == [TooManyRequests] * 2
        assert await catalog.uploads.begun(APP, "ticket", scene.at) == winner
        assert (await catalog.vitals.totals()).uploads == 1
        with pytest.raises(TooManyRequests, match="another request has begun this upload"):
            await catalog.uploads.start(scene.upload(), 1, ticket="ticket")
        with pytest.raises(TooManyRequests, match="alice has 1 upload under way"):
            await catalog.uploads.start(scene.upload(), 1, ticket="another")

    async def test_letting_go_lets_the_next_one_in(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        claimed = await scene.claimed()
        await catalog.uploads.advance(
            claimed, offset=7, digest=BASE.digest, place="", lease_until=0, expires_at=claimed.expires_at
        )
        again = await catalog.uploads.claim(APP, claimed.id, now=scene.at, lease_until=scene.at + MINUTE)
        assert (again.offset, again.digest) == (7, BASE.digest)
        assert again.fence > claimed.fence

    async def test_who_lost_the_session_neither_advances_nor_commits(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        lost = await scene.claimed()
        scene.at = lost.lease_until
        held = await catalog.uploads.claim(APP, lost.id, now=scene.at, lease_until=scene.at + MINUTE)
        async with scene.unchanged():
            await _is_lost(catalog, scene, lost)
        assert await catalog.uploads.get(APP, lost.id, scene.at) == held

    async def test_a_late_writer_that_nobody_overtook_still_holds_its_session(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        late = await scene.claimed()
        scene.at = late.lease_until + 1
        advanced = await catalog.uploads.advance(
            late, offset=3, digest=None, place="", lease_until=0, expires_at=scene.at + HOUR
        )
        assert advanced.offset == 3


class CommitKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_a_promoted_copy_becomes_a_blob_of_the_repository(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        upload = await scene.claimed(APP, BASE.digest)
        copy = copy_of(upload, BASE)
        assert await catalog.uploads.commit(UploadCommit(upload, copy, promoted=True), scene.by()) == copy
        assert await catalog.links.find(APP, BASE.digest) == LinkedBlob(copy, scene.at)
        assert await catalog.links.stored(BASE.digest) == copy
        totals = await catalog.vitals.totals()
        assert (totals.repositories, totals.blobs, totals.blob_bytes, totals.uploads) == (1, 1, BASE.size, 0)
        assert await scene.news() == [
            (EventKind.REPOSITORY_CREATED, APP, "", ""),
            (EventKind.BLOB_PUSHED, APP, BASE.digest, ""),
        ]
        assert await scene.findings() == []

    async def test_a_session_is_committed_once(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        upload = await scene.claimed(APP, BASE.digest)
        commit = UploadCommit(upload, copy_of(upload, BASE), promoted=True)
        await catalog.uploads.commit(commit, scene.by())
        async with scene.unchanged():
            with pytest.raises(BlobUploadUnknown):
                await catalog.uploads.commit(commit, scene.by())
            with pytest.raises(BlobUploadUnknown):
                await catalog.uploads.get(APP, upload.id, scene.at)

    async def test_a_session_that_nobody_claimed_since_is_committed_as_it_was_found(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        claimed = await scene.claimed()
        found = await catalog.uploads.advance(
            claimed, offset=BASE.size, digest=BASE.digest, place="", lease_until=0, expires_at=claimed.expires_at
        )
        copy = copy_of(found, BASE)
        commit = UploadCommit(found, copy, promoted=True)
        await catalog.uploads.claim(APP, found.id, now=scene.at, lease_until=scene.at + MINUTE)
        async with scene.unchanged():
            with pytest.raises(BlobUploadUnknown):
                await catalog.uploads.commit(commit, scene.by())
        found = await catalog.uploads.get(APP, found.id, scene.at + MINUTE)
        assert await catalog.uploads.commit(UploadCommit(found, copy, promoted=True), scene.by()) == copy
        assert await scene.findings() == []

    async def test_a_blob_of_no_bytes_is_a_blob(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        nothing = blob("nothing", 0)
        held = await scene.hold(APP, nothing)
        assert held.size == 0
        assert await catalog.links.find(APP, nothing.digest) == LinkedBlob(held, scene.at)

    async def test_the_second_copy_of_a_content_is_tombstoned(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        first = await scene.hold(APP, BASE)
        upload = await scene.claimed(LIB, BASE.digest)
        second = copy_of(upload, BASE)
        assert await catalog.uploads.commit(UploadCommit(upload, second, promoted=True), scene.by()) == first
        assert await catalog.links.find(LIB, BASE.digest) == LinkedBlob(first, scene.at)
        assert [held for _, held in await catalog.collection.tombstones(0, 10)] == [second]
        totals = await catalog.vitals.totals()
        assert (totals.blobs, totals.blob_bytes, totals.condemned) == (1, BASE.size, 0)
        assert await scene.findings() == []

    @pytest.mark.parametrize("promoted", [True, False])
    async def test_a_condemned_blob_is_revived(self, catalog: Catalog, promoted: bool) -> None:
        scene = Scene(catalog)
        first = await scene.hold(APP, BASE)
        await catalog.links.unlink(APP, BASE.digest, scene.by())
        upload = await scene.claimed(LIB, BASE.digest)
        copy = copy_of(upload, BASE) if promoted else first
        assert await catalog.uploads.commit(UploadCommit(upload, copy, promoted), scene.by()) == first
        assert await catalog.links.find(LIB, BASE.digest) == LinkedBlob(first, scene.at)
        states = [record.state for record in await catalog.inspection.blobs(0, 10)]
        assert states == [BlobState.LIVE, BlobState.TOMBSTONED] if promoted else [BlobState.LIVE]
        assert (await catalog.vitals.totals()).condemned == 0
        assert await scene.findings() == []

    async def test_a_tombstoned_copy_stays_dead_and_the_content_gets_a_new_one(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        first = await scene.hold(APP, BASE)
        await catalog.links.unlink(APP, BASE.digest, scene.by())
        await catalog.collection.tombstone(scene.at + 1, 10, scene.by())
        second = await scene.hold(APP, BASE)
        assert second.key.copy != first.key.copy
        assert await catalog.links.find(APP, BASE.digest) == LinkedBlob(second, scene.at)
        assert [held for _, held in await catalog.collection.tombstones(0, 10)] == [first]
        totals = await catalog.vitals.totals()
        assert (totals.blobs, totals.blob_bytes) == (1, BASE.size)
        assert await scene.findings() == []

    async def test_a_stored_copy_is_linked_instead(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        stored = await scene.hold(APP, BASE)
        upload = await scene.claimed(LIB, BASE.digest)
        await scene.news()
        assert await catalog.uploads.commit(UploadCommit(upload, stored, promoted=False), scene.by()) == stored
        assert await catalog.links.find(LIB, BASE.digest) == LinkedBlob(stored, scene.at)
        assert await catalog.collection.tombstones(0, 10) == ()
        assert await scene.news() == [
            (EventKind.REPOSITORY_CREATED, LIB, "", ""),
            (EventKind.BLOB_PUSHED, LIB, BASE.digest, ""),
        ]
        with pytest.raises(BlobUploadUnknown):
            await catalog.uploads.get(LIB, upload.id, scene.at)
        assert await scene.findings() == []

    async def test_a_session_that_promoted_nothing_is_over_but_known_until_its_stage_is_gone(
        self, catalog: Catalog
    ) -> None:
        scene = Scene(catalog)
        stored = await scene.hold(APP, BASE)
        upload = await scene.claimed(LIB, BASE.digest)
        await catalog.uploads.commit(UploadCommit(upload, stored, promoted=False), scene.by())
        assert await catalog.inspection.knows_upload(upload.id)
        assert [over.id for over in await catalog.expiry.expired(scene.at, 10)] == [upload.id]
        await catalog.expiry.forget(upload.id, scene.at)
        assert not await catalog.inspection.knows_upload(upload.id)

    async def test_without_a_promotion_the_copy_has_to_be_the_stored_one(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        stored = await scene.hold(APP, BASE)
        upload = await scene.claimed(LIB, BASE.digest)
        await catalog.links.unlink(APP, BASE.digest, scene.by())
        await catalog.collection.tombstone(scene.at + 1, 10, scene.by())
        async with scene.unchanged():
            assert await catalog.uploads.commit(UploadCommit(upload, stored, promoted=False), scene.by()) is None
        newer = await scene.hold(APP, BASE)
        async with scene.unchanged():
            assert await catalog.uploads.commit(UploadCommit(upload, stored, promoted=False), scene.by()) is None
        assert await catalog.uploads.get(LIB, upload.id, scene.at) == upload
        assert await catalog.uploads.commit(UploadCommit(upload, newer, promoted=False), scene.by()) == newer

    async def test_a_push_of_what_the_repository_holds_renews_the_link(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        stored = await scene.hold(APP, BASE)
        await scene.news()
        scene.at += 5
        upload = await scene.claimed(APP, BASE.digest)
        assert await catalog.uploads.commit(UploadCommit(upload, stored, promoted=False), scene.by()) == stored
        assert await scene.loose(APP, BASE.digest) == scene.at
        assert await scene.news() == []
        assert await scene.findings() == []


class ExpiryKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_a_cancelled_session_is_gone_for_everybody(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        claimed = await scene.claimed(APP, BASE.digest)
        await catalog.expiry.cancel(APP, claimed.id, scene.at)
        async with scene.unchanged():
            await _is_lost(catalog, scene, claimed)
            with pytest.raises(BlobUploadUnknown):
                await catalog.uploads.get(APP, claimed.id, scene.at)
            with pytest.raises(BlobUploadUnknown):
                await catalog.uploads.claim(APP, claimed.id, now=scene.at, lease_until=scene.at + MINUTE)
            with pytest.raises(BlobUploadUnknown):
                await catalog.expiry.cancel(APP, claimed.id, scene.at)

    async def test_a_cancelled_session_stays_so_when_the_clock_goes_back(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        claimed = await scene.claimed()
        await catalog.expiry.cancel(APP, claimed.id, scene.at)
        with pytest.raises(BlobUploadUnknown):
            await catalog.uploads.get(APP, claimed.id, scene.at - 1000 * HOUR)

    async def test_an_expired_session_cannot_be_cancelled(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        upload = scene.upload()
        await catalog.uploads.start(upload)
        with pytest.raises(BlobUploadUnknown):
            await catalog.expiry.cancel(APP, upload.id, upload.expires_at)

    async def test_sessions_that_are_over_are_listed_until_they_are_forgotten(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        uploads = [scene.upload() for _ in range(3)]
        for upload in uploads:
            await catalog.uploads.start(upload)
        await scene.claimed()
        now = uploads[0].expires_at
        assert await catalog.expiry.expired(now - 1, 10) == ()
        scene.at = now - MINUTE
        writing = await catalog.uploads.claim(APP, uploads[2].id, now=scene.at, lease_until=now + 1)
        await catalog.uploads.advance(
            writing, offset=1, digest=None, place="", lease_until=now + 1, expires_at=uploads[2].expires_at
        )
        await catalog.expiry.cancel(APP, uploads[1].id, scene.at)
        over = {uploads[0].id, uploads[1].id}
        listed = await catalog.expiry.expired(now, 10)
        assert over <= {upload.id for upload in listed}
        assert uploads[2].id not in {upload.id for upload in listed}
        assert len(await catalog.expiry.expired(now, 1)) == 1
        for ended in await catalog.expiry.expired(now, 10):
            await catalog.expiry.forget(ended.id, now)
            await catalog.expiry.forget(ended.id, now)
        assert await catalog.expiry.expired(now, 10) == ()
        assert (await catalog.vitals.totals()).uploads == 1

    async def test_only_an_expired_session_is_forgotten(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        upload = scene.upload()
        await catalog.uploads.start(upload)
        await catalog.expiry.forget(upload.id, scene.at)
        claimed = await catalog.uploads.claim(APP, upload.id, now=scene.at, lease_until=upload.expires_at + MINUTE)
        await catalog.expiry.forget(upload.id, upload.expires_at)
        assert await catalog.uploads.get(APP, upload.id, scene.at) == claimed

    async def test_a_session_listed_as_over_is_taken_from_its_writer(self, catalog: Catalog) -> None:
        """Whoever lists it removes its bytes and its stray copy next, so a writer that comes back may not commit."""
        scene = Scene(catalog)
        asleep = await scene.claimed(APP, BASE.digest)
        scene.at = asleep.expires_at + HOUR
        assert [upload.id for upload in await catalog.expiry.expired(scene.at, 10)] == [asleep.id]
        async with scene.unchanged():
            await _is_lost(catalog, scene, asleep)
        scene.at = asleep.started_at
        with pytest.raises(BlobUploadUnknown):
            await catalog.uploads.claim(APP, asleep.id, now=scene.at, lease_until=scene.at + MINUTE)
        assert [upload.id for upload in await catalog.expiry.expired(scene.at, 10)] == [asleep.id]

    async def test_a_session_that_was_about_to_become_a_blob_names_its_stray(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        untouched = scene.upload()
        await catalog.uploads.start(untouched)
        aimless = await scene.claimed()
        aimed = await scene.claimed(APP, BASE.digest)
        later = await scene.claimed(APP, blob("other").digest)
        staged = await scene.claimed()
        await catalog.uploads.advance(
            staged, offset=1, digest=BASE.digest, place="", lease_until=0, expires_at=staged.expires_at
        )
        begun = msgspec.structs.replace(scene.upload(), fence=1, lease_until=scene.at + MINUTE)
        await catalog.uploads.start(begun, target=BASE.digest)
        scene.at += MINUTE
        await catalog.uploads.claim(APP, later.id, now=scene.at, lease_until=scene.at + MINUTE)
        strays = {upload.id: upload.stray for upload in await catalog.expiry.expired(scene.at + 2 * HOUR, 10)}
        assert strays == {
            untouched.id: None,
            aimless.id: None,
            aimed.id: BlobKey(BASE.digest, aimed.id.replace("-", "")),
            later.id: BlobKey(blob("other").digest, later.id.replace("-", "")),
            staged.id: BlobKey(BASE.digest, staged.id.replace("-", "")),
            begun.id: BlobKey(BASE.digest, begun.id.replace("-", "")),
        }

    async def test_a_copy_that_a_row_names_is_no_stray(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        for name, forgets in (("base", False), ("other", True)):
            aimed = await scene.claimed(APP, blob(name).digest)
            named = await scene.claimed(APP, blob(name).digest)
            # Another session's row that names this session's copy, as only a repeated id could make it.
            copy = Blob(copy_of(aimed, blob(name)).key, blob(name).size)
            await catalog.uploads.commit(UploadCommit(named, copy, promoted=True), scene.by())
            if forgets:
                await catalog.links.unlink(APP, copy.key.digest, scene.by())
                await catalog.collection.tombstone(scene.at + 1, 10, scene.by())
            over = await catalog.expiry.expired(aimed.expires_at, 10)
            assert over == (ExpiredUpload(aimed.id, None),)
            await catalog.expiry.forget(aimed.id, aimed.expires_at)


async def _is_lost(catalog: Catalog, scene: Scene, upload: Upload) -> None:
    steps: list[Callable[[], Awaitable[object]]] = [
        lambda: catalog.uploads.advance(
            upload, offset=9, digest=None, place="", lease_until=scene.at + HOUR, expires_at=scene.at + HOUR
        ),
        lambda: catalog.uploads.commit(UploadCommit(upload, copy_of(upload, BASE), promoted=True), scene.by()),
        lambda: catalog.uploads.commit(UploadCommit(upload, copy_of(upload, BASE), promoted=False), scene.by()),
    ]
    for step in steps:
        with pytest.raises(BlobUploadUnknown):
            await step()
