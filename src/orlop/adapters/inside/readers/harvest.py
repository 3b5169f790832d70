"""What the readers of languages share: the packages of one file, within bounds, and JSON of any shape."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from orlop.domain.inside.layers import Found
from orlop.domain.inside.package import Package

#: Packages of one file.
PACKAGES = 50_000
#: Characters of a name with its namespace, of a version, and of a licence; licences of one package.
NAME, VERSION, LICENCE, LICENCES = 512, 256, 128, 16
#: Bytes of a text file that a package manager writes for one package, and for a whole project.
ONE, MANY = 4 * 1024 * 1024, 16 * 1024 * 1024
#: Bytes of an executable or an archive.
LARGEST = 256 * 1024 * 1024

DAMAGED = "it is damaged, or not of this format"
_TOO_MANY = f"it names more than the {PACKAGES} packages that are read"
_SPACE = re.compile(r"\s")


class Harvest:
    """The packages of one file, each once, within the bounds. What cannot be a name or version is left out."""

    def __init__(self, path: str, reader: str) -> None:
        self._path, self._reader = path, reader
        self._packages: dict[tuple[str, str, str, str], Package] = {}
        self.unread = ""

    def add(
        self,
        kind: str,
        name: str,
        version: str,
        *,
        namespace: str = "",
        licences: Iterable[str] = (),
        source_version: str = "",
    ) -> None:
        """One package of the type `kind`. Where it is there already, the first one stays."""
        name, version, namespace = name.strip(), version.strip(), namespace.strip()
        if not _sound(name, NAME) or not name or not _sound(version, VERSION) or not _sound(namespace, NAME):
            return
        key = (kind, namespace, name, version)
        if key in self._packages:
            return
        if len(self._packages) >= PACKAGES:
            self.unread = self.unread or _TOO_MANY
            return
        self._packages[key] = Package(
            type=kind,
            name=name,
            version=version,
            namespace=namespace,
            source_version=source_version,
            licences=declared(licences),
        )

    def found(self) -> Found | None:
        """What was found; None where there is nothing to say."""
        if not self._packages and not self.unread:
            return None
        packages = tuple(self._packages.values())
        return Found(path=self._path, reader=self._reader, packages=packages, unread=self.unread)


def _sound(text: str, most: int) -> bool:
    return len(text) <= most and text.isprintable()


def declared(licences: Iterable[str]) -> tuple[str, ...]:
    """Licences as somebody declared them: white space made one blank, each once, none that is a whole text."""
    taken: dict[str, None] = {}
    for licence in licences:
        if len(licence) > 4 * LICENCE:
            continue
        name = " ".join(licence.split())
        if name and len(name) <= LICENCE and name.isprintable():
            taken[name] = None
        if len(taken) >= LICENCES:
            break
    return tuple(taken)


def scoped(name: str) -> tuple[str, str]:
    """The namespace and the name of `namespace/name`; the namespace is empty where there is no slash."""
    namespace, _, last = name.rpartition("/")
    return namespace, last


def json_of(content: bytes) -> Any:
    """What a JSON text holds. Raises ValueError."""
    try:
        return msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.MsgspecError, RecursionError, OverflowError) as cause:
        raise ValueError(DAMAGED) from cause


def table(value: Any) -> dict[str, Any]:
    """An object of JSON; an empty one where it is something else."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Any]:
    """A list of JSON; an empty one where it is something else."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str:
    """A string of JSON; an empty one where it is something else."""
    return value if isinstance(value, str) else ""


def texts(value: Any) -> tuple[str, ...]:
    """A string, or the strings of a list."""
    return (value,) if isinstance(value, str) else tuple(each for each in rows(value) if isinstance(each, str))


def lines_of(content: bytes) -> list[str]:
    """The lines of a text."""
    return content.decode("utf-8", "replace").removeprefix("\ufeff").splitlines()
