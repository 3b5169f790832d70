"""`orlop jobs`, as it is typed; it asks a server."""

from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter

from orlop.config import ConfigurationInvalid, units
from orlop.domain.schedules import JOB_SCHEDULES
from orlop.faces.cli import shown
from orlop.faces.cli.jobs import work
from orlop.faces.cli.management import typed
from orlop.faces.cli.management.typed import HERE, Flag, Json
from orlop.faces.cli.servers import ServerChoice, Servers, setting_at
from orlop.ports.clock import SECOND
from orlop.ports.management import ManagementServer

_Number = Annotated[int, Parameter(help="The number of the job, as orlop jobs ls lists it.")]
_Kind = Annotated[str, Parameter(help="The kind, as orlop jobs schedule ls lists them.")]


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the commands to `app`."""
    jobs = cyclopts.App(name="jobs", help="See, run, cancel and schedule what a server does in the background.")
    app.command(jobs)
    _looking(jobs, servers)
    _asking(jobs, servers)
    _schedules(jobs, servers)


def _looking(jobs: cyclopts.App, servers: Servers) -> None:
    @jobs.command
    def ls(*, state: str = "", kind: str = "", limit: int = 50, json: Flag = False, at: ServerChoice = HERE) -> int:
        """List jobs, newest first.

        Parameters
        ----------
        state
            Only those that are waiting, running, done, failed or cancelled.
        kind
            Only those of this kind, such as collection.
        limit
            How many at most [default: 50].
        json
            Print a JSON array.
        """
        return typed.work(servers, at, lambda server: work.ls(server, state, kind, limit, json=json))

    @jobs.command
    def show(number: _Number, /, *, follow: Flag = False, json: Flag = False, at: ServerChoice = HERE) -> int:
        """Show a job.

        Parameters
        ----------
        follow
            Show how far it comes until it ends; the exit code says whether it ended well.
        json
            Print a JSON object.
        """
        return typed.work(servers, at, lambda server: work.show(server, number, follow=follow, json=json))


def _asking(jobs: cyclopts.App, servers: Servers) -> None:
    @jobs.command
    def run(kind: _Kind, /, *, follow: Flag = False, json: Flag = False, at: ServerChoice = HERE) -> int:
        """Have a job of a kind run now, or as soon as the one before it has ended.

        Parameters
        ----------
        follow
            Show how far it comes until it ends; the exit code says whether it ended well.
        json
            Print a JSON object.
        """
        return typed.work(servers, at, lambda server: work.run(server, kind, follow=follow, json=json))

    @jobs.command
    def cancel(number: _Number, /, *, json: Json = False, at: ServerChoice = HERE) -> int:
        """Have a job end: at once where it waits, within a second where it runs."""
        return typed.work(servers, at, lambda server: work.change(server, number, "cancel", json=json))

    @jobs.command
    def retry(number: _Number, /, *, json: Json = False, at: ServerChoice = HERE) -> int:
        """Have a job that failed or was cancelled wait for its turn again."""
        return typed.work(servers, at, lambda server: work.change(server, number, "retry", json=json))


def _schedules(jobs: cyclopts.App, servers: Servers) -> None:
    schedule = cyclopts.App(name="schedule", help="When kinds of jobs run by themselves.")
    jobs.command(schedule)

    @schedule.command(name="ls")
    def kinds(*, json: Json = False, at: ServerChoice = HERE) -> int:
        """List every kind of job and when it runs by itself."""
        return typed.work(servers, at, lambda server: work.kinds(server, json=json))

    @schedule.command(name="set")
    def set_(
        kind: _Kind,
        /,
        *,
        cron: str = "",
        every: str = "",
        time_zone: str = "UTC",
        jitter: str = "0s",
        disabled: Flag = False,
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Say when a kind runs by itself, in place of what was said before.

        Parameters
        ----------
        cron
            Minute, hour, day of month, month and day of week, such as '0 3 * * *': at three every night.
        every
            How long from one run to the next, such as 6h.
        time_zone
            Whose clock --cron goes by, such as Europe/Berlin [default: UTC].
        jitter
            Up to how much is added to each time, by chance, such as 10m.
        disabled
            Do not run it by itself.
        json
            Print a JSON object.
        """
        body: dict[str, Any] = {"cron": cron} if cron else {}
        body |= {"every": _seconds("--every", every)} if every else {}
        body |= {"time_zone": time_zone} if time_zone != "UTC" else {}
        body |= {"jitter": _seconds("--jitter", jitter), "enabled": not disabled}

        async def do(server: ManagementServer) -> None:
            kept = await typed.put(server, setting_at(JOB_SCHEDULES.plural, kind, ""), body)
            if json:
                shown.print_json(kept.value)
            else:
                await work.told_next(server, kind)

        return typed.work(servers, at, do)

    @schedule.command(name="rm")
    def remove(kind: _Kind, /, *, at: ServerChoice = HERE) -> int:
        """Have a kind run as it does without a schedule."""
        return typed.remove(
            servers, at, setting_at(JOB_SCHEDULES.plural, kind, ""), f"{kind} runs as it does without a schedule"
        )


def _seconds(flag: str, text: str) -> int:
    """A duration. Raises ConfigurationInvalid."""
    try:
        return units.duration(text) // SECOND
    except ConfigurationInvalid as error:
        raise ConfigurationInvalid(f"{flag}: {error}") from error
