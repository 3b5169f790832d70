"""The variables of a `.env` file, as Compose reads it beside its own files (dotenv/parser.go of compose-go)."""

import re

from orlop.services.references.occurrences import SourceInvalid
from orlop.services.references.variables import ELSEWHERE, Expansion, Fragment, expand

#: Longest value that is kept; a part of a reference is shorter.
_MAX_VALUE = 16_384
#: Variables of one file.
_MAX_VARIABLES = 5_000
#: White space that ends no line.
_BLANK = "\t\v\f\r \x85\xa0"
_KEY = re.compile(r"(?:export[^\S\n]+)?([\w.\-\[\]\t\v\f\r \x85\xa0]*)(?:([=:])|\n|$)")
_ESCAPE = re.compile(r"\\([abcfnrtv$\"\\]|0[0-7]{0,3})", re.ASCII)
_ESCAPED = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "$": "$$",
    '"': '"',
    "\\": "\\",
}


def variables(text: str) -> dict[str, str]:
    """What the file says, in its order. Raises SourceInvalid where Compose would refuse it."""
    found: dict[str, str] = {}
    position = statements = 0
    body = text.removeprefix("\ufeff")
    while True:
        position = _statement(body, position)
        if position >= len(body):
            return found
        match = _KEY.match(body, position)
        name = match[1].strip() if match else ""
        if match is None or re.search(r"\s", name):
            raise _refused(body, position, "not a line of NAME=VALUE")
        statements += 1
        if statements > _MAX_VARIABLES:
            raise _refused(body, position, f"more than {_MAX_VARIABLES} variables")
        position = match.end()
        if match[2]:
            while position < len(body) and body[position] in _BLANK:
                position += 1
            found[name], position = _value(body, position, found)


def _statement(text: str, position: int) -> int:
    """Where the next statement begins, behind white space and comments."""
    while position < len(text) and (text[position].isspace() or text[position] == "#"):
        if text[position] == "#":
            end = text.find("\n", position)
            position = len(text) if end < 0 else end
        else:
            position += 1
    return position


def _value(text: str, position: int, known: dict[str, str]) -> tuple[str, int]:
    start, quote = position, text[position : position + 1]
    if quote not in ("'", '"') or not quote:
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        return _expanded(text[position:end].partition(" #")[0].rstrip(), known, text, start), end
    kept: list[str] = []
    position += 1
    while position < len(text):
        if text[position] == quote:
            value = "".join(kept)
            if quote == '"':
                value = _expanded(_ESCAPE.sub(_unescaped, value), known, text, start)
            return value, position + 1
        if text[position] == "\\":
            following = text[position + 1 : position + 2]
            kept.append(following if following == quote else f"\\{following}")
            position += 2
        else:
            kept.append(text[position])
            position += 1
    raise _refused(text, start, "a quotation mark is not closed")


def _refused(text: str, position: int, message: str) -> SourceInvalid:
    return SourceInvalid(message, text.count("\n", 0, position) + 1)


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code.startswith("0"):
        return chr(int(code[1:], 8) & 0xFF) if len(code) == 4 else match[0]
    return _ESCAPED.get(code, match[0])


def _expanded(value: str, known: dict[str, str], text: str, start: int) -> str:
    if "$" not in value:
        return value
    done = expand(Fragment(value, range(len(value))), lambda name: outside(known, name), limit=_MAX_VALUE)
    if done is None:
        raise _refused(text, start, "a value is too long, or a variable in it is not closed")
    return done.fragment.text


def outside(values: dict[str, str], name: str) -> Expansion | None:
    """The value of a variable that stands in another file than the text."""
    value = values.get(name)
    if value is None:
        return None
    return Expansion(Fragment(value, (ELSEWHERE,) * len(value), whole=False), (), ())
