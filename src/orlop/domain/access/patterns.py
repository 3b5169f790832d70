"""Patterns of repositories and of tags, matched in time that grows with the text and never explodes."""

import re
from functools import lru_cache

#: A longer pattern is none: the names that it is to match are not longer either.
PATTERN_MAX = 255

_WILDCARDS = re.compile(r"\*+")
_LITERAL = re.compile(r"[a-zA-Z0-9._/-]*", re.ASCII)


def is_pattern(text: str) -> bool:
    """Whether it can match the name of anything: letters, digits, `. _ - /` and wildcards `*`, `**`."""
    return 0 < len(text) <= PATTERN_MAX and _LITERAL.fullmatch(text.replace("*", "")) is not None


@lru_cache(maxsize=4096)
def pattern(text: str, separator: str = "") -> "Pattern":
    """The pattern, made once. `*` crosses no character of `separator`: `/` for repositories, nothing for tags."""
    return Pattern(text, separator)


class Pattern:
    """`*` is any run of characters but separators, `**` any run; every other character is itself.

    An automaton whose states are the bits of a number: bit i says that the first i tokens can match what was read so
    far. Each character moves all of them at once, so no input makes it try again.
    """

    def __init__(self, text: str, separator: str = "") -> None:
        tokens = _tokens(text, separator)
        self._separator = separator
        self._end = 1 << len(tokens)
        self._steps: dict[str, int] = {}
        self._wild = self._across = 0
        for place, token in enumerate(tokens):
            bit = 1 << place
            if token in {"*", "**"}:
                self._wild |= bit
                if token == "**":  # noqa: S105 - a wildcard, no password
                    self._across |= bit
            else:
                self._steps[token] = self._steps.get(token, 0) | bit
        #: What every match begins with: where to look for them in an ordered list.
        self.prefix = text.partition("*")[0]

    def matches(self, text: str) -> bool:
        """Whether the whole of a text fits."""
        states = self._skip(1)
        for character in text:
            stay = states & (self._across if character in self._separator else self._wild)
            states = self._skip(((states & self._steps.get(character, 0)) << 1) | stay)
            if not states:
                return False
        return bool(states & self._end)

    def _skip(self, states: int) -> int:
        """A wildcard may stand for nothing, and no two follow each other."""
        return states | ((states & self._wild) << 1)


def _tokens(text: str, separator: str) -> list[str]:
    """Characters, and each run of asterisks as one wildcard: the wider one if it has two or nothing separates."""
    tokens: list[str] = []
    at = 0
    for run in _WILDCARDS.finditer(text):
        tokens += text[at : run.start()]
        tokens.append("**" if len(run.group()) > 1 or not separator else "*")
        at = run.end()
    return [*tokens, *text[at:]]
