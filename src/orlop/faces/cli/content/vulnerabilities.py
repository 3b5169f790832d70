"""`orlop vulns`: what is known to be wrong with an image."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import cyclopts

from orlop.domain.counts import counted
from orlop.domain.settings import place_words
from orlop.faces.cli import shown
from orlop.faces.cli.clearing import cleared_counts, document_words, part_of
from orlop.faces.cli.content.image_asked import Flag, ImageAsked, asked
from orlop.faces.cli.content.inside import layer_number
from orlop.faces.cli.content.licences import show_licence_findings
from orlop.faces.cli.content.stores import Connecting
from orlop.faces.cli.running import run, tell
from orlop.faces.cli.servers import Servers

_DEFAULTS, _ASKED = Connecting(), ImageAsked()
#: Names are shown whole, so that they can be pasted.
_WIDEST = 200

_COLUMNS: dict[str, Any] = {
    "SEVERITY": lambda one: one["severity"] + (" (exploited)" if one["exploited"] else ""),
    "PACKAGE": "package",
    "INSTALLED": "installed",
    "FIXED IN": lambda one: ", ".join(one["fixed"]) or "-",
    "ID": "id",
    "LAYER": lambda one: layer_number(one["layer"]),
}
_ACCEPTED: dict[str, Any] = {
    "ACCEPTED": "severity",
    "PACKAGE": "package",
    "INSTALLED": "installed",
    "ID": "id",
    "UNTIL": lambda one: one["accepted"]["until"],
    "BY": lambda one: f"{one['accepted']['name']} at {place_words(one['accepted']['path'])}",
    "WHY": lambda one: one["accepted"]["reason"],
}
_CLEARED: dict[str, Any] = {
    "CLEARED": "severity",
    "PACKAGE": "package",
    "INSTALLED": "installed",
    "ID": "id",
    "STATUS": lambda one: one["said"]["status"].replace("_", " "),
    "BY": lambda one: document_words(one["said"]),
    "WHY": lambda one: one["said"]["why"] or "-",
}


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the command to `app`."""

    @app.command
    def vulns(
        ref: str,
        /,
        *,
        severity: Literal["critical", "high", "medium", "low"] | None = None,
        fixable: Flag = False,
        scanner: str = "",
        licences: Flag = False,
        of: ImageAsked = _ASKED,
        connecting: Connecting = _DEFAULTS,
    ) -> int:
        """List what is known to be wrong with the packages of an image, the worst first.

        Parameters
        ----------
        ref
            HOST:PORT/NAME:TAG or @DIGEST, on Orlop, after orlop login.
        severity
            Only what is as bad or worse, or what nobody rated.
        fixable
            Only what a later version mends.
        scanner
            What this scanner said last, in place of this registry's own findings.
        licences
            Also what rules for licences find wrong with its packages.
        """

        async def work() -> int:
            query = {
                "severity": severity or "",
                "fixable": "true" if fixable else "",
                "scanner": scanner,
                "licences": "true" if licences else "",
            }
            found = await asked(servers, ref, of, connecting, "/image-vulnerabilities", query)
            _show(found, narrowed=bool(severity) or fixable, scanner=scanner, json=of.json)
            return 0 if found["state"] == "read" else 1

        return run(work)


def _show(found: Mapping[str, Any], *, narrowed: bool, scanner: str, json: bool) -> None:
    if json:
        shown.print_json(found)
        return
    for columns, part in ((_COLUMNS, "open"), (_ACCEPTED, "accepted"), (_CLEARED, "cleared")):
        if of := [one for one in found["found"] if part_of(one) == part]:
            shown.rows(of, columns, json=False, widest=_WIDEST)
    show_licence_findings(found["licences"] or ())
    if found["state"] == "read":
        tell(_summary(found, scanner) if scanner else _own_summary(found, narrowed=narrowed))
    if found["licences"] is not None:
        tell(_of_licences(found["licences"]))
    for remark in found["remarks"]:
        tell(remark)


def _of_licences(found: Sequence[Mapping[str, Any]]) -> str:
    accepted = sum(one["finding"]["accepted"] is not None for one in found)
    of = counted(len(found) - accepted, "package")
    return f"rules for licences find {of} wrong{f'; {accepted} accepted' if accepted else ''}"


def _summary(found: Mapping[str, Any], scanner: str) -> str:
    """Of what a scanner says, which may know other packages than this registry."""
    cleared = cleared_counts(found)
    counts = ", ".join(f"{number} {word}" for word, number in found["counts"].items())
    return f"{scanner} found {counts or ('nothing else' if cleared else 'nothing')}{cleared}"


def _own_summary(found: Mapping[str, Any], *, narrowed: bool) -> str:
    of = counted(found["packages"], "package")
    accepted = cleared_counts(found)
    if not found["counts"]:
        return f"nothing{' else' if accepted else ''} is known to be wrong with its {of}{accepted}"
    counts = ", ".join(f"{number} {word}" for word, number in found["counts"].items())
    shown_of = f"{len(found['found'])} shown; of its {of} are known: " if narrowed else f"of its {of} are known: "
    return f"{shown_of}{counts}{accepted}"
