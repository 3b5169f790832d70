"""Words with variables in them, expanded as Dockerfiles and Compose files do, each character traced to its source."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from orlop.services.references.occurrences import Span

#: Longest word that is expanded and longest result: no valid reference has half as many characters.
MAX_WORD = 2_048
_DEPTH = 10

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class Fragment(NamedTuple):
    """Text and, for each character, where in the source it stands."""

    text: str
    offsets: Sequence[int]
    whole: bool = True
    """Whether it came from one place: a literal, or one variable and nothing else."""

    @property
    def span(self) -> Span | None:
        """The stretch of source that reads exactly like this; None if there is none."""
        if not self.whole or not self.text or self.offsets[-1] - self.offsets[0] != len(self.text) - 1:
            return None
        steps = all(self.offsets[i] + 1 == self.offsets[i + 1] for i in range(len(self.text) - 1))
        return Span(self.offsets[0], self.offsets[-1] + 1) if steps else None

    @property
    def sources(self) -> tuple[Span, ...]:
        """The stretches of source that it is made from."""
        spans: list[Span] = []
        for offset in self.offsets:
            if spans and spans[-1].end == offset:
                spans[-1] = Span(spans[-1].start, offset + 1)
            else:
                spans.append(Span(offset, offset + 1))
        return tuple(spans)

    def part(self, start: int, end: int) -> "Fragment":
        """The characters from `start` up to `end`."""
        return Fragment(self.text[start:end], self.offsets[start:end])


class Dialect(msgspec.Struct, frozen=True):
    """What makes one language of variables differ from another."""

    escape: str = ""
    """The character that takes the next one literally; none if empty."""
    quotes: bool = False
    """Whether quotation marks are taken away."""
    double_dollar: bool = False
    """Whether `$$` is a dollar sign."""
    variables: bool = True


#: Compose: "interpolation.md" of the Compose specification.
COMPOSE = Dialect(double_dollar=True)


class Expansion(NamedTuple):
    """A word after expansion: `missing` are variables without value or default, `used` all others that took part."""

    fragment: Fragment
    missing: tuple[str, ...]
    used: tuple[str, ...]


class _Result:
    def __init__(self) -> None:
        self.text: list[str] = []
        self.offsets: list[int] = []
        self.parts = 0
        self.whole = True
        self.literal = False
        self.missing: list[str] = []
        self.used: list[str] = []

    def add(self, character: str, offset: int) -> None:
        if not self.literal:
            self.parts += 1
            self.literal = True
        self.text.append(character)
        self.offsets.append(offset)

    def insert(self, fragment: Fragment) -> None:
        self.parts += 1
        self.literal = False
        self.whole = self.whole and fragment.whole
        self.text.extend(fragment.text)
        self.offsets.extend(fragment.offsets)

    def done(self) -> Expansion:
        fragment = Fragment("".join(self.text), self.offsets, whole=self.whole and self.parts <= 1)
        return Expansion(fragment, tuple(self.missing), tuple(self.used))


Lookup = Callable[[str], Fragment | None]


def expand(word: Fragment, lookup: Lookup, dialect: Dialect, depth: int = 0) -> Expansion | None:
    """`word` with its variables replaced; None where it is too long, too deep, or not closed."""
    result = _Result()
    text = word.text
    if len(text) > MAX_WORD or depth > _DEPTH:
        return None
    position, quote = 0, ""
    while position < len(text):
        character = text[position]
        if dialect.quotes and character == (quote or character) and character in "'\"":
            quote = "" if quote else character
            position += 1
        elif quote == "'":
            result.add(character, word.offsets[position])
            position += 1
        elif dialect.double_dollar and text.startswith("$$", position):
            result.add("$", word.offsets[position])
            position += 2
        elif character == dialect.escape and position + 1 < len(text):
            result.add(text[position + 1], word.offsets[position + 1])
            position += 2
        elif character == "$" and dialect.variables:
            after = _variable(word, position, lookup, dialect, result, depth)
            if after is None:
                return None
            position = after
        else:
            result.add(character, word.offsets[position])
            position += 1
        if len(result.text) > MAX_WORD:
            return None
    return None if quote else result.done()


def _variable(word: Fragment, dollar: int, lookup: Lookup, dialect: Dialect, result: _Result, depth: int) -> int | None:
    """Add the variable at `dollar` to `result`; the position behind it, or None."""
    braced = word.text.startswith("{", dollar + 1)
    name = _NAME.match(word.text, dollar + 2 if braced else dollar + 1)
    if name is None:
        if braced:
            return None
        result.add("$", word.offsets[dollar])
        return dollar + 1
    end = _closing(word.text, dollar + 1) if braced else name.end()
    if end is None:
        return None
    rest = word.part(name.end(), end) if braced else Fragment("", ())
    value = lookup(name.group())
    operator = rest.text[:2] if rest.text[:1] == ":" else rest.text[:1]
    is_set = value is not None and (bool(value.text) or not operator.startswith(":"))
    if operator in ("-", ":-", "+", ":+") and is_set == operator.endswith("+"):
        inner = expand(rest.part(len(operator), len(rest.text)), lookup, dialect, depth + 1)
        if inner is None:
            return None
        result.insert(inner.fragment)
        result.missing.extend(inner.missing)
        result.used.extend((name.group(), *inner.used))
    elif operator in ("+", ":+"):
        result.insert(Fragment("", ()))
        result.used.append(name.group())
    elif operator in ("", "?", ":?", "-", ":-") and value is not None and is_set:
        result.insert(value)
        result.used.append(name.group())
    else:
        result.insert(Fragment("", ()))
        result.missing.append(name.group())
    return end + 1 if braced else end


def _closing(text: str, brace: int) -> int | None:
    """The position of the brace that closes the one at `brace`."""
    depth = 0
    for position in range(brace, len(text)):
        depth += (text[position] == "{") - (text[position] == "}")
        if depth == 0:
            return position
    return None
