"""The files that Maven puts into an archive: `pom.properties` and `pom.xml` (maven.apache.org/pom.html)."""

import re
from xml.parsers import expat

import msgspec

#: How deep the elements are that are read, and characters of the text of one.
_DEPTH, _TEXT = 4, 1024
#: Elements of a pom.xml that are read, by their paths from the root.
_WANTED = frozenset(
    {
        "project/groupId",
        "project/artifactId",
        "project/version",
        "project/parent/groupId",
        "project/parent/artifactId",
        "project/parent/version",
        "project/licenses/license/name",
    }
)
_PROPERTIES = "project/properties/"
_REFERENCE = re.compile(r"\$\{([\w.-]{1,128})\}")
_SEPARATOR = re.compile(r"[=:]")
#: How often a property is replaced by its value, which may name another.
_TIMES = 4


class Properties(msgspec.Struct, frozen=True):
    """What a pom.properties says."""

    group: str
    artifact: str
    version: str


class Project(msgspec.Struct, frozen=True):
    """What a pom.xml says, with the parent's group and version where it has none of its own."""

    group: str
    artifact: str
    version: str
    licences: tuple[str, ...] = ()


def parse_properties(content: bytes) -> Properties | None:
    """A pom.properties; None where it does not name an artifact and a version."""
    said: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        if not line.strip() or line.lstrip(" ").startswith("#"):
            continue
        separator = _SEPARATOR.search(line)
        if separator is None:
            return None
        said[line[: separator.start()].strip()] = line[separator.end() :].strip()
    artifact, version = said.get("artifactId", ""), said.get("version", "")
    return Properties(said.get("groupId", ""), artifact, version) if artifact and version else None


class _Reading:
    """The texts of the elements that are wanted."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.licences: list[str] = []
        self._path: list[str] = []
        self._text: list[str] = []

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._path.append(name.rpartition(":")[2])
        self._text = []

    def data(self, text: str) -> None:
        if len(self._path) <= _DEPTH and sum(map(len, self._text)) < _TEXT:
            self._text.append(text)

    def end(self, _name: str) -> None:
        path, text = "/".join(self._path) if len(self._path) <= _DEPTH else "", "".join(self._text).strip()
        self._path.pop()
        self._text = []
        if path.endswith("/license/name") and path in _WANTED:
            self.licences.append(text)
        elif text and (path in _WANTED or path.startswith(_PROPERTIES)):
            self.texts.setdefault(path, text)


def parse_project(content: bytes) -> Project | None:
    """A pom.xml; None where it is none. One that declares entities is not read."""
    reading, parser = _Reading(), expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise ValueError("entities are not read")

    parser.StartElementHandler, parser.EndElementHandler = reading.start, reading.end
    parser.CharacterDataHandler = reading.data
    parser.EntityDeclHandler = parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError):  # LookupError: an encoding that nobody knows
        return None
    said = {path.removeprefix("project/"): text for path, text in reading.texts.items()}
    group = said.get("groupId") or said.get("parent/groupId", "")
    version = said.get("version") or said.get("parent/version", "")
    known = {path.removeprefix("properties/"): text for path, text in said.items() if path.startswith("properties/")}
    for prefix in ("project.", "pom.", ""):
        known |= {
            f"{prefix}groupId": group,
            f"{prefix}artifactId": said.get("artifactId", ""),
            f"{prefix}version": version,
        }
    known["project.parent.version"] = said.get("parent/version", "")
    known["project.parent.groupId"] = said.get("parent/groupId", "")
    return Project(
        _resolved(group, known),
        _resolved(said.get("artifactId", ""), known),
        _resolved(version, known),
        tuple(reading.licences),
    )


def _resolved(text: str, known: dict[str, str]) -> str:
    """A text with the values of its properties; nothing where one is not known here."""
    for _ in range(_TIMES):
        if "${" not in text:
            return text
        text = _REFERENCE.sub(lambda found: known.get(found[1], found[0]), text)[:_TEXT]
    return "" if "${" in text else text
