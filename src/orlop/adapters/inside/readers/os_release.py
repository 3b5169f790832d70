"""Which distribution an image is: os-release(5)."""

import re

from orlop.adapters.inside.readers.reader import Reader
from orlop.domain.inside.layers import Found
from orlop.domain.inside.package import Distribution

NAME = "os-release"
_PATHS = frozenset({"etc/os-release", "usr/lib/os-release"})
_MOST, _VALUE, _LIKE = 64 * 1024, 256, 16
_ESCAPED = re.compile(r"\\(.)")


def read_os_release(path: str, content: bytes) -> Found | None:
    """The distribution that a file names."""
    fields = dict[str, str]()
    for line in content.decode("utf-8", "replace").splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            fields[name] = _value(value)
    if not fields:
        return None
    distribution = Distribution(
        id=fields.get("ID", "") or "linux",  # os-release(5): what it is where none is named
        version=fields.get("VERSION_ID", ""),
        codename=fields.get("VERSION_CODENAME", ""),
        name=fields.get("PRETTY_NAME", "") or fields.get("NAME", ""),
        like=tuple(fields.get("ID_LIKE", "").split()[:_LIKE]),
    )
    return Found(path=path, reader=NAME, distribution=distribution)


def _value(text: str) -> str:
    """A value as a shell reads it, without expansion."""
    text = text.strip()
    if text[:1] == "'":
        text = text[1:].partition("'")[0]
    elif text[:1] == '"':
        text = _ESCAPED.sub(r"\1", text[1:-1] if text.endswith('"') and len(text) > 1 else text[1:])
    return "".join(filter(str.isprintable, text[:_VALUE]))


OS_RELEASE = Reader(name=NAME, wants=lambda path, _mode, _size: path in _PATHS, most=_MOST, read=read_os_release)
