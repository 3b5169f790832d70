"""How layers are told apart in a picture: by the commands that made them, which stand beside it."""

import re
from collections.abc import Sequence

import msgspec

from orlop.services.content.inspection import Layer

#: What a layer is for, as far as its command says it: a class of the style sheet for each.
ROOT, PACKAGES, FILES, OTHER = "root file system", "packages", "files", "other"
CLASSES = {ROOT: "one", PACKAGES: "two", FILES: "three", OTHER: "four"}

_PACKAGES = re.compile(
    r"\b(?:apt-get|apt|apk|dnf|microdnf|yum|zypper|pacman|pip3?|uv|poetry|npm|yarn|pnpm|bundle|gem|composer|cargo|mvn)\b"
)
_FILES = re.compile(r"^(?:/bin/sh -c #\(nop\) +)?(?:COPY|ADD)\b")
_ROOT = re.compile(r"^(?:/bin/sh -c #\(nop\) +)?(?:ADD|COPY) .* (?:in )?/ *(?:#.*)?$")
#: The largest part of a command that is looked at.
_LOOKED = 2_000


class LayerPart(msgspec.Struct, frozen=True):
    """A layer in the picture and in its table."""

    number: int
    layer: Layer
    role: str

    @property
    def style(self) -> str:
        """Its class."""
        return CLASSES[self.role]

    @property
    def command(self) -> str:
        """What made it, without what every command of Docker begins with."""
        text = (self.layer.command or "").removeprefix("/bin/sh -c ")
        return text.removeprefix("#(nop) ").strip()


def parts_of(layers: Sequence[Layer]) -> list[LayerPart]:
    """Each layer with what it is for."""
    return [LayerPart(number, layer, _role(number, layer)) for number, layer in enumerate(layers, 1)]


def _role(number: int, layer: Layer) -> str:
    command = (layer.command or "")[:_LOOKED].strip()
    if number == 1 and _ROOT.match(command):
        return ROOT
    if _FILES.match(command):
        return FILES
    return PACKAGES if _PACKAGES.search(command) else OTHER
