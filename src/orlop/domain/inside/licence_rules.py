"""Rules of which licences packages of images may have.

An expression is judged as whoever uses the package may: of `OR` one side that is right is enough, of `AND` both have
to be. A licence with an exception (`GPL-2.0-only WITH Classpath-exception-2.0`) is named with it, or without.
"""

import re
from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.inside.licences import joined, read_licence
from orlop.domain.inside.wildcards import matches_words
from orlop.domain.settings import Holds, SettingKind, nobody

Names = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=128)], ...], Meta(max_length=512)]
Packages = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=512)], ...], Meta(max_length=256)]

_NAME = re.compile(r"[A-Za-z0-9*][A-Za-z0-9 .+:*/_-]*", re.ASCII)
_TOKEN = re.compile(r"[()]|[^\s()]+")


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
    unknown: Annotated[
        bool, Meta(description="A package that declares no licence, or none that SPDX lists, is a finding, too.")
    ] = False
    packages: Annotated[
        Packages,
        Meta(description="Package URLs without a version that it is not about, such as pkg:npm/%40acme/*."),
    ] = msgspec.field(default=(), name="except")

    def __post_init__(self) -> None:
        if not (self.allowed or self.refused or self.unknown):
            raise ValueError("the rule would say nothing of licences: give allowed, refused or unknown")
        for text in (*self.allowed, *self.refused):
            if not _NAME.fullmatch(text):
                raise ValueError(f"{text!r} is no name of a licence: write it as SPDX does, as in Apache-2.0 or GPL-*")
        for text in self.packages:
            if not text.startswith("pkg:"):
                raise ValueError(f"except: {text!r} is no package URL: write it as in pkg:npm/%40acme/*")

    def wrong(self, licences: Sequence[str], type_: str, package: str) -> str:
        """What is wrong with a package of a type and a URL without a version that declares these licences, as half a
        sentence; empty: nothing."""
        if any(matches_words(text, package) for text in self.packages):
            return ""
        if not licences:
            return "it declares no licence" if self.unknown else ""
        expression = expression_of(licences, type_)
        if expression:
            return self._of_expression(expression)
        for text in licences:  # words of its own: each stands for itself
            read = read_licence(text)
            if wrong := self._of_expression(read.expression) if read.expression else self._of_words(text):
                return wrong
        return ""

    def _of_words(self, text: str) -> str:
        words = " ".join(text.split())[:200]
        if wrong := self._of_name(words):
            return wrong
        named = any(matches_words(each.lower(), words.lower()) for each in self.allowed)
        return f"{words} is no licence that SPDX lists" if self.unknown and not named else ""

    def _of_expression(self, expression: str) -> str:
        """OR binds least, then AND, then WITH (SPDX 2.3, D.4)."""
        return _Judge(_TOKEN.findall(expression), self._of_name).wrong()

    def _of_name(self, name: str) -> str:
        """A licence, with its exception where it has one."""
        names = (name.lower(), name.partition(" WITH ")[0].lower())
        if any(matches_words(text.lower(), each) for text in self.refused for each in names):
            exempt = any(text.lower() == names[0] for text in self.allowed) and names[0] != names[1]
            if not exempt:  # a name with its exception, spelled out as allowed, is more than one without
                return f"{name} is refused"
        if self.allowed and not any(matches_words(text.lower(), each) for text in self.allowed for each in names):
            return f"{name} is not among the licences that are allowed"
        return ""


class _Judge:
    """Goes through an expression that was read already, so that it is one."""

    def __init__(self, tokens: list[str], of_name: Callable[[str], str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._of_name = of_name

    def wrong(self) -> str:
        found = [self._all()]
        while self._takes("OR"):
            found.append(self._all())
        return "" if "" in found else found[0]

    def _all(self) -> str:
        found = [self._one()]
        while self._takes("AND"):
            found.append(self._one())
        return next((wrong for wrong in found if wrong), "")

    def _one(self) -> str:
        if self._takes("("):
            found = self.wrong()
            self._takes(")")
            return found
        name = self._next()
        return self._of_name(f"{name} WITH {self._next()}" if self._takes("WITH") else name)

    def _next(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def _takes(self, word: str) -> bool:
        taken = self._at < len(self._tokens) and self._tokens[self._at] == word
        self._at += taken
        return taken


def expression_of(licences: Sequence[str], type_: str) -> str:
    """What a package of a type declares as one expression; empty where any of it is none."""
    read = [read_licence(text) for text in licences]
    if not read or not all(each.expression for each in read):
        return ""
    return joined(type_, tuple(each.expression for each in read))


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
