"""Packages of Alpine and what comes of it: the database of apk of what is installed (apk(5), apk-package(5))."""

from orlop.adapters.inside.readers.reader import Reader
from orlop.adapters.inside.readers.words import PACKAGES, TOO_MANY, is_name, is_version, licences
from orlop.domain.inside.layers import Found
from orlop.domain.inside.package import Package

NAME = "apk"
_PATHS = frozenset({"lib/apk/db/installed", "usr/lib/apk/db/installed"})
_MOST = 64 * 1024 * 1024
_WANTED = frozenset("PVAoL")


def read_apk(path: str, content: bytes) -> Found | None:
    """The packages that are installed."""
    packages, unread, fields = list[Package](), "", dict[str, str]()
    for line in [*content.decode("utf-8", "replace").split("\n"), ""]:
        if line.strip():
            if line[1:2] == ":" and line[0] in _WANTED:
                fields.setdefault(line[0], line[2:].strip())
            continue
        package, fields = _package(fields), {}
        if package is None:
            continue
        if len(packages) >= PACKAGES:
            unread = TOO_MANY
            break
        packages.append(package)
    return Found(path=path, reader=NAME, packages=tuple(packages), unread=unread)


def _package(fields: dict[str, str]) -> Package | None:
    name, version, origin = fields.get("P", ""), fields.get("V", ""), fields.get("o", "")
    if not is_name(name) or not is_version(version):
        return None
    architecture = fields.get("A", "")
    return Package(
        type="apk",
        name=name,
        version=version,
        architecture=architecture if is_name(architecture) else "",
        source=origin if is_name(origin) and origin != name else "",
        licences=licences((fields.get("L", ""),)),
    )


APK = Reader(name=NAME, wants=lambda path, _mode, _size: path in _PATHS, most=_MOST, read=read_apk)
