"""`orlop label`, and what a list of what has labels prints."""

from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any
from urllib.parse import urlencode

import cyclopts
from cyclopts import Parameter

from orlop.domain.errors import RegistryError
from orlop.domain.references import looks_like_registry
from orlop.faces.cli.content.stores import Connecting
from orlop.faces.cli.locations import Location, parse_location, parse_registry_location
from orlop.faces.cli.running import UsageError, argument, run
from orlop.faces.cli.servers import ServerChoice, Servers, everything, kept, signed_in
from orlop.ports.management import ManagementServer

_Flag = Parameter(negative="")
_DEFAULTS = Connecting()


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the group to `app`."""
    group = cyclopts.App(name="label", help="Labels of repositories, and of images by their digests.")
    app.command(group)

    @group.command
    def ls(ref: str, /, *, json: Annotated[bool, _Flag] = False, connecting: Connecting = _DEFAULTS) -> int:
        """List labels, as KEY=VALUE.

        Parameters
        ----------
        ref
            REPOSITORY, REPOSITORY@DIGEST, or REPOSITORY:TAG for what the tag points at; on Orlop, after orlop login.
        json
            Print a JSON object.
        """
        from orlop.faces.cli import shown

        async def work() -> None:
            location = _argument(ref)
            async with _managed(servers, location, connecting) as server:
                found = (await server.ask("GET", "/labels", query=_query(location))).value
            if json:
                shown.print_json(found)
                return
            for key, value in found["labels"].items():
                print(shown.cell(f"{key}={value}", widest=600))

        return run(work)

    @group.command
    def set(ref: str, /, *labels: str, connecting: Connecting = _DEFAULTS) -> int:  # noqa: A001 - as it is typed
        """Set labels; all others stay.

        Parameters
        ----------
        ref
            REPOSITORY, REPOSITORY@DIGEST, or REPOSITORY:TAG for what the tag points at; on Orlop, after orlop login.
        labels
            Each as KEY=VALUE.
        """

        async def work() -> None:
            wanted = _pairs(labels)
            print(f"labelled {await _change(servers, ref, connecting, {'set': wanted})}")

        return run(work)

    @group.command
    def rm(ref: str, /, *keys: str, connecting: Connecting = _DEFAULTS) -> int:
        """Remove labels; all others stay.

        Parameters
        ----------
        ref
            REPOSITORY, REPOSITORY@DIGEST, or REPOSITORY:TAG for what the tag points at; on Orlop, after orlop login.
        keys
            The keys of those to remove.
        """

        async def work() -> None:
            if not keys:
                raise UsageError("name at least one key of a label to remove")
            where = await _change(servers, ref, connecting, {"remove": list(keys)})
            print(f"removed {', '.join(keys)} from {where}")

        return run(work)


async def ls(
    servers: Servers, where: str, selector: str, connecting: Connecting, *, untagged: bool, json: bool
) -> None:
    """Print what has labels at a place: repositories, and manifests by their digests. Raises UsageError."""
    from orlop.faces.cli import shown

    if untagged:
        raise UsageError("--selector and --untagged do not go together")
    registry, place = _place(where)
    choice = _choice(registry, connecting)
    async with signed_in(servers, choice) as server:
        query = {"selector": selector, "place": place, "n": "1000"}
        found = await everything(server, "/labelled", **query)
    if json:
        shown.print_json(found)
        return
    saved = kept(servers, choice)
    host = saved.server.partition("://")[2] if saved is not None else registry
    for one in found:
        print(f"{host}/{one['repository']}" + (f"@{one['digest']}" if one["digest"] else ""))


async def of(servers: Servers, location: Location, digest: str, connecting: Connecting) -> dict[str, str]:
    """The labels of a manifest; none where nobody is signed in to a management API that would tell them."""
    if location.image is None or kept(servers, _choice(location.image.registry, connecting)) is None:
        return {}
    try:
        async with _managed(servers, location, connecting) as server:
            query = {"repository": str(location.image.repository), "reference": digest}
            found: dict[str, str] = (await server.ask("GET", "/labels", query=query)).value["labels"]
    except RegistryError:
        return {}
    return found


async def _change(servers: Servers, ref: str, connecting: Connecting, body: dict[str, Any]) -> str:
    """Where labels were changed, as it is called: by its digest, where a tag was named."""
    location = _argument(ref)
    assert location.image is not None
    async with _managed(servers, location, connecting) as server:
        reply = await server.ask("PATCH", f"/labels?{urlencode(_query(location))}", body=body)
    digest = reply.value["digest"]
    return f"{location.image.name}@{digest}" if digest else location.image.name


def _pairs(labels: tuple[str, ...]) -> dict[str, str]:
    """Raises UsageError."""
    if not labels:
        raise UsageError("name at least one label to set, as KEY=VALUE")
    found: dict[str, str] = {}
    for text in labels:
        key, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{text[:160]!r} is no label: write KEY=VALUE")
        if key in found:
            raise UsageError(f"the label {key[:160]} is there twice")
        found[key] = value
    return found


def _argument(ref: str) -> Location:
    """A repository of a registry, or an image in it. Raises UsageError."""
    location: Location = argument(parse_location, ref)
    if location.image is None:
        raise UsageError("labels are on repositories of a registry: HOST:PORT/NAME, with :TAG or @DIGEST for an image")
    return location


def _query(location: Location) -> dict[str, str]:
    image = location.image
    assert image is not None
    reference = str(image.digest or ("" if image.tag_implied else image.tag))
    return {"repository": str(image.repository), **({"reference": reference} if reference else {})}


def _place(where: str) -> tuple[str, str]:
    """The registry (empty: where orlop login was last) and the namespace or repository. Raises UsageError."""
    registry: str | None = argument(parse_registry_location, where)
    if registry is not None:
        return registry, ""
    first, _, rest = where.partition("/")
    if looks_like_registry(first):
        return first, rest.strip("/")
    return "", where.strip("/")


def _choice(registry: str, connecting: Connecting) -> ServerChoice:
    return ServerChoice(registry, connecting.plain_http, connecting.insecure, connecting.ca)


def _managed(
    servers: Servers, location: Location, connecting: Connecting
) -> AbstractAsyncContextManager[ManagementServer]:
    assert location.image is not None
    return signed_in(servers, _choice(location.image.registry, connecting))
