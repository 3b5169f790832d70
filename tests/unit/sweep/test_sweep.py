"""The sweep removes what no row names, nothing else, and nothing at all with the wrong catalog."""

import pytest

from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import digest_of
from orlop.domain.durations import DAY, HOUR
from orlop.services.collection.sweep import QUARANTINE, Swept
from orlop.services.stores.verify import Ages
from tests.content import blob, image
from tests.contract.scene import APP, V1
from tests.registry import ALICE, HandClock, Registry, body, in_memory

ONE = image("one", ["base", "code"])


async def _stray_copy(registry: Registry, name: str) -> BlobKey:
    """A copy as a power cut leaves it when it takes the session's row."""
    content, upload = name.encode(), registry.ids.new()
    writer = await registry.stores.stage.open(upload, 0, "sha256")
    await writer.write(content)
    await writer.checkpoint()
    await writer.close()
    key = BlobKey(digest_of(content), upload.replace("-", ""))
    await registry.stores.stage.promote(upload, Blob(key, len(content)))
    return key


async def _stray_stage(registry: Registry) -> None:
    writer = await registry.stores.stage.open(registry.ids.new(), 0, "sha256")
    await writer.write(b"bytes")
    await writer.checkpoint()
    await writer.close()


async def _lived_in() -> tuple[Registry, HandClock]:
    clock = HandClock()
    registry = Registry(in_memory(clock).stores, clock)
    await registry.push(APP, ONE, V1)
    await registry.push_blob(APP, blob("loose"))
    upload = await registry.uploads.start(APP, ALICE)
    await registry.uploads.append(APP, upload.id, body(b"so far"), ALICE)
    return registry, clock


async def test_what_has_a_row_stays() -> None:
    registry, clock = await _lived_in()
    clock.at += 1000 * HOUR
    assert await registry.sweep.run() == Swept(stages=1, copies=4)
    await registry.manifests.resolve(APP, V1)


@pytest.mark.parametrize("age", [HOUR, HOUR + 1])
async def test_strays_are_in_quarantine_when_they_are_an_hour_old_and_go_after_a_week(age: int) -> None:
    registry, clock = await _lived_in()
    key = await _stray_copy(registry, "stray")
    await _stray_stage(registry)
    clock.at += age
    is_due = age > HOUR
    assert await registry.sweep.run() == Swept(stages=2, copies=5, strays=2 * is_due, quarantined=2 * is_due)
    if not is_due:
        return
    orphans = await registry.stores.catalog.orphans.page("", 10)
    assert {orphan.found_at for orphan in orphans} == {clock.at}
    assert (f"{key.digest}/{key.copy}", 5) in {(orphan.name, orphan.size) for orphan in orphans}
    clock.at += QUARANTINE
    assert await registry.sweep.run() == Swept(stages=2, copies=5, strays=2, quarantined=2)
    assert (await registry.verification(Ages(100 * DAY, 100 * DAY, 0)).run()).findings == []
    clock.at += 1
    assert await registry.sweep.run() == Swept(stages=2, copies=5, strays=2, removed=2)
    assert await registry.sweep.run() == Swept(stages=1, copies=4)
    assert await registry.stores.catalog.orphans.page("", 10) == ()


async def test_what_gets_a_row_or_goes_by_itself_leaves_the_quarantine() -> None:
    registry, clock = await _lived_in()
    key = await _stray_copy(registry, "stray")
    clock.at += HOUR + 1
    assert (await registry.sweep.run()).quarantined == 1
    await registry.stores.remover.remove(key)
    await registry.sweep.run()
    assert await registry.stores.catalog.orphans.page("", 10) == ()


async def test_what_stays_in_quarantine_for_too_long_is_found_by_verification() -> None:
    registry, clock = await _lived_in()
    await _stray_copy(registry, "stray")
    clock.at += HOUR + 1
    await registry.sweep.run()
    clock.at += 9 * DAY
    [finding] = (await registry.verification(Ages(100 * DAY, 100 * DAY, 0)).run()).findings
    assert finding.invariant == 7


async def test_a_catalog_that_knows_no_copy_is_not_believed() -> None:
    clock = HandClock()
    registry = Registry(in_memory(clock).stores, clock)
    await _stray_copy(registry, "somebody's")
    clock.at += 2 * HOUR
    assert await registry.sweep.run() == Swept(copies=1, strays=1)


async def test_a_catalog_that_knows_few_copies_is_not_believed() -> None:
    registry, clock = await _lived_in()
    for number in range(17):
        await _stray_copy(registry, f"stray {number}")
    clock.at += 2 * HOUR
    assert await registry.sweep.run() == Swept(stages=1, copies=21, strays=17)
