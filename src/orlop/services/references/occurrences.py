"""Where image references stand in a text, and where a digest for them would be written. Judges nothing."""

from bisect import bisect_right
from enum import StrEnum
from typing import NamedTuple

import msgspec

from orlop.domain.errors import RegistryError

#: Longest text that is looked at, in characters and in bytes of UTF-8.
MAX_TEXT = 8 * 1024 * 1024
#: References looked at in one text.
MAX_OCCURRENCES = 10_000


class SourceInvalid(RegistryError):
    """A text is not what it was taken for, or goes beyond a limit; `line` and `column` count from 1, 0 if unknown."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message, {"line": line, "column": column})
        self.line = line
        self.column = column


class TooManyReferences(SourceInvalid):
    """There are more references than `MAX_OCCURRENCES`."""

    def __init__(self) -> None:
        super().__init__(f"more than {MAX_OCCURRENCES} image references; split the file")


class Unrendered(SourceInvalid):
    """A template, which is no YAML before it is rendered."""


class UnknownFormat(SourceInvalid):
    """Neither name nor content tells what a file is."""


class Format(StrEnum):
    """Kinds of files whose references are understood."""

    DOCKERFILE = "dockerfile"
    COMPOSE = "compose"
    KUBERNETES = "kubernetes"
    HELM = "helm"
    KUSTOMIZE = "kustomize"


class Level(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Finding(msgspec.Struct, frozen=True):
    """Something worth saying about one reference; `code` is stable, `message` is for people."""

    level: Level
    code: str
    message: str


class Span(NamedTuple):
    """Characters of a text, half-open."""

    start: int
    end: int


class Place(msgspec.Struct, frozen=True):
    """A span for people and programs: line and column count from 1, in characters; `start` and `end` are bytes."""

    line: int
    column: int
    start: int
    end: int


class SlotKind(StrEnum):
    """What the span of a slot holds, so what replaces it."""

    REFERENCE = "reference"
    TAG = "tag"
    DIGEST = "digest"
    HEX = "hex"


class Slot(msgspec.Struct, frozen=True):
    """Where a digest is written: what replaces `span` is put between `before` and the rest of the text."""

    kind: SlotKind
    span: Span
    before: str = ""


class Occurrence(msgspec.Struct, frozen=True):
    """One image reference in a text."""

    span: Span
    """Where people look for it."""
    where: str
    """The instruction or path that holds it."""
    written: str
    """As it stands there."""
    text: str | None
    """With variables replaced by their defaults; None where that cannot be known."""
    slot: Slot | None = None
    fixed: str = ""
    """Why there is no slot."""
    sources: tuple[Span, ...] = ()
    """Every character that `text` was made from."""
    findings: tuple[Finding, ...] = ()
    """What only the format knows."""


class Lines:
    """Turns spans of one text into places; cheapest in the order of the text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0]
        for line in text.split("\n")[:-1]:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._position = 0
        self._bytes = 0

    def place(self, span: Span) -> Place:
        """Where `span` is."""
        row = bisect_right(self._starts, span.start) - 1
        column = span.start - self._starts[row] + 1
        if row == 0 and self._text.startswith("\ufeff"):
            column = max(1, column - 1)
        return Place(line=row + 1, column=column, start=self._byte(span.start), end=self._byte(span.end))

    def _byte(self, position: int) -> int:
        # Counted from the last answer: counting from the start of a line would take a square of time on a long one.
        if position >= self._position:
            self._bytes += len(self._text[self._position : position].encode())
        else:
            self._bytes -= len(self._text[position : self._position].encode())
        self._position = position
        return self._bytes
