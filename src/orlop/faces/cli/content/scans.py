"""Has a scanner judge an image, and waits for it."""

import asyncio
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from orlop.faces.cli import shown
from orlop.faces.cli.running import tell
from orlop.ports.management import ManagementServer

#: Seconds between two looks at how far it is, the first and the longest pause.
_FIRST, _LONGEST = 0.2, 2.0
_UNDER_WAY = frozenset({"waiting", "scanning"})


async def judged(server: ManagementServer, image: str, platform: str, scanner: str, *, json: bool) -> int:
    """Ask, tell how far it is, and say what came of it; the exit code: 1 where it was neither judged nor
    described by an SBOM."""
    asked = (
        await server.ask("POST", "/scan-reports", body={"image": image, "platform": platform, "scanner": scanner})
    ).value
    query = urlencode({"repository": asked["repository"], "reference": asked["digest"]})
    pause, told = _FIRST, ""
    while True:
        found = (await server.ask("GET", f"/scan-reports?{query}")).value
        one = next((each for each in reversed(found["reports"]) if each["scanner"] == scanner), None)
        if one is None or one["state"] not in _UNDER_WAY:
            break
        said = _progress(one)
        if said != told and sys.stderr.isatty():
            tell(said)
        told = said
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST)
    if json:
        shown.print_json(one)
    else:
        tell(f"{scanner} was removed meanwhile" if one is None else _end(one))
    return 0 if one is not None and one["state"] in {"judged", "described"} else 1


def _progress(one: Mapping[str, Any]) -> str:
    if one["error"]:
        return f"{one['scanner']} is asked again: {one['error']}"
    return f"{one['scanner']} {'is at it' if one['state'] == 'scanning' else 'is asked soon'}"


def _end(one: Mapping[str, Any]) -> str:
    if one["state"] == "judged":
        counts = ", ".join(f"{number} {word}" for word, number in one["counts"].items())
        return f"{one['judged_by']} found {counts or 'nothing'}"
    if one["state"] == "described":
        return f"{one['scanner']} made an SBOM, {one['attached_sbom']}, and judges nothing"
    stands = f"; what it said at {one['judged_at']} stands" if one["judged_at"] else ""
    return f"{one['scanner']} did not judge it: {one['error']}{stands}"
