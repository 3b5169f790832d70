"""`orlop retention` and `orlop in-use`, as they are typed; they ask a server."""

from pathlib import Path
from typing import Annotated, Literal

import cyclopts
from cyclopts import Parameter

from orlop.faces.cli.management import typed
from orlop.faces.cli.management.settings import Where
from orlop.faces.cli.management.typed import HERE, Flag
from orlop.faces.cli.retention import importing, work
from orlop.faces.cli.running import run
from orlop.faces.cli.servers import ServerChoice, Servers
from orlop.ports.management import ManagementServer

Images = Annotated[
    Path, Parameter(name=["--file", "-f"], help="A digest, or an image with its digest, on each line; - is stdin.")
]

RuleFile = Annotated[
    Path, Parameter(name=["--file", "-f"], help="A YAML or JSON file with the whole rule; - is standard input.")
]


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the commands to `app`, which has the group of rules for retention already."""
    _plans(app["retention"], servers)
    _importing(app["retention"], servers)
    in_use = cyclopts.App(name="in-use", help="Say which digests clusters and scripts run: retention keeps them.")
    app.command(in_use)
    _in_use(in_use, servers)


def _plans(group: cyclopts.App, servers: Servers) -> None:
    @group.command
    def preview(place: str, /, *, json: Flag = False, at: ServerChoice = HERE) -> int:
        """Make a plan of what the rules would delete at a place now, and show it; nothing is deleted.

        Parameters
        ----------
        place
            A namespace (team/), a repository (team/app), or / for the registry.
        json
            Print a JSON object.
        """
        return typed.work(servers, at, lambda server: work.preview(server, place, json=json))

    @group.command(name="try")
    def try_(name: str, /, *, file: RuleFile, place: Where = "", json: Flag = False, at: ServerChoice = HERE) -> int:
        """Show what the rules would do if one of them said what a file says; nothing is kept or deleted.

        Parameters
        ----------
        name
            What the rule is called: one that is there, or a new one.
        json
            Print a JSON object.
        """
        return typed.work(servers, at, lambda server: work.try_rule(server, name, file, place, json=json))

    @group.command
    def plans(*, place: str = "", limit: int = 50, json: Flag = False, at: ServerChoice = HERE) -> int:
        """List plans, newest first.

        Parameters
        ----------
        place
            Only those of this place.
        limit
            How many at most [default: 50].
        json
            Print a JSON array.
        """
        return typed.work(servers, at, lambda server: work.plans(server, place, limit, json=json))

    @group.command
    def plan(number: int, /, *, kept: Flag = False, json: Flag = False, at: ServerChoice = HERE) -> int:
        """Show a plan: what it deletes and why, and what became of it when it was applied.

        Parameters
        ----------
        number
            The plan, as orlop retention plans lists it.
        kept
            With what it keeps, and why.
        json
            Print a JSON object.
        """
        return typed.work(servers, at, lambda server: work.plan(server, number, kept=kept, json=json))

    @group.command
    def apply(
        number: int,
        /,
        *,
        yes: Flag = False,
        over_brake: Flag = False,
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Delete exactly what a plan shows, as far as it still is so.

        Parameters
        ----------
        number
            The plan, as orlop retention preview shows it.
        yes
            Do it, rather than say what would be done.
        over_brake
            Even though it deletes more than the brake of the rules allows.
        json
            Print a JSON object.
        """
        return typed.work(
            servers, at, lambda server: work.apply(server, number, yes=yes, over_brake=over_brake, json=json)
        )


def _in_use(group: cyclopts.App, servers: Servers) -> None:
    @group.command(name="set")
    def set_(
        name: str,
        /,
        *,
        file: Images,
        expires: str,
        place: Where = "",
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Say which digests are in use, in place of what was said under that name before.

        Parameters
        ----------
        name
            What runs them, such as the name of a cluster.
        expires
            Until when, such as 24h; posted again before that, they stay.
        json
            Print a JSON object.
        """
        return typed.work(servers, at, lambda server: work.in_use(server, name, file, expires, place, json=json))

    @group.command
    def ls(*, json: Flag = False, at: ServerChoice = HERE) -> int:
        """List what was said to be in use.

        Parameters
        ----------
        json
            Print a JSON array.
        """
        return typed.work(servers, at, lambda server: work.list_in_use(server, json=json))

    @group.command
    def rm(name: str, /, *, place: Where = "", at: ServerChoice = HERE) -> int:
        """Say that nothing of a set is in use any more.

        Parameters
        ----------
        name
            The name under which it was posted.
        """
        return typed.remove(servers, at, work.in_use_at(name, place), f"nothing of {name} is in use any more")


def _importing(group: cyclopts.App, servers: Servers) -> None:
    @group.command(name="import")
    def import_(
        file: Path,
        /,
        *,
        system: Annotated[Literal["ecr", "gar", "harbor", "gitlab"], Parameter(name="--from")],
        against: str = "",
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Print the rules of another registry as a rule of Orlop, and say how the two differ; nothing is changed.

        Parameters
        ----------
        file
            The policy as JSON; - is standard input.
        system
            ecr: Amazon ECR's lifecycle policy. gar: Artifact Registry's clean-up policies. harbor: Harbor's tag
            retention. gitlab: GitLab's clean-up policy.
        against
            A JSON file with an array of tags (repository, tag, digest, pushed_at, pulled_at), or a place of a server
            (team/): say which tags the two treat differently.
        json
            Print a JSON object.
        """

        async def do() -> int:
            rows = importing.rows_of(Path(against)) if against else None
            return importing.translate(file, system, rows, json=json)

        async def beside(server: ManagementServer) -> int:
            return importing.translate(file, system, await importing.rows_at(server, against), json=json)

        if against.endswith("/"):
            return typed.work(servers, at, beside)
        return run(do)
