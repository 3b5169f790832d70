"""What history and rollback do, and what --at means: what a tag pointed at, as an Orlop server tells it."""

from typing import Any

from orlop.domain.digest import Digest
from orlop.domain.errors import ManifestUnknown
from orlop.faces.cli.content import show
from orlop.faces.cli.content.remove import managed
from orlop.faces.cli.content.stores import Connecting, ContentStores
from orlop.faces.cli.locations import Location, parse_location
from orlop.faces.cli.moments import moment, now, rfc3339, seconds
from orlop.faces.cli.running import UsageError, argument, tell
from orlop.faces.cli.servers import Servers
from orlop.ports.management import ManagementServer

#: Entries of one page, at most.
_PAGE = 1_000


async def history(servers: Servers, ref: str, connecting: Connecting, limit: int, *, json: bool) -> None:
    """List the newest changes of a tag, or of all tags of a repository."""
    if limit < 1:
        raise UsageError("--limit is 1 or more")
    location: Location = argument(parse_location, ref)
    show.tell_implied_place(location)
    if location.image is None or location.image.digest:
        raise UsageError("this is for a tag or a repository of a registry: HOST:PORT/NAME:TAG or HOST:PORT/NAME")
    async with managed(servers, location, connecting) as server:
        found, more = await _changes(server, location, limit)
    if json:
        show.print_json(found)
        return
    if not found:
        of_all = location.image.tag_implied
        tell(f"no tag of {location.image.name} ever was" if of_all else f"there never was a tag {location}")
    for change in found:
        print(_line(change))
    if more:
        tell(f"there are more; --limit {limit * 10} shows further ones")


async def rollback(servers: Servers, ref: str, to: str, connecting: Connecting, *, json: bool) -> None:
    """Point a tag at a digest again, unless somebody moves it meanwhile."""
    digest: Digest = argument(Digest, to)
    written: Location = argument(parse_location, ref)
    if written.image is not None and written.image.tag_implied and not written.image.digest:
        raise UsageError("write out the tag to roll back, latest is not implied here")
    location = _tag_argument(ref)
    async with managed(servers, location, connecting) as server:
        newest, _ = await _changes(server, location, 1)
        before = newest[0]["digest"] if newest else None
        if before != digest:
            seen: dict[str, Any] = {"match": f'"{before}"'} if before else {"create": True}
            await server.ask("POST", "/tag-rollbacks", body={**_query(location), "digest": str(digest)}, **seen)
    if json:
        show.print_json({"reference": str(location), "digest": str(digest), "previous": before})
    elif before == digest:
        print(f"{location} points at {digest} already")
    else:
        was = f"pointed at {before}" if before else "was not there"
        print(f"{location} points at {digest} now; before, it {was}")


async def inspect(
    stores: ContentStores, servers: Servers, ref: str, at: str, connecting: Connecting, *, json: bool
) -> None:
    """Show what a tag pointed at at a time."""
    location, change = await _then(servers, ref, at, connecting)
    assert location.image is not None
    name = f"{location.image.name}@{change['digest']}"
    if not change["held"]:
        raise ManifestUnknown(f"{location} pointed at {change['digest']} then, which is not held there any more")
    tell(f"{location} pointed at {change['digest']} since {seconds(change['at'])}")
    await show.inspect(stores, servers, name, connecting, json=json)


async def digest(servers: Servers, ref: str, at: str, connecting: Connecting, *, json: bool) -> None:
    """Print the digest that a tag pointed at at a time."""
    location, change = await _then(servers, ref, at, connecting)
    if json:
        show.print_json({"reference": str(location), "digest": change["digest"], "since": change["at"]})
    else:
        print(change["digest"])


async def _then(servers: Servers, ref: str, at: str, connecting: Connecting) -> tuple[Location, dict[str, Any]]:
    when = moment(at, now())
    location = _tag_argument(ref)
    async with managed(servers, location, connecting) as server:
        query = {**_query(location), "at": rfc3339(when)}
        change: dict[str, Any] = (await server.ask("GET", "/tag-at", query=query)).value
    return location, change


async def _changes(server: ManagementServer, location: Location, limit: int) -> tuple[list[dict[str, Any]], bool]:
    """The newest of a tag, or of all where none was named; and whether there are more."""
    query = {**_query(location), "n": str(min(limit, _PAGE))}
    if location.image is not None and location.image.tag_implied:
        del query["tag"]
        reply = await server.ask("GET", "/history", query=query)
    else:
        reply = await server.ask("GET", "/tag-history", query=query)
    found = list(reply.value)
    while reply.next and len(found) < limit:
        reply = await server.ask("GET", reply.next)
        found += reply.value
    return found[:limit], bool(reply.next) or len(found) > limit


def _line(change: dict[str, Any]) -> str:
    """A change for people."""
    what = "removed" if change["digest"] is None else change["digest"]
    left = "" if change["held"] or change["digest"] is None else "  (not held any more)"
    who = f"  by {change['actor']}" if change["actor"] else ""
    tag = f"{change['tag']}  " if "tag" in change else ""
    why = f"  ({change['detail']})" if change["detail"] else ""
    return f"{seconds(change['at'])}  {tag}{what.ljust(71)}{who}{why}{left}".rstrip()


def _tag_argument(ref: str) -> Location:
    """A tag of a repository of a registry. Raises UsageError."""
    location = show.image_argument(ref)
    if location.image is None or location.image.digest:
        raise UsageError("this is for a tag of a registry: HOST:PORT/NAME:TAG")
    return location


def _query(location: Location) -> dict[str, str]:
    assert location.image is not None
    return {"repository": str(location.image.repository), "tag": str(location.image.tag)}
