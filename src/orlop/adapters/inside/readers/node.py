"""Packages of Node.js: every `package.json` that names a version, as npm, Yarn and pnpm unpack them."""

from typing import Any

from orlop.adapters.inside.readers.harvest import ONE, Harvest, json_of, rows, scoped, table, text
from orlop.adapters.inside.readers.reader import Reader
from orlop.domain.inside.layers import Found


def wants_node(path: str, mode: int, size: int) -> bool:
    """Whether it describes a package."""
    return path.rpartition("/")[2] == "package.json"


def read_node(path: str, content: bytes) -> Found | None:
    """The package; None of a description without a name and version, which says something of a folder alone."""
    harvest = Harvest(path, "node")
    try:
        said = table(json_of(content))
    except ValueError as cause:
        if "/node_modules/" in f"/{path}":
            return None  # packages bring damaged ones to test with; what is installed npm has read
        harvest.unread = str(cause)
        return harvest.found()
    namespace, name = scoped(text(said.get("name")))
    version = text(said.get("version"))
    if version:
        harvest.add("npm", name, version, namespace=namespace, licences=_licences(said))
    return harvest.found()


def _licences(said: dict[str, Any]) -> list[str]:
    """`license` as an expression, or as an object of old, or `licenses`."""
    one = said.get("license")
    each = [one] if one else rows(said.get("licenses"))
    return [text(licence) or text(table(licence).get("type")) for licence in each]


NODE = Reader(name="node", wants=wants_node, most=ONE, read=read_node)
