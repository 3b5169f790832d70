"""Uploads whose session ends while a request still writes to it."""

from collections.abc import AsyncIterator

import pytest

from orlop.domain.errors import BlobUploadUnknown
from orlop.services.uploads import Body
from tests.contract.scene import APP
from tests.registry import ALICE, HandClock, Registry, in_memory


async def _stages(registry: Registry) -> list[str]:
    return [stage.upload async for stage in registry.stores.inventory.stages()]


@pytest.mark.parametrize("swept", [False, True])
async def test_a_session_cancelled_while_it_is_written_leaves_no_stage(swept: bool) -> None:
    registry = Registry(in_memory(HandClock()).stores, HandClock())
    upload = await registry.uploads.start(APP, ALICE)

    async def cancelled_half_way() -> AsyncIterator[bytes]:
        yield b"before"
        await registry.uploads.cancel(APP, upload.id, ALICE)
        if swept:
            await registry.collection.expire_uploads()
        yield b"after"

    with pytest.raises(BlobUploadUnknown):
        await registry.uploads.append(APP, upload.id, Body(cancelled_half_way()), ALICE)
    assert await _stages(registry) == []


async def test_a_session_that_somebody_else_took_over_keeps_its_stage() -> None:
    clock = HandClock()
    registry = Registry(in_memory(clock).stores, clock)
    upload = await registry.uploads.start(APP, ALICE)

    async def taken_over() -> AsyncIterator[bytes]:
        yield b"before"
        until = clock.at + 2 * 60_000_000
        clock.at = until - 1  # the lease is over, the session is not
        await registry.stores.catalog.uploads.claim(APP, upload.id, now=clock.at, lease_until=until)
        yield b"after"

    with pytest.raises(BlobUploadUnknown):
        await registry.uploads.append(APP, upload.id, Body(taken_over()), ALICE)
    assert await _stages(registry) == [upload.id]
