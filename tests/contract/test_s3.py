"""The blob store in a bucket keeps to every contract, on two real S3 servers."""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from orlop.adapters.s3 import S3Blobs, S3Session
from orlop.adapters.s3.backups import BackupBucket
from orlop.bootstrap.clocks import RandomIds
from tests.contract import kits
from tests.contract.backups import BackupTargetKit
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
    def again(self, server: S3Server, runner: asyncio.Runner) -> Iterator[Callable[[], BackupBucket]]:
        prefix, opened = f"backups/{uuid.uuid4()}", list[BackupBucket]()

        def again() -> BackupBucket:
            opened.append(BackupBucket(server.options("contract", prefix)))
            return opened[-1]

        yield again
        for bucket in opened:
            runner.run(bucket.close())

    @pytest.fixture
    def target(self, again: Callable[[], BackupBucket]) -> BackupBucket:
        return again()
