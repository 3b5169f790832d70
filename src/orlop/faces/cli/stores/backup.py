"""`orlop backup`, as it is typed."""

from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

from orlop.config import ConfigurationInvalid
from orlop.config.units import size
from orlop.faces.cli.servers import ServerChoice
from orlop.faces.cli.settings import StoreFlags
from orlop.faces.cli.stores.backup_keys import BackupKeys

if TYPE_CHECKING:
    from orlop.faces.cli.stores.backup_repository import PartOpening
    from orlop.faces.cli.stores.backup_work import BackingUp
    from orlop.faces.cli.stores.maintenance_work import Opening

_Flag = Parameter(negative="")


_KEYS = BackupKeys()


def register(app: cyclopts.App, backing_up: "BackingUp", opening: "Opening", part: "PartOpening") -> None:
    """Add the commands to `app`."""
    group = cyclopts.App(name="backup", help="Make backups, look through them, restore them.")
    app.command(group)

    @group.command
    def create(
        target: str,
        /,
        *,
        flags: StoreFlags | None = None,
        encrypt_to: Annotated[tuple[str, ...], Parameter(negative="")] = (),
        keys: BackupKeys = _KEYS,
        limit: str | None = None,
        json: Annotated[bool, _Flag] = False,
    ) -> int:
        """Make a backup of the registry, beside a running server or without one.

        Only what no earlier backup brought there is copied. Run again after an interruption, it goes on.

        Parameters
        ----------
        target
            Folder, or s3://bucket/prefix, which ORLOP_BACKUP_ENDPOINT, _REGION, _ACCESS_KEY_ID and so on describe.
        encrypt_to
            Public key of age (age1…) that can read it, or a file of them; may be given several times. All backups at a
            place are encrypted for the same [default: ORLOP_BACKUP_ENCRYPT_TO].
        limit
            Bytes a second at most, as 20MiB.
        json
            Print a JSON object.
        """
        from orlop.faces.cli.stores import backup_work

        settings = backup_work.stored((flags or StoreFlags()).load().settings)
        lying = backup_work.lying(target, keys, encrypt_to)
        return backup_work.create(backing_up, settings, lying, _rate(limit), json=json)

    @group.command
    def ls(target: str, /, *, keys: BackupKeys = _KEYS, json: Annotated[bool, _Flag] = False) -> int:
        """List backups, oldest first.

        Parameters
        ----------
        target
            Folder, or s3://bucket/prefix.
        json
            Print a JSON array.
        """
        from orlop.faces.cli.stores import backup_work

        return backup_work.ls(backing_up, backup_work.lying(target, keys), json=json)

    @group.command
    def verify(
        target: str,
        /,
        *,
        name: str = "",
        latest: Annotated[bool, _Flag] = False,
        quick: Annotated[bool, _Flag] = False,
        keys: BackupKeys = _KEYS,
        json: Annotated[bool, _Flag] = False,
    ) -> int:
        """Read every byte of backups and compare it with its digest: exit code 1 if anything is wrong.

        Parameters
        ----------
        target
            Folder, or s3://bucket/prefix.
        name
            Only this backup.
        latest
            Only the newest.
        quick
            Compare sizes of blobs, and read none.
        json
            Print a JSON object.
        """
        if name and latest:
            raise ConfigurationInvalid("--name and --latest contradict each other")
        from orlop.faces.cli.stores import backup_work

        lying = backup_work.lying(target, keys)
        return backup_work.verify(backing_up, lying, name, latest=latest, quick=quick, json=json)

    @group.command
    def restore(
        target: str,
        /,
        *,
        into: str | None = None,
        to: str | None = None,
        name: str = "",
        at: str = "",
        repository: str = "",
        as_: Annotated[str, Parameter(name="--as")] = "",
        server: str = "",
        keys: BackupKeys = _KEYS,
        limit: str | None = None,
        json: Annotated[bool, _Flag] = False,
    ) -> int:
        """Restore a backup into a place that is empty. Run again after an interruption, it goes on.

        With --repository, restore that alone into a registry that runs, as another repository there.

        Parameters
        ----------
        target
            Folder, or s3://bucket/prefix.
        into
            Data folder to make, with the catalog in SQLite and the blobs as files.
        to
            TOML file with the settings of another place; ORLOP_TO_* variables come before what stands in it.
        name
            The backup; without it and --at, the newest.
        at
            The newest from before that time, or before so long: 2026-11-30T12:00, 2d.
        repository
            One repository, or with a slash at its end all of a namespace, as it is called in the backup.
        as_
            What it is called where it is restored to. A tag that is there already stays as it is.
        server
            The registry that it is restored to, as HOST:PORT or URL [default: where `orlop login` was last].
        limit
            Bytes a second at most, as 20MiB.
        json
            Print a JSON object.
        """
        one = repository or as_ or server
        if (into is not None) + (to is not None) + bool(one) != 1:
            raise ConfigurationInvalid(
                "name one place to restore to: a data folder with --into, settings with --to, or a repository with --as"
            )
        if name and at:
            raise ConfigurationInvalid("--name and --at contradict each other")
        from orlop.faces.cli.stores import backup_work

        lying = backup_work.lying(target, keys)
        if one:
            from orlop.faces.cli.stores import backup_repository

            wanted = backup_repository.BackupPart(repository, as_)
            choice = ServerChoice(server=server)
            return backup_repository.restore(part, backing_up, lying, (name, at), wanted, choice, json=json)
        settings = backup_work.place(into, to)
        return backup_work.restore(backing_up, lying, settings, (name, at), _rate(limit), json=json)

    @group.command
    def drill(
        target: str,
        /,
        *,
        name: str = "",
        scratch: str | None = None,
        keys: BackupKeys = _KEYS,
        json: Annotated[bool, _Flag] = False,
    ) -> int:
        """Restore a backup into a folder that is removed again, and verify everything there, as `orlop verify` does.

        Exit code 1 if anything is wrong. For backups of a catalog in SQLite.

        Parameters
        ----------
        target
            Folder, or s3://bucket/prefix.
        name
            The backup; without it, the newest.
        scratch
            Where the folder is made, with room for all blobs [default: the system's place for temporary files].
        json
            Print a JSON object.
        """
        from orlop.faces.cli.stores import backup_work

        lying = backup_work.lying(target, keys)
        return backup_work.drill(backing_up, opening, lying, name, scratch, json=json)

    @group.command
    def prune(
        target: str,
        /,
        *,
        keep: int,
        dry_run: Annotated[bool, _Flag] = False,
        keys: BackupKeys = _KEYS,
        json: Annotated[bool, _Flag] = False,
    ) -> int:
        """Remove all backups but the newest, and then what none of these holds.

        Parameters
        ----------
        target
            Folder, or s3://bucket/prefix.
        keep
            How many stay; at least 1.
        dry_run
            Say what would go, and change nothing.
        json
            Print a JSON object.
        """
        if keep < 1:
            raise ConfigurationInvalid("--keep is at least 1; to keep no backup, remove the folder or the prefix")
        from orlop.faces.cli.stores import backup_work

        return backup_work.prune(backing_up, backup_work.lying(target, keys), keep, dry=dry_run, json=json)


def _rate(limit: str | None) -> int:
    if limit is None:
        return 0
    rate = size(limit)
    if not rate:
        raise ConfigurationInvalid("--limit is at least one byte a second")
    return rate
