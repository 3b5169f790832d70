"""What `orlop diff` prints: what differs between two images, wherever each of them is."""

from typing import Any, NamedTuple

import msgspec

from orlop.domain.digest import Digest
from orlop.faces.cli import shown
from orlop.faces.cli.content import inside_diff
from orlop.faces.cli.content.show import image_argument, print_json
from orlop.faces.cli.content.stores import Connecting, ContentStores
from orlop.faces.cli.running import counted, short, size_text, tell
from orlop.faces.cli.servers import Servers
from orlop.services.content.differences import Change, Compared, ImageDifferences, differences
from orlop.services.content.inspection import Layer

#: What is longer is cut off.
_WIDEST = 120


class Asked(NamedTuple):
    """How to compare: which images of two indexes, whether the exit code says what came out, and for whom to print."""

    platform: str
    exit_code: bool
    json: bool


async def diff(
    stores: ContentStores, servers: Servers, before: str, after: str, connecting: Connecting, asked: Asked
) -> int:
    """Compare two images, for people or for programs; the exit code."""
    first, second = image_argument(before), image_argument(after)
    async with stores.repository(first, connecting) as one, stores.repository(second, connecting) as other:
        found = await differences(Compared(one, first.name), Compared(other, second.name), asked.platform)
    inside, why = (
        await inside_diff.inside_differences(servers, first, second, connecting, asked.platform or found.platform)
        if not found.same
        else (None, "")
    )
    same = found.same and (inside is None or inside_diff.is_same(inside))
    if asked.json:
        print_json({"from": str(first), "to": str(second), **_document(found), "inside": inside})
        return 1 if asked.exit_code and not same else 0
    if found.same:
        tell("both are the same manifest")
    for line in [*_lines(found), *(inside_diff.lines(inside) if inside is not None else ())]:
        print(line)
    if inside is not None:
        for remark in inside["remarks"]:
            tell(remark)
    elif why:
        tell(f"packages and findings were not compared: {why}")
    return 1 if asked.exit_code and not same else 0


def _document(found: ImageDifferences) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found))
    return document


def _lines(found: ImageDifferences) -> list[str]:
    lines = [
        f"From:        {found.before}",
        f"To:          {found.after}",
    ]
    if found.platform:
        lines.append(f"Platform:    {shown.cell(found.platform)}")
    lines.append(f"Size:        {size_text(found.size_before)} -> {size_text(found.size_after)}")
    shared = sum(layer.size for layer in found.shared)
    lines.append(f"Shared:      {counted(len(found.shared), 'layer')}, {size_text(shared)}")
    layers = [*_layers("-", found.removed), *_layers("+", found.added)]
    if layers:
        lines += ["Layers:", *layers]
    for name, changes in (
        ("Config", found.config),
        ("Environment", found.env),
        ("Labels of the config", found.labels),
        ("Annotations", found.annotations),
        ("Platforms", found.platforms),
    ):
        if changes:
            lines += [f"{name}:", *(line for change in changes for line in _change(change))]
    return lines


def _layers(sign: str, layers: list[Layer]) -> list[str]:
    return [
        f"  {sign} {size_text(layer.size):>10}  {short(Digest(layer.digest))}"
        + (f"  {shown.cell(layer.command, widest=80)}" if layer.command else "")
        for layer in layers
    ]


def _change(change: Change) -> list[str]:
    there = [(sign, value) for sign, value in (("-", change.before), ("+", change.after)) if value is not None]
    return [f"  {sign} {shown.cell(f'{change.name}={value}', widest=_WIDEST)}" for sign, value in there]
