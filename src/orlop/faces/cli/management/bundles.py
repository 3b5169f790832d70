"""`orlop bundle`: images under a name, that are promoted as one."""

from typing import Annotated, Any
from urllib.parse import urlencode

import cyclopts
from cyclopts import Parameter

from orlop.domain.counts import counted
from orlop.domain.settings import place_words
from orlop.faces.cli import shown
from orlop.faces.cli.content.inside import held_name, image_argument
from orlop.faces.cli.content.stores import Connecting
from orlop.faces.cli.management import typed
from orlop.faces.cli.management.typed import HERE, Flag, work
from orlop.faces.cli.running import UsageError, run
from orlop.faces.cli.servers import ServerChoice, Servers, everything, path_of
from orlop.ports.management import ManagementServer

_DEFAULTS = Connecting()
Name = Annotated[str, Parameter(help="Its name.")]
BundlePlace = Annotated[
    str,
    Parameter(name="--at", help="The place of the bundle, if there are several of that name; / is the registry."),
]
_COLUMNS: dict[str, Any] = {
    "NAME": "name",
    "AT": lambda one: place_words(one["path"]),
    "IMAGES": lambda one: str(len(one["images"])),
    "BY": "created_by",
    "CREATED": "created_at",
}

_STANDING: dict[str, Any] = {
    "PIPELINE": "pipeline",
    "IMAGE": lambda one: _image(one),
    "DIGEST": lambda one: one["digest"][:19],
    "STANDS IN": lambda one: ", ".join(each["stage"] for each in one["stages"]),
}


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the group."""
    group = cyclopts.App(name="bundle", help="Bundles: images by their digests, under a name, promoted as one.")
    app.command(group)
    _create(group, servers)
    _looking(group, servers)
    _where(group, servers)
    _remove(group, servers)


def _create(group: cyclopts.App, servers: Servers) -> None:
    @group.command
    def create(name: Name, /, *refs: str, json: Flag = False, connecting: Connecting = _DEFAULTS) -> int:
        """Put images under a name, each by the digest that it has now; a bundle does not change.

        Parameters
        ----------
        refs
            HOST:PORT/NAME:TAG or @DIGEST, on Orlop, after orlop login.
        json
            Print a JSON object.
        """
        from orlop.faces.cli.content.remove import managed

        if not refs:
            raise UsageError("name images: HOST:PORT/NAME:TAG or HOST:PORT/NAME@DIGEST")

        async def do() -> None:
            locations = [image_argument(ref) for ref in refs]
            if len({one.image.registry for one in locations if one.image is not None}) > 1:
                raise UsageError("the images are of several registries; a bundle is of one")
            body = {"name": name, "images": [held_name(one) for one in locations]}
            async with managed(servers, locations[0], connecting) as server:
                found = (await server.ask("POST", "/bundles", body=body)).value
            if json:
                shown.print_json(found)
                return
            for image in found["images"]:
                print(f"{_image(image)} is {image['digest']}")
            print(f"bundle {found['name']} has {counted(len(found['images']), 'image')}")

        return run(do)


def _looking(group: cyclopts.App, servers: Servers) -> None:
    @group.command(name="ls")
    def list_(*, json: Flag = False, at: ServerChoice = HERE) -> int:
        """List the bundles that you may see.

        Parameters
        ----------
        json
            Print a JSON array.
        """

        async def do(server: ManagementServer) -> None:
            shown.rows(await everything(server, "/bundles"), _COLUMNS, json=json)

        return work(servers, at, do)

    @group.command
    def show(name: Name, /, *, place: BundlePlace = "", json: Flag = False, at: ServerChoice = HERE) -> int:
        """Show a bundle: its images and their digests.

        Parameters
        ----------
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> None:
            found = (await server.ask("GET", _address(name, place))).value
            if json:
                shown.print_json(found)
                return
            told = {"name": found["name"], "at": place_words(found["path"])}
            shown.fields(told | {each: found[each] for each in ("created_by", "created_at")}, json=False)
            for image in found["images"]:
                print(f"{_image(image)}\n  {image['digest']}")

        return work(servers, at, do)


def _where(group: cyclopts.App, servers: Servers) -> None:
    @group.command
    def where(name: Name, /, *, place: BundlePlace = "", json: Flag = False, at: ServerChoice = HERE) -> int:
        """Show in which stages the images of a bundle stand, by the pipelines that all of them are in.

        Parameters
        ----------
        json
            Print a JSON array.
        """

        async def do(server: ManagementServer) -> None:
            found = (await server.ask("GET", _address(name, place, "/standing"))).value
            shown.rows(found, _STANDING, json=json)

        return work(servers, at, do)


def _remove(group: cyclopts.App, servers: Servers) -> None:
    @group.command
    def rm(name: Name, /, *, place: BundlePlace = "", at: ServerChoice = HERE) -> int:
        """Remove a bundle. Its images, and what was promoted of it, stay."""

        async def do(server: ManagementServer) -> None:
            await server.ask("DELETE", _address(name, place))
            print(f"bundle {name} is removed")

        return work(servers, at, do)


def _address(name: str, place: str, what: str = "") -> str:
    query = f"?{urlencode({'path': typed.here(place).strip('/')})}" if place else ""
    return f"/bundles/{path_of(name)}{what}{query}"


def _image(image: dict[str, Any]) -> str:
    return f"{image['repository']}:{image['tag']}" if image["tag"] else f"{image['repository']}@{image['digest'][:19]}"
