"""orlop attention and orlop health: what needs whoever asks, and how a server fares."""

from collections.abc import Mapping
from typing import Any

import cyclopts

from orlop.domain.counts import counted
from orlop.domain.sizes import size_words
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

    @app.command
    def health(*, json: Json = False, at: ServerChoice = HERE) -> int:
        """Say how a server fares: its stores, its requests of the last minutes, what waits to be done."""

        async def do(server: ManagementServer) -> None:
            found = (await server.ask("GET", "/health")).value
            if json:
                shown.print_json(found)
            else:
                shown.fields(_lines(found), json=False)

        return work(servers, at, do)


def _lines(found: Mapping[str, Any]) -> dict[str, str]:
    """For people."""
    asked = found["requests"]
    lines = {each["name"]: each["says"] for each in found["stores"]}
    if asked is not None:
        lines["requests"] = f"{asked['per_second']} a second, {asked['failed']} failed in {asked['seconds']:.0f} s"
        if asked["median"] is not None:
            lines["took"] = f"{asked['median']} s at the median, {asked['slowest']} s for 99 of 100"
    lines["stored"] = (
        f"{size_words(found['blob_bytes'])} in {counted(found['blobs'], 'blob')}, {counted(found['tags'], 'tag')}"
    )
    lines["jobs"] = f"{found['jobs_running']} run, {found['jobs_waiting']} wait, {found['jobs_failed']} failed"
    lines["deliveries"] = f"{found['deliveries_pending']} wait, {found['deliveries_dead']} were given up"
    return lines
