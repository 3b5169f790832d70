"""`orlop`: joins the command line and everything behind it, each loaded only when a command needs it."""

import os
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from orlop import __version__

if TYPE_CHECKING:
    import cyclopts

    from orlop.config import Settings
    from orlop.config.sources import Loaded
    from orlop.domain.audit import Head
    from orlop.faces.cli.audit.work import OpenedAudit
    from orlop.faces.cli.stores.maintenance_work import Maintained


def main() -> None:
    """Run the command that the arguments name, and exit: 0 done, 1 failed, 2 not a usable command line."""
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    if arguments in (["version"], ["--version"]):
        # Scripts ask often, and the answer needs none of what follows.
        sys.stdout.write(f"orlop {__version__}\n")
        return 0
    from orlop.faces.cli import app
    from orlop.faces.cli.running import INTERRUPTED

    try:
        return app.invoke(commands(), arguments)
    except KeyboardInterrupt:
        return INTERRUPTED


def commands() -> "cyclopts.App":
    """The command line with every command."""
    from orlop.bootstrap.commands.advisories import AdvisoryFiles
    from orlop.bootstrap.commands.backing_up import BackupParts, Backups
    from orlop.bootstrap.commands.checking import Checkups
    from orlop.bootstrap.commands.clients import ContentClients, ManagementServers
    from orlop.bootstrap.commands.importing import Imports
    from orlop.bootstrap.commands.logins import Tools
    from orlop.bootstrap.commands.migrations import Migrations
    from orlop.bootstrap.commands.moving import Movings
    from orlop.bootstrap.commands.trial import open_for_trial
    from orlop.bootstrap.commands.vex import VexFiles
    from orlop.faces.cli import app, management, serve, settings
    from orlop.faces.cli.audit import commands as audit
    from orlop.faces.cli.content import advisories as publishing
    from orlop.faces.cli.content import commands as content
    from orlop.faces.cli.importing import commands as importing
    from orlop.faces.cli.jobs import commands as jobs
    from orlop.faces.cli.jobs import worker
    from orlop.faces.cli.references import commands as references
    from orlop.faces.cli.sign_in import credential_provider
    from orlop.faces.cli.stores import backup, backup_schedules, doctor, maintenance, migrate, scrub, store

    root = app.build()
    serve.register(root, _serve)
    worker.register(root, _work)
    maintenance.register(root, _open)
    scrub.register(root, _open)
    audit.register(root, _audit, ManagementServers())
    migrate.register(root, Migrations())
    store.register(root, Movings(), open_for_trial)
    backup.register(root, Backups(), _open, BackupParts())
    doctor.register(root, Checkups(), ManagementServers())
    backup_schedules.register(root, ManagementServers())
    settings.register(root, ManagementServers())
    content.register(root, ContentClients(), ManagementServers())
    references.register(root, ContentClients())
    importing.register(root, Imports(), ManagementServers())
    credential_provider.register(root, Tools())
    management.register(root, ManagementServers(), Tools(), AdvisoryFiles(), VexFiles())
    publishing.register(root, ContentClients())
    jobs.register(root, ManagementServers())
    return root


def docker_credential() -> None:
    """`docker-credential-orlop`, and exit."""
    from orlop.bootstrap.commands.logins import Tools
    from orlop.faces.cli.sign_in import docker_credential as helper

    sys.exit(helper.main(sys.argv[1:], Tools()))


def _serve(loaded: "Loaded") -> int:
    from orlop.bootstrap.server.environment import taken_out
    from orlop.bootstrap.server.first_start import FirstStart
    from orlop.bootstrap.stores.opening import StartRefused
    from orlop.config.sources import ADMIN_PASSWORD_VARIABLE, with_files
    from orlop.server import CannotServe, serve

    chosen = with_files(os.environ).get(ADMIN_PASSWORD_VARIABLE, "")  # perhaps in a file
    taken_out(ADMIN_PASSWORD_VARIABLE)
    start = FirstStart(chosen, loaded.sources)
    try:
        return serve(loaded.settings, start.prepare, start.application)
    except (StartRefused, CannotServe) as refusal:
        sys.stderr.write(f"orlop: {refusal}\n")
        return refusal.exit_code


def _work(settings: "Settings") -> int:
    from orlop.bootstrap.commands.working import work
    from orlop.bootstrap.stores.opening import StartRefused

    try:
        return work(settings)
    except StartRefused as refusal:
        sys.stderr.write(f"orlop: {refusal}\n")
        return refusal.exit_code


def _open(settings: "Settings") -> "AbstractAsyncContextManager[Maintained]":
    from orlop.bootstrap.commands.maintenance import open_for_maintenance

    return open_for_maintenance(settings)


def _audit(
    settings: "Settings", trusted: "Sequence[str]", noted: "Sequence[Head]"
) -> "AbstractAsyncContextManager[OpenedAudit]":
    from orlop.bootstrap.commands.audit import open_for_audit

    return open_for_audit(settings, trusted, noted)


if __name__ == "__main__":
    main()
