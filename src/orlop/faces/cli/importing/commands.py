"""`orlop import`, as it is typed."""

from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from orlop.domain.importing.plan import System
from orlop.faces.cli.importing.opening import Importing, OldRegistry
from orlop.faces.cli.management.typed import HERE, Flag
from orlop.faces.cli.running import run
from orlop.faces.cli.servers import ServerChoice, Servers

_OLD = OldRegistry()
_Names = Annotated[tuple[str, ...], Parameter(negative="")]
_HELP = {
    System.DISTRIBUTION: "Import from distribution (registry:2, registry:3), running or straight from its storage.",
    System.ZOT: "Import from zot, running or straight from its storage.",
    System.REGISTRY: "Import from any registry that lists its repositories.",
}


def register(app: cyclopts.App, importing: Importing, servers: Servers) -> None:
    """Add the commands to `app`."""
    group = cyclopts.App(name="import", help="Bring what another registry holds, by a plan, as often as it takes.")
    app.command(group)

    for system in System:
        _system(group, importing, servers, system)

    @group.command
    def apply(
        plan: Path,
        /,
        *,
        follow: Flag = False,
        every: str = "1m",
        dry_run: Flag = False,
        report: Path | None = None,
        jobs: int = 4,
        json: Flag = False,
        old: OldRegistry = _OLD,
        at: ServerChoice = HERE,
    ) -> int:
        """Do what a plan says. Run again, it brings what is new, and what did not come before.

        Parameters
        ----------
        plan
            The file that --plan wrote.
        follow
            Go on with what is pushed to the old registry, until interrupted.
        every
            How long to wait between two looks at it, with --follow.
        dry_run
            Only say what would be brought; nothing is written on either side.
        report
            File for a report as JSON, written anew by each run.
        jobs
            Images under way at once.
        json
            Print the report as JSON.
        """
        from orlop.faces.cli.importing import work

        asked = work.ImportRun(dry_run=dry_run, report=report, jobs=jobs, json=json)
        return run(lambda: work.apply(importing, servers, plan, old, at, asked, every=every if follow else ""))

    @group.command
    def cut_over(
        plan: Path,
        /,
        *,
        report: Path | None = None,
        jobs: int = 4,
        json: Flag = False,
        old: OldRegistry = _OLD,
        at: ServerChoice = HERE,
    ) -> int:
        """Bring the last of it, and compare both sides: the exit code is 0 when the old registry is needed no more.

        Shut the old registry to pushes first: what comes to it afterwards is not seen.

        Parameters
        ----------
        plan
            The file that --plan wrote.
        report
            File for a report as JSON.
        jobs
            Images under way at once.
        json
            Print the report as JSON.
        """
        from orlop.faces.cli.importing import work

        asked = work.ImportRun(dry_run=False, report=report, jobs=jobs, json=json)
        return run(lambda: work.cut_over(importing, servers, plan, old, at, asked))


def _system(group: cyclopts.App, importing: Importing, servers: Servers, system: System) -> None:
    def bring(
        source: str,
        /,
        *,
        into: str = "",
        only: _Names = (),
        untagged: Flag = False,
        plan: Path | None = None,
        dry_run: Flag = False,
        report: Path | None = None,
        jobs: int = 4,
        json: Flag = False,
        old: OldRegistry = _OLD,
        at: ServerChoice = HERE,
    ) -> int:
        """See the group.

        Parameters
        ----------
        source
            HOST:PORT of the running registry, or the folder of its storage (of distribution and zot).
        into
            The namespace that everything comes to [default: the root].
        only
            Repositories, as patterns with * [default: all]; may be given several times.
        untagged
            Also manifests that no tag leads to; from a folder.
        plan
            Only write the plan to this file, which is there to be read and changed; orlop import apply does it.
        dry_run
            Only say what would be brought; nothing is written on either side.
        report
            File for a report as JSON.
        jobs
            Images under way at once.
        json
            Print the report, or with --plan the plan, as JSON.
        """
        from orlop.faces.cli.importing import work

        wanted = work.ImportWanted(system=system, at=source, into=into, only=only, untagged=untagged)
        asked = work.ImportRun(dry_run=dry_run, report=report, jobs=jobs, json=json)
        return run(lambda: work.begin(importing, servers, wanted, old, at, asked, plan))

    bring.__doc__ = (bring.__doc__ or "").replace("See the group.", _HELP[system], 1)
    group.command(bring, name=system.value)
