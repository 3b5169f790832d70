"""Text that is traced to its source, and variables in it, expanded as Compose does ("interpolation.md" of it)."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from orlop.services.references.occurrences import Span

#: Longest word that is expanded and longest result: no valid reference has half as many characters.
MAX_WORD = 2_048
#: The offset of a character that stands in another file.
ELSEWHERE = -1
_DEPTH = 10
#: Names of variables that are kept of one word.
_NAMES = 20

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
            if offset == ELSEWHERE:
                continue
            if spans and spans[-1].end == offset:
                spans[-1] = Span(spans[-1].start, offset + 1)
            else:
                spans.append(Span(offset, offset + 1))
        return tuple(spans)

    def part(self, start: int, end: int) -> "Fragment":
        """The characters from `start` up to `end`."""
        return Fragment(self.text[start:end], self.offsets[start:end], self.whole)


class Expansion(NamedTuple):
    """A word after expansion: `missing` are variables without value or default, `used` all others that took part."""

    fragment: Fragment
    missing: tuple[str, ...]
    used: tuple[str, ...]


#: What a variable stands for; None where it is not set.
Lookup = Callable[[str], Expansion | None]
_NOTHING = Fragment("", ())


class Pieces:
    """A word that is being put together, and whether white space in it is quoted."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.offsets: list[int] = []
        self.quoted: list[bool] = []
        self.missing: list[str] = []
        self.used: list[str] = []
        self._parts = 0
        self._whole = True
        self._literal = False

    def add(self, character: str, offset: int, *, quoted: bool = False) -> None:
        """A character that stands in the word itself."""
        if not self._literal:
            self._parts += 1
            self._literal = True
        self.text.append(character)
        self.offsets.append(offset)
        self.quoted.append(quoted)

    def insert(self, piece: Expansion, *, quoted: bool = False) -> None:
        """What a variable became."""
        self._parts += 1
        self._literal = False
        self._whole = self._whole and piece.fragment.whole
        self.text.extend(piece.fragment.text)
        self.offsets.extend(piece.fragment.offsets)
        self.quoted.extend([quoted] * len(piece.fragment.text))
        self.missing.extend(piece.missing)
        self.used.extend(piece.used)

    def done(self) -> Expansion:
        """All of it; `whole` where it is one piece."""
        fragment = Fragment("".join(self.text), self.offsets, whole=self._whole and self._parts <= 1)
        return Expansion(fragment, _distinct(self.missing), _distinct(self.used))


def _distinct(names: list[str]) -> tuple[str, ...]:
    """As many names as people care to read, each once: arguments that use others twice would double them."""
    return tuple(dict.fromkeys(names))[:_NAMES]


def expand(
    word: Fragment, lookup: Lookup, *, limit: int = MAX_WORD, keep_missing: bool = False, depth: int = 0
) -> Expansion | None:
    """`word` with its variables replaced; None where it is too long, too deep, or not closed.

    A variable without a value is empty, or with `keep_missing` a placeholder of a template.
    """
    if len(word.text) > limit or depth > _DEPTH:
        return None
    result = Pieces()
    text = word.text
    position = 0
    while position < len(text):
        if text.startswith("$$", position):
            result.add("$", word.offsets[position])
            position += 2
        elif text[position] == "$":
            missing = len(result.missing)
            after = _variable(word, position, lookup, result, depth)
            if after is None:
                return None
            if keep_missing and len(result.missing) > missing:
                name = f"{{{{{result.missing[-1]}}}}}"
                result.insert(Expansion(Fragment(name, [word.offsets[position]] * len(name), whole=False), (), ()))
            position = after
        else:
            result.add(text[position], word.offsets[position])
            position += 1
        if len(result.text) > limit:
            return None
    return result.done()


def _variable(word: Fragment, dollar: int, lookup: Lookup, result: Pieces, depth: int) -> int | None:
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
    rest = word.part(name.end(), end) if braced else _NOTHING
    value = lookup(name.group())
    operator = rest.text[:2] if rest.text[:1] == ":" else rest.text[:1]
    is_set = value is not None and (bool(value.fragment.text) or not operator.startswith(":"))
    if operator in ("-", ":-", "+", ":+") and is_set == operator.endswith("+"):
        inner = expand(rest.part(len(operator), len(rest.text)), lookup, depth=depth + 1)
        if inner is None:
            return None
        result.insert(Expansion(inner.fragment, inner.missing, (name.group(), *inner.used)))
    elif operator in ("+", ":+"):
        result.insert(Expansion(_NOTHING, (), (name.group(),)))
    elif operator in ("", "?", ":?", "-", ":-") and value is not None and is_set:
        result.insert(Expansion(value.fragment, value.missing, (name.group(), *value.used)))
    elif operator in ("", "?", ":?"):
        result.insert(Expansion(_NOTHING, (name.group(),), ()))
    else:
        return None
    return end + 1 if braced else end


def _closing(text: str, brace: int) -> int | None:
    """The position of the brace that closes the one at `brace`."""
    depth = 0
    for position in range(brace, len(text)):
        depth += (text[position] == "{") - (text[position] == "}")
        if depth == 0:
            return position
    return None
