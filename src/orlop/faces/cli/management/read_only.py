"""`orlop read-only on`, `off` and `status`: the switches of read-only mode, which are settings, in three words."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter

from orlop.domain.durations import SECOND, span
from orlop.domain.read_only import READ_ONLY
from orlop.faces.cli import shown
from orlop.faces.cli.management import typed
from orlop.faces.cli.management.typed import HERE, Flag, work
from orlop.faces.cli.running import UsageError
from orlop.faces.cli.servers import ServerChoice, Servers, everything
from orlop.ports.management import ManagementServer

_SWITCHES = f"/{READ_ONLY.plural}"
_ALONE = Annotated[str, Parameter(help="Its name; several that are on hold side by side.")]


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the commands to the group that settings of the kind have."""

    @app["read-only"].command
    def on(
        *, reason: str, until: str = "", name: _ALONE = "switch", json: Flag = False, at: ServerChoice = HERE
    ) -> int:
        """Switch read-only mode on: pulls go on, and whoever pushes, deletes or changes something reads the reason.

        Parameters
        ----------
        reason
            Why, for whoever would write.
        until
            When it ends by itself: a time such as 2026-12-03T18:00Z, or how long it lasts, as 2h.
        json
            Print a JSON object.
        """
        body = {"reason": reason} | ({"until": _until(until)} if until else {})

        async def do(server: ManagementServer) -> None:
            await typed.put(server, f"{_SWITCHES}/{name}", body)
            await _tell(server, json=json)

        return work(servers, at, do)

    @app["read-only"].command
    def off(name: str = "", /, *, json: Flag = False, at: ServerChoice = HERE) -> int:
        """Switch it off: one switch, or all that are on.

        Parameters
        ----------
        name
            The switch, where others are to stay on.
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> None:
            names = [name] if name else [one["name"] for one in await everything(server, _SWITCHES)]
            for each in names:
                await server.ask("DELETE", f"{_SWITCHES}/{each}")
            await _tell(server, json=json)

        return work(servers, at, do)

    @app["read-only"].command
    def status(*, json: Flag = False, at: ServerChoice = HERE) -> int:
        """Say whether the registry takes writes, and why not.

        Parameters
        ----------
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> None:
            await _tell(server, json=json)

        return work(servers, at, do)


async def _tell(server: ManagementServer, *, json: bool) -> None:
    found: dict[str, Any] = (await server.ask("GET", "/read-only")).value
    if json:
        shown.print_json(found)
    else:
        print(found["sentence"] if found["read_only"] else "the registry takes writes")


def _until(text: str) -> str:
    """As the setting has it. Raises UsageError."""
    try:
        at = datetime.now(UTC) + timedelta(seconds=span(text) / SECOND)
    except ValueError:
        try:
            found = datetime.fromisoformat(text)
        except ValueError as error:
            raise UsageError(
                f"{text[:64]!r} is no end: write a time such as 2026-12-03T18:00Z, or how long it lasts, as 2h"
            ) from error
        at = found if found.tzinfo else found.replace(tzinfo=UTC)
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
