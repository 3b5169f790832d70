"""`orlop gate explain` and `orlop gate dry-run`: what gates say before a client hears it. All else is as of any
setting."""

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

import cyclopts
from cyclopts import Parameter

from orlop.domain.counts import counted
from orlop.domain.settings import place_words
from orlop.faces.cli import shown
from orlop.faces.cli.content.inside import image_argument, image_reference
from orlop.faces.cli.content.stores import Connecting
from orlop.faces.cli.management import typed
from orlop.faces.cli.management.settings import Where
from orlop.faces.cli.management.typed import HERE, Flag, work
from orlop.faces.cli.running import run, tell
from orlop.faces.cli.servers import ServerChoice, Servers
from orlop.ports.management import ManagementServer

_DEFAULTS = Connecting()
_PAGE = 200
_WIDEST = 400
_File = Annotated[
    Path | None,
    Parameter(
        name=["--file", "-f"], negative="", help="A YAML or JSON file with a gate that is not set; - is standard input."
    ),
]
_Most = Annotated[int, Parameter(name="--n", validator=cyclopts.validators.Number(gte=1))]

_GATES: dict[str, Any] = {
    "GATE": "gate",
    "AT": lambda one: place_words(one["path"]),
    "MODE": "mode",
    "SAYS": "outcome",
    "WHY": lambda one: one["sentence"].partition(": ")[2] or "-",
}
_HELD: dict[str, Any] = {
    "IMAGE": lambda one: f"{one['repository']}:{one['tag']}",
    "WHY": lambda one: one["sentence"].partition(": ")[2],
}


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the commands to the group that settings of the kind have."""

    @app["gate"].command
    def explain(
        ref: str,
        /,
        *,
        on: Literal["pull", "push", "promotion"] = "pull",
        json: Flag = False,
        connecting: Connecting = _DEFAULTS,
    ) -> int:
        """Explain what each gate of its place says of an image; the exit code is 1 where one holds it back.

        Parameters
        ----------
        ref
            HOST:PORT/NAME:TAG or @DIGEST, on Orlop, after orlop login.
        on
            When it is looked at.
        json
            Print a JSON object.
        """
        from orlop.faces.cli.content.remove import managed

        async def do() -> int:
            location = image_argument(ref)
            assert location.image is not None
            query = {
                "repository": str(location.image.repository),
                "reference": image_reference(location),
                "on": on,
            }
            async with managed(servers, location, connecting) as server:
                found = (await server.ask("GET", f"/gate-verdicts?{urlencode(query)}")).value
            if json:
                shown.print_json(found)
            else:
                _show(found, on)
            return 1 if found["held"] else 0

        return run(do)

    @app["gate"].command(name="dry-run")
    def dry_run(
        name: Annotated[str, Parameter(help="The gate, whatever its mode is.")],
        /,
        *,
        file: _File = None,
        place: Where = "",
        n: _Most = 10_000,
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Try what a gate would hold back today of all that its place holds, by repository and tag; with a file one
        that is not set.

        Parameters
        ----------
        n
            At how many tags it looks at most [default: 10000].
        json
            Print a JSON object.
        """
        path = typed.here(place).strip("/")
        body = typed.body_of("gate", name, typed.document(file), file) if file is not None else None

        async def do(server: ManagementServer) -> None:
            looked, held, more = await _tried(server, name, path, n, body)
            if json:
                shown.print_json({"looked": looked, "held": held, "more": more})
                return
            if held:
                shown.rows(held, _HELD, json=False, widest=_WIDEST)
            waiting = sum(one["waiting"] for one in held)
            left = f", {waiting} of them because they are not read yet" if waiting else ""
            tell(f"{name} at {place_words(path)} would hold back {len(held)} of {counted(looked, 'tag')}{left}")
            if more:
                tell(f"there are more; --n {n * 10} looks at further ones")

        return work(servers, at, do)


async def _tried(
    server: ManagementServer, name: str, path: str, most: int, body: dict[str, Any] | None
) -> tuple[int, list[Any], bool]:
    """At how many tags was looked, what would be held back, and whether there are more."""
    looked, held, last = 0, list[Any](), ""
    while looked < most:
        n = min(most - looked, _PAGE)
        if body is None:
            query = {"path": path, "n": str(n), **({"last": last} if last else {})}
            found = (await server.ask("GET", f"/gate-dry-runs/{quote(name, safe='')}", query=query)).value
        else:
            asked = {"name": name, "path": path, "gate": body, "n": n, "last": last}
            found = (await server.ask("POST", "/gate-trials", body=asked)).value
        looked, last = looked + found["looked"], found["last"]
        held += found["held"]
        if not last:
            break
    return looked, held, bool(last)


def _show(found: dict[str, Any], on: str) -> None:
    if not found["gates"]:
        tell(f"no gate is looked at on {on} there")
        return
    shown.rows(found["gates"], _GATES, json=False, widest=_WIDEST)
    if not found["held"]:
        tell("no gate holds it back")
    elif found["from_you"]:
        tell("it is held back, also from you")
    else:
        tell("it is held back, but not from you: you may pull what gates hold back there")
