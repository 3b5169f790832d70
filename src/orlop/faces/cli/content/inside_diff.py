"""The part of `orlop diff` that a registry answers: what differs in what two images hold."""

from collections.abc import Mapping, Sequence
from typing import Any

from orlop.domain.inside.purl import parse_purl
from orlop.faces.cli import shown
from orlop.faces.cli.clearing import part_of
from orlop.faces.cli.content.inside import held_name
from orlop.faces.cli.content.remove import managed
from orlop.faces.cli.content.stores import Connecting
from orlop.faces.cli.locations import Location
from orlop.faces.cli.running import UsageError, counted
from orlop.faces.cli.servers import Servers
from orlop.ports.management import RequestRefused

#: What other registries answer.
_NO_ORLOP = 404
#: What is longer is cut off.
_WIDEST = 120


async def inside_differences(
    servers: Servers, before: Location, after: Location, connecting: Connecting, platform: str
) -> tuple[dict[str, Any] | None, str]:
    """What their registry says, or why it says nothing, as a sentence without a full stop."""
    if before.image is None or after.image is None or before.image.registry != after.image.registry:
        return None, ""
    query = {"from": held_name(before), "to": held_name(after), **({"platform": platform} if platform else {})}
    try:
        async with managed(servers, before, connecting) as server:
            found: dict[str, Any] = (await server.ask("GET", "/package-differences", query=query)).value
            return found, ""
    except UsageError:  # nobody is signed in there
        return None, ""
    except RequestRefused as refusal:
        return None, "" if refusal.status == _NO_ORLOP else str(refusal)


def is_same(found: Mapping[str, Any]) -> bool:
    """Whether nothing that is known differs."""
    return not any(found[name] for name in ("added", "removed", "changed", "relicensed", "fixed", "new"))


def lines(found: Mapping[str, Any]) -> list[str]:
    """For people."""
    told: list[str] = []
    packages = [
        *(f"  - {_named(one)} {', '.join(one['before'])}" for one in found["removed"]),
        *(f"  + {_named(one)} {', '.join(one['after'])}" for one in found["added"]),
        *(f"  ~ {_named(one)} {', '.join(one['before'])} -> {', '.join(one['after'])}" for one in found["changed"]),
    ]
    licences = [
        f"  ~ {_named(one)} {_listed(one['licences_before'])} -> {_listed(one['licences_after'])}"
        for one in found["relicensed"]
    ]
    findings = [*_findings("-", found["fixed"]), *_findings("+", found["new"])]
    for heading, some in (("Packages", packages), ("Licences", licences), ("Findings", findings)):
        if some:
            told += [f"{heading}:", *(shown.cell(line, widest=_WIDEST) for line in some)]
    if found["still"]:
        told.append(f"Still there:  {counted(len(found['still']), 'finding')}")
    return told


def _findings(sign: str, found: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"  {sign} {one['severity']:<8}  {one['id']}  {one['package']} {one['installed']}"
        + (f"  fixed in {', '.join(one['fixed'])}" if one["fixed"] and sign == "+" else "")
        + (f"  {part}" if (part := part_of(one)) != "open" else "")
        for one in found
    ]


def _named(one: Mapping[str, Any]) -> str:
    url = parse_purl(one["package"])
    separator = ":" if url.type == "maven" else "/"
    return f"{url.type}  {url.namespace}{separator}{url.name}" if url.namespace else f"{url.type}  {url.name}"


def _listed(licences: Sequence[str]) -> str:
    return ", ".join(licences) or "none"
