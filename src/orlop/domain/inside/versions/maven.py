"""Versions of Maven (maven.apache.org, POM reference, "Version order specification").

A version is a list of numbers, words, words that a number follows (`rc1`), and lists, which a dash or a change between
digits and letters opens. What says nothing at the end of a list (`0`, `final`) falls away.
"""

from functools import cmp_to_key
from itertools import zip_longest
from typing import Any, NamedTuple

#: Words in their order; the empty one is the release itself. Words that are not among them come behind, by alphabet.
_QUALIFIERS = ("alpha", "beta", "milestone", "rc", "snapshot", "", "sp")
_RELEASE = str(_QUALIFIERS.index(""))
_RELEASES = frozenset({"ga", "final", "release"})
_SHORT = {"a": "alpha", "b": "beta", "m": "milestone"}


class _Word(NamedTuple):
    """A word, and the number that follows it."""

    word: str
    number: int | None = None

    @property
    def place(self) -> str:
        if self.word in _RELEASES:
            return _RELEASE
        if self.word in _QUALIFIERS:
            return str(_QUALIFIERS.index(self.word))
        return f"{len(_QUALIFIERS)}-{self.word}"


_Item = Any  # a number, a _Word or a list of them


def parse(version: str) -> Any:
    """What compares; every text is a version of Maven."""
    return _Compared(_Reading().read(version.lower()))


class _Reading:
    """Reads a version; lists lie in lists, and the last one is read."""

    def __init__(self) -> None:
        self._lists: list[list[_Item]] = [[]]
        self._digits = False
        self._joined = False
        """Whether a word and the number after it are one."""

    def read(self, text: str) -> list[_Item]:
        start = 0
        for place, character in enumerate(text):
            if character in ".-":
                if self._is_joining(character, text, start, place):
                    self._joined = True
                    continue
                self._take(text[start:place])
                start = place + 1
                if character == "-":
                    self._open()
            elif character.isdigit():
                if not self._digits and place > start:
                    self._joined = True
                    self._open_behind_others()
                self._digits = True
            else:
                if self._digits and place > start:
                    self._take(text[start:place])
                    start = place
                    self._open()
                self._digits = False
        if start < len(text):
            if not self._digits:
                self._open_behind_others()
            self._take(text[start:])
        for each in reversed(self._lists):
            _shorten(each)
        return self._lists[0]

    def _is_joining(self, character: str, text: str, start: int, place: int) -> bool:
        """Whether a dash stands between a word and its number."""
        return character == "-" and start < place and not self._digits and text[place + 1 : place + 2].isdigit()

    def _take(self, text: str) -> None:
        self._lists[-1].append(_item(text, digits=self._digits, joined=self._joined))
        self._joined = False

    def _open(self) -> None:
        opened: list[_Item] = []
        self._lists[-1].append(opened)
        self._lists.append(opened)

    def _open_behind_others(self) -> None:
        if self._lists[-1]:
            self._open()


def _item(text: str, *, digits: bool, joined: bool) -> _Item:
    if not text:
        return 0
    if joined:
        text = text.replace("-", "")
        word = text.rstrip("0123456789")
        return _Word(_SHORT.get(word, _alias(word)), int(text[len(word) :] or 0))
    return int(text) if digits else _Word(_alias(text))


def _alias(word: str) -> str:
    return "rc" if word == "cr" else word


def _shorten(items: list[_Item]) -> None:
    for place in range(len(items) - 1, -1, -1):
        if items[place] not in (0, []):
            continue
        behind = items[place + 1] if place + 1 < len(items) else None
        lone = isinstance(behind, _Word) and behind.number is None
        if behind is None or lone or (isinstance(behind, list) and behind and isinstance(behind[0], _Word)):
            del items[place]


def _compare(one: list[_Item], other: list[_Item]) -> int:
    for left, right in zip_longest(one, other):
        result = -_against(right, None) if left is None else _against(left, right)
        if result:
            return result
    return 0


def _against(item: _Item, other: _Item) -> int:
    """An item beside another; None: beside nothing."""
    if other is None:
        if isinstance(item, list):
            return next((result for each in item if (result := _against(each, None))), 0)
        return int(item != 0) if isinstance(item, int) else _sign(item.place, _RELEASE)
    kinds = _kind(item), _kind(other)
    if kinds[0] != kinds[1]:
        return _sign(*kinds)
    if isinstance(item, list):
        return _compare(item, other)
    if isinstance(item, int):
        return _sign(item, other)
    if item.place != other.place:
        return _sign(item.place, other.place)
    return _sign(-1 if item.number is None else item.number, -1 if other.number is None else other.number)


def _kind(item: _Item) -> int:
    """Words come before lists, lists before numbers."""
    if isinstance(item, int):
        return 2
    return 1 if isinstance(item, list) else 0


def _sign(left: Any, right: Any) -> int:
    return -1 if left < right else int(left > right)


_Compared = cmp_to_key(_compare)
