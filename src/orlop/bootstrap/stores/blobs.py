"""Opens the blob store that the settings name: in memory, a folder, a bucket."""

import asyncio
import resource
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from orlop.bootstrap.clocks import RandomIds, SystemClock
from orlop.config import Settings
from orlop.domain.open_files import shared_out
from orlop.ports.blobs import BlobAddresses, BlobInventory, BlobReader, BlobRemover, BlobStage, StoreSpace
from orlop.ports.clock import SECOND
from orlop.telemetry.tracing import active

if TYPE_CHECKING:
    from orlop.adapters.readcache import CacheFolder
    from orlop.adapters.s3 import S3Options

# The adapters are imported where one is opened: each process pays for one store.


class BlobRoles(msgspec.Struct, frozen=True):
    """All roles of one blob store. `serving` reads what clients get, and may keep it at hand; `reader` looks anew."""

    reader: BlobReader
    serving: BlobReader
    stage: BlobStage
    remover: BlobRemover
    inventory: BlobInventory
    addresses: BlobAddresses | None = None
    space: StoreSpace | None = None


def prepare_blobs(settings: Settings, catalog: str) -> None:
    """Make sure that the blobs are those of the catalog with this id. Raises what the adapter raises."""
    if settings.blobs.bucket is not None:
        from orlop.adapters.s3 import prepare_bucket

        asyncio.run(prepare_bucket(bucket_of(settings), catalog))


async def hand_blobs_over(settings: Settings, before: str, after: str) -> None:
    """Make blobs that stay where they are those of another catalog. Raises StoreRefused."""
    if settings.blobs.bucket is not None:  # files are those of whoever has the folder
        from orlop.adapters.s3 import hand_over

        await hand_over(bucket_of(settings), before, after)


def open_blobs(settings: Settings) -> tuple[BlobRoles, Callable[[], Awaitable[None]]]:
    """Open a prepared blob store; its roles, and how to let go of it. Raises what the adapter raises."""
    if settings.blobs.url == "memory":
        from orlop.adapters.memory.blobs import MemoryBlobs, MemoryStage

        memory = MemoryBlobs(SystemClock())
        return BlobRoles(memory, memory, MemoryStage(memory, SystemClock()), memory, memory), _nothing_to_close
    if settings.blobs.bucket is not None:
        from orlop.adapters.s3 import S3Blobs, S3Session

        seconds = settings.blobs.redirect_expire // SECOND
        bucket = S3Blobs(S3Session(bucket_of(settings)), RandomIds(), address_seconds=seconds)
        addresses = bucket.addresses if settings.blobs.redirects else None
        roles = BlobRoles(bucket.reader, bucket.reader, bucket.stage, bucket.remover, bucket.inventory, addresses)
        return roles, bucket.close
    from orlop.adapters.filesystem import FilesystemBlobs, open_data_folder

    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    copies = shared_out(most if most != resource.RLIM_INFINITY else 1 << 20).copies
    files = FilesystemBlobs(open_data_folder(settings.data, create=False), copies)
    space = files.space(settings.blobs.reserve, SystemClock()) if settings.blobs.reserve else None
    roles = BlobRoles(files.reader, files.serving, files.stage, files.remover, files.inventory, space=space)

    async def close() -> None:
        files.serving.close()
        await asyncio.to_thread(files.close)

    return roles, close


def traced_roles(roles: BlobRoles) -> BlobRoles:
    """The same, whose requests to the store are spans, where this process traces."""
    tracer = active()
    if tracer is None:
        return roles
    from orlop.adapters.traced import Traced

    reading = {"open": "store open"}
    staging = {name: f"store {name}" for name in ("open", "digest", "promote", "discard")} | {"open": "store stage"}
    return msgspec.structs.replace(
        roles,
        reader=Traced(roles.reader, tracer, reading),
        serving=Traced(roles.serving, tracer, reading),
        stage=Traced(roles.stage, tracer, staging),
        remover=Traced(roles.remover, tracer, {"remove": "store remove"}),
    )


def prepare_cache(settings: Settings) -> None:
    """Make the cache of blobs ready for the workers of a server, if there is to be one. Raises StoreRefused."""
    if settings.blobs.cache_bytes:
        _cache(settings).prepare()


def cached(settings: Settings, reader: BlobReader, count: Callable[[str], None]) -> BlobReader:
    """The reader, behind the cache if there is one; `count` gets a word for what became of each read."""
    if not settings.blobs.cache_bytes:
        return reader
    from orlop.adapters.readcache import CachedReader

    return CachedReader(reader, _cache(settings), lambda outcome: count(outcome.value))


def _cache(settings: Settings) -> "CacheFolder":
    from orlop.adapters.filesystem.layout import CACHE
    from orlop.adapters.readcache import CacheFolder

    return CacheFolder(settings.data / CACHE, settings.blobs.cache_bytes)


def bucket_of(settings: Settings) -> "S3Options":
    """How to reach the bucket that the settings name."""
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


async def _nothing_to_close() -> None:
    """There is nothing to close."""
