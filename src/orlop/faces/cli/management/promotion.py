"""`orlop promote` and `orlop promotion`: the same digest in the next stage."""

from functools import partial
from typing import Annotated, Any, Literal

import cyclopts
from cyclopts import Parameter

from orlop.domain.counts import counted
from orlop.faces.cli import shown
from orlop.faces.cli.content.inside import held_name, image_argument
from orlop.faces.cli.content.stores import Connecting
from orlop.faces.cli.locations import parse_location
from orlop.faces.cli.management import typed
from orlop.faces.cli.management.bundles import BundlePlace
from orlop.faces.cli.management.settings import Where
from orlop.faces.cli.management.typed import HERE, Flag, work
from orlop.faces.cli.running import UsageError, argument, run, tell
from orlop.faces.cli.servers import ServerChoice, Servers, everything
from orlop.ports.management import ManagementServer

_DEFAULTS = Connecting()
Number = Annotated[int, Parameter(help="Its number, as orlop promotion ls shows it.")]
_COLUMNS: dict[str, Any] = {
    "ID": "id",
    "STATE": lambda one: _state(one),
    "TO": "stage",
    "IMAGE": lambda one: _images(one),
    "DIGEST": lambda one: one["images"][0]["digest"][:19],
    "BY": "asked_by",
    "APPROVED BY": lambda one: ", ".join(each["by"] for each in one["approvals"]),
}


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the command and the group."""
    _promote(app, servers)
    group = cyclopts.App(name="promotion", help="Promotions: what waits, who agreed, what was done, and the way back.")
    app.command(group)
    _looking(group, servers)
    _board(group, servers)
    _deciding(group, servers)
    _rollback(group, servers)


def _promote(app: cyclopts.App, servers: Servers) -> None:
    @app.command
    def promote(
        *refs: str,
        to: str,
        pipeline: str = "",
        dry_run: Flag = False,
        place: BundlePlace = "",
        server: str = "",
        json: Flag = False,
        connecting: Connecting = _DEFAULTS,
    ) -> int:
        """Promote images, with all that refers to them, to a stage of their pipeline: at once, or once it is approved.

        Parameters
        ----------
        refs
            HOST:PORT/NAME:TAG or @DIGEST, on Orlop, after orlop login; or the name of a bundle. Several are promoted as
            one or not at all.
        to
            The stage.
        pipeline
            Its name, where the images are in several with that stage.
        dry_run
            Say what would become of it, and write nothing; the exit code is 1 where it would be refused.
        server
            The server of a bundle, as HOST:PORT or URL [default: where orlop login was last].
        json
            Print a JSON object.
        """
        from orlop.faces.cli.content.remove import managed

        if not refs:
            raise UsageError("name an image, HOST:PORT/NAME:TAG or HOST:PORT/NAME@DIGEST, or a bundle")
        address = "/promotion-trials" if dry_run else "/promotions"
        if len(refs) == 1 and "/" not in refs[0]:
            choice = ServerChoice(server, connecting.plain_http, connecting.insecure, connecting.ca)

            async def of_bundle(asked: ManagementServer) -> int:
                where = {"bundle_path": typed.here(place).strip("/")} if place else {}
                body = {"bundle": refs[0], "stage": to, "pipeline": pipeline, **where}
                found = (await asked.ask("POST", address, body=body)).value
                return _tell_trial(found, json=json) if dry_run else _tell_outcome(found, json=json)

            return work(servers, choice, of_bundle)
        if place or server:
            raise UsageError("--at and --server are of a bundle; an image is named with its server")

        async def do() -> int:
            locations = [image_argument(ref) for ref in refs]
            if len({one.image.registry for one in locations if one.image is not None}) > 1:
                raise UsageError("the images are of several registries; what is promoted as one is of one")
            body = {"images": [held_name(one) for one in locations], "stage": to, "pipeline": pipeline}
            async with managed(servers, locations[0], connecting) as asked:
                found = (await asked.ask("POST", address, body=body)).value
            return _tell_trial(found, json=json) if dry_run else _tell_outcome(found, json=json)

        return run(do)


def _looking(group: cyclopts.App, servers: Servers) -> None:
    @group.command(name="ls")
    def list_(
        *,
        state: Literal["waiting", "done", "refused", "expired", "rolled-back"] | None = None,
        image: str = "",
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """List the promotions that you may see, the newest first.

        Parameters
        ----------
        state
            Only those.
        image
            Only those of the digest of this image, REPOSITORY:TAG or REPOSITORY@DIGEST: how it came where it is.
        json
            Print a JSON array.
        """

        async def do(server: ManagementServer) -> None:
            asked = {"state": state, "image": image}
            found = await everything(server, "/promotions", **{name: each for name, each in asked.items() if each})
            shown.rows(found, _COLUMNS, json=json)

        return work(servers, at, do)

    @group.command(name="try")
    def try_(number: Number, /, *, json: Flag = False, at: ServerChoice = HERE) -> int:
        """Say what a promotion that waits would be refused with now; the exit code is 1 where it would be.

        Parameters
        ----------
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> int:
            found = (await server.ask("GET", f"/promotions/{number}/trial")).value
            if json:
                shown.print_json(found)
            else:
                refusal = found["refusal"]
                print(f"it would be refused: {refusal}" if refusal else "nothing holds it back but what it waits for")
            return int(bool(found["refusal"]))

        return work(servers, at, do)

    @group.command
    def show(number: Number, /, *, json: Flag = False, at: ServerChoice = HERE) -> int:
        """Show a promotion: its digests, and who decided.

        Parameters
        ----------
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> None:
            found = (await server.ask("GET", f"/promotions/{number}")).value
            if json:
                shown.print_json(found)
                return
            told = {name: found[name] for name in ("id", "pipeline", "stage", "asked_by", "asked_at")}
            told |= {"bundle": found["bundle"]} if found["bundle"] else {}
            told |= {"state": _state(found), "approved_by": [each["by"] for each in found["approvals"]]}
            shown.fields(told | ({"why": found["why"]} if found["why"] else {}), json=False)
            for image in found["images"]:
                print(f"{_name(image, '')} -> {_name(image, 'target')}\n  {image['digest']}")

        return work(servers, at, do)


def _board(group: cyclopts.App, servers: Servers) -> None:
    @group.command
    def board(
        pipeline: str,
        /,
        *,
        place: Where = "/",
        json: Flag = False,
        server: ServerChoice = HERE,
    ) -> int:
        """Show what stands in each stage of a pipeline, image by image, and what waits.

        Parameters
        ----------
        pipeline
            Its name.
        json
            Print a JSON array.
        """

        async def do(asked: ManagementServer) -> None:
            path = place.strip("/")
            kept = (await asked.ask("GET", f"/pipelines/{pipeline}", query={"path": path})).value
            found = await everything(asked, f"/promotion-boards/{pipeline}", path=path)
            stages = [text.partition("=")[0] for text in kept["body"]["stages"]]
            columns: dict[str, Any] = {"IMAGE": "image"}
            columns |= {name.upper(): partial(_standing, name) for name in stages}
            columns |= {"WAITS": lambda one: ", ".join(map(str, one["waiting"]))}
            shown.rows(found, columns, json=json)

        return work(servers, server, do)


def _standing(stage: str, row: dict[str, Any]) -> str:
    """What a row has in a stage, with a star where that is another image than in the stage before."""
    return next(
        (
            f"{each['tag']} {each['digest'][7:19]}{' *' if each['differs'] else ''}"
            for each in row["stages"]
            if each["stage"] == stage
        ),
        "",
    )


def _deciding(group: cyclopts.App, servers: Servers) -> None:
    @group.command
    def approve(number: Number, /, *, json: Flag = False, at: ServerChoice = HERE) -> int:
        """Approve a promotion: the digests that show prints. With the last approval it is done.

        Parameters
        ----------
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> None:
            _tell_outcome((await server.ask("POST", f"/promotions/{number}/approvals")).value, json=json)

        return work(servers, at, do)

    @group.command
    def refuse(number: Number, /, *, reason: str, json: Flag = False, at: ServerChoice = HERE) -> int:
        """Refuse a promotion that waits, or take back your own.

        Parameters
        ----------
        reason
            Why: shown to whoever looks.
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> None:
            found = (await server.ask("POST", f"/promotions/{number}/refusal", body={"reason": reason})).value
            if json:
                shown.print_json(found)
            else:
                print(f"promotion {number} of {_images(found)} to {found['stage']} is refused: {reason}")

        return work(servers, at, do)


def _rollback(group: cyclopts.App, servers: Servers) -> None:
    @group.command
    def rollback(ref: str, /, *, reason: str, json: Flag = False, connecting: Connecting = _DEFAULTS) -> int:
        """Undo the last promotion into a repository.

        Parameters
        ----------
        ref
            HOST:PORT/NAME, on Orlop, after orlop login.
        reason
            Why: shown in the history.
        json
            Print a JSON object.
        """
        from orlop.faces.cli.content.remove import managed

        async def do() -> None:
            location = argument(parse_location, ref)
            if (
                location.image is None
                or location.image.digest
                or (location.image.tag and not location.image.tag_implied)
            ):
                raise UsageError("name a repository of a registry, without a tag: HOST:PORT/NAME")
            body = {"repository": str(location.image.repository), "reason": reason}
            async with managed(servers, location, connecting) as server:
                found = (await server.ask("POST", "/promotion-rollbacks", body=body)).value
            if json:
                shown.print_json(found)
                return
            back = any(image["moved"] and image["previous"] for image in found["images"])
            for image in found["images"]:
                if image["moved"] and (image["previous"] or not back):
                    where = f"points at {image['previous'][:19]} again" if back else "is removed"
                    print(f"{_name(image, 'target')} {where}")
            print(f"promotion {found['id']} is rolled back")

        return run(do)


def _tell_outcome(found: dict[str, Any], *, json: bool) -> int:
    """The exit code: what was asked for is done, or on its way."""
    if json:
        shown.print_json(found)
        return 0
    one = found["promotion"]
    if one is None:
        print("there is nothing to do: it is there, with all that refers to it")
    elif one["state"] == "done":
        for image in one["images"]:
            print(f"{_name(image, 'target')} is {image['digest']}")
        print(
            f"promotion {one['id']} is done: {counted(found['manifests'], 'manifest')} and"
            f" {counted(found['blobs'], 'blob')} linked, none sent"
        )
    else:
        for image in one["images"]:
            print(f"{_name(image, '')} is {image['digest']}")
        left = max(one["needed"] - len(one["approvals"]), 0)
        if one["due_at"]:
            print(f"promotion {one['id']} waits until {one['due_at']}, when {one['stage']} opens for it")
            return 0
        print(f"promotion {one['id']} waits for {counted(left, 'approval')} until {one['expires_at']}")
        tell(f"whoever may approve it: orlop promotion approve {one['id']}")
    return 0


def _tell_trial(found: dict[str, Any], *, json: bool) -> int:
    if json:
        shown.print_json(found)
    else:
        for image in found["images"]:
            print(f"{_name(image, '')} -> {_name(image, 'target')}\n  {image['digest']}")
        if found["refusal"]:
            print(f"it would be refused: {found['refusal']}")
        else:
            waits = [f"for {counted(found['needed'], 'approval')}"] if found["needed"] else []
            waits += [f"until {found['opens_at']}, when {found['stage']} opens"] if found["opens_at"] else []
            print(f"it would wait {' and '.join(waits)}" if waits else "it would be done at once")
    return int(bool(found["refusal"]))


def _name(image: dict[str, Any], which: str) -> str:
    repository, tag = (image["target"], image["target_tag"]) if which else (image["repository"], image["tag"])
    return f"{repository}:{tag}" if tag else f"{repository}@{image['digest'][:19]}"


def _images(one: dict[str, Any]) -> str:
    more = f" (and {len(one['images']) - 1} more)" if len(one["images"]) > 1 else ""
    return f"{_name(one['images'][0], '')}{more}"


def _state(one: dict[str, Any]) -> str:
    if one["state"] != "waiting":
        return str(one["state"])
    if one["due_at"]:
        return f"waiting until {one['due_at'][:16]}"
    return f"waiting, {len(one['approvals'])} of {one['needed']}"
