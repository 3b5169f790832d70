"""orlop apply, orlop export: who there is and who may do what, as files."""

from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from orlop.faces.cli.management.typed import HERE, Flag, work
from orlop.faces.cli.servers import ServerChoice, Servers
from orlop.ports.management import ManagementServer


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the commands to `app`."""

    @app.command
    def apply(
        *,
        file: Annotated[Path, Parameter(name=["--file", "-f"], allow_leading_hyphen=True)],
        yes: Flag = False,
        dry_run: Flag = False,
        prune: Flag = False,
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Make a registry what files say: users, robots, groups, roles, namespaces, grants, settings, labels.

        Shows what it would do, and asks; without a terminal it does nothing unless --yes is given.

        Parameters
        ----------
        file
            A YAML file, or a folder of them; - is standard input.
        yes
            Do it without asking.
        dry_run
            Only show it; the exit code is 1 when there is anything to do.
        prune
            Remove what no document names, of the kinds that the files have.
        json
            Print a JSON array of the steps.
        """

        async def do(server: ManagementServer) -> int:
            from orlop.faces.cli.management import configuration_work

            return await configuration_work.apply(server, file, yes=yes, dry_run=dry_run, prune=prune, json=json)

        return work(servers, at, do)

    @app.command
    def export(folder: Path | None = None, /, *, at: ServerChoice = HERE) -> int:
        """Write down who there is, who may do what, and all settings, as files that orlop apply takes.

        Parameters
        ----------
        folder
            Where to put a file for each kind; it is made, and must be empty [default: standard output].
        """

        async def do(server: ManagementServer) -> None:
            from orlop.faces.cli.management import configuration_work

            await configuration_work.export(server, folder)

        return work(servers, at, do)
