"""Words of Dockerfiles, expanded as BuildKit's shell lexer does, each character traced to its source.

Follows frontend/dockerfile/shell/lex.go of BuildKit, its habits included. Knows no instruction.
"""

from typing import NamedTuple

from orlop.services.references.patterns import replaced, trimmed
from orlop.services.references.variables import MAX_WORD, Expansion, Fragment, Lookup, Pieces

#: White space as Go's `unicode.IsSpace` has it.
SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
#: Nesting of `${…}` that is followed.
_DEPTH = 60
#: Parameters of a shell that are names of one character.
_SPECIAL = "@*#?-$!0"


class Mode(NamedTuple):
    """How a text is read."""

    escape: str = "\\"
    raw: bool = False
    """Keep quotation marks, escapes, and variables without a value as they are written."""


class _Malformed(Exception):
    """The text is none that BuildKit would take."""


def expand_word(word: Fragment, lookup: Lookup, escape: str) -> Expansion | None:
    """`word` without quotation marks and with its variables replaced; None where BuildKit refuses it or it is too long.

    A variable that `lookup` does not know is empty and missing; one whose own name is missing is not known at all,
    whatever its default.
    """
    if len(word.text) > MAX_WORD:
        return None
    if not any(character in word.text for character in ("$", "'", '"', escape)):
        return Expansion(word, (), ())
    try:
        return _Lexer(word, lookup, Mode(escape)).whole()
    except _Malformed:
        return None


def raw_words(text: str) -> list[str]:
    """The words of a line with their quotation marks, as BuildKit looks for here-documents; none if it is malformed."""
    try:
        return _Lexer(Fragment(text, range(len(text))), lambda _: None, Mode(raw=True)).words()
    except _Malformed:
        return []


class _Lexer:
    def __init__(self, word: Fragment, lookup: Lookup, mode: Mode) -> None:
        self.word = word
        self.lookup = lookup
        self.mode = mode
        self.position = 0
        self.depth = 0
        self.required: list[str] = []

    def whole(self) -> Expansion:
        result = self._until("")
        result.missing.extend(self.required)
        return result.done()

    def words(self) -> list[str]:
        result = self._until("")
        words: list[str] = []
        current: list[str] = []
        for character, quoted in zip(result.text, result.quoted, strict=True):
            if quoted or character not in SPACE:
                current.append(character)
            elif current:
                words.append("".join(current))
                current = []
        return [*words, "".join(current)] if current else words

    def _peek(self) -> str:
        return self.word.text[self.position : self.position + 1]

    def _next(self) -> str:
        character = self._peek()
        self.position += 1
        return character

    def _offset(self) -> int:
        """Where the character stands that was read last."""
        return self.word.offsets[self.position - 1]

    def _until(self, stop: str, *, raw: bool | None = None, pattern: bool = False) -> Pieces:
        """Everything up to `stop`, which is consumed; `pattern` doubles what would end its meaning in a pattern."""
        keep = self.mode.raw if raw is None else raw
        result = Pieces()
        while character := self._peek():
            if character == stop:
                self.position += 1
                return result
            if character == "$":
                result.insert(self._dollar())
            elif character == "'":
                self._single(result, pattern=pattern)
            elif character == '"':
                self._double(result, keep=keep, pattern=pattern)
            elif character == "<" and self.mode.raw:
                self._angle(result)
            else:
                self.position += 1
                if character == self.mode.escape:
                    if keep:
                        result.add(character, self._offset(), quoted=True)
                    character = self._next()
                    if not character:
                        break
                    result.add(character, self._offset(), quoted=True)
                else:
                    result.add(character, self._offset())
            if len(result.text) > MAX_WORD and not self.mode.raw:
                raise _Malformed
        if stop:
            raise _Malformed
        return result

    def _angle(self, result: Pieces) -> None:
        """`<< NAME` is one word."""
        self.position += 1
        result.add("<", self._offset(), quoted=True)
        if self._peek() != "<":
            return
        self.position += 1
        result.add("<", self._offset(), quoted=True)
        while (character := self._peek()) and character in "\t\r ":
            self.position += 1
            result.add(character, self._offset(), quoted=True)

    def _single(self, result: Pieces, *, pattern: bool) -> None:
        mark = self._next()
        if self.mode.raw:
            result.add(mark, self._offset(), quoted=True)
        while character := self._next():
            if character == mark:
                if self.mode.raw:
                    result.add(mark, self._offset(), quoted=True)
                return
            if pattern and character == self.mode.escape:
                result.add(character, self._offset(), quoted=True)
            result.add(character, self._offset(), quoted=True)
        raise _Malformed

    def _double(self, result: Pieces, *, keep: bool, pattern: bool) -> None:
        mark = self._next()
        if self.mode.raw:
            result.add(mark, self._offset(), quoted=True)
        while character := self._peek():
            if character == "$":
                result.insert(self._dollar(), quoted=True)
                continue
            self.position += 1
            if character == mark:
                if self.mode.raw:
                    result.add(mark, self._offset(), quoted=True)
                return
            if character == self.mode.escape:
                following = self._peek()
                if not following:
                    continue
                # Only these can be escaped within quotation marks; before others the escape stays.
                if following in ('"', "$", self.mode.escape):
                    if keep:
                        result.add(character, self._offset(), quoted=True)
                    character = self._next()
                elif keep and (pattern or not self.mode.raw):
                    result.add(character, self._offset(), quoted=True)
            result.add(character, self._offset(), quoted=True)
        raise _Malformed

    def _dollar(self) -> Expansion:
        start = self.position
        self.depth += 1
        if self.depth > _DEPTH:
            raise _Malformed
        self.position += 1
        value = self._braced() if self._peek() == "{" else self._plain()
        self.depth -= 1
        if self.mode.raw:
            return Expansion(self.word.part(start, self.position), (), ())
        return value

    def _plain(self) -> Expansion:
        dollar = self.position - 1
        name = self._name()
        if not name:
            return Expansion(self.word.part(dollar, self.position), (), ())
        return self._value(name, self.lookup(name))

    def _braced(self) -> Expansion:
        self.position += 1
        if self._peek() in ("", "{", "}", ":"):
            raise _Malformed
        name = self._name()
        operator = self._next()
        value = self.lookup(name)
        if operator == "}":
            return self._value(name, value)
        if operator == ":":
            operator += self._next()
        if operator in ("#", "%"):
            return self._trimmed(name, value, operator)
        if operator == "/":
            return self._replaced(name, value)
        if operator.removeprefix(":") not in ("+", "-", "?"):
            raise _Malformed
        word = self._until("}", raw=False).done()
        if value is not None and name in value.missing:
            return self._value(name, value)
        given = value is not None and (bool(value.fragment.text) or len(operator) == 1)
        if operator.endswith("?"):
            if not given:
                # It has to be set even within a default that is not taken.
                self.required.append(name)
            return self._value(name, value if given else None)
        if operator.endswith("+") == given:
            return Expansion(word.fragment, word.missing, (name, *word.used))
        if given:
            return self._value(name, value)
        return Expansion(Fragment("", ()), (), (name,))

    def _trimmed(self, name: str, value: Expansion | None, operator: str) -> Expansion:
        glob = self._until("}", raw=True, pattern=True).done()
        pattern = glob.fragment.text
        longest = pattern.startswith(operator)
        found = self._value(name, value)
        rest = trimmed(pattern[longest:], found.fragment.text, end=operator == "%", longest=longest)
        if rest is None:
            raise _Malformed
        start, end = rest
        fragment = found.fragment.part(start, end)._replace(whole=False)
        return Expansion(fragment, (*found.missing, *glob.missing), (*found.used, *glob.used))

    def _replaced(self, name: str, value: Expansion | None) -> Expansion:
        every = self._peek() == "/"
        self.position += every
        glob = self._until("/", raw=True, pattern=True).done()
        new = self._until("}", raw=True).done()
        found = self._value(name, value)
        spans = replaced(glob.fragment.text, found.fragment.text, every=every)
        if spans is None:
            raise _Malformed
        result = Pieces()
        position = 0
        for start, end in spans:
            result.insert(Expansion(found.fragment.part(position, start), (), ()))
            result.insert(Expansion(new.fragment, (), ()))
            position = end
        result.insert(Expansion(found.fragment.part(position, len(found.fragment.text)), (), ()))
        if len(result.text) > MAX_WORD:
            raise _Malformed
        fragment = result.done().fragment._replace(whole=False)
        missing = (*found.missing, *glob.missing, *new.missing)
        return Expansion(fragment, missing, (*found.used, *glob.used, *new.used))

    def _value(self, name: str, value: Expansion | None) -> Expansion:
        if value is None:
            return Expansion(Fragment("", ()), (name,), ())
        return Expansion(value.fragment, value.missing, (name, *value.used))

    def _name(self) -> str:
        """A name, a run of digits, or one special parameter; empty where there is none."""
        start = self.position
        first = self._peek()
        if first.isdecimal():
            while self._peek().isdecimal():
                self.position += 1
        elif first and first in _SPECIAL:
            self.position += 1
        else:
            while (character := self._peek()) and (character.isalpha() or character.isdecimal() or character == "_"):
                self.position += 1
        return self.word.text[start : self.position]
