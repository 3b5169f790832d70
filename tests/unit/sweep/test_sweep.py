"""The sweep removes what no row names, nothing else, and nothing at all with the wrong catalog."""

import pytest

from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import digest_of
from orlop.ports.clock import HOUR
from orlop.services.collection.sweep import Swept
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
async def test_strays_go_when_they_are_an_hour_old(age: int) -> None:
    registry, clock = await _lived_in()
    await _stray_copy(registry, "stray")
    await _stray_stage(registry)
    clock.at += age
    is_due = age > HOUR
    assert await registry.sweep.run() == Swept(stages=2, copies=5, strays=2 * is_due, removed=2 * is_due)
    assert await registry.sweep.run() == Swept(stages=2 - is_due, copies=5 - is_due)


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
