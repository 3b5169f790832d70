"""`orlop quarantine`: what was pushed and waits, and whoever lets it out or refuses it."""

from typing import Any, Literal

import cyclopts

from orlop.faces.cli import shown
from orlop.faces.cli.management.typed import HERE, Flag, here, work
from orlop.faces.cli.running import tell
from orlop.faces.cli.servers import ServerChoice, Servers, everything
from orlop.ports.management import ManagementServer

_WIDEST = 400


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the group to `app`."""
    group = cyclopts.App(name="quarantine", help="What was pushed into quarantine, and waits to be let out.")
    app.command(group)

    @group.command
    def ls(
        place: str = "/",
        /,
        *,
        state: Literal["waiting", "released", "refused"] = "waiting",
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """List what was pushed into quarantine, the last first, and what it waits for.

        Parameters
        ----------
        place
            A namespace (team/), a repository (team/app), or / for the registry [default: /].
        state
            What became of it.
        json
            Print a JSON array.
        """

        async def do(server: ManagementServer) -> None:
            found = await everything(server, "/held-pushes", place=here(place), state=state, n="200")
            if json:
                shown.print_json(found)
                return
            shown.rows(found, _WAITING if state == "waiting" else _DECIDED, json=False, widest=_WIDEST)
            if not found:
                tell(f"nothing is {state} in quarantine that you may look into")

        return work(servers, at, do)

    @group.command
    def release(number: int, /, *, reason: str = "", json: Flag = False, at: ServerChoice = HERE) -> int:
        """Let something out: it gets its tags.

        Parameters
        ----------
        number
            As orlop quarantine ls lists it.
        reason
            Why, for the audit log.
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> None:
            _say(await _decide(server, number, "release", reason), "let out", json=json)

        return work(servers, at, do)

    @group.command
    def refuse(number: int, /, *, reason: str, json: Flag = False, at: ServerChoice = HERE) -> int:
        """Refuse something: it goes into the trash.

        Parameters
        ----------
        number
            As orlop quarantine ls lists it.
        reason
            Why, for whoever pushed it.
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> None:
            _say(await _decide(server, number, "refuse", reason), "refused", json=json)

        return work(servers, at, do)


def _minute(time: str | None) -> str:
    """A time of an answer, to the minute."""
    return time.replace("T", " ")[:16] if time else "-"


async def _decide(server: ManagementServer, number: int, what: str, reason: str) -> dict[str, Any]:
    answer = await server.ask("POST", f"/held-pushes/{number}/{what}", body={"reason": reason})
    found: dict[str, Any] = answer.value
    return found


def _say(found: dict[str, Any], became: str, *, json: bool) -> None:
    if json:
        shown.print_json(found)
    else:
        print(f"{_image(found)} is {became}")


def _image(found: dict[str, Any]) -> str:
    tags = ",".join(found["tags"])
    return f"{found['repository']}:{tags}" if tags else f"{found['repository']}@{found['digest']}"


_WAITING: dict[str, Any] = {
    "NUMBER": "id",
    "IMAGE": _image,
    "PUSHED": lambda one: _minute(one["pushed_at"]),
    "BY": "pushed_by",
    "WAITS FOR": lambda one: one["why"] or {"person": "somebody to let it out"}.get(one["waits_for"], one["waits_for"]),
    "UNTIL": lambda one: _minute(one["ends_at"]),
}
_DECIDED: dict[str, Any] = {
    "NUMBER": "id",
    "IMAGE": _image,
    "PUSHED": lambda one: _minute(one["pushed_at"]),
    "BY": "pushed_by",
    "DECIDED": lambda one: _minute(one["decided_at"]),
    "BY WHOM": "decided_by",
    "REASON": lambda one: one["reason"] or "-",
}
