"""orlop attention: what needs whoever asks."""

from typing import Any

import cyclopts

from orlop.faces.cli import shown
from orlop.faces.cli.management.typed import HERE, Json, work
from orlop.faces.cli.servers import ServerChoice, Servers
from orlop.ports.management import ManagementServer

_COLUMNS: dict[str, Any] = {"SEVERITY": "severity", "KIND": "kind", "WHAT": "text", "PAGE": "page"}
_WIDEST = 200


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the command to `app`."""

    @app.command
    def attention(*, json: Json = False, at: ServerChoice = HERE) -> int:
        """List what needs you: quotas, secrets that expire, what fails, plans that wait. Nothing is listed if all is
        well."""

        async def do(server: ManagementServer) -> None:
            found = (await server.ask("GET", "/attention")).value
            if not found and not json:
                print("nothing needs you")
            else:
                shown.rows(found, _COLUMNS, json=json, widest=_WIDEST)

        return work(servers, at, do)
