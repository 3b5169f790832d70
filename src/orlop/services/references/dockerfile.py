"""Image references in Dockerfiles: `FROM`, `COPY --from`, `RUN --mount=from=` and the `syntax` directive."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from orlop.services.references.dockerfile_lines import Line, directives, flags, instructions, words
from orlop.services.references.occurrences import (
    MAX_OCCURRENCES,
    Finding,
    Level,
    Occurrence,
    Slot,
    SlotKind,
    SourceInvalid,
    Span,
    TooManyReferences,
)
from orlop.services.references.placeholders import TEMPLATE, filled_in, template_end
from orlop.services.references.shell import expand_word
from orlop.services.references.variables import MAX_WORD, Expansion, Fragment

#: `ARG` values before the first `FROM`; a bound on time and memory, because each may use those before it.
_MAX_ARGUMENTS = 1_000
#: Characters of a word that are looked at: more than `expand_word` takes, so that it sees that the word is too long.
_MAX_LENGTH = MAX_WORD + 1
#: What BuildKit knows of the platforms without being told; no text says what they are.
_PLATFORM = frozenset(
    f"{which}{part}" for which in ("BUILD", "TARGET") for part in ("PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT")
) | {"TARGETSTAGE"}

_INSTRUCTION = re.compile(r"\s*([A-Za-z]+)(?:[\t\v\f\r ]+|$)")
_WORD = re.compile(r"[^\t\v\f\r ]+")
_STAGE = re.compile(r"[a-z][a-z0-9-_.]*", re.ASCII)
_INDEX = re.compile(r"[-+]?[0-9]{1,9}", re.ASCII)


class _From(NamedTuple):
    """A `from` that may name a stage, to be looked at when all stages are known."""

    value: Fragment
    where: str
    stages: int
    """Stages begun so far."""


class _Reader:
    def __init__(self, escape: str) -> None:
        self.escape = escape
        self.arguments: dict[str, Expansion] = {name: Expansion(Fragment("", ()), (name,), ()) for name in _PLATFORM}
        self.values = 0
        self.stages = 0
        self.names: set[str] = set()
        self.found: list[Occurrence] = []
        self.later: list[_From] = []

    def read(self, line: Line, *, onbuild: bool = False) -> None:
        match = _INSTRUCTION.match(line.text)
        if match is None:
            return
        name, start = match[1].upper(), match.end()
        if name == "ONBUILD" and not onbuild:
            rest = line.text[start:]
            shifted = Line(" " * start + rest, line.starts, line.origins)
            self.read(shifted, onbuild=True)
        elif name == "ARG" and not self.stages:
            self._argument(line, start)
        elif name == "FROM" and not onbuild:
            self._from(line, start)
        elif name in ("COPY", "RUN"):
            self._flags(line, start, name, "ONBUILD " if onbuild else "")

    def _argument(self, line: Line, start: int) -> None:
        for first, end in words(line, start, self.escape):
            name, equals, _ = line.text[first : min(end, first + _MAX_LENGTH)].partition("=")
            if not equals or not name:
                continue
            self.values += 1
            if self.values > _MAX_ARGUMENTS:
                raise SourceInvalid(f"more than {_MAX_ARGUMENTS} build arguments")
            value = expand_word(_traced(line, first + len(name) + 1, end), self.arguments.get, self.escape)
            self.arguments[name] = value or Expansion(Fragment("", ()), (name,), ())

    def _from(self, line: Line, start: int) -> None:
        _, start = flags(line, start, self.escape)
        first = _WORD.search(line.text, start)
        self.stages += 1
        if first is None:
            return
        end = template_end(line.text, first.start(), first.end())
        rest = [word.group() for _, word in zip(range(3), _WORD.finditer(line.text, end), strict=False)]
        stage = rest[1].lower() if len(rest) == 2 and rest[0].upper() == "AS" else ""
        where = f"FROM … AS {stage[:60]}" if stage else "FROM"
        written = _traced(line, first.start(), end)
        templated = TEMPLATE.search(written.text) is not None
        value = None if templated else expand_word(written, self.arguments.get, self.escape)
        # BuildKit keeps the names of stages in lower case and asks for them as they are written.
        name = value.fragment.text if value and not value.missing else ""
        if name not in self.names and name != "scratch":
            self.found.append(_occurrence(written, value, where))
        self._bound()
        if _STAGE.fullmatch(stage):
            self.names.add(stage)

    def _flags(self, line: Line, start: int, name: str, prefix: str) -> None:
        for flag in flags(line, start, self.escape)[0]:
            key, equals, _ = flag.text[:_MAX_LENGTH].partition("=")
            value = flag.part(len(key) + 1, len(flag.text))
            if equals and key == "--from" and name == "COPY":
                self._later(value, f"{prefix}COPY --from")
            elif equals and key == "--mount" and name == "RUN":
                self._mount(value, f"{prefix}RUN --mount")

    def _mount(self, value: Fragment, where: str) -> None:
        named: Fragment | None = None
        for field in _fields(value):
            key, equals, rest = field.text[:_MAX_LENGTH].partition("=")
            if equals and key.lower() == "from":
                named = field.part(len(key) + 1, len(key) + 1 + len(rest))
        if named is not None:
            self._later(named, where)

    def _later(self, value: Fragment, where: str) -> None:
        self.later.append(_From(value.part(0, _MAX_LENGTH), where, self.stages))
        self._bound()

    def _bound(self) -> None:
        if len(self.found) + len(self.later) > MAX_OCCURRENCES:
            raise TooManyReferences

    def finish(self) -> Iterator[Occurrence]:
        yield from self.found
        for value, where, stages in self.later:
            if value.text.lower() in self.names or value.text in ("", "scratch"):
                continue
            if where.endswith("COPY --from") and _INDEX.fullmatch(value.text):
                # A build that comes later counts its own stages.
                if where == "COPY --from" and not 0 <= int(value.text) < stages - 1:
                    message = f"there is no stage {value.text} before this one; they count from 0"
                    yield _broken(value, where, "unknown-stage", message)
            elif TEMPLATE.search(value.text):
                yield filled_in(_hull(value), where, value.text)
            elif _would_expand(value, where, self.escape):
                yield _broken(
                    value,
                    where,
                    "variable-not-expanded",
                    "builders expand no variables here; name the image in a FROM … AS stage and copy from that stage",
                )
            else:
                yield _occurrence(value, Expansion(value, (), ()), where)


def find(text: str) -> Iterator[Occurrence]:
    """Every image that a Dockerfile names, in no particular order. Raises SourceInvalid."""
    head = directives(text)
    if head.syntax:
        yield _occurrence(head.syntax, Expansion(head.syntax, (), ()), "syntax")
    reader = _Reader(head.escape)
    for line in instructions(text, head.escape):
        reader.read(line)
    yield from reader.finish()


def _would_expand(value: Fragment, where: str, escape: str) -> bool:
    """Whether there is something in `value` that a builder would expand elsewhere, which it refuses here."""
    if where.endswith("--mount"):
        return "$" in value.text[:-1]
    plain = expand_word(value, lambda _: None, escape)
    return "$" in value.text and (plain is None or plain.fragment.text != value.text)


def _fields(value: Fragment) -> Iterator[Fragment]:
    """The fields of one record of comma-separated values; quotation marks within quotation marks are doubled."""
    text, position = value.text, 0
    while position < len(text):
        kept: list[int] = []
        if text[position] == '"':
            position += 1
            while position < len(text):
                if text[position] == '"':
                    position += 1
                    if not text.startswith('"', position):
                        break
                kept.append(position)
                position += 1
        while position < len(text) and text[position] != ",":
            kept.append(position)
            position += 1
        position += 1
        yield Fragment("".join(text[one] for one in kept), [value.offsets[one] for one in kept])


def _traced(line: Line, start: int, end: int) -> Fragment:
    """At most as much as shows that a word is too long."""
    return line.fragment(start, min(end, start + _MAX_LENGTH))


def _hull(fragment: Fragment) -> Span:
    return Span(fragment.offsets[0], fragment.offsets[-1] + 1) if fragment.text else Span(0, 0)


def _broken(value: Fragment, where: str, code: str, message: str) -> Occurrence:
    finding = Finding(Level.ERROR, code, message)
    return Occurrence(_hull(value), where, value.text, None, fixed=message, findings=(finding,))


def _occurrence(written: Fragment, value: Expansion | None, where: str) -> Occurrence:
    if TEMPLATE.search(written.text):
        return filled_in(_hull(written), where, written.text)
    if value is None:
        return _broken(
            written, where, "invalid-reference", "it is too long, or a variable or quotation mark in it is not closed"
        )
    return variable_occurrence(_hull(written), where, written.text, value)


def variable_occurrence(
    span: Span, where: str, written: str, value: Expansion, outside: frozenset[str] = frozenset()
) -> Occurrence:
    """A reference that may have been made from variables; only one written in one place can be pinned there.

    The values of variables that are `outside` come from another file.
    """
    names = tuple(dict.fromkeys((*value.missing, *value.used)))
    if value.missing or not value.fragment.text:
        message = f"{', '.join(names) or 'the reference'} has no value here, so what is meant cannot be known"
        finding = Finding(Level.NOTE, "unresolved-variable", message)
        return Occurrence(span, where, written, None, fixed=message, findings=(finding,))
    if TEMPLATE.search(value.fragment.text):
        return filled_in(span, where, written)
    findings: tuple[Finding, ...] = ()
    if defaults := [name for name in names if name not in outside]:
        message = f"read with the default of {', '.join(defaults)}; whoever runs this may set another"
        findings = (Finding(Level.NOTE, "variable-default", message),)
    if given := [name for name in names if name in outside]:
        message = f"read with {', '.join(given)} from .env; whoever runs this may set another"
        findings = (*findings, Finding(Level.NOTE, "variable-file", message))
    place = value.fragment.span
    return Occurrence(
        span,
        where,
        written,
        value.fragment.text,
        slot=Slot(SlotKind.REFERENCE, place) if place else None,
        fixed="" if place else "it is put together from several pieces",
        sources=value.fragment.sources,
        findings=findings,
    )
