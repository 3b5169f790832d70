"""What every place for backups keeps to (ports.backup.BackupTarget), and what every catalog does while one is made."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

import pytest

from orlop.domain.backup import HOLD, JOB, backup_key, blob_key, chunk_key
from orlop.domain.digest import digest_of
from orlop.domain.errors import Conflict, ContentCorrupt, NotFound
from orlop.ports.backup import BackupTarget, StoredKey
from orlop.ports.catalog import Catalog
from orlop.ports.jobs import Leases
from tests.content import blob
from tests.contract.scene import APP, Scene

ONE, TWO = b"one chunk", b"another chunk"


async def pieces(*parts: bytes, error: Exception | None = None) -> AsyncGenerator[bytes, None]:
    for part in parts:
        yield part
    if error is not None:
        raise error


async def whole(target: BackupTarget, key: str) -> bytes:
    return b"".join([piece async for piece in target.read(key)])


class BackupTargetKit:
    """Needs the fixture `target`: an empty place, and `again`, which opens the same once more."""

    exact = True
    """Whether sizes are those of what was written, to the byte."""

    async def test_what_was_written_is_read(self, target: BackupTarget) -> None:
        key, large = chunk_key(digest_of(ONE)), [bytes([number]) * 5_000_000 for number in range(8)]
        layer = blob_key(digest_of(b"".join(large)))
        async with target.occupied():
            await target.write(key, pieces(ONE[:3], ONE[3:]), len(ONE))
            await target.write(layer, pieces(*large), 40_000_000)
            await target.write(blob_key(digest_of(b"")), pieces(), 0)
            await target.settle()
        assert await whole(target, key) == ONE
        assert await whole(target, layer) == b"".join(large)
        assert await whole(target, blob_key(digest_of(b""))) == b""

    async def test_what_is_not_there_is_not_found(self, target: BackupTarget) -> None:
        async with target.occupied():
            with pytest.raises(NotFound):
                await whole(target, chunk_key(digest_of(ONE)))
            await target.remove(chunk_key(digest_of(ONE)))

    async def test_it_is_present_in_its_size_alone(self, target: BackupTarget) -> None:
        one, two = chunk_key(digest_of(ONE)), chunk_key(digest_of(TWO))
        async with target.occupied():
            await target.write(one, pieces(ONE), len(ONE))
            asked = [StoredKey(one, len(ONE)), StoredKey(two, len(TWO))]
            assert await target.present(asked) == {one}
            assert await target.present([StoredKey(one, len(ONE) + (1 if self.exact else 5_000))]) == frozenset()

    async def test_what_breaks_off_leaves_nothing(self, target: BackupTarget) -> None:
        async with target.occupied():
            for sent, size in ((b"half", 9), (bytes(20_000_000), 40_000_000)):
                with pytest.raises(ContentCorrupt):
                    await target.write(
                        blob_key(digest_of(TWO)), pieces(sent, error=ContentCorrupt("not what was pushed")), size
                    )
            assert [stored async for stored in target.keys("blobs/")] == []

    async def test_keys_are_listed_and_removed(self, target: BackupTarget) -> None:
        keys = [chunk_key(digest_of(ONE)), blob_key(digest_of(TWO)), backup_key("20261130T120000Z-0123456789abcdef")]
        async with target.occupied():
            for key in keys:
                await target.write(key, pieces(ONE), len(ONE))
            for key in keys:
                under = key.partition("/")[0] + "/"
                (listed,) = [stored async for stored in target.keys(under)]
                assert listed == (StoredKey(key, len(ONE)) if self.exact else StoredKey(key, listed.size))
                await target.remove(key)
                assert [stored async for stored in target.keys(under)] == []

    async def test_one_writes_at_a_time(self, target: BackupTarget, again: Callable[[], BackupTarget]) -> None:
        other = again()
        async with target.occupied():
            with pytest.raises(Conflict):
                async with other.occupied():
                    pytest.fail("two have it")
        async with other.occupied():
            pass

    async def test_who_is_cancelled_leaves_nothing(self, target: BackupTarget) -> None:
        begun = asyncio.Event()

        async def endless() -> AsyncGenerator[bytes, None]:
            while True:
                yield bytes(1_000_000)
                begun.set()
                await asyncio.sleep(0)

        async with target.occupied():
            writing = asyncio.create_task(target.write(blob_key(digest_of(ONE)), endless(), 1 << 40))
            await begun.wait()
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing
            assert [stored async for stored in target.keys("blobs/")] == []


class BackupHoldKit:
    """Needs the fixtures `catalog` and `leases` of one empty catalog."""

    async def test_no_blob_is_tombstoned_while_a_backup_is_made(self, catalog: Catalog, leases: Leases) -> None:
        scene = Scene(catalog)
        await scene.hold(APP, blob("base"))
        await catalog.collection.unlink_loose(scene.at + 1, 10, scene.by())
        scene.at += 5
        lease = await leases.acquire(JOB, "one", now=scene.at, until=scene.at + HOLD)
        assert lease is not None
        async with scene.unchanged():
            assert await catalog.collection.tombstone(scene.at, 10, scene.by()) == 0
        scene.at += HOLD - 1
        async with scene.unchanged():
            assert await catalog.collection.tombstone(scene.at, 10, scene.by()) == 0
        assert await leases.release(lease, now=scene.at, outcome="ended")
        assert await catalog.collection.tombstone(scene.at, 10, scene.by()) == 1

    async def test_a_backup_that_is_gone_holds_nothing(self, catalog: Catalog, leases: Leases) -> None:
        scene = Scene(catalog)
        await scene.hold(APP, blob("base"))
        await catalog.collection.unlink_loose(scene.at + 1, 10, scene.by())
        assert await leases.acquire(JOB, "one", now=scene.at, until=scene.at + HOLD)
        scene.at += HOLD
        assert await catalog.collection.tombstone(scene.at, 10, scene.by()) == 1

    async def test_a_clock_that_was_wrong_holds_nothing(self, catalog: Catalog, leases: Leases) -> None:
        scene = Scene(catalog)
        await scene.hold(APP, blob("base"))
        await catalog.collection.unlink_loose(scene.at + 1, 10, scene.by())
        assert await leases.acquire(JOB, "one", now=scene.at + 9 * HOLD, until=scene.at + 10 * HOLD)
        scene.at += 5
        assert await catalog.collection.tombstone(scene.at, 10, scene.by()) == 1
