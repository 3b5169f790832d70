"""orlop usage: how much lies where, how far quotas are used up, and what grows."""

from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter

from orlop.domain.settings import place_words
from orlop.domain.sizes import size_words
from orlop.faces.cli import shown
from orlop.faces.cli.management.typed import HERE, Flag, here, work
from orlop.faces.cli.running import counted
from orlop.faces.cli.servers import ServerChoice, Servers
from orlop.ports.management import ManagementServer

_IN_BYTES = {"stored_bytes", "logical_bytes"}
_OF = {"stored_bytes": "bytes", "logical_bytes": "logical bytes"}


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the command to `app`."""

    @app.command
    def usage(
        place: str = "/",
        /,
        *,
        growing: Flag = False,
        shared: Flag = False,
        history: Flag = False,
        days: Annotated[int, Parameter(validator=cyclopts.validators.Number(gte=1, lte=400))] = 30,
        top: Annotated[int, Parameter(validator=cyclopts.validators.Number(gte=1, lte=1000))] = 20,
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Say how much lies at a place, how far its quotas are used up, and what below it is largest.

        Parameters
        ----------
        place
            A namespace (team/), a repository (team/app), or / for the registry.
        growing
            What grew most, rather than what is largest.
        shared
            Which other namespaces hold the same blobs.
        history
            How it was at the end of each day.
        days
            How many days count for what grew, and for the history.
        top
            How many lines at most.
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> None:
            path = here(place).strip("/")
            found = (await server.ask("GET", "/usage", query={"path": path})).value
            asked = {"path": path, "n": str(top), "days": str(days)}
            below = (
                await server.ask("GET", "/usage/below", query={**asked, **({"growing": "true"} if growing else {})})
            ).value
            found["below"] = below
            if shared:
                query = {"path": path, "n": str(top)}
                found["shared_with"] = (await server.ask("GET", "/usage/sharing", query=query)).value
            if history:
                query = {"path": path, "days": str(days)}
                found["history"] = (await server.ask("GET", "/usage/days", query=query)).value
            if json:
                shown.print_json(found)
            else:
                _print(found)

        return work(servers, at, do)


def _print(found: dict[str, Any]) -> None:
    print(f"{place_words(found['path'])} holds {_numbers(found)}")
    if found["reserved_bytes"]:
        print(f"{size_words(found['reserved_bytes'])} are held for uploads under way")
    if found["growth_per_day"] is not None:
        print(f"it grows by {_signed(found['growth_per_day'])} a day, on a line through the last 30 days")
    for quota in found["quotas"]:
        used, limit = _amount(quota["of"], quota["used"]), _amount(quota["of"], quota["limit"])
        percent = quota["used"] * 100 // quota["limit"]
        where = f"the quota {shown.cell(quota['name'])} of {shown.cell(place_words(quota['path']))}"
        print(f"{where}: {used} of {limit} {_of(quota['of'])}are in use, {percent} %{_full(quota['full_in'])}")
    disk = found["disk"]
    if disk is not None:
        print(
            f"the disk: {size_words(disk['free'])} of {size_words(disk['size'])} are free, uploads leave"
            f" {size_words(disk['reserve'])} of that{_full(disk['full_in'])}"
        )
    if found["cached_bytes"]:
        print(f"{size_words(found['cached_bytes'])} are cached of upstreams, which quotas above these do not count")
    if found["below"]:
        print()
        columns: dict[str, Any] = {
            "PLACE": "path",
            "STORED": lambda row: size_words(row["stored_bytes"]),
            **_cached(found["below"]),
            "LOGICAL": lambda row: size_words(row["logical_bytes"]),
            "GREW": lambda row: _signed(row["grown_bytes"]) if row["grown_bytes"] is not None else "-",
            "TAGS": "tags",
            "MANIFESTS": "manifests",
            "REPOSITORIES": "repositories",
        }
        shown.rows(found["below"], columns, json=False)
    if "shared_with" in found:
        print()
        columns = {"SHARED WITH": "path", "BLOBS": "blobs", "BYTES": lambda row: size_words(row["bytes"])}
        shown.rows(found["shared_with"], columns, json=False)
    if "history" in found:
        print()
        columns = {
            "DAY": "day",
            "STORED": lambda row: size_words(row["stored_bytes"]),
            **_cached(found["history"]),
            "LOGICAL": lambda row: size_words(row["logical_bytes"]),
            "TAGS": "tags",
            "MANIFESTS": "manifests",
            "REPOSITORIES": "repositories",
        }
        shown.rows(found["history"], columns, json=False)


def _numbers(found: dict[str, Any]) -> str:
    return (
        f"{size_words(found['stored_bytes'])} ({size_words(found['logical_bytes'])} in all its repositories together):"
        f" {counted(found['repositories'], 'repository')}, {counted(found['manifests'], 'manifest')},"
        f" {counted(found['tags'], 'tag')}"
    )


def _cached(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A column of what is cached, where anything is."""
    return {"CACHED": lambda row: size_words(row["cached_bytes"])} if any(row["cached_bytes"] for row in rows) else {}


def _amount(of: str, number: int) -> str:
    return size_words(number) if of in _IN_BYTES else str(number)


def _of(of: str) -> str:
    return "" if of == "stored_bytes" else f"{_OF.get(of, of)} "


def _signed(size: int) -> str:
    return f"-{size_words(-size)}" if size < 0 else size_words(size)


def _full(days: int | None) -> str:
    if days is None:
        return ""
    return "; full" if days == 0 else f"; full in {days} days if it goes on like that"
