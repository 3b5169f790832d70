"""Packages that pip, setuptools and their like installed: `METADATA` of a `.dist-info`, `PKG-INFO` of an `.egg-info`.

packaging.python.org/specifications/core-metadata and /name-normalization.
"""

import re

from orlop.adapters.inside.readers.harvest import LICENCE, ONE, Harvest, lines_of
from orlop.adapters.inside.readers.reader import Reader
from orlop.domain.inside.layers import Found

_SEPARATORS = re.compile(r"[-_.]+")
_FILES = ("dist-info/METADATA", "DIST-INFO/METADATA", "egg-info/PKG-INFO", "EGG-INFO/PKG-INFO", ".egg-info")
_NONE = frozenset({"", "unknown", "none", "dual license"})
#: The least of a classifier of a licence: `License :: OSI Approved :: MIT License`.
_LICENCE = "License :: "


def wants_python(path: str, mode: int, size: int) -> bool:
    """Whether it is the metadata of an installed package."""
    return path.endswith(_FILES)


def read_python(path: str, content: bytes) -> Found | None:
    """The package that the metadata is of."""
    harvest = Harvest(path, "python")
    fields = _fields(content)
    name = _SEPARATORS.sub("-", fields.get("name", [""])[-1]).lower()
    if name == "python" and fields["name"][-1] == "Python":
        return None  # an interpreter that describes itself
    harvest.add("pypi", name, fields.get("version", [""])[-1], licences=_licences(fields))
    return harvest.found()


def _fields(content: bytes) -> dict[str, list[str]]:
    """The header fields, by their names in lower case; what follows the first empty line is a description."""
    fields: dict[str, list[str]] = {}
    last: list[str] | None = None
    for line in lines_of(content):
        if not line:
            if fields:
                break
        elif line[0] in " \t":
            if last and len(last[-1]) <= 4 * LICENCE:
                last[-1] += "\n" + line.strip()
        else:
            key, colon, value = line.partition(":")
            last = fields.setdefault(key.strip().lower(), []) if colon else None
            if last is not None:
                last.append(value.strip())
    return fields


def _licences(fields: dict[str, list[str]]) -> list[str]:
    """The expression, else the field that may hold a whole text, else the classifiers."""
    if expression := fields.get("license-expression", [""])[-1]:
        return [expression]
    said = fields.get("license", [""])[-1]
    if said.lower() not in _NONE and "\n" not in said and len(said) <= LICENCE:
        return [said]
    classified = [each.rpartition(" :: ")[2] for each in fields.get("classifier", []) if each.startswith(_LICENCE)]
    return [each for each in classified if each != "OSI Approved"]


PYTHON = Reader(name="python", wants=wants_python, most=ONE, read=read_python)
