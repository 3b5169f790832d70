"""Packages of .NET: `*.deps.json` beside what was published, and `packages.lock.json` (learn.microsoft.com/dotnet).

The deps file names libraries as `Name/1.2.3`, once in `libraries` with a type, and in each of `targets` with the files
that they bring and what they depend on.
"""

from collections import defaultdict
from typing import Any

from orlop.adapters.inside.readers.harvest import MANY, Harvest, json_of, table, text
from orlop.adapters.inside.readers.reader import Reader
from orlop.domain.inside.layers import Found

#: What a library brings into an application.
_FILES = ("runtime", "resources", "compile", "native")
#: Packages that merge assemblies into others: with one of them about, no file needs to be left of a library.
_MERGERS = ("ilrepack", "ilmerge", "costura.fody", "fody", "postsharp.community.packer", "brokenevent.ilstrip")
_SUFFIX = ".deps.json"


def wants_dotnet(path: str, mode: int, size: int) -> bool:
    """Whether it is the list of an application's or a framework's libraries."""
    return path.endswith(_SUFFIX)


def read_dotnet(path: str, content: bytes) -> Found | None:
    """The libraries that bring files, themselves or by what they depend on; not the application's other projects."""
    harvest = Harvest(path, "dotnet")
    try:
        document = table(json_of(content))
    except ValueError as cause:
        harvest.unread = str(cause)
        return harvest.found()
    libraries = table(document.get("libraries"))
    bringing, needed_by, named = set[str](), defaultdict[str, list[str]](list), dict[str, None]()
    for target in map(table, table(document.get("targets")).values()):
        for each, about in target.items():
            named[each] = None
            if any(table(table(about).get(files)) for files in _FILES):
                bringing.add(each)
            for name, version in table(table(about).get("dependencies")).items():
                needed_by[f"{name}/{text(version)}"].append(each)
    merged = any(each.lower().startswith(_MERGERS) for each in named)
    _spread(bringing, needed_by)
    own = path.rpartition("/")[2].removesuffix(_SUFFIX)
    for each in named:
        name, _, version = each.partition("/")
        if _counts(name, table(libraries.get(each)), own, brings=merged or each in bringing):
            harvest.add("nuget", name, version)
    return harvest.found()


def _spread(bringing: set[str], needed_by: dict[str, list[str]]) -> None:
    """Add whatever needs something that brings files."""
    waiting = list(bringing)
    while waiting:
        for parent in needed_by.get(waiting.pop(), ()):
            if parent not in bringing:
                bringing.add(parent)
                waiting.append(parent)


def _counts(name: str, library: dict[str, Any], own: str, *, brings: bool) -> bool:
    """Whether a library is a package of its own: of the projects only the one that the file is named after."""
    kind = text(library.get("type"))
    if kind == "project":
        return name == own
    if kind == "referenceassembly" and not library.get("sha512") and not library.get("path"):
        return False
    return brings


def wants_dotnet_lock(path: str, mode: int, size: int) -> bool:
    """Whether it is a lock file of NuGet."""
    return path.rpartition("/")[2] == "packages.lock.json"


def read_dotnet_lock(path: str, content: bytes) -> Found | None:
    """The packages that are locked; what is resolved to nothing is another project."""
    harvest = Harvest(path, "dotnet-lock")
    try:
        document = table(json_of(content))
    except ValueError as cause:
        harvest.unread = str(cause)
        return harvest.found()
    for framework in map(table, table(document.get("dependencies")).values()):
        for name, about in framework.items():
            if version := text(table(about).get("resolved")):
                harvest.add("nuget", name, version)
    return harvest.found()


DOTNET = Reader(name="dotnet", wants=wants_dotnet, most=MANY, read=read_dotnet)
DOTNET_LOCK = Reader(name="dotnet-lock", wants=wants_dotnet_lock, most=MANY, read=read_dotnet_lock)
