"""`orlop signatures`: who signed an image."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

import cyclopts
from cyclopts import Parameter

from orlop.domain.counts import counted
from orlop.domain.settings import place_words
from orlop.faces.cli import shown
from orlop.faces.cli.content.inside import image_argument, image_reference
from orlop.faces.cli.content.stores import Connecting
from orlop.faces.cli.running import run, tell
from orlop.faces.cli.servers import Servers

_Flag = Annotated[bool, Parameter(negative="")]
_DEFAULTS = Connecting()
#: What is wrong with a signature is shown whole.
_WIDEST = 200

_SIGNATURES: dict[str, Any] = {
    "SIGNATURE": lambda one: one["artifact"].partition(":")[2][:12],
    "OF": lambda one: _of(one),
    "BY": lambda one: ", ".join(map(_signers, one["signers"])) or "-",
    "WHO": lambda one: one["who"] or "-",
    "REMARK": lambda one: one["problem"] or "-",
}
_SIGNERS: dict[str, Any] = {
    "SIGNERS": lambda one: _signers(one),
    "SIGNED BY": lambda one: f"{one['signed']} of {one['required']}",
    "ENOUGH": lambda one: "yes" if one["satisfied"] else "no",
}


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the command to `app`."""

    @app.command
    def signatures(ref: str, /, *, json: _Flag = False, connecting: Connecting = _DEFAULTS) -> int:
        """List who signed an image, and whose signatures are trusted where it is. Exits with 1 where some are missing.

        Parameters
        ----------
        ref
            HOST:PORT/NAME:TAG or @DIGEST, on Orlop, after orlop login.
        json
            Print a JSON object.
        """
        from orlop.faces.cli.content.remove import managed

        async def work() -> int:
            location = image_argument(ref)
            assert location.image is not None
            query = {"repository": str(location.image.repository), "reference": image_reference(location)}
            async with managed(servers, location, connecting) as server:
                found = (await server.ask("GET", f"/image-signatures?{urlencode(query)}")).value
            _show(found, json=json)
            return 0 if all(one["satisfied"] for one in found["signers"]) else 1

        return run(work)


def _show(found: Mapping[str, Any], *, json: bool) -> None:
    if json:
        shown.print_json(found)
        return
    signatures = [{**one, "image": found["digest"]} for one in found["signatures"]]
    for of, columns in ((signatures, _SIGNATURES), (found["signers"], _SIGNERS)):
        if of:
            shown.rows(of, columns, json=False, widest=_WIDEST)
    if not found["signatures"]:
        tell("nobody signed it")
    if found["more"]:
        tell(f"there are more than the {counted(len(found['signatures']), 'signature')} that are looked at")
    if not found["signers"]:
        tell(f"no signers are known for {found['repository']}: say whom you trust with orlop signers set")


def _signers(one: Mapping[str, Any]) -> str:
    return f"{one['name']} at {place_words(one['at'])}"


def _of(one: Mapping[str, Any]) -> str:
    """What it is of: the image, an index that lists it, something else; or the type of what it attests."""
    if one["predicate"]:
        return str(one["predicate"])
    if not one["subject"]:
        return "-"
    return "the image" if one["subject"] == one["image"] else "an index with it"
