"""`orlop licences`: under which licences the packages of an image are, and what rules find wrong with that."""

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
#: Names are shown whole, so that they can be pasted; of many packages the first are.
_WIDEST, _NAMED = 200, 6

_LICENCES: dict[str, Any] = {
    "LICENCE": lambda use: use["licence"] or "(none declared)",
    "PACKAGES": lambda use: str(len(use["packages"])),
    "WHICH": lambda use: _which(use["packages"]),
}
_FINDINGS: dict[str, Any] = {
    "FINDING": "package",
    "VERSION": "version",
    "WHY": lambda one: one["finding"]["why"],
    "RULE": lambda one: f"{one['finding']['rule']} at {place_words(one['finding']['path'])}",
}
_ACCEPTED: dict[str, Any] = {
    "ACCEPTED": "package",
    "VERSION": "version",
    "UNTIL": lambda one: one["finding"]["accepted"]["until"],
    "BY": lambda one: f"{one['finding']['accepted']['name']} at {place_words(one['finding']['accepted']['path'])}",
    "WHY": lambda one: one["finding"]["accepted"]["reason"],
}


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the command to `app`."""

    @app.command
    def licences(
        ref: str,
        /,
        *,
        findings: _Flag = False,
        platform: str = "",
        json: _Flag = False,
        connecting: Connecting = _DEFAULTS,
    ) -> int:
        """List the licences of the packages of an image, and what rules for licences find wrong with them.

        Parameters
        ----------
        ref
            HOST:PORT/NAME:TAG or @DIGEST, on Orlop, after orlop login.
        findings
            Only what rules find wrong; the exit code is 1 where that is anything that no exception accepts.
        platform
            Of an image for several platforms the one that is meant, as linux/amd64.
        json
            Print a JSON object.
        """
        from orlop.faces.cli.content.remove import managed

        async def work() -> int:
            location = image_argument(ref)
            assert location.image is not None
            query = {
                "repository": str(location.image.repository),
                "reference": image_reference(location),
                **({"platform": platform} if platform else {}),
            }
            async with managed(servers, location, connecting) as server:
                found = (await server.ask("GET", f"/image-licences?{urlencode(query)}")).value
            if json:
                shown.print_json(found)
            else:
                _show(found, findings=findings)
            return 1 if findings and found["findings"] else 0

        return run(work)


def _show(found: Mapping[str, Any], *, findings: bool) -> None:
    if not findings and found["licences"]:
        shown.rows(found["licences"], _LICENCES, json=False, widest=_WIDEST)
    wrong = [one for use in found["licences"] for one in use["packages"] if one["finding"] is not None]
    for columns, is_accepted in ((_FINDINGS, False), (_ACCEPTED, True)):
        if of := [one for one in wrong if (one["finding"]["accepted"] is not None) is is_accepted]:
            shown.rows(of, columns, json=False, widest=_WIDEST)
    packages = counted(found["packages"], "package")
    if not found["rules"]:
        tell(f"{packages}; no rule for licences holds there")
        return
    accepted = f"; {found['accepted']} accepted" if found["accepted"] else ""
    tell(f"{packages}; {counted(found['findings'], 'finding')} of {counted(found['rules'], 'rule')}{accepted}")


def _which(packages: list[Mapping[str, Any]]) -> str:
    named = ", ".join(dict.fromkeys(one["package"] for one in packages[:_NAMED]))
    return f"{named} and {len(packages) - _NAMED} more" if len(packages) > _NAMED else named
