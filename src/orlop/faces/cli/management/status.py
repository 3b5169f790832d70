"""orlop status: how a whole registry stands, on one screen."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import cyclopts

from orlop.domain.counts import counted
from orlop.domain.quotas import amount
from orlop.domain.sizes import size_words
from orlop.faces.cli import shown
from orlop.faces.cli.management.typed import HERE, Json, work
from orlop.faces.cli.servers import ServerChoice, Servers
from orlop.ports.management import ManagementServer

#: So many of what needs somebody are told; `orlop attention` tells all.
_CONCERNS = 8


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the command to `app`."""

    @app.command
    def status(*, json: Json = False, at: ServerChoice = HERE) -> int:
        """Say on one screen how a registry stands: its servers and stores, what waits, how full it is, what ends, what
        needs you. The exit code is 1 where something does not work now."""

        async def do(server: ManagementServer) -> int:
            found = (await server.ask("GET", "/status")).value
            if json:
                shown.print_json(found)
            else:
                shown.fields(dict(lines(found)), json=False)
            return int(any(each["severity"] == "error" for each in found["attention"]) or not well(found))

        return work(servers, at, do)


def well(found: Mapping[str, Any]) -> bool:
    """Whether every store is."""
    return all(each["says"] == "ok" for each in found["server"]["stores"])


def lines(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """For people."""
    server = found["server"]
    standing = found["read_only"]["sentence"] if found["read_only"]["read_only"] else "takes writes"
    yield "registry", f"orlop {found['version']}, schema {found['schema']}, {standing}"
    yield "replicas", "; ".join(map(_replica, found["replicas"]))
    yield "stores", "; ".join(f"{each['name']} {each['says']}" for each in server["stores"])
    yield (
        "stored",
        f"{size_words(server['blob_bytes'])} in {counted(server['blobs'], 'blob')},"
        f" {counted(server['tags'], 'tag')} in {counted(server['repositories'], 'repository')}",
    )
    asked = server["requests"]
    if asked is not None:
        slowest = f", 99 of 100 within {asked['slowest']} s" if asked["slowest"] is not None else ""
        yield "requests", f"{asked['per_second']} a second, {asked['failed']} failed{slowest}"
    yield "queue", _queue(found["queue"])
    yield "followers", _followers(found["followers"])
    yield "webhooks", f"{server['deliveries_pending']} wait, {server['deliveries_dead']} were given up"
    disk = found["disk"]
    if disk is not None:
        yield "disk", f"{size_words(disk['free'])} of {size_words(disk['size'])} free{_full_in(disk['full_in'])}"
    for each in found["quotas"]:
        used, limit = amount(each["of"], each["used"]), amount(each["of"], each["limit"])
        yield f"quota {each['quota']}", f"{used} of {limit}{_full_in(each['full_in'])}"
    for each in found["certificates"]:
        yield each["setting"], each["trouble"] or f"ends {each['ends_at']}"
    concerns = found["attention"]
    yield "attention", f"{counted(len(concerns), 'thing')} to look at" if concerns else "nothing needs you"
    for number, each in enumerate(concerns[:_CONCERNS], 1):
        yield f"{number:3}. {each['severity']}", each["text"]
    if len(concerns) > _CONCERNS:
        yield f"{'':3}  more", "orlop attention"


def _replica(one: Mapping[str, Any]) -> str:
    return f"{one['host']} {one['version']} ({counted(one['workers'], 'worker')})"


def _queue(kinds: Sequence[Mapping[str, Any]]) -> str:
    running, waiting, failed = (sum(each[what] for each in kinds) for what in ("running", "waiting", "failed"))
    oldest = max((each["oldest_seconds"] for each in kinds), default=0)
    return f"{running} run, {waiting} wait{f' for up to {oldest} s' if oldest else ''}, {failed} failed"


def _followers(them: Sequence[Mapping[str, Any]]) -> str:
    behind = [each for each in them if each["events"]]
    return (
        "; ".join(
            f"{each['name']} is {counted(each['events'], 'event')} behind, {each['seconds']} s" for each in behind
        )
        or f"all {len(them)} have read everything"
    )


def _full_in(days: int | None) -> str:
    return (
        "" if days is None else "; full" if days == 0 else f"; full in {counted(days, 'day')} if it goes on like that"
    )
