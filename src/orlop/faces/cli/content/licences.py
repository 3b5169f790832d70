"""`orlop licences`: under which licences the packages of an image are, and what rules find wrong with that."""

from collections.abc import Mapping, Sequence
from typing import Any

import cyclopts

from orlop.domain.counts import counted
from orlop.domain.settings import place_words
from orlop.faces.cli import shown
from orlop.faces.cli.content.image_asked import Flag, ImageAsked, asked
from orlop.faces.cli.content.stores import Connecting
from orlop.faces.cli.running import run, tell
from orlop.faces.cli.servers import Servers

_DEFAULTS, _ASKED = Connecting(), ImageAsked()
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
        findings: Flag = False,
        of: ImageAsked = _ASKED,
        connecting: Connecting = _DEFAULTS,
    ) -> int:
        """List the licences of the packages of an image, and what rules for licences find wrong with them.

        Parameters
        ----------
        ref
            HOST:PORT/NAME:TAG or @DIGEST, on Orlop, after orlop login.
        findings
            Only what rules find wrong; the exit code is 1 where that is anything that no exception accepts.
        """

        async def work() -> int:
            found = await asked(servers, ref, of, connecting, "/image-licences", {})
            if of.json:
                shown.print_json(found)
            else:
                _show(found, findings=findings)
            return 1 if findings and found["findings"] else 0

        return run(work)


def _show(found: Mapping[str, Any], *, findings: bool) -> None:
    if not findings and found["licences"]:
        shown.rows(found["licences"], _LICENCES, json=False, widest=_WIDEST)
    show_licence_findings([one for use in found["licences"] for one in use["packages"] if one["finding"] is not None])
    packages = counted(found["packages"], "package")
    if not found["rules"]:
        tell(f"{packages}; no rule for licences holds there")
        return
    accepted = f"; {found['accepted']} accepted" if found["accepted"] else ""
    tell(f"{packages}; {counted(found['findings'], 'finding')} of {counted(found['rules'], 'rule')}{accepted}")


def show_licence_findings(wrong: Sequence[Mapping[str, Any]]) -> None:
    """Packages that rules find anything wrong with, as tables: those that nobody accepts, and the others."""
    for columns, is_accepted in ((_FINDINGS, False), (_ACCEPTED, True)):
        if of := [one for one in wrong if (one["finding"]["accepted"] is not None) is is_accepted]:
            shown.rows(of, columns, json=False, widest=_WIDEST)


def _which(packages: list[Mapping[str, Any]]) -> str:
    named = ", ".join(dict.fromkeys(one["package"] for one in packages[:_NAMED]))
    return f"{named} and {len(packages) - _NAMED} more" if len(packages) > _NAMED else named
