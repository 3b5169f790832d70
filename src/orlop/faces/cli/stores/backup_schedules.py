"""`orlop backup schedule` and `orlop backup run`: backups that a server makes by itself, or when it is asked."""

from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter

from orlop.config.units import size
from orlop.domain.backup_schedules import BACKUP_SCHEDULES, DrillInterval
from orlop.faces.cli import shown
from orlop.faces.cli.jobs import work as jobs
from orlop.faces.cli.management.typed import HERE, Flag, Json, put, remove, work
from orlop.faces.cli.moments import seconds
from orlop.faces.cli.running import DONE, UsageError, size_text, tell
from orlop.faces.cli.servers import ServerChoice, Servers, everything, part, setting_at
from orlop.ports.management import ManagementServer

_Name = Annotated[str, Parameter(help="The name of the schedule.")]
_PAGE = 1_000

_SCHEDULES: dict[str, Any] = {
    "NAME": "schedule",
    "NEXT": lambda one: seconds(one["next_at"]) if one["enabled"] else "off",
    "NEWEST": lambda one: seconds(one["backup"]["done_at"]) if one["backup"] else "-",
    "STATE": lambda one: _state(one["backup"]),
    "DRILLED": lambda one: seconds(one["drill"]["done_at"]) if one["drill"] else "-",
    "DRILL": lambda one: _state(one["drill"]),
    "TO": "to",
}
_BACKUPS: dict[str, Any] = {
    "BACKUP": "name",
    "OF": lambda one: seconds(one["at"]),
    "BLOBS": lambda one: f"{one['blobs']}" + (f", lacks {one['damaged']}" if one["damaged"] else ""),
    "SIZE": lambda one: size_text(one["bytes"]),
    "DRILLED": lambda one: seconds(one["drilled_at"]),
    "DRILL": lambda one: one["drill_error"] or ("nothing wrong" if one["drilled_at"] else "-"),
}


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the commands to those of `backup`, which `app` has."""
    group = app["backup"]
    schedule = cyclopts.App(name="schedule", help="When a server makes backups by itself, and how that goes.")
    group.command(schedule)
    _setting(schedule, servers)
    _looking(schedule, servers)
    _asking(group, servers)


def _setting(schedule: cyclopts.App, servers: Servers) -> None:
    @schedule.command(name="set")
    def set_(
        name: _Name,
        /,
        *,
        to: str,
        cron: str = "",
        every: str = "",
        time_zone: str = "UTC",
        keep: int = 0,
        keep_for: str = "",
        drill: DrillInterval = DrillInterval.NEVER,
        limit: str = "",
        disabled: Flag = False,
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Have backups made by themselves, in place of what was said before.

        Parameters
        ----------
        to
            Folder of the server's machine, or s3://bucket/prefix, below one of its setting backup.targets.
        cron
            Minute, hour, day of month, month and day of week, such as '0 2 * * *': at two every night.
        every
            How long from one to the next, such as 6h.
        time_zone
            Whose clock --cron goes by, such as Europe/Berlin [default: UTC].
        keep
            How many of the newest stay [default: all].
        keep_for
            Those younger than this stay, too, such as 90d.
        drill
            How often the newest is restored and verified: never, daily, weekly or monthly [default: never].
        limit
            Bytes a second at most, as 20MiB.
        disabled
            Make none by itself.
        json
            Print a JSON object.
        """
        given = {"to": to, "cron": cron, "every": every, "keep": keep, "keep_for": keep_for}
        body: dict[str, Any] = {key: value for key, value in given.items() if value}
        body |= {"time_zone": time_zone} if time_zone != "UTC" else {}
        body |= {"drill": drill.value} if drill is not DrillInterval.NEVER else {}
        body |= {"limit": size(limit)} if limit else {}
        body |= {"enabled": False} if disabled else {}

        async def do(server: ManagementServer) -> None:
            kept = await put(server, setting_at(BACKUP_SCHEDULES.plural, name, ""), body)
            if json:
                shown.print_json(kept.value)
                return
            when = f"at {cron} ({time_zone})" if cron else f"every {every}"
            staying = f", the newest {keep} stay" if keep else ""
            print(f"{name} backs up to {to} {'only when asked' if disabled else when}{staying}")

        return work(servers, at, do)

    @schedule.command(name="rm")
    def rm(name: _Name, /, *, at: ServerChoice = HERE) -> int:
        """Have no more backups made by a schedule; those that there are stay where they lie."""
        address = setting_at(BACKUP_SCHEDULES.plural, name, "")
        return remove(servers, at, address, f"{name} makes no more backups; those that there are stay")


def _looking(schedule: cyclopts.App, servers: Servers) -> None:
    @schedule.command
    def ls(*, json: Json = False, at: ServerChoice = HERE) -> int:
        """List schedules: when each makes its next backup, and how the last and its drill went."""

        async def do(server: ManagementServer) -> None:
            shown.rows(await everything(server, "/backup-status"), _SCHEDULES, json=json)

        return work(servers, at, do)

    @schedule.command
    def show(name: _Name, /, *, json: Json = False, at: ServerChoice = HERE) -> int:
        """Show how a schedule fares."""

        async def do(server: ManagementServer) -> None:
            found = [one for one in await everything(server, "/backup-status") if one["schedule"] == name]
            if not found:  # the server says which is near
                await server.ask("GET", f"/backups?schedule={part(name)}")
                raise UsageError(f"there is no schedule {name}")
            shown.fields(found[0], json=json)

        return work(servers, at, do)

    @schedule.command
    def backups(name: _Name, /, *, n: int = 50, json: Flag = False, at: ServerChoice = HERE) -> int:
        """List what lay at the target of a schedule when a backup was last made, newest first.

        Parameters
        ----------
        n
            How many lines at most [default: 50].
        json
            Print a JSON array.
        """
        if n < 1:
            raise UsageError("--n is 1 or more")

        async def do(server: ManagementServer) -> None:
            reply = await server.ask("GET", "/backups", query={"schedule": name, "n": str(min(n, _PAGE))})
            found = list(reply.value)
            while reply.next and len(found) < n:
                reply = await server.ask("GET", reply.next)
                found += reply.value
            if found or json:
                shown.rows(found[:n], _BACKUPS, json=json)
            else:
                tell(f"none was seen there yet; orlop backup run {name} --follow makes one")
            if reply.next or len(found) > n:
                tell(f"there are more; --n {n * 10} shows further ones")

        return work(servers, at, do)


def _asking(group: cyclopts.App, servers: Servers) -> None:
    @group.command
    def run(
        name: _Name,
        /,
        *,
        drill: Flag = False,
        follow: Flag = False,
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Have a server make a backup by a schedule now.

        Parameters
        ----------
        drill
            Restore and verify the newest instead, and make none.
        follow
            Show how far it comes until it ends; the exit code says whether it ended well.
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> int:
            address = "/backup-drills" if drill else "/backups"
            job = (await server.ask("POST", address, body={"schedule": name})).value
            if follow:
                return await jobs.to_the_end(server, f"/jobs/{job['id']}", job, json=json, briefly=True)
            if json:
                shown.print_json(job)
            else:
                print(
                    f"job {job['id']} {job['kind']} waits for its turn; orlop jobs show {job['id']} --follow shows it"
                )
            return DONE

        return work(servers, at, do)


def _state(run: dict[str, Any] | None) -> str:
    if run is None:
        return "-"
    return str(run["error"]) or "well"
