"""What a package declares as its licence, read as an SPDX licence expression (SPDX 2.3, Annex D) where it is one.

Nothing is guessed: `Apache 2` is not taken for `Apache-2.0`, nor `MIT and BSD` for an expression. A plus sign counts
only where the list has it (`GPL-2.0+`): readers do not know `EPL-2.0+`, which stays words.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from orlop.domain.inside import licence_ids

#: By their lower case: the case of identifiers does not matter, that of operators does (D.2).
_LICENCES = {each.lower(): each for each in licence_ids.LICENCES.split()}
_EXCEPTIONS = {each.lower(): each for each in licence_ids.EXCEPTIONS.split()}

_WORD = re.compile(r"[()]|[^\s()]+")
_OWN = re.compile(r"LicenseRef-[A-Za-z0-9.-]+", re.ASCII)
#: Characters and parentheses within each other of an expression: readers go down one by one.
_LONGEST = 2048
_DEEPEST = 16
#: Types of packages where several licences are a choice: composer.json "disjunctive"; pom.xml "the user can select any
#: of them"; package.json, whose `licenses` became `(MIT OR Apache-2.0)`.
_CHOICES = frozenset({"composer", "maven", "npm"})


class Licence(msgspec.Struct, frozen=True):
    """A licence as it is declared."""

    declared: str
    expression: str = ""
    """As an expression, with identifiers as the list writes them; empty if it is none."""
    own: tuple[str, ...] = ()
    """Identifiers in it that stand in no list: `LicenseRef-…`."""

    @property
    def is_listed(self) -> bool:
        """Whether it is one identifier of the list."""
        return self.expression.lower() in _LICENCES


@lru_cache(1024)
def read_licence(declared: str) -> Licence:
    """Read one that a package declares."""
    if len(declared) > _LONGEST:
        return Licence(declared)
    words = _words(_WORD.findall(declared))
    if words is None:
        return Licence(declared)
    text = " ".join(words).replace("( ", "(").replace(" )", ")")
    return Licence(declared, text, tuple(each for each in words if each.startswith("LicenseRef-")))


def joined(kind: str, expressions: Sequence[str]) -> str:
    """Several licences of a package of this type as one expression: all hold, unless they are a choice there."""
    sign = " OR " if kind in _CHOICES else " AND "
    several = len(expressions) > 1
    return sign.join(f"({each})" if several and (" AND " in each or " OR " in each) else each for each in expressions)


def _words(found: Sequence[str]) -> list[str] | None:
    """The words of an expression as they are to be written; None: it is no expression."""
    read: list[str] = []
    open_ones = 0
    before = "("  # one of: ( licence exception ) WITH operator
    for word in found:
        if word == "(" and before in ("(", "operator"):
            open_ones += 1
            kind, written = "(", word
        elif word == ")" and open_ones and before in ("licence", "exception", ")"):
            open_ones -= 1
            kind, written = ")", word
        elif word in ("AND", "OR") and before in ("licence", "exception", ")"):
            kind, written = "operator", word
        elif word == "WITH" and before == "licence":
            kind, written = "WITH", word
        elif before == "WITH":
            kind, written = "exception", _EXCEPTIONS.get(word.lower(), "")
        elif before in ("(", "operator"):
            kind, written = "licence", _written(word)
        else:
            return None
        if not written or open_ones > _DEEPEST:
            return None
        read.append(written)
        before = kind
    return read if not open_ones and before in ("licence", "exception", ")") else None


def _written(word: str) -> str:
    """An identifier as the list writes it, or of the package's own; else empty."""
    if listed := _LICENCES.get(word.lower()):
        return listed
    return word if _OWN.fullmatch(word) else ""
