"""`orlop sbom` and `orlop scan`: what is inside an image, as its registry read it."""

import asyncio
import sys
from contextlib import aclosing
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import cyclopts
from cyclopts import Parameter

from orlop.domain.counts import counted
from orlop.domain.digest import Digest
from orlop.faces.cli import shown
from orlop.faces.cli.content import scans
from orlop.faces.cli.content.stores import Connecting, ContentStores
from orlop.faces.cli.locations import Location, parse_location
from orlop.faces.cli.running import UsageError, argument, run, tell
from orlop.faces.cli.servers import Servers
from orlop.ports.management import ManagementServer

_Flag = Annotated[bool, Parameter(negative="")]
_DEFAULTS = Connecting()
#: Seconds between two looks at whether an image has been read, the first and the longest pause.
_FIRST, _LONGEST = 0.2, 2.0
#: Characters of a digest, the longest there is.
_DIGEST = 135

_PACKAGES: dict[str, Any] = {
    "PACKAGE": lambda held: _name(held),
    "VERSION": "version",
    "TYPE": "type",
    "LAYER": lambda held: layer_number(held["layer"]),
    "LICENCE": lambda held: ", ".join(held["licences"]) or "-",
}


_ATTACHED: dict[str, Any] = {
    "DOCUMENT": "digest",
    "TYPE": "media_type",
    "WAY": "way",
    "BY": lambda found: found["pushed_by"] or "-",
    "COUNTS": lambda found: "yes" if found["counts"] else "no",
}


def register(app: cyclopts.App, servers: Servers, stores: ContentStores) -> None:
    """Add the commands to `app`."""
    _sbom(app, servers, stores)
    _scan(app, servers)


def _sbom(app: cyclopts.App, servers: Servers, stores: ContentStores) -> None:
    @app.command
    def sbom(
        ref: str,
        /,
        *,
        format_: Annotated[Literal["table", "cyclonedx", "spdx"], Parameter(name="--format")] = "table",
        platform: str = "",
        wait: Annotated[bool, Parameter(negative="--no-wait")] = True,
        attached: _Flag = False,
        from_: Annotated[str, Parameter(name="--from")] = "",
        json: _Flag = False,
        connecting: Connecting = _DEFAULTS,
    ) -> int:
        """List the packages of an image, with the layers that brought them, or write them as a document.

        Parameters
        ----------
        ref
            HOST:PORT/NAME:TAG or @DIGEST, on Orlop, after orlop login.
        format_
            table, or a document in JSON: cyclonedx (1.6) or spdx (2.3) [default: table].
        platform
            Of an image for several platforms the one that is meant, as linux/amd64.
        wait
            Wait for an image that was pushed just now to be read.
        attached
            List the SBOMs and attestations that are attached to the image, and who attached them.
        from_
            Write one of those, by its digest, byte for byte.
        json
            Print JSON.
        """
        if from_ and (attached or format_ != "table"):
            raise UsageError("--from writes a document as it is: leave out --attached and --format")

        async def work(server: ManagementServer, location: Location) -> int:
            if attached or from_:
                found = await _attached(server, location, platform)
                if attached:
                    _show_attached(location, found, json=json)
                    return 0
                return await _write(stores, location, connecting, found, from_)
            found = await _read(server, location, platform, wait=wait)
            if format_ == "table" or not _is_known(found):
                return _show(location, found, json=json)
            query = {"repository": found["repository"], "reference": found["digest"], "format": format_}
            shown.print_json((await server.ask("GET", f"/sboms?{urlencode(query)}")).value)
            return 0

        return _on(servers, ref, connecting, work)


def _scan(app: cyclopts.App, servers: Servers) -> None:
    @app.command
    def scan(
        ref: str,
        /,
        *,
        platform: str = "",
        scanner: str = "",
        json: _Flag = False,
        connecting: Connecting = _DEFAULTS,
    ) -> int:
        """Have an image read once more, and list its packages; or have a scanner judge it anew, and wait for that.

        Parameters
        ----------
        ref
            HOST:PORT/NAME:TAG or @DIGEST, on Orlop, after orlop login.
        platform
            Of an image for several platforms the one that is meant, as linux/amd64.
        scanner
            The scanner that is to judge it; orlop vulns --scanner shows what it found.
        json
            Print JSON.
        """

        async def work(server: ManagementServer, location: Location) -> int:
            if scanner:
                return await scans.judged(server, held_name(location), platform, scanner, json=json)
            await server.ask("POST", "/image-readings", body={"image": held_name(location), "platform": platform})
            found = await _read(server, location, platform, wait=True)
            return _show(location, found, json=json)

        return _on(servers, ref, connecting, work)


def _on(servers: Servers, ref: str, connecting: Connecting, do: Any) -> int:
    from orlop.faces.cli.content.remove import managed

    async def work() -> int:
        location = image_argument(ref)
        async with managed(servers, location, connecting) as server:
            done: int = await do(server, location)
            return done

    return run(work)


async def _read(server: ManagementServer, location: Location, platform: str, *, wait: bool) -> dict[str, Any]:
    """What is known of an image; of one that waits to be read once it has been, if that is wanted."""
    assert location.image is not None
    query = {"repository": str(location.image.repository), "reference": image_reference(location)}
    pause, told = _FIRST, False
    while True:
        asked = urlencode(query | ({"platform": platform} if platform else {}))
        found: dict[str, Any] = (await server.ask("GET", f"/image-packages?{asked}")).value
        if found["state"] in {"read", "unread"} or not wait:
            return found
        if not told and sys.stderr.isatty():
            tell(f"{location} is being read; --no-wait does not wait for it")
            told = True
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST)


async def _attached(server: ManagementServer, location: Location, platform: str) -> dict[str, Any]:
    assert location.image is not None
    query = {"repository": str(location.image.repository), "reference": image_reference(location)}
    asked = urlencode(query | ({"platform": platform} if platform else {}))
    found: dict[str, Any] = (await server.ask("GET", f"/attached-sboms?{asked}")).value
    return found


def _show_attached(location: Location, found: dict[str, Any], *, json: bool) -> None:
    if json:
        shown.print_json(found)
        return
    shown.rows(found["sboms"], _ATTACHED, json=False, widest=_DIGEST)
    if not found["sboms"]:
        tell(f"no SBOM is attached to {location}")


async def _write(
    stores: ContentStores, location: Location, connecting: Connecting, found: dict[str, Any], digest: str
) -> int:
    """Write a document that is attached as it is."""
    document = next((each for each in found["sboms"] if each["digest"] == digest), None)
    if document is None:
        tell(f"no SBOM with the digest {digest} is attached to {location}; --attached lists them")
        return 1
    async with (
        stores.repository(location, connecting) as opened,
        aclosing(opened.read_blob(Digest.stored(digest), document["size"])) as pieces,
    ):
        async for piece in pieces:
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
    return 0


def _show(location: Location, found: dict[str, Any], *, json: bool) -> int:
    """Print it; the exit code: 1 where it could not be read, or not yet."""
    if json:
        shown.print_json(found)
    elif _is_known(found):
        if found["stands"]:
            again = "could not be read anew" if found["state"] == "unread" else "is being read anew"
            tell(f"{location} {again}: this is what was read before")
        shown.rows(found["packages"], _PACKAGES, json=False)
        tell(_summary(found))
        for each in found["unread"]:
            tell(f"could not be read: {each}")
    else:
        why = "".join(f": {each}" for each in found["unread"])
        tell(f"{location} could not be read{why}" if found["state"] == "unread" else f"{location} waits to be read")
    return 0 if _is_known(found) else 1


def _is_known(found: dict[str, Any]) -> bool:
    return bool(found["state"] == "read" or found["stands"])


def _summary(found: dict[str, Any]) -> str:
    distribution = found["distribution"]
    of = f" of {distribution['name'] or distribution['id']}" if distribution else ""
    by = f", found by {', '.join(found['found_by'])}" if found["found_by"] else ""
    return f"{counted(len({held['purl'] for held in found['packages']}), 'package')}{of}{by}"


def _name(held: dict[str, Any]) -> str:
    separator = ":" if held["type"] == "maven" else "/"
    return f"{held['namespace']}{separator}{held['name']}" if held["namespace"] else str(held["name"])


def layer_number(layer: int) -> str:
    """The number of a layer for people, the lowest is 1; a dash where nothing says which."""
    return str(layer + 1) if layer >= 0 else "-"


def image_argument(ref: str) -> Location:
    """An image of a registry. Raises UsageError."""
    location: Location = argument(parse_location, ref)
    if location.image is None or (location.image.digest is None and location.image.tag is None):
        raise UsageError("name an image of a registry: HOST:PORT/NAME:TAG or HOST:PORT/NAME@DIGEST")
    return location


def image_reference(location: Location) -> str:
    assert location.image is not None
    return str(location.image.digest or location.image.tag)


def held_name(location: Location) -> str:
    """An image as the API names it."""
    assert location.image is not None
    separator = "@" if location.image.digest is not None else ":"
    return f"{location.image.repository}{separator}{image_reference(location)}"
