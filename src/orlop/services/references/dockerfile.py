"""Image references in Dockerfiles: `FROM`, `COPY --from`, `RUN --mount=from=` and the `syntax` directive."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from orlop.services.references.dockerfile_lines import Line, directives, instructions, word_pattern
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
from orlop.services.references.variables import MAX_WORD, Dialect, Expansion, Fragment, expand

#: `ARG` values before the first `FROM`; a bound on time and memory, because each may use those before it.
_MAX_ARGUMENTS = 1_000
#: Flags of one instruction that are looked at.
_MAX_FLAGS = 1_000
#: Characters of a word that are looked at: more than `expand` takes, so that it sees that the word is too long.
_MAX_LENGTH = MAX_WORD + 1

_INSTRUCTION = re.compile(r"\s*([A-Za-z]+)(?:\s+|$)")
_WORD = re.compile(r"\S+")
_FLAG = re.compile(r"--([a-z-]+)=", re.IGNORECASE)
_ARGUMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=", re.ASCII)


class _From(NamedTuple):
    """A `from` that may name a stage, to be looked at when all stages are known."""

    value: Fragment
    where: str
    stages: int
    """Stages begun so far."""


class _Reader:
    def __init__(self, escape: str) -> None:
        self.words = word_pattern(escape)
        self.dialect = Dialect(escape=escape, quotes=True)
        self.literal = Dialect(escape=escape, quotes=True, variables=False)
        self.arguments: dict[str, Fragment] = {}
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
            self._flags(line, start, ("ONBUILD " if onbuild else "") + name)

    def _argument(self, line: Line, start: int) -> None:
        for word in self.words.finditer(line.text, start):
            match = _ARGUMENT.match(word.group())
            if match is None:
                continue
            self.values += 1
            if self.values > _MAX_ARGUMENTS:
                raise SourceInvalid(f"more than {_MAX_ARGUMENTS} build arguments")
            if word.end() - word.start() > 2 * MAX_WORD:
                self.arguments.pop(match[1], None)
                continue
            value = expand(line.fragment(word.start() + match.end(), word.end()), self.arguments.get, self.dialect)
            if value is None or value.missing:
                self.arguments.pop(match[1], None)
            else:
                self.arguments[match[1]] = value.fragment

    def _from(self, line: Line, start: int) -> None:
        words = [word for word in _WORD.finditer(line.text, start) if not word.group().startswith("--")]
        self.stages += 1
        if not words:
            return
        stage = words[2].group().lower() if len(words) == 3 and words[1].group().upper() == "AS" else ""
        where = f"FROM … AS {stage[:60]}" if stage else "FROM"
        written = _traced(line, words[0].start(), words[0].end())
        value = expand(written, self.arguments.get, self.dialect)
        name = value.fragment.text.lower() if value else ""
        if name not in self.names and name != "scratch":
            self.found.append(_occurrence(written, value, where))
            self._bound()
        if stage:
            self.names.add(stage)

    def _flags(self, line: Line, start: int, name: str) -> None:
        """The flags of COPY and RUN end at the first word that is none."""
        position = start
        for _ in range(_MAX_FLAGS):
            word = self.words.match(line.text, position)
            if word is None:
                return
            flag = _FLAG.match(word.group())
            if not word.group().startswith("--") or word.group() == "--":
                return
            kind = flag[1].lower() if flag else ""
            if flag and kind == "from" and name.endswith("COPY"):
                self._later(_traced(line, word.start() + flag.end(), word.end()), f"{name} --from")
            elif flag and kind == "mount" and name.endswith("RUN"):
                self._mount(line, word.start() + flag.end(), word.end(), f"{name} --mount")
            position = word.end()
            while position < len(line.text) and line.text[position].isspace():
                position += 1

    def _mount(self, line: Line, start: int, end: int, where: str) -> None:
        # The value is one record of comma-separated `key=value` fields.
        for field in re.finditer(r'"[^"]*"|[^,]+', line.text[start:end]):
            key, equals, value = field.group().strip('"').partition("=")
            if equals and key.strip().lower() == "from":
                first = start + field.start() + field.group().index("=") + 1
                self._later(_traced(line, first, first + len(value)), where)

    def _later(self, written: Fragment, where: str) -> None:
        value = expand(written, lambda _: None, self.literal)
        self.later.append(_From(value.fragment if value else written, where, self.stages))
        self._bound()

    def _bound(self) -> None:
        if len(self.found) + len(self.later) > MAX_OCCURRENCES:
            raise TooManyReferences

    def finish(self) -> Iterator[Occurrence]:
        yield from self.found
        for value, where, stages in self.later:
            name = value.text.lower()
            if name in self.names or name in ("", "scratch"):
                continue
            if name.isascii() and name.isdigit():
                if where == "COPY --from" and (int(name[:9]) >= self.stages or int(name[:9]) == stages - 1):
                    yield _broken(
                        value, where, "unknown-stage", f"there is no other stage {name[:9]}; they count from 0"
                    )
                continue
            if "$" in name:
                yield _broken(
                    value,
                    where,
                    "variable-not-expanded",
                    "builders expand no variables here; name the image in a FROM … AS stage and copy from that stage",
                )
                continue
            yield _occurrence(value, Expansion(value, (), ()), where)


def find(text: str) -> Iterator[Occurrence]:
    """Every image that a Dockerfile names, in no particular order. Raises SourceInvalid."""
    head = directives(text)
    if head.syntax:
        yield _occurrence(head.syntax, Expansion(head.syntax, (), ()), "syntax")
    reader = _Reader(head.escape)
    for line in instructions(text, head.end, head.escape):
        reader.read(line)
    yield from reader.finish()


def _traced(line: Line, start: int, end: int) -> Fragment:
    """At most as much as shows that a word is too long."""
    return line.fragment(start, min(end, start + _MAX_LENGTH))


def _hull(fragment: Fragment) -> Span:
    return Span(fragment.offsets[0], fragment.offsets[-1] + 1) if fragment.text else Span(0, 0)


def _broken(value: Fragment, where: str, code: str, message: str) -> Occurrence:
    finding = Finding(Level.ERROR, code, message)
    return Occurrence(_hull(value), where, value.text, None, fixed=message, findings=(finding,))


def _occurrence(written: Fragment, value: Expansion | None, where: str) -> Occurrence:
    if value is None:
        return _broken(
            written, where, "invalid-reference", "it is too long, or a variable or quotation mark in it is not closed"
        )
    return variable_occurrence(_hull(written), where, written.text, value)


def variable_occurrence(span: Span, where: str, written: str, value: Expansion) -> Occurrence:
    """A reference that may have been made from variables; only one written in one place can be pinned there."""
    names = tuple(dict.fromkeys((*value.missing, *value.used)))
    if value.missing or not value.fragment.text:
        message = f"{', '.join(names) or 'the reference'} has no value here, so what is meant cannot be known"
        finding = Finding(Level.NOTE, "unresolved-variable", message)
        return Occurrence(span, where, written, None, fixed=message, findings=(finding,))
    findings: tuple[Finding, ...] = ()
    if names:
        message = f"read with the default of {', '.join(names)}; whoever runs this may set another"
        findings = (Finding(Level.NOTE, "variable-default", message),)
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
