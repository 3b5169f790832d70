"""Patterns of the shell in `${name#pattern}` and its like: `*`, `?` and escapes, matched in bounded time."""

from collections.abc import Iterator

#: Characters of a text times those of a pattern, and for replacements times those of the text again.
_MAX_STEPS = 1 << 18
_ANY = "?"
_STAR = "*"


def trimmed(pattern: str, text: str, *, end: bool, longest: bool) -> tuple[int, int] | None:
    """What is left of `text` without the pattern at its beginning or `end`, half-open.

    None for a wrong pattern, and for what would take too long.
    """
    tokens = _tokens(pattern)
    if tokens is None or len(tokens) * len(text) > _MAX_STEPS:
        return None
    if not end:
        found = _match(tokens, text, 0, longest=longest)
        return (0 if found is None else found, len(text))
    found = _match(tokens[::-1], text[::-1], 0, longest=longest)
    return (0, len(text) if found is None else len(text) - found)


def replaced(pattern: str, text: str, *, every: bool) -> list[tuple[int, int]] | None:
    """Where the pattern matches, first and longest.

    None for a wrong pattern, for an empty one that goes for `every` place, and for what would take too long.
    """
    tokens = _tokens(pattern)
    if tokens is None or (every and not tokens) or len(tokens) * len(text) ** 2 > _MAX_STEPS:
        return None
    found: list[tuple[int, int]] = []
    position = 0
    while position <= len(text):
        end = _match(tokens, text, position, longest=True)
        if end is None or (end == position and found and found[-1][1] == position):
            position += 1
            continue
        found.append((position, end))
        if not every:
            break
        position = max(end, position + 1)
    return found


def _tokens(pattern: str) -> list[tuple[str, bool]] | None:
    """Characters, and whether each is a wildcard; stars that follow one another count once."""
    tokens: list[tuple[str, bool]] = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            literal = _escaped(characters)
            if literal is None:
                return None
            tokens.append((literal, False))
        elif character != _STAR or tokens[-1:] != [(_STAR, True)]:
            tokens.append((character, character in (_STAR, _ANY)))
    return tokens


def _escaped(characters: Iterator[str]) -> str | None:
    character = next(characters, "")
    return character if character and character in "*?\\}/" else None


def _match(tokens: list[tuple[str, bool]], text: str, start: int, *, longest: bool) -> int | None:
    """The end of the shortest or longest match that begins at `start`."""
    reached = {start}
    for character, wild in tokens:
        if wild and character == _STAR:
            reached = set(range(min(reached), len(text) + 1))
        else:
            reached = {p + 1 for p in reached if p < len(text) and (wild or text[p] == character)}
        if not reached:
            return None
    return max(reached) if longest else min(reached)
