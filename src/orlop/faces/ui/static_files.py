"""The files beside the pages: what they are, under which address and for how long a browser keeps them.

The name in an address holds a part of the content's hash, so that a browser may keep it for ever and has the new one
with the first page of a new release.
"""

import gzip
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec

_CSS, _SCRIPT, _SVG = "text/css; charset=utf-8", "text/javascript; charset=utf-8", "image/svg+xml"

#: The only files that are given out, by what they are. Those in `vendored/` are others', byte for byte as they publish
#: them, with their hashes in `vendored/SHA256SUMS`.
_TYPES = {
    "orlop.css": _CSS,
    "orlop.js": _SCRIPT,
    "passkey.js": _SCRIPT,
    "live.js": _SCRIPT,
    "curves.js": _SCRIPT,
    "icon.svg": _SVG,
    "vendored/htmx-2.0.11.min.js": _SCRIPT,
    "vendored/uplot-1.6.32.min.js": _SCRIPT,
    "vendored/uplot-1.6.32.min.css": _CSS,
}


class StaticFile(msgspec.Struct, frozen=True):
    """A file, plain and zipped."""

    content: bytes
    zipped: bytes
    content_type: str
    tag: str
    """A part of its hash."""


@cache
def static_files() -> Mapping[str, StaticFile]:
    """Every file that pages may name, read once."""
    found = {}
    for name, content_type in _TYPES.items():
        content = (files("orlop.faces.ui") / "static" / name).read_bytes()
        zipped = gzip.compress(content, 9, mtime=0)
        found[name] = StaticFile(content, zipped, content_type, hashlib.sha256(content).hexdigest()[:16])
    return found


def address(name: str) -> str:
    """Where a page finds a file. Raises KeyError for one that is not given out."""
    return f"/static/{name}?{static_files()[name].tag}"
