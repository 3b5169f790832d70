"""The process that makes one backup, or drills one, for a job of the queue: see adapters.backups.process.

It reads one line that says what to do, and puts everything down when its input ends.
"""

import asyncio
import fcntl
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from orlop.adapters.backups.process import Asked, Said, framed
from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.commands.backing_up import Backups
from orlop.bootstrap.commands.maintenance import open_for_maintenance
from orlop.config import ConfigurationInvalid, Settings
from orlop.config.sources import load
from orlop.domain.backup import NamedBackup, chosen
from orlop.domain.errors import Conflict, RegistryError
from orlop.domain.queue import Progress
from orlop.domain.sizes import size_words
from orlop.ports.backup import BackupTarget
from orlop.ports.backups import BackupOrder, DrilledBackup, MadeBackup, StoredBackup
from orlop.services.backup.creating import BackupProgress
from orlop.services.backup.pruning import BackupPruning
from orlop.services.backup.reading import readable
from orlop.services.backup.restoring import RestoreProgress
from orlop.services.backup.targets import AllowedTargets

#: Seconds between two words of how far it is.
_EVERY = 0.25
#: Backups that are told of at most: the newest.
_MOST = 10_000

Tell = Callable[[Progress], None]


def main() -> None:
    """Do what the first line of standard input asks."""
    asked = msgspec.json.decode(sys.stdin.buffer.readline(), type=Asked)
    os.chdir(asked.folder)
    settings = settings_of(asked.settings)
    with suppress(asyncio.CancelledError):
        asyncio.run(_do(asked, settings))


def settings_as_json(settings: Settings) -> bytes:
    """All settings, for `settings_of` in another process."""
    return msgspec.json.encode(settings, enc_hook=str)


def settings_of(content: bytes | msgspec.Raw) -> Settings:
    """What `settings_as_json` wrote."""
    return msgspec.json.decode(content, type=Settings, dec_hook=lambda wanted, given: wanted(given))


async def _do(asked: Asked, settings: Settings) -> None:
    work, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert work is not None

    def ended() -> None:
        with suppress(OSError):
            if os.read(0, 4096):
                return
        loop.remove_reader(0)
        work.cancel()

    loop.add_reader(0, ended)
    try:
        if asked.work == "make":
            _say(Said(made=await _make(asked.order, settings)))
        else:
            _say(Said(drilled=await _drill(asked.order, settings)))
    except RegistryError as failure:
        _say(Said(failed=failure.message, occupied=isinstance(failure, Conflict)))
    except ConfigurationInvalid as failure:
        _say(Said(failed=str(failure)))
    except OSError as failure:
        _say(Said(failed=f"{failure.filename or 'the disk'}: {(failure.strerror or str(failure)).lower()}"))
    except Exception as failure:  # noqa: BLE001 - the last door: whoever asked hears of a defect of ours
        _say(Said(failed=f"the process that makes backups failed: {type(failure).__name__}: {failure}"[:1000]))


async def _make(order: BackupOrder, settings: Settings) -> MadeBackup:
    if settings.in_memory:
        raise ConfigurationInvalid("a registry in memory belongs to its one process, and has no backups")
    schedule, backups, done, tell = order.schedule, Backups(), BackupProgress(), _teller()
    async with (
        _target(settings, order, writing=True) as target,
        backups.creation(settings, target, schedule.limit, _Named(order.job)) as creation,
    ):
        made = await creation.run(
            done,
            lambda so_far: tell(
                Progress(so_far.blobs, so_far.total_blobs, "blobs", f"{size_words(so_far.new_size)} new")
            ),
        )
        gone, prune_error = 0, ""
        seen, unreadable = await readable(target)
        keep = _keep(order, seen)
        if keep and len(seen) > keep and not made.backup.damaged:
            tell(Progress(text="lets old ones go"))
            try:
                gone = len((await BackupPruning(target).run(keep, dry=False)).backups)
            except RegistryError as failure:
                prune_error = failure.message
            seen, unreadable = await readable(target)
        if unreadable and not prune_error:
            prune_error = f"{unreadable[0]} cannot be read, or was changed"
    return MadeBackup(
        made=_stored(made),
        new_bytes=done.new_size,
        seen=tuple(map(_stored, seen[-_MOST:])),
        gone=gone,
        prune_error=prune_error,
    )


def _keep(order: BackupOrder, seen: tuple[NamedBackup, ...]) -> int:
    """How many of the newest stay; 0: all."""
    schedule = order.schedule
    if not schedule.keep and not schedule.kept:
        return 0
    since = SystemClock().now() - schedule.kept
    young = len([one for one in seen if one.backup.at >= since]) if schedule.kept else 0
    return max(1, schedule.keep, young)


async def _drill(order: BackupOrder, settings: Settings) -> DrilledBackup:
    done, tell = RestoreProgress(), _teller()
    with _scratch(settings, order) as folder:
        restored = load({"data": f"{folder}/data"}, {}).settings
        async with _target(settings, order, writing=False) as target:
            backups, _ = await readable(target)
            backup = chosen(backups)
            async with Backups().restoration(restored, target, backup.backup, order.schedule.limit) as restoration:
                await restoration.run(
                    backup.backup,
                    done,
                    lambda so_far: tell(
                        Progress(so_far.blobs + so_far.present, so_far.total_blobs, "blobs", "restored")
                    ),
                )
        async with open_for_maintenance(restored) as stores:
            found = await stores.verification.run(
                progress=lambda so_far: tell(Progress(so_far.blobs, done.total_blobs, "blobs", "verified"))
            )
    first = found.findings[0] if found.findings else None
    return DrilledBackup(
        name=backup.name,
        at=backup.backup.at,
        manifests=found.manifests,
        blobs=found.blobs,
        wrong=len(found.findings),
        what=f"invariant {first.invariant}: {first.where}: {first.what}" if first is not None else "",
    )


@asynccontextmanager
async def _target(settings: Settings, order: BackupOrder, *, writing: bool) -> AsyncIterator[BackupTarget]:
    """Where the backups of a schedule lie. Raises RequestInvalid for where none may be."""
    place = order.schedule.to
    allowed = AllowedTargets(settings.backup.allowed).of(place)
    if not order.schedule.is_bucket and not await asyncio.to_thread(_is_below, place, allowed):
        raise ConfigurationInvalid(f"{place} is a link that leads out of {allowed}, which is not followed")
    async with Backups().target(place, settings.backup.sealing, writing=writing) as target:
        yield target


def _is_below(place: str, allowed: str) -> bool:
    return Path(place).resolve().is_relative_to(Path(allowed).resolve())


@contextmanager
def _scratch(settings: Settings, order: BackupOrder) -> Iterator[Path]:
    """A folder of its own for the drills of one schedule of one registry; what a killed one left there is removed.
    Raises Conflict while another drills there."""
    above = settings.backup.scratch or Path(tempfile.gettempdir())
    told = f"{settings.data.absolute()}\n{settings.catalog.url}\n{order.identity}"
    folder = above / f"orlop-drill-{sha256(told.encode()).hexdigest()[:16]}"
    folder.mkdir(0o700, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
            raise ConfigurationInvalid(f"{folder} is not this server's own: remove it, or name another backup.scratch")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            raise Conflict("another drill of this schedule runs") from taken
        _clear(folder)
        try:
            yield folder
        finally:
            _clear(folder)
            with suppress(OSError):
                folder.rmdir()
    finally:
        os.close(descriptor)


def _clear(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


class _Named:
    """See ports.clock.Ids: one name, for whoever goes on with the same job."""

    def __init__(self, name: str) -> None:
        self._name = name

    def new(self) -> str:
        """The name."""
        return self._name


def _stored(one: NamedBackup) -> StoredBackup:
    backup = one.backup
    return StoredBackup(
        name=one.name,
        at=backup.at,
        ended_at=backup.ended_at,
        engine=backup.engine,
        release=backup.release,
        blobs=backup.blobs,
        bytes=backup.bytes,
        damaged=len(backup.damaged),
    )


def _teller() -> Tell:
    """Tells how far it is, and not too often."""
    told_at = 0.0

    def tell(progress: Progress) -> None:
        nonlocal told_at
        now = time.monotonic()
        if now - told_at >= _EVERY:
            told_at = now
            _say(Said(progress=progress))

    return tell


def _say(said: Said) -> None:
    content: Any = framed(said)
    with suppress(BrokenPipeError):
        while content:
            content = content[os.write(1, content) :]


if __name__ == "__main__":
    main()
