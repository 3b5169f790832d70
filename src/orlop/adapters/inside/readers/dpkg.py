"""Packages of Debian and what comes of it: deb-control(5), dpkg-query(1), and `status.d` of images without dpkg."""

import re

from orlop.adapters.inside.readers.reader import Reader
from orlop.adapters.inside.readers.words import PACKAGES, TOO_MANY, is_name, is_version
from orlop.domain.inside.layers import Found
from orlop.domain.inside.package import Package

NAME = "dpkg"
_STATUS, _EACH = "var/lib/dpkg/status", "var/lib/dpkg/status.d/"
_MOST = 64 * 1024 * 1024
#: States of a package of which nothing is there but its configuration.
_GONE = frozenset({"not-installed", "config-files"})
_WANTED = frozenset({"package", "status", "version", "source", "architecture"})
_SOURCE = re.compile(r"(\S+)(?: +\(([^)\s]+)\))?")


def read_dpkg(path: str, content: bytes) -> Found | None:
    """The packages that are installed."""
    packages, unread = list[Package](), ""
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    for paragraph in text.split("\n\n"):
        package = _package(paragraph)
        if package is None:
            continue
        if len(packages) >= PACKAGES:
            unread = TOO_MANY
            break
        packages.append(package)
    if not packages and path != _STATUS:
        return None
    return Found(path=path, reader=NAME, packages=tuple(packages), unread=unread)


def _package(paragraph: str) -> Package | None:
    fields = dict[str, str]()
    for line in paragraph.split("\n"):
        if line[:1] not in {" ", "\t"}:
            name, colon, value = line.partition(":")
            if colon and (key := name.lower()) in _WANTED:
                fields[key] = value.strip()
    name, version = fields.get("package", ""), fields.get("version", "")
    if not is_name(name) or not is_version(version) or fields.get("status", "").rpartition(" ")[2] in _GONE:
        return None
    source, source_version = _source(fields.get("source", ""))
    return Package(
        type="deb",
        name=name,
        version=version,
        architecture=_architecture(fields.get("architecture", "")),
        source=source if source != name else "",
        source_version=source_version if source_version != version else "",
    )


def _source(field: str) -> tuple[str, str]:
    """A source package and its version, which is only named where it is another one."""
    found = _SOURCE.fullmatch(field)
    if found is None or not is_name(found[1]):
        return "", ""
    version = found[2] or ""
    return found[1], version if is_version(version) else ""


def _architecture(field: str) -> str:
    return field if is_name(field) else ""


def _wants(path: str, _mode: int, _size: int) -> bool:
    if not path.startswith(_STATUS):
        return False
    return path == _STATUS or (path.startswith(_EACH) and not path.endswith(".md5sums"))


DPKG = Reader(name=NAME, wants=_wants, most=_MOST, read=read_dpkg)
