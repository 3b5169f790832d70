"""Collection by the clock: what one run does with a grace, and without one."""

from typing import Any

import msgspec
import pytest

from orlop.domain.blob import BlobKey
from orlop.domain.durations import DAY
from orlop.domain.errors import Unavailable
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.ports.blobs import BlobRemover
from orlop.ports.catalog import By, Terms
from orlop.ports.clock import SECOND
from orlop.ports.settings import Document
from orlop.services.collection.empty import EmptyRepositories
from orlop.services.collection.garbage import Collection
from orlop.services.collection.marking import FullMarking
from orlop.services.collection.preview import Preview
from orlop.services.settings.in_force import SettingsInForce
from tests.catalogs import rows
from tests.content import blob, image
from tests.registry import ALICE, EXPIRE, GRACE, HandClock, Registry, at_once, body, in_memory

APP = RepositoryName("app")


class TickingClock(HandClock):
    """A clock that moves by itself: no two readings are the same."""

    def now(self) -> int:
        """See ports.clock.Clock."""
        self.at += 1
        return self.at


async def registry_with_garbage() -> Registry:
    """A registry in which a manifest was deleted a moment ago."""
    clock = TickingClock()
    registry = Registry(in_memory(clock).stores, clock)
    pushed = image("app", layers=["base", "code"])
    await registry.push(APP, pushed, Tag("v1"))
    await registry.manifests.delete(APP, pushed.digest, ALICE)
    return registry


@pytest.mark.parametrize("grace", [0, GRACE])
async def test_without_a_grace_one_run_removes_everything(grace: int) -> None:
    registry = await registry_with_garbage()
    done = await registry.collection.run(grace)
    assert done.removed == (0 if grace else 3)
    assert (await registry.collection.run(grace)).removed == 0


async def test_a_blob_keeps_for_a_grace_as_a_loose_link_and_for_another_without_one() -> None:
    registry = await registry_with_garbage()
    runs = []
    for _ in range(3):
        registry.clock.at += GRACE
        done = await registry.collection.run(GRACE)
        runs.append((done.condemned, done.removed))
    assert runs == [(3, 0), (0, 3), (0, 0)]


class Refusing:
    """A store that does not delete some of its copies."""

    def __init__(self, remover: BlobRemover, refused: set[str]) -> None:
        self._remover = remover
        self.refused = refused

    async def remove(self, key: BlobKey) -> None:
        """See ports.blobs.BlobRemover."""
        if key.digest in self.refused:
            raise Unavailable("deleting the blob failed: the store does not allow it to these credentials")
        await self._remover.remove(key)


async def test_what_the_store_does_not_delete_is_not_freed_and_is_tried_again() -> None:
    registry = await registry_with_garbage()
    stores, pushed = registry.stores, image("app", layers=["base", "code"])
    remover = Refusing(stores.remover, {piece.digest for piece in pushed.blobs})
    collection = Collection(
        stores.catalog.collection,
        stores.catalog.expiry,
        stores.catalog.trash_end,
        stores.stage,
        remover,
        registry.clock,
    )
    size = sum(piece.size for piece in pushed.blobs)
    why = "deleting the blob failed: the store does not allow it to these credentials"
    for _ in range(2):
        done = await collection.run(0)
        assert (done.removed, done.freed, done.kept, done.kept_bytes) == (0, 0, 3, size)
        assert done.errors == {why: 3}
    remover.refused = {pushed.blobs[0].digest}
    done = await collection.run(0)
    assert (done.removed, done.freed, done.kept) == (2, size - pushed.blobs[0].size, 1)
    remover.refused = set()
    done = await collection.run(0)
    assert (done.removed, done.freed, done.kept, done.errors) == (1, pushed.blobs[0].size, 0, {})


async def test_an_upload_whose_stage_cannot_be_dropped_keeps_no_other_from_its_end() -> None:
    clock = HandClock()
    registry = Registry(in_memory(clock).stores, clock)
    stores = registry.stores
    uploads = [await registry.uploads.start(APP, ALICE) for _ in range(3)]
    uploads = [await registry.uploads.append(APP, upload.id, body(b"so far"), ALICE) for upload in uploads]
    clock.at += EXPIRE + 1
    failing = uploads[1].id

    class Stage:
        """A stage that fails for one upload."""

        async def discard(self, upload: str) -> None:
            if upload == failing:
                raise Unavailable("clearing the upload failed: the disk fails")
            await stores.stage.discard(upload)

    stage: Any = Stage()
    collection = Collection(
        stores.catalog.collection, stores.catalog.expiry, stores.catalog.trash_end, stage, stores.remover, clock
    )
    done = await collection.run(GRACE)
    assert (done.uploads, done.kept, done.errors) == (2, 1, {"clearing the upload failed: the disk fails": 1})
    assert [found async for found in stores.inventory.stages()] != []
    assert (await registry.collection.run(GRACE)).uploads == 1


async def test_two_repositories_share_layers_and_one_is_emptied() -> None:
    clock = HandClock()
    registry = Registry(in_memory(clock).stores, clock)
    lib = RepositoryName("lib")
    one, two = image("one", layers=["base", "own"]), image("two", layers=["base"])
    await registry.push(APP, one, Tag("v1"))
    await registry.push(lib, two, Tag("v1"))
    await registry.manifests.delete(APP, one.digest, ALICE)
    clock.at += 1
    due = [due async for due in Preview(registry.stores.catalog.preview, clock).run(0)]
    freed = sum(piece.size for piece in one.blobs if piece not in two.blobs)
    assert sum(each.freed for each in due) == freed
    assert len([each for each in due if each.kind == "link"]) == len(one.blobs)
    assert (await registry.collection.run(0)).freed == 0, "what was condemned this moment goes the next"
    clock.at += 1
    assert [(each.kind, each.freed > 0) async for each in Preview(registry.stores.catalog.preview, clock).run(0)] == [
        ("blob", True)
    ] * 2
    done = await registry.collection.run(0)
    assert (done.freed, done.removed) == (freed, 2)
    for piece in two.blobs:
        found = await registry.blobs.find(lib, piece.digest, ALICE)
        assert await (await registry.blobs.open(found.blob)).read() == piece.content
    assert [each async for each in Preview(registry.stores.catalog.preview, clock).run(0)] == []
    assert (await registry.verification().run()).findings == []


async def test_a_preview_names_everything_and_changes_nothing() -> None:
    clock = HandClock()
    registry = Registry(in_memory(clock).stores, clock)
    upload = await registry.uploads.start(APP, ALICE)
    await registry.uploads.append(APP, upload.id, body(b"so far"), ALICE)
    for number in range(3):
        await registry.push_blob(APP, blob(f"loose {number}"))
    await registry.blobs.delete(APP, blob("loose 0").digest, ALICE)
    clock.at += EXPIRE + GRACE + 1
    preview = Preview(registry.stores.catalog.preview, clock)
    first = [due async for due in preview.run(GRACE)]
    assert [(due.kind, due.freed) for due in first] == [
        ("upload", 6),
        ("link", 0),
        ("link", 0),
        ("blob", blob("loose 0").size),
    ]
    assert first[-1].why == "no repository has held it since 3 hours ago"
    assert [due async for due in preview.run(GRACE)] == first
    done = await registry.collection.run(GRACE)
    assert (done.uploads, done.links, done.removed, done.freed) == (1, 2, 1, blob("loose 0").size)


async def test_a_preview_names_what_a_run_would_purge_from_the_trash() -> None:
    clock = HandClock()
    registry = Registry(in_memory(clock).stores, clock)
    catalog, what = registry.stores.catalog, image("what", layers=["base", "own"])
    await registry.push(APP, what, Tag("v1"))
    await catalog.manifests.delete(APP, what.digest, By("alice", clock.at), Terms(trash=GRACE))
    clock.at += GRACE + SECOND
    preview = Preview(catalog.preview, clock)
    due = [due async for due in preview.run(0)]
    assert [(each.kind, each.freed) for each in due] == [
        ("trash", sum(piece.size for piece in what.blobs)),
        *[("link", 0)] * len(what.blobs),
    ]
    assert (due[0].what, due[0].why) == (f"app@{what.digest}", "it expired 1 second ago")
    patient = [due async for due in preview.run(GRACE)]
    assert [(each.kind, each.freed) for each in patient][:1] == [("trash", 0)]
    assert patient[0].why.endswith("goes after another grace")
    assert (await registry.collection.run(0)).entries == 1
    clock.at += 1
    assert [each.kind async for each in preview.run(0)] == ["blob"] * len(what.blobs)
    await registry.collection.run(0)
    assert [each async for each in preview.run(0)] == []
    assert (await registry.verification().run()).findings == []


async def test_a_dead_push_gives_back_its_room_when_its_session_ends() -> None:
    """One that died after a blob, whose link no manifest ever named, and within the next."""
    clock = HandClock()
    registry = Registry(in_memory(clock).stores, clock)
    await registry.push_blob(APP, blob("first"))
    upload = await registry.uploads.start(APP, ALICE)
    await registry.uploads.append(APP, upload.id, body(b"so far"), ALICE)
    for _ in range(3):
        clock.at += EXPIRE + 1
        await registry.collection.run(GRACE)
    totals = await registry.stores.catalog.vitals.totals()
    assert (totals.blobs, totals.blob_bytes, totals.uploads) == (0, 0, 0)
    assert [copy async for copy in registry.stores.inventory.copies()] == []
    assert [stage async for stage in registry.stores.inventory.stages()] == []


async def test_a_collection_keeps_to_its_pace() -> None:
    clock = HandClock()
    registry = Registry(in_memory(clock).stores, clock)
    stores = registry.stores
    for number in range(450):
        await registry.push_blob(APP, blob(f"b{number}"))
    clock.at += GRACE + 1
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock.at += round(seconds * SECOND)

    collection = Collection(
        stores.catalog.collection,
        stores.catalog.expiry,
        stores.catalog.trash_end,
        stores.stage,
        stores.remover,
        clock,
        pace=100,
        sleep=sleep,
    )
    assert (await collection.run(GRACE)).links == 450
    assert waits == [0.5] * 9


async def test_what_changes_missed_is_named_and_put_right() -> None:
    clock = HandClock()
    inside = in_memory(clock)
    registry = Registry(inside.stores, clock)
    catalog = inside.stores.catalog
    pushed, other = image("app", layers=["base", "code"]), image("other", layers=["more"])
    await registry.push(APP, pushed, Tag("v1"))
    await registry.push(APP, other, Tag("v2"))
    await registry.push_blob(APP, blob("loose"))
    await registry.push_blob(APP, blob("lost"))
    full = FullMarking(catalog.inspection, catalog.marking, clock)
    sound = await full.run(mend=True)
    assert (sound.manifests, sound.links, sound.blobs, sound.differences) == (2, 7, 7, 0)
    rows(inside.rows, "UPDATE blob_links SET loose_since = 1 WHERE digest = ?", blob("base").digest)
    rows(inside.rows, "UPDATE blob_links SET loose_since = NULL WHERE digest = ?", blob("loose").digest)
    rows(inside.rows, "DELETE FROM blob_links WHERE digest = ?", blob("lost").digest)
    rows(inside.rows, "UPDATE blobs SET state = 'condemned' WHERE digest = ?", blob("code").digest)
    rows(inside.rows, "DELETE FROM edges WHERE child_digest = ?", blob("more").digest)
    found = await full.run(mend=False)
    assert (found.mended, found.reclaimable) == (0, blob("lost").size)
    said = {(difference.where, difference.what) for difference in found.named}
    assert said == {
        (f"app@{other.digest}", "the rows of what the manifest names differ from its bytes"),
        (f"app@{blob('base').digest}", "a manifest names it, and it counts as loose"),
        (f"app@{blob('loose').digest}", "no manifest names it"),
        (f"app@{blob('more').digest}", "no manifest names it"),
        (blob("lost").digest, "no repository holds it, and it is not condemned"),
        (blob("code").digest, "a repository holds it, and it is condemned"),
    }
    mended = await full.run(mend=True)
    assert mended.differences == mended.mended == 5, "the link that only seemed to be unneeded is right by now"
    assert (await full.run(mend=False)).differences == 0
    clock.at += 1
    await registry.collection.run(0)
    clock.at += 1
    await registry.collection.run(0)
    for piece in (*pushed.blobs, *other.blobs):
        await registry.blobs.open((await registry.blobs.find(APP, piece.digest, ALICE)).blob)
    assert {copy.blob.key.digest async for copy in inside.stores.inventory.copies()} == {
        piece.digest for piece in (*pushed.blobs, *other.blobs)
    }


async def test_repositories_that_hold_nothing_go_where_a_rule_says_so() -> None:
    clock = HandClock()
    inside = in_memory(clock)
    registry = Registry(inside.stores, clock)
    catalog, documents = inside.stores.catalog, inside.rows.identity.documents
    names = [RepositoryName(name) for name in ("team/old", "team/new", "team/kept/old", "team/used", "other/old")]
    for name in names:
        await registry.push(name, image("app"), Tag("v1"))
    for name in names:
        if name not in ("team/used", "team/new"):
            await registry.manifests.delete(name, image("app").digest, ALICE)
    empty = EmptyRepositories(
        catalog.preview, catalog.repositories, SettingsInForce(documents, inside.rows.settings_changes), clock
    )
    stores = inside.stores
    collection = Collection(
        catalog.collection,
        catalog.expiry,
        catalog.trash_end,
        stores.stage,
        stores.remover,
        clock,
        empty=empty,
        sleep=at_once,
    )
    clock.at += 8 * DAY
    assert (await collection.run(GRACE)).repositories == 0, "nobody said so"
    await registry.manifests.delete(RepositoryName("team/new"), image("app").digest, ALICE)
    for path, days in (("team", 7), ("team/kept", 0)):
        body = msgspec.json.encode({"empty_days": days})
        await documents.put(Document("clean-up-rule", "empty", body, path=path), By("root", clock.at))
    clock.at += GRACE + 1
    due = [due.what async for due in Preview(catalog.preview, clock, empty).run(GRACE) if due.kind == "repository"]
    assert due == ["team/old"]
    assert (await collection.run(GRACE)).repositories == 1
    left = (await catalog.browse.repositories(PageRequest(10))).items
    assert left == ("other/old", "team/kept/old", "team/new", "team/used")
    clock.at += 7 * DAY
    assert (await collection.run(GRACE)).repositories == 1
    assert (await registry.verification().run()).findings == []
