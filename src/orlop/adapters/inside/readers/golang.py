"""Modules in programs built by Go: the information that its linker leaves in them (pkg.go.dev/debug/buildinfo).

Since Go 1.18 it is written where it is found; from 1.13 on there were two pointers to it. A program packed by UPX
is not unpacked.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from orlop.adapters.inside.readers.binaries import Binary, binaries, is_binary, wants_binary
from orlop.adapters.inside.readers.harvest import LARGEST, Harvest, scoped
from orlop.adapters.inside.readers.reader import Reader
from orlop.domain.inside.layers import Found
from orlop.domain.inside.package import UNORDERED

_MAGIC, _HEADER, _ALIGNED = b"\xff Go buildinf:", 32, 16
_BIG, _INLINE = 0x1, 0x2
#: Bytes of a version and of the information about modules.
_VERSION, _INFORMATION = 4_096, 16 * 1024 * 1024
#: Places that may be the beginning of the information.
_PLACES = 256
_DEVELOPED = "(devel)"
#: How the version of a revision begins before which there is no release (go.dev/ref/mod, "Pseudo-versions").
_NO_RELEASE = "v0.0.0-"
_RELEASE = re.compile(r"go(\d+(?:\.\d+){0,2}[\w.+-]*)", re.ASCII)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}

#: Variables to which builders write a version: `-X main.version=v1.2.3`. The value may have a path before it.
_VERSION_NAME = re.compile(r"[a-zA-Z0-9]*[vV]er(?:sion)?", re.ASCII)
_TAG_NAME = re.compile(r"[a-zA-Z0-9]*[tT]ag", re.ASCII)
_NUMBER = re.compile(r"v?\d{1,20}.\d{1,20}.\d{1,20}[-\w]{0,200}", re.ASCII)


class Module(msgspec.Struct, frozen=True):
    """A module, and what it is replaced by."""

    path: str
    version: str = ""
    checksum: str = ""
    replaced: "Module | None" = None
    revision: bool = False
    """Its version names a revision and no release before it: where that lies among releases nobody can say."""


class Build(msgspec.Struct):
    """What a program says of its build."""

    path: str = ""
    main: Module | None = None
    needed: list[Module] = []
    settings: dict[str, str] = {}


def read_golang(path: str, content: bytes) -> Found | None:
    """The modules of a program, its own among them, and the standard library by the version of Go."""
    if _MAGIC not in content:
        return None
    harvest = Harvest(path, "golang")
    for binary in binaries(content):
        version, information = _information(binary)
        build = parse_build(information)
        modules = list(_modules(build))
        for module in modules:
            namespace, name = scoped(module.path)
            unordered = UNORDERED if module.revision else ""
            harvest.add("golang", name, module.version, namespace=namespace, source_version=unordered)
        if modules and (release := _RELEASE.match(version.partition(" ")[0])):
            harvest.add("golang", "stdlib", release[1], licences=("BSD-3-Clause",))
    return harvest.found()


def _information(binary: Binary) -> tuple[str, str]:
    """The version of Go and what the linker says of modules; nothing where the program says nothing."""
    content = binary.content
    named = binary.section(".go.buildinfo", "__go_buildinfo")
    region = named or next((each for each in binary.segments if each.data), None)
    if region is None:
        return "", ""
    at = region.at
    for _ in range(_PLACES):
        at = content.find(_MAGIC, at, region.at + region.size)
        if at < 0 or at + _HEADER > len(content):
            return "", ""
        if (region.address + at - region.at) % _ALIGNED == 0:
            break
        at += 1
    width, flags = content[at + 14], content[at + 15]
    if flags & _INLINE:
        version, at = _counted(content, at + _HEADER, _VERSION)
        information, at = _counted(content, at, _INFORMATION)
    else:
        order = "big" if flags & _BIG else "little"
        version, information = (
            _pointed(binary, content[at + 16 + each * width : at + 16 + (each + 1) * width], order, most)
            for each, most in enumerate((_VERSION, _INFORMATION))
        )
    framed = len(information) >= 33 and information[-17:-16] == b"\n"  # sixteen bytes before and behind mark it
    return version.decode("utf-8", "replace"), information[16:-16].decode("utf-8", "replace") if framed else ""


def _counted(content: bytes, at: int, most: int) -> tuple[bytes, int]:
    """A text with its length before it, as Go's encoding/binary writes an unsigned number; and where it ends."""
    length, shift = 0, 0
    while at < len(content) and shift < 63:
        length |= (content[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if content[at - 1] < 0x80:
            break
    return (content[at : at + length], at + length) if length <= most else (b"", at)


def _pointed(binary: Binary, pointer: bytes, order: str, most: int) -> bytes:
    """The text to whose header, an address and a length, the pointer leads."""
    width = len(pointer)
    if width not in {4, 8}:
        return b""
    big = order == "big"
    header = binary.loaded(int.from_bytes(pointer, "big" if big else "little"), 2 * width)
    address, length = (int.from_bytes(part, "big" if big else "little") for part in (header[:width], header[width:]))
    return binary.loaded(address, length) if 0 < length <= most else b""


def parse_build(information: str) -> Build:
    """What the linker says: lines of a word and its values, with tabs between."""
    build = Build(needed=[], settings={})
    of_main = True
    for line in information.split("\n"):
        word, *values = line.split("\t")
        if word == "path" and values:
            build.path = values[0]
        elif word in {"mod", "dep"} and len(values) >= 2:
            module, of_main = _module(values), word == "mod"
            if of_main:
                build.main = module
            else:
                build.needed.append(module)
        elif word == "=>" and len(values) >= 2:
            other = _module(values)
            if of_main and build.main is not None:
                build.main = msgspec.structs.replace(build.main, replaced=other)
            elif build.needed:
                build.needed[-1] = msgspec.structs.replace(build.needed[-1], replaced=other)
        elif word == "build" and values:
            key, _, value = "\t".join(values).partition("=")
            build.settings[_unquoted(key)] = _unquoted(value)
    return build


def _module(values: list[str]) -> Module:
    return Module(values[0], values[1], values[2] if len(values) > 2 else "")


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in '"`':
        return text[1:-1] if text[0] == "`" else _ESCAPED.sub(lambda code: _ESCAPES.get(code[1], code[1]), text[1:-1])
    return text


def _modules(build: Build) -> Iterator[Module]:
    """The module of the program and those that it needs, as they were built: replaced ones by what replaces them."""
    main, needed = build.main, build.needed
    if (main is None and build.path) or (main is not None and main.path == "command-line-arguments"):
        # built from files, not from a package: its module is among the others, or has no name but the package's
        own = [each for each in needed if each.version == _DEVELOPED]
        main = own[0] if len(own) == 1 else Module(build.path, _DEVELOPED)
    for each in needed:
        if each != main:
            yield _built(each)
    if main is not None:
        built = _built(main)
        if main.version == _DEVELOPED and main.replaced is None:
            built = msgspec.structs.replace(built, version=_developed(main.path, build.settings))
        # Go 1.24 makes up such a version itself; a shallow clone has no tags for it.
        yield msgspec.structs.replace(built, revision=built.version.startswith(_NO_RELEASE))


def _built(module: Module) -> Module:
    """What was built under the name of a module. A folder that replaces one has neither a name nor a version."""
    other = module.replaced
    path, version = module.path, module.version
    if other is not None:
        path = path if other.path.startswith((".", "/")) else other.path
        version = other.version
    return Module(path, "" if version == _DEVELOPED else version)


def _developed(path: str, settings: dict[str, str]) -> str:
    """The version of a module that was built from its sources: as its builder says, else by its revision."""
    if said := _said(path, settings.get("-ldflags", "")):
        return said if said.startswith("v") else f"v{said}"
    revision, when = settings.get("vcs.revision", ""), settings.get("vcs.time", "")
    if not revision or not when:
        return ""
    try:
        moment = datetime.fromisoformat(when).astimezone(UTC)
    except (ValueError, OverflowError):
        moment = datetime(1, 1, 1, tzinfo=UTC)
    return f"v0.0.0-{moment.year:04}{moment:%m%d%H%M%S}-{revision[:12]}"


def _said(path: str, flags: str) -> str:
    """The version that a builder wrote into a variable of package main or of a package of the module."""
    for name in (_VERSION_NAME, _TAG_NAME):
        for word in flags.split():
            variable, _, value = word.partition("=")
            package, _, last = variable.rpartition(".")
            if not name.fullmatch(last) or not (package.endswith("main") or f"{path}/" in package):
                continue
            starts = [place + 1 for place, each in enumerate(value[:1_024]) if each == "/"]
            for start in (*reversed(starts), 0):
                if number := _NUMBER.match(value, start):
                    return number[0]
    return ""


GOLANG = Reader(name="golang", wants=wants_binary, most=LARGEST, marks=(_MAGIC,), begins=is_binary, read=read_golang)
