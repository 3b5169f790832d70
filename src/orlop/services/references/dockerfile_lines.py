"""The lines of a Dockerfile: directives, continuations, comments and here-documents. Knows no instruction's meaning."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from orlop.services.references.occurrences import Lines, SourceInvalid, Span
from orlop.services.references.variables import MAX_WORD, Dialect, Fragment, expand

#: Directives that BuildKit knows; any other ends the list of directives.
_DIRECTIVES = frozenset({"syntax", "escape", "check"})
_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S.*)")
#: Instructions that may carry here-documents.
_WITH_HEREDOCS = re.compile(r"(?:ONBUILD\s+)?(?:RUN|COPY|ADD)\s", re.IGNORECASE)
_HEREDOC = re.compile(r"[0-9]*<<(-?)([^<]+)")


class Directives(NamedTuple):
    """What stands in the first comments (Dockerfile reference, "Parser directives")."""

    escape: str
    syntax: Fragment | None
    end: int
    """Where the instructions begin."""


class Line(NamedTuple):
    """An instruction, its continuations joined; `origins[i]` is where in the source the piece at `starts[i]` stands."""

    text: str
    starts: tuple[int, ...]
    origins: tuple[int, ...]

    def fragment(self, start: int, end: int) -> Fragment:
        """Some characters of it, traced to the source."""
        offsets: list[int] = []
        for position in range(start, end):
            piece = bisect_right(self.starts, position) - 1
            offsets.append(self.origins[piece] + position - self.starts[piece])
        return Fragment(self.text[start:end], offsets)


def directives(text: str) -> Directives:
    """The parser directives at the top of `text`, behind a byte order mark and a `#!` line if there are any."""
    position = 1 if text.startswith("\ufeff") else 0
    if text.startswith("#!", position):
        position = _line_end(text, position) + 1
    escape, syntax, seen = "\\", None, set[str]()
    while position < len(text):
        end = _line_end(text, position)
        match = _DIRECTIVE.fullmatch(text[position:end].rstrip())
        name = match[1].lower() if match else ""
        if match is None or name not in _DIRECTIVES or name in seen:
            break
        seen.add(name)
        if name == "escape":
            escape = match[2] if match[2] in ("\\", "`") else escape
        elif name == "syntax":
            # BuildKit takes the first word for the image; the rest is an argument to it.
            word = match[2].split(" ", 1)[0][: MAX_WORD + 1]
            start = position + match.start(2)
            syntax = Fragment(word, range(start, start + len(word)))
        position = end + 1
    return Directives(escape, syntax, position)


def instructions(text: str, start: int, escape: str) -> Iterator[Line]:
    """The instructions of `text` from `start` on. Raises SourceInvalid for a here-document without its end."""
    continuation = re.compile(rf"(?<!{re.escape(escape)}){re.escape(escape)}[ \t]*$")
    pieces: list[str] = []
    starts: list[int] = []
    origins: list[int] = []
    length, position = 0, start
    while position < len(text):
        end = _line_end(text, position)
        line = text[position:end].rstrip("\r")
        stripped = line.lstrip(" \t\v\f")
        if not stripped.strip() or stripped.startswith("#"):
            position = end + 1
            continue
        more = continuation.search(line)
        first = position if pieces else position + len(line) - len(stripped)
        piece = text[first : position + (more.start() if more else len(line))]
        pieces.append(piece)
        starts.append(length)
        origins.append(first)
        length += len(piece)
        position = end + 1
        if more:
            continue
        logical = Line("".join(pieces), tuple(starts), tuple(origins))
        pieces, starts, origins, length = [], [], [], 0
        if "<<" in logical.text and _WITH_HEREDOCS.match(logical.text):
            position = _skip_heredocs(text, position, logical, escape)
        yield logical
    if pieces:
        yield Line("".join(pieces), tuple(starts), tuple(origins))


def word_pattern(escape: str) -> re.Pattern[str]:
    """Matches a word of a shell-like line: quotation marks and escapes may hold white space."""
    e = re.escape(escape)
    return re.compile(rf"""(?:[^\s"'{e}]|{e}[\s\S]|"(?:{e}[\s\S]|[^"{e}])*"|'[^']*'|["'{e}])+""")


def _skip_heredocs(text: str, position: int, line: Line, escape: str) -> int:
    """The position behind the here-documents that `line` announces."""
    for word in word_pattern(escape).finditer(line.text):
        match = _HEREDOC.fullmatch(word.group())
        if match is None:
            continue
        name = expand(
            line.fragment(word.start() + match.start(2), word.end()),
            lambda _: None,
            Dialect(escape=escape, quotes=True, variables=False),
        )
        if name is None or not name.fragment.text:
            continue
        while True:
            if position >= len(text):
                place = Lines(text).place(Span(line.origins[0], line.origins[0] + 1))
                raise SourceInvalid(
                    f"the here-document {name.fragment.text[:40]!r} has no end", place.line, place.column
                )
            end = _line_end(text, position)
            body = text[position:end].rstrip("\r")
            position = end + 1
            if (body.lstrip("\t") if match[1] else body) == name.fragment.text:
                break
    return position


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end
