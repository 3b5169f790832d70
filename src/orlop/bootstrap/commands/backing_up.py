"""Backups as `orlop backup` opens them: where they lie, the stores that are read, and those that are filled."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from orlop import __version__
from orlop.bootstrap.clocks import RandomIds, SystemClock
from orlop.bootstrap.commands.clients import ManagementServers
from orlop.bootstrap.commands.importing import Imports
from orlop.bootstrap.commands.migrations import require_schema
from orlop.bootstrap.stores.catalogs import Siblings, database, open_sql, sqlite_file
from orlop.bootstrap.stores.moved import refuse_elsewhere
from orlop.bootstrap.stores.opening import StartRefused
from orlop.bootstrap.stores.places import blob_store_name
from orlop.config import ConfigurationInvalid, Settings
from orlop.config.sources import BACKUP_PREFIX, FILE_SUFFIX, OF_SEALING, PREFIX, load
from orlop.domain.backup import Backup, Sealing
from orlop.domain.durations import SECOND
from orlop.domain.errors import Denied, Unavailable
from orlop.faces.cli.content.stores import Connecting
from orlop.faces.cli.servers import Servers
from orlop.ports.backup import BackupTarget, CatalogFill, Snapshots
from orlop.ports.clock import Ids
from orlop.ports.importing import ImportSource, ImportTargets
from orlop.ports.stores import StoreRefused
from orlop.services.backup.pace import Pace

if TYPE_CHECKING:
    from orlop.adapters.backups.marked import SizedTarget

    # Every command comes past here: what a backup needs is loaded by those that make one.
    from orlop.bootstrap.stores.blobs import BlobRoles
    from orlop.services.backup.creating import BackupCreation
    from orlop.services.backup.restoring import Restoration

#: Settings of the backups that a server makes, which say nothing of how to reach a bucket.
_OF_SCHEDULES = frozenset({"TARGETS", "SCRATCH"})


class Backups:
    """See faces.cli.stores.backup_work.BackingUp."""

    @asynccontextmanager
    async def target(self, place: str, sealing: Sealing, *, writing: bool = False) -> AsyncIterator[BackupTarget]:
        """Where backups lie: a folder, or s3://bucket/prefix. Raises NotFound where there are none but to write, Denied
        where they are encrypted otherwise than `sealing` says."""
        if place.startswith("s3://"):
            from orlop.adapters.s3.backups import BackupBucket

            bucket = BackupBucket(_options(place, os.environ))
            try:
                if not writing:
                    await bucket.look()
                yield await _sealed(bucket, sealing, writing)
            finally:
                await bucket.close()
        else:
            from orlop.adapters.filesystem.backups import BackupFolder

            folder = BackupFolder(await asyncio.to_thread(Path(place).absolute))
            if not writing:
                folder.look()
            yield await _sealed(folder, sealing, writing)

    @asynccontextmanager
    async def creation(
        self, settings: Settings, target: BackupTarget, limit: int, ids: Ids | None = None
    ) -> AsyncIterator["BackupCreation"]:
        """What makes backups of the registry of these settings, with `limit` bytes a second. Raises Unavailable.

        `ids` names who makes them: whoever goes on under the same name takes over at once what was held.
        """
        from orlop.services.backup.creating import BackupCreation

        with suppress(OSError):  # pushes go first
            os.nice(5)
        async with AsyncExitStack() as stack:
            with _told():
                await require_schema(settings)
                await refuse_elsewhere(settings)
                opened = open_sql(settings, Siblings([0], 0), blob_store_name(settings))
                stack.push_async_callback(opened.engine.close)
                blobs = await _blobs(stack, settings)
            yield BackupCreation(
                _snapshots(settings, _scratch(stack, target)),
                opened.leases,
                blobs.reader,
                target,
                SystemClock(),
                ids or RandomIds(),
                _stamp,
                __version__,
                pace=_pace(limit),
            )

    @asynccontextmanager
    async def restoration(
        self, settings: Settings, target: BackupTarget, backup: Backup, limit: int
    ) -> AsyncIterator["Restoration"]:
        """What restores a backup into the stores of these settings. A data folder appears under its name at the end.

        Raises Denied when these are not empty or of another engine than the backup, before anything is written;
        Unavailable.
        """
        from orlop.bootstrap.stores.blobs import prepare_blobs
        from orlop.services.backup.restoring import Restoration

        await _refuse(settings, backup)
        final = settings.data.absolute()
        draft = final.with_name(f"{final.name}.restoring")
        there = msgspec.structs.replace(settings, data=draft) if settings.needs_folder else settings
        if settings.needs_folder:
            _refuse_full(final)
            _claim(draft, backup)
        async with AsyncExitStack() as stack:
            with _told():
                catalog, fill = await _catalog(there, backup)
                await asyncio.to_thread(prepare_blobs, there, catalog)
                blobs = await _blobs(stack, there)
            yield Restoration(target, blobs.reader, blobs.stage, fill, _pace(limit))
        if settings.needs_folder:
            with _told():
                await asyncio.to_thread(_show, draft, final)
        with suppress(Unavailable):  # only a run of the same backup would take it for its own, and find nothing to do
            await fill.conclude()


class BackupParts:
    """See faces.cli.stores.backup_repository.PartOpening."""

    @property
    def servers(self) -> Servers:
        """Where sign-ins are kept."""
        return ManagementServers()

    @asynccontextmanager
    async def contents(self, target: BackupTarget, backup: Backup) -> AsyncIterator[ImportSource]:
        """What the repositories of a backup held; its catalog lies in a folder for temporary files meanwhile."""
        from orlop.adapters.sql.backup.contents import contents
        from orlop.services.backup.contents import BackupSource
        from orlop.services.backup.reading import BackupFiles

        with tempfile.TemporaryDirectory(prefix="orlop-backup-") as scratch:
            async with contents(backup, BackupFiles(target, backup), Path(scratch)) as found:
                yield BackupSource(target, found)

    def targets(self, server: str, connecting: Connecting) -> AbstractAsyncContextManager[ImportTargets]:
        """The registry that runs."""
        return Imports().targets(server, connecting)


async def _sealed(target: "SizedTarget", sealing: Sealing, writing: bool) -> BackupTarget:
    """The place, with what lies there encrypted where it is, or is to be."""
    from orlop.adapters.backups.marked import is_sealed

    if not sealing.seals and not await is_sealed(target):
        return target
    from orlop.adapters.backups.sealed import sealed

    return await sealed(target, sealing, writing=writing)


def _options(place: str, environment: Mapping[str, str]) -> Any:
    """How to reach the bucket: ORLOP_BACKUP_ENDPOINT and so on, as blobs.endpoint is for the registry's own."""
    from orlop.bootstrap.stores.blobs import bucket_of

    own = {
        f"{PREFIX}BLOBS_{name.removeprefix(BACKUP_PREFIX)}": value
        for name, value in environment.items()
        if name.startswith(BACKUP_PREFIX)
        and name.removeprefix(BACKUP_PREFIX).removesuffix(FILE_SUFFIX) not in _OF_SCHEDULES | OF_SEALING
    }
    loaded = load({"blobs.url": place}, own)
    if loaded.settings.blobs.bucket is None:
        raise ConfigurationInvalid(f"{place!r} is not a bucket such as s3://backups/orlop")
    return bucket_of(loaded.settings)


async def _refuse(settings: Settings, backup: Backup) -> None:
    """Raises Denied where the catalog of these settings cannot become that of the backup; Unavailable."""
    if settings.catalog.is_postgres:
        from orlop.adapters.sql.backup.postgres import PostgresFill

        await PostgresFill(database(settings)).check(backup)
    else:
        from orlop.adapters.sql.backup.engines import refuse_other

        refuse_other(backup, "sqlite")


async def _catalog(settings: Settings, backup: Backup) -> tuple[str, CatalogFill]:
    """An empty catalog of the backup's schema, and its id; the data folder is made where it is needed."""
    if settings.catalog.is_postgres:
        from orlop.adapters.filesystem import open_data_folder
        from orlop.adapters.sql.backup.postgres import PostgresFill
        from orlop.adapters.sql.migrations.postgres import prepare_at

        if settings.needs_folder:
            await asyncio.to_thread(open_data_folder, settings.data)
        catalog = await prepare_at(database(settings), SystemClock().now, backup.schema)
        return catalog, PostgresFill(database(settings))
    from orlop.adapters.filesystem import open_data_folder
    from orlop.adapters.sql.backup.sqlite import FILE, SqliteFill

    folder = await asyncio.to_thread(open_data_folder, settings.data)
    return folder.store, SqliteFill(folder.catalog / FILE)


async def _blobs(stack: AsyncExitStack, settings: Settings) -> "BlobRoles":
    from orlop.bootstrap.stores.blobs import open_blobs

    roles, close = await asyncio.to_thread(partial(open_blobs, settings))
    stack.push_async_callback(close)
    return roles


def _snapshots(settings: Settings, scratch: Callable[[], Path]) -> Snapshots:
    if settings.catalog.is_postgres:
        from orlop.adapters.sql.backup.postgres import PostgresSnapshots

        return PostgresSnapshots(database(settings), scratch)
    from orlop.adapters.sql.backup.sqlite import SqliteSnapshots

    return SqliteSnapshots(sqlite_file(settings), scratch)


def _scratch(stack: AsyncExitStack, target: BackupTarget) -> Callable[[], Path]:
    """Where a copy of the catalog lies while it is read: beside the backups where these are in a folder."""
    from orlop.adapters.filesystem.backups import BackupFolder

    if isinstance(target, BackupFolder):
        return lambda: target.scratch
    return lambda: Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="orlop-backup-")))


def _refuse_full(folder: Path) -> None:
    """Raises Denied when something lies there already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Denied(f"{folder} is there already, and not empty; a backup overwrites nothing")


def _claim(draft: Path, backup: Backup) -> None:
    """Say of what the draft is made. Raises Denied when another backup is being restored there."""
    word = draft.with_name(f"{draft.name}-of")
    said = f"{backup.at}\n"
    if not word.exists():
        _refuse_full(draft)
        word.parent.mkdir(parents=True, exist_ok=True)
        word.write_text(said)
    elif word.read_text() != said:
        raise Denied(f"another backup is being restored to {draft}; finish that, or remove it together with {word}")


def _show(draft: Path, final: Path) -> None:
    """Give the folder its name: from now on it is a data folder."""
    try:
        draft.rename(final)  # also over an empty one
        folder = os.open(final.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        draft.with_name(f"{draft.name}-of").unlink(missing_ok=True)
    except OSError as cause:
        raise Unavailable(f"{draft} could not be renamed to {final}: {(cause.strerror or '').lower()}") from cause


def _pace(limit: int) -> Pace:
    return Pace(limit, SystemClock(), asyncio.sleep)


def _stamp(at: int) -> str:
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y%m%dT%H%M%SZ")


@contextmanager
def _told() -> Iterator[None]:
    """Turn refusals into Unavailable, which the command line tells in its sentence."""
    try:
        yield
    except (StoreRefused, StartRefused) as refusal:
        raise Unavailable(str(refusal)) from refusal
