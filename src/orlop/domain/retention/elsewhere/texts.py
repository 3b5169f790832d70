"""Patterns of other languages as patterns of ours: braces of shells, and regular expressions that are simple enough."""

from orlop.domain.access.patterns import is_pattern

#: More alternatives than this are none.
_MOST = 64


def braces(text: str) -> tuple[str, ...]:
    """`{a,b}*` as `a*` and `b*`."""
    first, opened, rest = text.partition("{")
    inside, closed, last = rest.partition("}")
    if not opened or not closed:
        return (text,)
    return tuple(f"{first}{each}{end}" for each in inside.split(",") for end in braces(last))[:_MOST]


def globs(expression: str, *, wider: bool) -> tuple[str, ...] | None:
    """The patterns that match what a regular expression does as a whole; None where there are none.

    `wider`: they may match more.
    """
    found = _alternatives(expression.removeprefix("^").removesuffix("$"), wider=wider)
    if found is None or len(found) > _MOST or not all(map(is_pattern, found)):
        return None
    return tuple(dict.fromkeys(found))


def _alternatives(expression: str, *, wider: bool) -> list[str] | None:
    made: list[str] = []
    for part in _split(expression):
        texts = [""]
        at = 0
        while at < len(part):
            taken = _piece(part, at, wider=wider)
            if taken is None:
                return None
            pieces, at = taken
            texts = [f"{text}{piece}" for text in texts for piece in pieces]
            if len(texts) > _MOST:
                return None
        made += texts
    return made


def _piece(text: str, at: int, *, wider: bool) -> tuple[list[str], int] | None:
    """What stands at a place, and where the next begins."""
    character = text[at]
    if character == "(":
        end = _closing(text, at)
        inside = text[at + 1 : end].removeprefix("?:") if end > 0 else "?"
        if inside.startswith("?") or text[end + 1 : end + 2] in ("*", "+", "?", "{"):
            return None
        found = _alternatives(inside, wider=wider)
        return (found, end + 1) if found is not None else None
    pieces, at = [character], at + 1
    if character == "\\":
        escaped, at = text[at : at + 1], at + 1
        if escaped not in {"d", "w"}:
            pieces = [escaped] if escaped in {".", "-", "_", "/"} else []
        elif wider:
            pieces = ["*"]
        else:
            return None
    elif character == "[":
        end = text.find("]", at)
        if end < 0 or not wider:
            return None
        pieces, at = ["*"], end + 1
    elif character == ".":
        if text[at : at + 1] == "*":
            return (["*"], at + 1) if text[at + 1 : at + 2] != "?" else None
        if not wider:
            return None
        pieces = ["*"]
    elif not (character.isalnum() or character in "_-"):
        return None
    if not pieces:
        return None
    if text[at : at + 1] in ("*", "+", "?", "{"):
        if not wider:
            return None
        end = text.find("}", at) if text[at] == "{" else at
        return (["*"], end + 1) if end >= 0 else None
    return pieces, at


def _split(text: str) -> list[str]:
    """At each `|` outside of parentheses and brackets."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        if at and text[at - 1] == "\\":
            continue
        if character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == "|" and not depth:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _closing(text: str, at: int) -> int:
    """Where the parenthesis at a place is closed; -1: nowhere."""
    depth = 0
    for place in range(at, len(text)):
        if text[place - 1 : place] == "\\":
            continue
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if not depth:
            return place
    return -1
