"""What `orlop audit ls` and `export` do where a server is asked: the same entries, with their hashes, over its API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from orlop.domain.audit import AuditEntry, Chained
from orlop.faces.cli.audit.work import exported, line
from orlop.faces.cli.moments import moment, now, rfc3339
from orlop.faces.cli.running import UsageError, run
from orlop.faces.cli.servers import ServerChoice, Servers, kept, signed_in
from orlop.ports.management import ManagementServer

if TYPE_CHECKING:
    from orlop.faces.cli.audit.filters import Filters

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Entries of one page, at most.
_PAGE = 1_000


def ls(servers: Servers, at: ServerChoice, wanted: "Filters", limit: int, *, json: bool) -> int:
    """Print the newest entries that are wanted."""

    async def work() -> None:
        if limit < 1:
            raise UsageError("--limit is 1 or more")
        found: list[Chained] = []
        async with _opened(servers, at) as server:
            async for chained in _entries(server, wanted, min(limit, _PAGE)):
                found.append(chained)
                if len(found) == limit:
                    break
        if json:
            print(msgspec.json.encode([exported(each) for each in found]).decode())
            return
        for each in found:
            print(line(each.entry))

    return run(work)


def export(servers: Servers, at: ServerChoice, wanted: "Filters") -> int:
    """Print all entries that are wanted as JSON lines. The server tells the newest first, so all of them wait here."""

    async def work() -> None:
        async with _opened(servers, at) as server:
            found = [msgspec.json.encode(exported(each)) async for each in _entries(server, wanted, _PAGE)]
        for text in reversed(found):
            print(text.decode())

    return run(work)


@asynccontextmanager
async def _opened(servers: Servers, at: ServerChoice) -> AsyncIterator[ManagementServer]:
    """The server. Raises UsageError where nobody is signed in, which is no trouble to who has the stores at hand."""
    if not at.server and kept(servers, at) is None:
        raise UsageError("nobody is signed in; run orlop login HOST:PORT, or name the stores with --data FOLDER")
    async with signed_in(servers, at) as server:
        yield server


async def _entries(server: ManagementServer, wanted: "Filters", size: int) -> AsyncIterator[Chained]:
    """Entries, newest first, page by page as they are asked for. Raises UsageError."""
    reply = await server.ask("GET", "/audit", query=_query(wanted, size))
    while True:
        for value in reply.value:
            yield _chained(value)
        if not reply.next:
            return
        reply = await server.ask("GET", reply.next)


def _query(wanted: "Filters", size: int) -> dict[str, str]:
    since, until = moment(wanted.since, now()), moment(wanted.until, now())
    return {
        "n": str(size),
        "since": rfc3339(since) if since else "",
        "until": rfc3339(until) if until else "",
        "actor": wanted.actor,
        "kind": wanted.kind,
        "place": wanted.place,
        "subject": wanted.subject,
        "address": wanted.address,
        "refused": "true" if wanted.refused else "",
    }


def _chained(value: dict[str, Any]) -> Chained:
    """An entry as the catalog has it, times and all, so that its hash can be checked."""
    times = {name: _microseconds(value[name]) for name in ("at", "first_at")}
    return Chained(msgspec.convert({**value, **times}, AuditEntry), str(value["hash"]))


def _microseconds(text: str | None) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1) if text else 0
