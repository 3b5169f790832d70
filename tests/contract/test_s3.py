"""The blob store in a bucket keeps to every contract, on two real S3 servers."""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from orlop.adapters.s3 import S3Blobs, S3Session, backup_lock
from orlop.adapters.s3.backups import BackupBucket
from orlop.bootstrap.clocks import RandomIds
from orlop.domain.backup import chunk_key
from orlop.domain.digest import digest_of
from orlop.domain.errors import Conflict
from tests.contract import kits
from tests.contract.backups import ONE, BackupTargetKit, pieces
from tests.contract.blobs import BlobStore
from tests.s3 import SERVERS, S3Server

pytestmark = pytest.mark.slow

#: The smallest size of a part that S3 takes, so that a few megabytes are several parts.
PART = 5 * 1024 * 1024


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with SERVERS[request.param](tmp_path_factory.mktemp(request.param)) as server:
        server.made("contract")
        yield server


@pytest.fixture(name="now")
def _now() -> int:
    return time.time_ns() // 1000


@pytest.fixture(name="store")
def _store(server: S3Server, now: int, runner: asyncio.Runner) -> Iterator[BlobStore]:
    blobs = S3Blobs(S3Session(server.options("contract", f"store/{uuid.uuid4()}")), RandomIds(), part=PART)
    yield BlobStore(blobs.stage, blobs.reader, blobs.remover, blobs.inventory)
    runner.run(blobs.close())


class TestBlobs(kits.BlobStoreKit):
    """Stages and copies."""


class TestBackups(BackupTargetKit):
    """Backups in a bucket."""

    @pytest.fixture
    def prefix(self) -> str:
        return f"backups/{uuid.uuid4()}"

    @pytest.fixture
    def again(self, server: S3Server, prefix: str, runner: asyncio.Runner) -> Iterator[Callable[[], BackupBucket]]:
        opened = list[BackupBucket]()

        def again() -> BackupBucket:
            opened.append(BackupBucket(server.options("contract", prefix)))
            return opened[-1]

        yield again
        for bucket in opened:
            runner.run(bucket.close())

    @pytest.fixture
    def target(self, again: Callable[[], BackupBucket]) -> BackupBucket:
        return again()

    @pytest.fixture
    def beside(self, server: S3Server, prefix: str, runner: asyncio.Runner) -> Iterator[S3Session]:
        session = S3Session(server.options("contract", prefix))
        yield session
        runner.run(session.close())

    async def test_a_lock_that_is_anothers_by_now_is_lost_and_left_to_them(
        self, target: BackupBucket, beside: S3Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(backup_lock, "RENEWED", 0.3)
        key, lock = chunk_key(digest_of(ONE)), f"{beside.keys.root}lock"
        async with target.occupied():
            await target.write(key, pieces(ONE), len(ONE))
            await beside.put(lock, b"another's")
            with pytest.raises(Conflict, match="was lost"):
                await asyncio.wait_for(_write_on(target, key), 10)
            with pytest.raises(Conflict, match="was lost"):
                await target.remove(key)
        assert await _read(beside, lock) == b"another's"
        await beside.ask("delete_object", Key=lock)
        async with target.occupied():
            await target.remove(key)

    async def test_a_lock_whose_renewal_was_answered_to_nobody_is_kept(
        self, target: BackupBucket, beside: S3Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(backup_lock, "RENEWED", 0.3)
        lock = f"{beside.keys.root}lock"
        async with target.occupied():
            await beside.put(lock, await _read(beside, lock) + b"renewed")
            async with asyncio.timeout(10):
                while b"renewed" in await _read(beside, lock):  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0.05)
            await target.write(chunk_key(digest_of(ONE)), pieces(ONE), len(ONE))

    async def test_a_lock_that_is_not_renewed_for_long_is_lost(
        self, target: BackupBucket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(backup_lock, "STALE", 0.0)
        async with target.occupied():
            with pytest.raises(Conflict, match="was lost"):
                await target.write(chunk_key(digest_of(ONE)), pieces(ONE), len(ONE))


async def _read(session: S3Session, key: str) -> bytes:
    async with (await session.ask("get_object", Key=key))["Body"] as body:
        content: bytes = await body.read()
    return content


async def _write_on(target: BackupBucket, key: str) -> None:
    while True:
        await target.write(key, pieces(ONE), len(ONE))
        await asyncio.sleep(0.01)
