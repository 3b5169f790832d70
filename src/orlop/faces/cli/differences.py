"""Unified diffs of texts that have the same lines in the same order, some of them changed within."""

from itertools import groupby

#: Unchanged lines around changed ones.
_CONTEXT = 3


def unified_diff(name: str, before: str, after: str) -> str:
    """What `patch` takes to make `after` from `before`, which has as many lines; empty where they are equal.

    Only a line feed ends a line; carriage returns are passed on as they are.
    """
    old, new = _lines(before), _lines(after)
    changed = [index for index, (was, now) in enumerate(zip(old, new, strict=True)) if was != now]
    pieces = [f"--- a/{name}\n+++ b/{name}\n"] if changed else []
    for start, end in _hunks(changed, len(old)):
        pieces.append(f"@@ -{start + 1},{end - start} +{start + 1},{end - start} @@\n")
        for differs, rows in groupby(range(start, end), key=lambda index: old[index] != new[index]):
            indexes = list(rows)
            pieces += [_row("-" if differs else " ", old[index]) for index in indexes]
            if differs:
                pieces += [_row("+", new[index]) for index in indexes]
    return "".join(pieces)


def _lines(text: str) -> list[str]:
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _hunks(changed: list[int], length: int) -> list[tuple[int, int]]:
    """Half-open ranges of lines around the changed ones, joined where they would touch."""
    hunks: list[tuple[int, int]] = []
    for index in changed:
        start, end = max(0, index - _CONTEXT), min(length, index + _CONTEXT + 1)
        if hunks and start <= hunks[-1][1]:
            hunks[-1] = (hunks[-1][0], end)
        else:
            hunks.append((start, end))
    return hunks


def _row(sign: str, line: str) -> str:
    return f"{sign}{line}" if line.endswith("\n") else f"{sign}{line}\n\\ No newline at end of file\n"
