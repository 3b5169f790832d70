"""Licences of packages: SPDX expressions, and rules of which are allowed."""

import re
from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.inside.wildcards import matches_words
from orlop.domain.settings import Holds, SettingKind, nobody

Names = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=128)], ...], Meta(max_length=512)]
Packages = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=512)], ...], Meta(max_length=256)]

#: Tokens of an expression (SPDX 2.3, annex D): parentheses and words.
_TOKEN = re.compile(r"[()]|[^\s()]+")
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+:-]*", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9*][A-Za-z0-9 .+:*/_-]*", re.ASCII)
#: Of an expression; what is longer is taken as the name of one licence.
_LENGTH, _DEPTH = 2_000, 20


class Licence(msgspec.Struct, frozen=True):
    """One licence of an expression, with the exception that it is granted with."""

    name: str
    exception: str = ""


class Choice(msgspec.Struct, frozen=True):
    """Any of these will do."""

    of: tuple["Terms", ...]


class All(msgspec.Struct, frozen=True):
    """All of these hold."""

    of: tuple["Terms", ...]


Terms = Licence | Choice | All


def parse_licence(text: str) -> Terms:
    """An expression as declared; what is none is one licence of that name."""
    words = text.strip()
    if len(words) <= _LENGTH:
        try:
            return _Reader(_TOKEN.findall(words)).read()
        except _NoExpression:
            pass
    return Licence(" ".join(words.split())[:_LENGTH])


def names_in(terms: Terms) -> Iterator[str]:
    """The licences that an expression names."""
    if isinstance(terms, Licence):
        yield terms.name
    else:
        for each in terms.of:
            yield from names_in(each)


class _NoExpression(Exception):
    pass


class _Reader:
    """Reads an expression: `OR` binds least, then `AND`, then `WITH`. The words are written in any case."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def read(self) -> Terms:
        found = self._choice()
        if self._at < len(self._tokens):
            raise _NoExpression
        return found

    def _choice(self) -> Terms:
        parts = [self._all()]
        while self._takes("OR"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def _all(self) -> Terms:
        parts = [self._one()]
        while self._takes("AND"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self) -> Terms:
        if self._takes("("):
            self._depth += 1
            if self._depth > _DEPTH:
                raise _NoExpression
            found = self._choice()
            if not self._takes(")"):
                raise _NoExpression
            self._depth -= 1
            return found
        name = self._identifier()
        return Licence(name, self._identifier() if self._takes("WITH") else "")

    def _identifier(self) -> str:
        word = self._tokens[self._at] if self._at < len(self._tokens) else ""
        if not _IDENTIFIER.fullmatch(word) or word.upper() in {"AND", "OR", "WITH"}:
            raise _NoExpression
        self._at += 1
        return word

    def _takes(self, word: str) -> bool:
        taken = self._at < len(self._tokens) and self._tokens[self._at].upper() == word
        self._at += taken
        return taken


class LicenceRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which licences packages may have. Rules of a namespace and of all above it hold together."""

    allowed: Annotated[
        Names,
        Meta(
            description="Licences as SPDX names them, such as MIT or BSD-*; `*` is anything, case does not matter. A "
            "package under any other is a finding. Empty: all that are not refused."
        ),
    ] = ()
    refused: Annotated[Names, Meta(description="Licences that make a package a finding, such as AGPL-*.")] = ()
    unknown: Annotated[bool, Meta(description="A package that declares no licence is a finding, too.")] = False
    packages: Annotated[
        Packages, Meta(description="Beginnings of package URLs that it is not about, such as pkg:npm/%40acme/.")
    ] = msgspec.field(default=(), name="except")

    def __post_init__(self) -> None:
        if not (self.allowed or self.refused or self.unknown):
            raise ValueError("the rule would say nothing of licences: give allowed, refused or unknown")
        for text in (*self.allowed, *self.refused):
            if not _NAME.fullmatch(text):
                raise ValueError(f"{text!r} is no name of a licence: write it as SPDX does, as in Apache-2.0 or GPL-*")
        for text in self.packages:
            if not text.startswith("pkg:"):
                raise ValueError(f"except: {text!r} is no beginning of a package URL: write it as in pkg:npm/%40acme/")

    def wrong(self, licences: tuple[str, ...], package: str) -> str:
        """What is wrong with a package that declares these licences, all of which hold, as half a sentence; empty:
        nothing."""
        if any(package.startswith(text) for text in self.packages):
            return ""
        if not licences:
            return "it declares no licence" if self.unknown else ""
        for text in licences:
            if found := self._wrong(parse_licence(text)):
                return found
        return ""

    def _wrong(self, terms: Terms) -> str:
        if isinstance(terms, Choice):  # whoever uses it chooses what is right
            found = [self._wrong(each) for each in terms.of]
            return "" if "" in found else found[0]
        if isinstance(terms, All):
            return next((wrong for each in terms.of if (wrong := self._wrong(each))), "")
        if any(matches_words(text.lower(), terms.name.lower()) for text in self.refused):
            return f"{terms.name} is refused"
        if self.allowed and not any(matches_words(text.lower(), terms.name.lower()) for text in self.allowed):
            return f"{terms.name} is not among the licences that are allowed"
        return ""


#: Rules for licences as settings. Whoever may pull may see why a package is a finding.
LICENCE_RULES = SettingKind(
    kind="licence-rule",
    plural="licence-rules",
    text="Rules for licences: which ones packages of images may have.",
    body=LicenceRule,
    speaks_for=nobody,
    holds=Holds.ALL,
    read=Action.PULL,
    most=100,
)
