"""Lock files of npm, Yarn and pnpm: what was to be installed, apart from what only developers need where that is said.

docs.npmjs.com/cli (package-lock.json), github.com/yarnpkg/berry and yarn (yarn.lock), github.com/pnpm/spec. Those of
Yarn and pnpm are read line by line: their programs write them, always in one form.
"""

import re
from typing import Any

from orlop.adapters.inside.readers.harvest import MANY, Harvest, json_of, lines_of, scoped, table, text, texts
from orlop.adapters.inside.readers.reader import Reader
from orlop.domain.inside.layers import Found

READER = "node-lock"
_MODULES = "node_modules/"
#: Dependencies of dependencies of lock files of npm before version 7.
_DEPTH = 64
#: The name in a descriptor `name@range`, or in that of an alias, `other@npm:name@range`.
_NAME = r"(?:@[\w.~-]{1,214}/)?[\w.~-]{1,214}"
_DESCRIPTOR = re.compile(rf'"?({_NAME})@(?:npm:({_NAME})@)?')
_FIELD = re.compile(r" {2}(version|resolution):? +(.*)")
_PNPM_FIELD = re.compile(r" {4}(dev|name|version): +(.*)")


def wants_node_lock(path: str, mode: int, size: int) -> bool:
    """Whether it is a lock file. One in `node_modules` is what a package was developed with."""
    name = path.rpartition("/")[2]
    return name in {"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml"} and (
        f"/{_MODULES}" not in f"/{path}"
    )


def read_node_lock(path: str, content: bytes) -> Found | None:
    """The packages that are locked."""
    harvest = Harvest(path, READER)
    if path.endswith("yarn.lock"):
        _yarn(harvest, lines_of(content))
    elif path.endswith("pnpm-lock.yaml"):
        _pnpm(harvest, lines_of(content))
    else:
        try:
            lock = table(json_of(content))
        except ValueError as cause:
            harvest.unread = str(cause)
        else:
            _npm(harvest, lock)
    return harvest.found()


def _npm(harvest: Harvest, lock: dict[str, Any]) -> None:
    """`packages` since version 2 of the format, by their folders; before it `dependencies`, one in another."""
    if "packages" not in lock:
        _nested(harvest, table(lock.get("dependencies")))
        return
    for folder, about in table(lock["packages"]).items():
        package = table(about)
        if package.get("dev") is True or package.get("link") is True:
            continue
        named = text(package.get("name"))
        if not named and folder:
            named = folder.rpartition(_MODULES)[2] if _MODULES in folder else folder.rpartition("/")[2]
        _add(harvest, named, text(package.get("version")), texts(package.get("license")))


def _nested(harvest: Harvest, dependencies: dict[str, Any]) -> None:
    waiting = [(dependencies, 0)]
    while waiting:
        some, depth = waiting.pop()
        for name, about in some.items():
            package = table(about)
            if package.get("dev") is True:
                continue
            version = text(package.get("version"))
            if version.startswith("npm:"):  # an alias of `name@version`
                name, _, version = version.removeprefix("npm:").rpartition("@")
            _add(harvest, name, version)
            if depth < _DEPTH:
                waiting.append((table(package.get("dependencies")), depth + 1))


def _yarn(harvest: Harvest, lines: list[str]) -> None:
    """Entries of `"name@range, name@other-range":` and indented fields; `version "1"` of Yarn 1, `version: 1` since."""
    name, version, resolution = "", "", ""
    for line in [*lines, "end"]:
        if line.startswith("  "):
            if field := _FIELD.match(line):
                value = field[2].strip().strip('"')
                version, resolution = (value, resolution) if field[1] == "version" else (version, value)
        elif line and line[0] not in "#:":
            if "@workspace:" not in resolution:
                _add(harvest, name, version)
            version, resolution = "", ""
            described = _DESCRIPTOR.match(line.removeprefix("? "))
            name = (described[2] or described[1]) if described else ""


def _pnpm(harvest: Harvest, lines: list[str]) -> None:
    """Entries of `packages`: `/name/1.0.0_peers:` to version 5, `/name@1.0.0(peers):` to 8, `name@1.0.0:` since."""
    reading, slashes, entry = False, False, dict[str, str]()
    for line in [*lines, "end:"]:
        if line.startswith("    "):
            if entry and (field := _PNPM_FIELD.match(line)):
                entry[field[1]] = field[2].strip("'\" ")
        elif line.startswith("  "):
            _add_pnpm(harvest, entry)
            entry = _pnpm_entry(line.strip(), slashes=slashes) if reading else {}
        elif line:
            _add_pnpm(harvest, entry)
            entry, reading = {}, line.rstrip() == "packages:"
            if line.startswith("lockfileVersion:"):
                slashes = line.partition(":")[2].strip("'\" ").startswith(("5", "4", "3"))


def _pnpm_entry(key: str, *, slashes: bool) -> dict[str, str]:
    """The name and version in the key of an entry. One from elsewhere says in its fields what its key does not."""
    path = key.removesuffix(":").strip("'\"").partition("(")[0].removeprefix("/")
    if slashes:
        name, _, version = path.rpartition("/")
        version = version.partition("_")[0]
        return {"name": name, "version": version} if version[:1].isdigit() else {"name": "", "version": ""}
    before = path.find("@", 1)  # a scope begins with the same sign
    name, version = (path[:before], path[before + 1 :]) if before > 0 else ("", "")
    return {"name": name, "version": version if version[:1].isdigit() else ""}


def _add_pnpm(harvest: Harvest, entry: dict[str, str]) -> None:
    if entry and entry.get("dev") != "true":
        _add(harvest, entry["name"], entry["version"])


def _add(harvest: Harvest, name: str, version: str, licences: tuple[str, ...] = ()) -> None:
    namespace, last = scoped(name)
    if version:
        harvest.add("npm", last, version, namespace=namespace, licences=licences)


NODE_LOCK = Reader(name=READER, wants=wants_node_lock, most=MANY, read=read_node_lock)
