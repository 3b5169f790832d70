"""`orlop trash`: what was deleted, the way back, and the end of it."""

from typing import Any

import cyclopts

from orlop.domain.counts import counted
from orlop.faces.cli import shown
from orlop.faces.cli.content.stores import Connecting
from orlop.faces.cli.locations import Location, parse_location
from orlop.faces.cli.management.typed import HERE, Flag, here, work
from orlop.faces.cli.running import UsageError, argument, run, size_text
from orlop.faces.cli.servers import ServerChoice, Servers, everything, signed_in
from orlop.ports.management import ManagementServer

_DEFAULTS = Connecting()

#: A name with a digest, and many tags.
_WIDEST = 400


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the group to `app`."""
    group = cyclopts.App(name="trash", help="What was deleted, and can be restored for a while.")
    app.command(group)
    _looking(group, servers)
    _emptying(group, servers)


def _looking(group: cyclopts.App, servers: Servers) -> None:
    @group.command
    def ls(place: str = "/", /, *, json: Flag = False, at: ServerChoice = HERE) -> int:
        """List what was deleted and can be restored, what that keeps, and until when.

        Parameters
        ----------
        place
            A namespace (team/), a repository (team/app), or / for the registry [default: /].
        json
            Print a JSON array.
        """

        async def do(server: ManagementServer) -> None:
            found = await everything(server, "/trash", place=here(place), n="1000")
            if json:
                shown.print_json(found)
                return
            columns: dict[str, Any] = {
                "NUMBER": "number",
                "WHAT": "kind",
                "NAME": lambda entry: shown.cell(_named(entry), _WIDEST),
                "SIZE": lambda entry: size_text(entry["size"]),
                "DELETED": lambda entry: _minute(entry["deleted_at"]),
                "BY": "deleted_by",
                "UNTIL": lambda entry: _minute(entry["expires_at"]),
            }
            shown.rows(found, columns, json=False)

        return work(servers, at, do)

    @group.command
    def restore(
        ref: str,
        /,
        *,
        number: int = 0,
        untagged: Flag = False,
        json: Flag = False,
        connecting: Connecting = _DEFAULTS,
    ) -> int:
        """Put back what was deleted last, whole or not at all: an image with its signatures and SBOMs.

        Parameters
        ----------
        ref
            REPOSITORY:TAG or REPOSITORY@DIGEST on Orlop, after orlop login; REPOSITORY alone is all of it, and
            NAMESPACE/ what a namespace had: visibility, settings and grants.
        number
            Rather than the last deletion the one of this number, as orlop trash ls lists it; REPOSITORY says where.
        untagged
            Set none of the tags that the image had.
        json
            Print a JSON object.
        """
        from orlop.faces.cli.content.remove import managed

        async def do() -> None:
            if ref.endswith("/"):
                await _restore_namespace(servers, ref, connecting, json=json)
                return
            location = _location(ref)
            body = _asked(location, number) | ({"untagged": True} if untagged else {})
            async with managed(servers, location, connecting) as server:
                done = (await server.ask("POST", "/trash-restorations", body=body)).value
            if json:
                shown.print_json(done)
                return
            for line in _restored(location, done):
                print(line)

        return run(do)


def _emptying(group: cyclopts.App, servers: Servers) -> None:
    @group.command
    def rm(number: int, /, *, yes: Flag = False, at: ServerChoice = HERE) -> int:
        """Give one entry up: nobody restores it any more. It takes the right to administer its place.

        Parameters
        ----------
        number
            As orlop trash ls lists it.
        yes
            Really give it up.
        """

        async def do(server: ManagementServer) -> None:
            if not yes:
                raise UsageError(f"nobody could restore entry {number} any more; add --yes to give it up")
            await server.ask("POST", "/trash-emptyings", body={"number": number})
            print(f"entry {number} is gone; the next collection frees its space")

        return work(servers, at, do)

    @group.command
    def empty(place: str = "/", /, *, yes: Flag = False, at: ServerChoice = HERE) -> int:
        """Give up whatever lies in the trash of a place. Without --yes it says what that would be.

        Parameters
        ----------
        place
            A namespace (team/), a repository (team/app), or / for the registry [default: /].
        yes
            Really give it up.
        """

        async def do(server: ManagementServer) -> None:
            if not yes:
                found = await everything(server, "/trash", place=here(place), n="1000")
                size = size_text(sum(entry["size"] for entry in found))
                raise UsageError(f"this gives up {_entries(len(found))} ({size}) for good; add --yes to do so")
            done = (await server.ask("POST", "/trash-emptyings", body={"place": here(place)})).value
            whose = "its" if done["entries"] == 1 else "their"
            print(f"{_entries(done['entries'])} gone; the next collection frees {whose} space")

        return work(servers, at, do)


async def _restore_namespace(servers: Servers, ref: str, connecting: Connecting, *, json: bool) -> None:
    """Restore a namespace, as `HOST:PORT/team/` names it. Raises UsageError."""
    registry, _, path = ref.strip("/").partition("/")
    if not path:
        raise UsageError("name a namespace: HOST:PORT/team/")
    choice = ServerChoice(registry, connecting.plain_http, connecting.insecure, connecting.ca)
    async with signed_in(servers, choice) as server:
        done = (await server.ask("POST", "/trash-restorations", body={"namespace": path})).value
    if json:
        shown.print_json(done)
        return
    print(f"restored {registry}/{path}/ with its settings and grants")


def _location(ref: str) -> Location:
    """A repository of a registry, with or without a tag or digest. Raises UsageError."""
    location: Location = argument(parse_location, ref)
    if location.image is None:
        raise UsageError("the trash is that of a registry: HOST:PORT/NAME, with :TAG or @DIGEST or neither")
    return location


def _asked(location: Location, number: int) -> dict[str, Any]:
    """What the API is asked to restore. Raises UsageError."""
    image = location.image
    assert image is not None
    named: dict[str, Any] = {}
    if image.digest is not None:
        named["digest"] = str(image.digest)
    if image.tag is not None and not image.tag_implied:
        named["tag"] = str(image.tag)
    if number:
        named["number"] = number
    if len(named) > 1:
        raise UsageError("name a tag, a digest or a number to restore, and not two of them")
    return {"repository": str(image.repository), **named}


def _restored(location: Location, done: dict[str, Any]) -> list[str]:
    """What came back, a line for each."""
    assert location.image is not None
    name = location.image.name
    if done["kind"] == "repository":
        return [f"restored {name} with {counted(len(done['tags']), 'tag')}"]
    tagged = {tag["digest"] for tag in done["tags"]}
    lines = [f"restored {name}:{tag['name']}  {tag['digest']}" for tag in done["tags"]]
    lines += [f"restored {name}@{digest}" for digest in done["manifests"] if digest not in tagged]
    return lines or [f"{name} holds all of it already"]


def _named(entry: dict[str, Any]) -> str:
    tags = "".join(f":{tag}" for tag in entry["tags"][:3])
    more = f" and {len(entry['tags']) - 3} more tags" if len(entry["tags"]) > 3 else ""
    digest = f"@{entry['digest'][:19]}" if entry["digest"] else ""
    return f"{entry['name']}{tags}{digest}{more}"


def _minute(time: str) -> str:
    """A time as people read it, to the minute."""
    return f"{time[:10]} {time[11:16]}Z"


def _entries(count: int) -> str:
    return f"{count} entr{'y' if count == 1 else 'ies'}"
