"""The lines of a Dockerfile: directives, continuations, comments and here-documents. Knows no instruction's meaning."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from orlop.services.references.occurrences import Lines, SourceInvalid, Span
from orlop.services.references.shell import SPACE, expand_word, raw_words
from orlop.services.references.variables import MAX_WORD, Expansion, Fragment

#: Directives that BuildKit knows; any other ends the list of directives.
_DIRECTIVES = frozenset({"syntax", "escape", "check"})
_DIRECTIVE = re.compile(r"([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*(\S.*)")
#: Instructions that may carry here-documents, unless they are written as a JSON array.
_WITH_HEREDOCS = re.compile(
    r"(?:ONBUILD[\t\v\f\r ]+)?(?:RUN|COPY|ADD)[\t\v\f\r ]+(?!\[.*\]\s*$)", re.IGNORECASE | re.DOTALL
)
#: Flags of one instruction that are looked at.
_MAX_FLAGS = 1_000
#: Characters of one flag that are looked at.
_MAX_FLAG = 65_536
_HEREDOC = re.compile(r"[0-9]*<<(-?)\s*([^<]+)")


class Directives(NamedTuple):
    """What stands in the first comments (Dockerfile reference, "Parser directives")."""

    escape: str
    syntax: Fragment | None


class Line(NamedTuple):
    """An instruction, its continuations joined; `origins[i]` is where in the source the piece at `starts[i]` stands."""

    text: str
    starts: tuple[int, ...]
    origins: tuple[int, ...]

    def fragment(self, start: int, end: int) -> Fragment:
        """Some characters of it, traced to the source."""
        return self.pick(list(range(start, end)))

    def pick(self, positions: list[int]) -> Fragment:
        """The characters at some positions, traced to the source."""
        offsets: list[int] = []
        for position in positions:
            piece = bisect_right(self.starts, position) - 1
            offsets.append(self.origins[piece] + position - self.starts[piece])
        return Fragment("".join(self.text[position] for position in positions), offsets)


def directives(text: str) -> Directives:
    """The parser directives at the top of `text`, behind a byte order mark.

    The syntax may stand behind a `#!` line too, or behind `//` in the language of another frontend; neither goes for
    the escape.
    """
    start = 1 if text.startswith("\ufeff") else 0
    behind = _line_end(text, start) + 1 if text.startswith("#!", start) else start
    escape = "\\"
    for name, value in _directives(text, start, "#", SPACE):
        if name == "escape" and value.text in ("\\", "`"):
            escape = value.text
    for comment in ("#", "//"):
        for name, value in _directives(text, behind, comment, ""):
            if name == "syntax":
                # BuildKit takes the first word for the image; the rest is an argument to it.
                word = value.text.split(" ", 1)[0][: MAX_WORD + 1]
                return Directives(escape, value.part(0, len(word)))
    return Directives(escape, None)


def _directives(text: str, position: int, comment: str, indent: str) -> Iterator[tuple[str, Fragment]]:
    """Names and values of the directives from `position` on; the first line that is none ends them, as does a second
    of one name.
    """
    seen: set[str] = set()
    while position < len(text):
        end = _line_end(text, position)
        line = text[position:end].rstrip(SPACE)
        rest = line.lstrip(indent)
        if not rest.startswith(comment):
            return
        rest = rest.removeprefix(comment).lstrip(SPACE)
        match = _DIRECTIVE.fullmatch(rest)
        name = match[1].lower() if match else ""
        if match is None or name not in _DIRECTIVES or name in seen:
            return
        seen.add(name)
        first = position + len(line) - len(match[2])
        yield name, Fragment(match[2], range(first, position + len(line)))
        position = end + 1


def instructions(text: str, escape: str) -> Iterator[Line]:
    """The instructions of `text`. Raises SourceInvalid for a here-document without its end."""
    continuation = re.compile(rf"(?<!{re.escape(escape)}){re.escape(escape)}[ \t]*$")
    pieces: list[str] = []
    starts: list[int] = []
    origins: list[int] = []
    length, position = 0, 1 if text.startswith("\ufeff") else 0
    while position < len(text):
        end = _line_end(text, position)
        line = text[position:end].rstrip("\r")
        stripped = line.lstrip(SPACE)
        if not stripped or stripped.startswith("#"):
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
            position = _skip_heredocs(text, position, logical)
        yield logical
    if pieces:
        yield Line("".join(pieces), tuple(starts), tuple(origins))


def flags(line: Line, start: int, escape: str) -> tuple[list[Fragment], int]:
    """The flags from `start` on, without quotation marks and escapes, and where what follows them begins."""
    text, found, position = line.text, list[Fragment](), start
    while True:
        while position < len(text) and text[position] in SPACE:
            position += 1
        if not text.startswith("--", position):
            return found, position
        word, position = _flag(line, position, escape)
        if word.text == "--":
            return found, position
        found.append(word)
        if len(found) > _MAX_FLAGS:
            return found, len(text)


def _flag(line: Line, position: int, escape: str) -> tuple[Fragment, int]:
    """One flag: quotation marks of either kind may hold white space, and an escape is one within them too."""
    text, quote = line.text, ""
    kept: list[int] = []
    while position < len(text) and (quote or text[position] not in SPACE):
        character = text[position]
        if character == (quote or character) and character in "'\"":
            quote = "" if quote else character
        else:
            if character == escape:
                position += 1
            if position < len(text) and len(kept) < _MAX_FLAG:
                kept.append(position)
        position += 1
    return line.pick(kept), position


def words(line: Line, start: int, escape: str) -> Iterator[tuple[int, int]]:
    """Where the words from `start` on stand, quotation marks included; the last may lack its second one."""
    text, position = line.text, start
    while position < len(text):
        if text[position] in SPACE:
            position += 1
            continue
        first, quote = position, ""
        while position < len(text) and (quote or text[position] not in SPACE):
            character = text[position]
            if character == (quote or character) and character in "'\"":
                quote = "" if quote else character
            position += 2 if character == escape and quote != "'" else 1
        position = min(position, len(text))
        yield first, position


def _skip_heredocs(text: str, position: int, line: Line) -> int:
    """The position behind the here-documents that `line` announces."""
    for word in raw_words(line.text):
        match = _HEREDOC.fullmatch(word)
        if match is None:
            continue
        # The escape of here-documents is always the backslash.
        name = expand_word(Fragment(match[2], range(len(match[2]))), _unset, "\\")
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


def _unset(name: str) -> Expansion | None:
    """A variable in the name of a here-document stays as it is written."""
    return Expansion(Fragment(f"${name}", range(len(name) + 1)), (), ())


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end
