"""What `orlop backup` does, and what it prints. How it is typed is in `backup`."""

import os
import tempfile
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import msgspec

from orlop.config import ConfigurationInvalid, Settings
from orlop.config.sources import load, load_target, sealing_of
from orlop.domain.backup import Backup, NamedBackup, Sealing, chosen
from orlop.domain.errors import NotFound
from orlop.domain.queue import Progress
from orlop.faces.cli.moments import moment, now, rfc3339, shown
from orlop.faces.cli.running import DONE, FAILED, counted, run, size_text, tell
from orlop.faces.cli.stores.backup_keys import BackupKeys
from orlop.faces.cli.stores.maintenance_work import Opening, drawn
from orlop.ports.backup import BackupTarget
from orlop.services.backup.creating import BackupCreation, BackupProgress
from orlop.services.backup.pruning import BackupPruning, Pruned
from orlop.services.backup.reading import readable
from orlop.services.backup.restoring import Restoration, RestoreProgress
from orlop.services.backup.verifying import BackupReport, BackupVerification

#: Of a file with keys or a passphrase.
_KEY_BYTES = 64 * 1024


class BackingUp(Protocol):
    """Opens what backups are made of."""

    def target(
        self, place: str, sealing: Sealing, *, writing: bool = False
    ) -> AbstractAsyncContextManager[BackupTarget]:
        """Where backups lie. Raises NotFound where there are none, unless `writing`; Denied, Unavailable."""
        ...

    def creation(
        self, settings: Settings, target: BackupTarget, limit: int
    ) -> AbstractAsyncContextManager[BackupCreation]:
        """What makes backups of the registry of these settings. Raises Unavailable."""
        ...

    def restoration(
        self, settings: Settings, target: BackupTarget, backup: Backup, limit: int
    ) -> AbstractAsyncContextManager[Restoration]:
        """What restores a backup into the stores of these settings. Raises Denied when they are not empty."""
        ...


class Lying(msgspec.Struct, frozen=True):
    """Where backups lie, and what opens them."""

    place: str
    sealing: Sealing


class ShownBackup(msgspec.Struct, frozen=True):
    """A backup as `--json` prints it. `bytes` of all that it holds."""

    name: str
    at: str
    engine: str
    release: str
    blobs: int
    bytes: int
    damaged: int


def lying(place: str, keys: BackupKeys, encrypt_to: tuple[str, ...] = ()) -> Lying:
    """Where backups lie, and what opens them, by flags before variables. Raises ConfigurationInvalid."""
    found = sealing_of(os.environ)
    recipients = tuple(each for given in encrypt_to for each in _recipients(given))
    if keys.identity is not None and keys.passphrase_file is not None:
        raise ConfigurationInvalid("--identity and --passphrase-file contradict each other")
    if keys.passphrase_file is not None:
        if recipients:
            raise ConfigurationInvalid("--encrypt-to and --passphrase-file contradict each other")
        passphrase = _text(keys.passphrase_file).rstrip("\r\n")
        if not passphrase:
            raise ConfigurationInvalid(f"{keys.passphrase_file} is empty")
        return Lying(place, Sealing(passphrase=passphrase))
    identity = _text(keys.identity) if keys.identity is not None else found.identity
    if recipients or keys.identity is not None:
        return Lying(place, Sealing(recipients=recipients or found.recipients, identity=identity))
    return Lying(place, found)


def _recipients(given: str) -> tuple[str, ...]:
    """A public key, or those of a file, a line each."""
    if given.startswith("age1"):
        return (given,)
    lines = [line.strip() for line in _text(Path(given)).splitlines()]
    return tuple(line for line in lines if line and not line.startswith("#"))


def _text(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as opened:
            return opened.read(_KEY_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationInvalid(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def stored(settings: Settings) -> Settings:
    """Settings that name stores a command can open. Raises ConfigurationInvalid."""
    if settings.in_memory:
        raise ConfigurationInvalid("stores in memory belong to the server that holds them; there is nothing to open")
    return settings


def place(into: str | None, to: str | None) -> Settings:
    """The settings of where to restore to. Raises ConfigurationInvalid."""
    if into is not None:
        return load({"data": into}, {}).settings
    assert to is not None
    return stored(load_target(Path(to), os.environ).settings)


def create(backing_up: BackingUp, settings: Settings, target: Lying, limit: int, *, json: bool) -> int:
    """Make one; the exit code, which is 1 where the registry itself had lost blobs."""

    async def work() -> int:
        done = BackupProgress()
        async with (
            backing_up.target(target.place, target.sealing, writing=True) as there,
            backing_up.creation(settings, there, limit) as creation,
        ):
            with drawn("backing up", silent=json) as draw:
                made = await creation.run(
                    done,
                    lambda so_far: draw(
                        Progress(so_far.blobs, so_far.total_blobs, "blobs", f"{size_text(so_far.new_size)} new")
                    ),
                )
        if json:
            counts = msgspec.structs.asdict(done)
            print(
                msgspec.json.encode(
                    msgspec.structs.asdict(_shown(made))
                    | {"damaged": made.backup.damaged}
                    | {key: counts[key] for key in ("new_blobs", "new_chunks", "new_size")}
                ).decode()
            )
        else:
            print(
                f"{made.name}: {counted(done.blobs, 'blob')} and the catalog ({size_text(done.size)}), of which"
                f" {size_text(done.new_size)} were new"
            )
        for damage in made.backup.damaged:
            tell(f"orlop: not in the backup: {damage.what}")
        return FAILED if made.backup.damaged else DONE

    return run(work)


def ls(backing_up: BackingUp, target: Lying, *, json: bool) -> int:
    """List them; the exit code, which is 1 where one cannot be read."""

    async def work() -> int:
        async with backing_up.target(target.place, target.sealing) as there:
            backups, unreadable = await readable(there)
        if json:
            print(msgspec.json.encode([_shown(one) for one in backups]).decode())
        else:
            for one in backups:
                backup = one.backup
                print(f"{one.name}  {shown(backup.at)}  {counted(backup.blobs, 'blob')}, {size_text(backup.bytes)}")
            if not backups:
                print("there are no backups")
        for name in unreadable:
            tell(f"orlop: {name} cannot be read, or was changed")
        return FAILED if unreadable else DONE

    return run(work)


def verify(backing_up: BackingUp, target: Lying, name: str, *, latest: bool, quick: bool, json: bool) -> int:
    """Verify; the exit code says whether everything is as it should be."""

    async def work() -> int:
        async with backing_up.target(target.place, target.sealing) as there:
            with drawn("verifying", silent=json) as draw:
                verification = BackupVerification(there, lambda so_far: draw(Progress(so_far.blobs, 0, "blobs")))
                if name or latest:
                    report = await verification.one(await chosen_of(there, name), quick=quick)
                else:
                    report = await verification.everything(quick=quick)
        _tell(report, json=json)
        return FAILED if report.wrong else DONE

    return run(work)


def restore(
    backing_up: BackingUp, target: Lying, settings: Settings, which: tuple[str, str], limit: int, *, json: bool
) -> int:
    """Restore one; the exit code. `which`: its name, or the time before which it was made."""

    async def work() -> int:
        done = RestoreProgress()
        name, at = which
        before = moment(at, now())
        async with backing_up.target(target.place, target.sealing) as there:
            backup = await chosen_of(there, name, before)
            async with backing_up.restoration(settings, there, backup.backup, limit) as restoration:
                with drawn("restoring", silent=json) as draw:
                    await restoration.run(
                        backup.backup,
                        done,
                        lambda so_far: draw(
                            Progress(so_far.blobs + so_far.present, so_far.total_blobs, "blobs", size_text(so_far.size))
                        ),
                    )
        if json:
            print(msgspec.json.encode({"backup": _shown(backup), "blobs": done.blobs + done.present}).decode())
        else:
            blobs = counted(done.blobs + done.present, "blob")
            print(f"restored {backup.name} from {shown(backup.backup.at)}: {blobs} and the catalog")
        for damage in backup.backup.damaged:
            tell(f"orlop: not in the backup: {damage.what}")
        return FAILED if backup.backup.damaged else DONE

    return run(work)


def drill(backing_up: BackingUp, opening: Opening, target: Lying, name: str, scratch: str | None, *, json: bool) -> int:
    """Restore one into a folder of its own, verify it, and remove the folder; the exit code."""

    async def work() -> int:
        done = RestoreProgress()
        with tempfile.TemporaryDirectory(prefix="orlop-drill-", dir=scratch) as folder:
            settings = load({"data": f"{folder}/data"}, {}).settings
            async with backing_up.target(target.place, target.sealing) as there:
                backup = await chosen_of(there, name)
                async with backing_up.restoration(settings, there, backup.backup, 0) as restoration:
                    with drawn("restoring", silent=json) as draw:
                        await restoration.run(
                            backup.backup,
                            done,
                            lambda so_far: draw(Progress(so_far.blobs, so_far.total_blobs, "blobs")),
                        )
            async with opening(settings) as stores:
                with drawn("verifying", silent=json):
                    found = await stores.verification.run()
        if json:
            print(msgspec.json.encode({"backup": _shown(backup), "report": found}).decode())
        else:
            for finding in found.findings:
                print(f"invariant {finding.invariant}: {finding.where}: {finding.what}")
            print(
                f"restored {backup.name} and verified {counted(found.manifests, 'manifest')} and"
                f" {counted(found.blobs, 'blob')}: {len(found.findings) or 'nothing'} wrong"
            )
        return DONE if found.is_clean else FAILED

    return run(work)


def prune(backing_up: BackingUp, target: Lying, keep: int, *, dry: bool, json: bool) -> int:
    """Prune; the exit code."""

    async def work() -> None:
        async with backing_up.target(target.place, target.sealing) as there:
            with drawn("pruning", silent=json) as draw:
                pruned = await BackupPruning(there).run(
                    keep, dry=dry, progress=lambda so_far: draw(Progress(so_far.blobs + so_far.chunks, 0, "files"))
                )
        _tell_pruned(pruned, dry=dry, json=json)

    return run(work)


async def chosen_of(target: BackupTarget, name: str, at: int = 0) -> NamedBackup:
    """The backup that is meant; what cannot be read is told. Raises NotFound."""
    backups, unreadable = await readable(target)
    if name in unreadable:
        raise NotFound(f"the backup {name} cannot be read, or was changed")
    for one in unreadable:
        tell(f"orlop: {one} cannot be read, or was changed; it is passed over")
    return chosen(backups, name, at)


def _shown(one: NamedBackup) -> ShownBackup:
    backup = one.backup
    return ShownBackup(
        one.name, rfc3339(backup.at), backup.engine, backup.release, backup.blobs, backup.bytes, len(backup.damaged)
    )


def _tell(report: BackupReport, *, json: bool) -> None:
    if json:
        print(msgspec.json.encode(report).decode())
        return
    for finding in report.findings:
        print(f"{finding.backup}: {finding.where}: {finding.what}")
    print(
        f"{counted(report.backups, 'backup')}, {counted(report.blobs, 'blob')} and {counted(report.chunks, 'chunk')}"
        f" ({size_text(report.read)} read) looked at: {report.wrong or 'nothing'} wrong"
    )


def _tell_pruned(pruned: Pruned, *, dry: bool, json: bool) -> None:
    if json:
        print(msgspec.json.encode(pruned).decode())
        return
    for name in pruned.backups:
        print(f"{'would remove' if dry else 'removed'} {name}")
    gone = f"{counted(len(pruned.backups), 'backup')} and {size_text(pruned.freed)}"
    print(f"{gone} {'would go' if dry else 'gone'}, {counted(pruned.kept, 'backup')} kept")
