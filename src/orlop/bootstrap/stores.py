"""Opens the stores that the settings name: a catalog and a blob store, whatever they are made of."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from orlop.bootstrap.clocks import RandomIds, SystemClock
from orlop.config import Settings
from orlop.ports.blobs import BlobAddresses, BlobInventory, BlobReader, BlobRemover, BlobStage
from orlop.ports.catalog import Catalog
from orlop.ports.clock import SECOND
from orlop.ports.events import Changes
from orlop.ports.jobs import Leases

if TYPE_CHECKING:
    from orlop.adapters.s3 import S3Options


class StartRefused(Exception):
    """Orlop does not start on these stores; the message is one sentence that says why."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class BlobRoles(msgspec.Struct, frozen=True):
    """All roles of one blob store."""

    reader: BlobReader
    stage: BlobStage
    remover: BlobRemover
    inventory: BlobInventory
    addresses: BlobAddresses | None = None


class Stores(msgspec.Struct, frozen=True):
    """Everything that keeps something. `close` when done."""

    catalog: Catalog
    leases: Leases
    changes: Changes
    blobs: BlobRoles
    close: Callable[[], Awaitable[None]]


def prepare(settings: Settings) -> None:
    """Make the stores ready for any number of processes: the folder and its marker, the catalog and its schema, the
    marker of the bucket.

    Raises StartRefused when they are not ours to use. Does nothing to stores in memory.
    """
    if settings.blobs.url == "file" or settings.catalog.url == "sqlite":
        catalog = _prepare_folder(settings)
        if settings.blobs.bucket is not None:
            _prepare_bucket(settings, catalog)


def _prepare_bucket(settings: Settings, catalog: str) -> None:
    from orlop.adapters.s3 import BucketRefused, prepare_bucket

    try:
        asyncio.run(prepare_bucket(_bucket(settings), catalog))
    except BucketRefused as refusal:
        raise StartRefused(str(refusal)) from refusal


def _prepare_folder(settings: Settings) -> str:
    """The id that the folder, and so the catalog in it, got when it was made."""
    from orlop.adapters.filesystem import FolderRefused, open_data_folder
    from orlop.adapters.sql.catalog import DATABASE
    from orlop.adapters.sql.migrations import CatalogRefused
    from orlop.adapters.sql.migrations.sqlite import migrate
    from orlop.domain.errors import Unavailable

    try:
        folder = open_data_folder(settings.data)
        if settings.catalog.url == "sqlite":
            migrate(Path(folder.catalog) / DATABASE, SystemClock().now)
        return folder.store
    except (FolderRefused, CatalogRefused) as refusal:
        raise StartRefused(str(refusal)) from refusal
    except Unavailable as failure:
        raise StartRefused(failure.message) from failure


def open_stores(settings: Settings) -> Stores:
    """Open prepared stores in this process, within a running event loop. Raises StartRefused."""
    from orlop.domain.errors import Unavailable

    try:
        blobs, close_blobs = _open_blobs(settings)
        catalog, leases, changes, close_catalog = _open_catalog(settings)
    except Unavailable as failure:
        raise StartRefused(failure.message) from failure

    async def close() -> None:
        await close_catalog()
        await close_blobs()

    return Stores(catalog, leases, changes, blobs, close)


def _open_catalog(settings: Settings) -> tuple[Catalog, Leases, Changes, Callable[[], Awaitable[None]]]:
    if settings.catalog.url == "memory":
        from orlop.adapters.memory.catalog import open_memory

        memory = open_memory()
        return memory.catalog, memory.leases, memory.changes, _nothing
    from orlop.adapters.filesystem import open_data_folder
    from orlop.adapters.sql.catalog import open_sqlite

    opened = open_sqlite(Path(open_data_folder(settings.data, create=False).catalog))
    return opened.catalog, opened.leases, opened.changes, opened.engine.close


async def _nothing() -> None:
    """There is nothing to close."""


def _open_blobs(settings: Settings) -> tuple[BlobRoles, Callable[[], Awaitable[None]]]:
    if settings.blobs.url == "memory":
        from orlop.adapters.memory.blobs import MemoryBlobs, MemoryStage

        memory = MemoryBlobs(SystemClock())
        return BlobRoles(memory, MemoryStage(memory, SystemClock()), memory, memory), _nothing
    if settings.blobs.bucket is not None:
        from orlop.adapters.s3 import S3Blobs, S3Session

        seconds = settings.blobs.redirect_expire // SECOND
        bucket = S3Blobs(S3Session(_bucket(settings)), RandomIds(), address_seconds=seconds)
        addresses = bucket.addresses if settings.blobs.redirects else None
        return BlobRoles(bucket.reader, bucket.stage, bucket.remover, bucket.inventory, addresses), bucket.close
    from orlop.adapters.filesystem import FilesystemBlobs, open_data_folder

    files = FilesystemBlobs(open_data_folder(settings.data, create=False))
    return BlobRoles(files.reader, files.stage, files.remover, files.inventory), partial(asyncio.to_thread, files.close)


def _bucket(settings: Settings) -> "S3Options":
    from orlop.adapters.s3 import S3Options

    blobs = settings.blobs
    assert blobs.bucket is not None
    return S3Options(
        bucket=blobs.bucket.name,
        prefix=blobs.bucket.prefix,
        endpoint=blobs.endpoint,
        region=blobs.region,
        access_key_id=blobs.access_key_id,
        secret_access_key=blobs.secret_access_key,
        addressing=blobs.addressing,
        ca=str(blobs.ca) if blobs.ca else "",
        encryption=blobs.encryption,
        kms_key=blobs.kms_key,
        storage_class=blobs.storage_class,
    )
