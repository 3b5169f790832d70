"""Settings as values: documents that have a place in the tree of namespaces, and what a kind of them declares.

A setting is found by its kind, its path and its name. The path is that of a node of the tree, `` for the registry as a
whole; it counts for that node, for everything below it, and for the repository of that name.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from orlop.domain.access.actions import Action
from orlop.domain.errors import RegistryError, RequestInvalid
from orlop.domain.fields import refuse_unknown
from orlop.domain.names import RepositoryName

#: What stands beside a body that is flat.
BESIDE = frozenset({"kind", "at", "name", "builtin", "version"})

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?", re.ASCII)


class Holds(StrEnum):
    """Which of the settings of a kind hold where several cover a place."""

    NEAREST = "nearest"
    """Those of the nearest node that has any: what is below takes the place of what is above."""
    ALL = "all"
    """All of them: nothing below loosens what is above."""


class SpeaksFor(msgspec.Struct, frozen=True):
    """Whom a setting lets somebody else sign in as, or fill with people of their choice."""

    accounts: tuple[str, ...] = ()
    source: str = ""
    """A sign-on provider: every account and every group of it."""
    authority: str = ""
    """Of the accounts of `source` those that this identity of it vouches for, and those whose authority is not known:
    it vouches for them, too."""
    actions: frozenset[Action] = frozenset()
    """What it gives to accounts that it does not name, anywhere."""


class Ends(msgspec.Struct, frozen=True):
    """When a setting ends by itself, and when an event tells of that before; in microseconds since 1970. `remind_at` 0:
    none does."""

    remind_at: int
    ends_at: int


#: Whom a setting speaks for that lets nobody in.
NOBODY = SpeaksFor()


def nobody(name: str, before: Any, after: Any) -> SpeaksFor:
    """What a kind says whose settings let nobody sign in, and give nobody anything."""
    return NOBODY


def _nothing(name: str, body: Any) -> None:
    return None


def endless(body: Any) -> Ends | None:
    """What a kind says whose settings never end by themselves."""
    return None


def silent(path: str, before: Any, after: Any) -> frozenset[Action]:
    """What a kind says whose settings have nobody learn anything."""
    return frozenset()


def lending_nothing(before: Any, after: Any) -> Mapping[str, frozenset[Action]]:
    """What a kind says whose settings have nobody do anything in another place."""
    return {}


def mentioning_nothing(body: Any) -> Mapping[str, Sequence[str]]:
    """What a kind says whose settings name none of other kinds."""
    return {}


class SettingKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of settings, declared once: routes, commands, `apply`, audit, rights and reference follow from it."""

    kind: str
    """In commands and documents, such as `tag-rule`."""
    plural: str
    """In addresses, such as `tag-rules`."""
    text: str
    """What it is, as a sentence for people."""
    body: Any
    """The type of a body: a struct, or a union of structs that a field tells apart."""
    speaks_for: Callable[[str, Any, Any], SpeaksFor]
    """Whom a setting of this name speaks for that it did not speak for before: name, body before (None: there was none
    that can be read), body now. To write it takes the right to everything that they may do."""
    tells: Callable[[str, Any, Any], frozenset[Action]] = silent
    """What somebody else learns by a setting that did not before: its path, its body before (None: there was none that
    can be read) and now. To write it takes the right to these everywhere in its place; `admin` stands for the audit log
    of the place."""
    lends: Callable[[Any, Any], Mapping[str, frozenset[Action]]] = lending_nothing
    """What others do in other places by a setting that they did not before, by node: its body before (None: there was
    none that can be read) and now. To write it takes the right to these everywhere in each of the places."""
    lending: str = "shows"
    """What it does with what it lends, as a word of a sentence."""
    ends: Callable[[Any], Ends | None] = endless
    """When one with this body ends by itself: an event tells of that, and one before. It is left where it is."""
    placed: bool = True
    """Whether it has a place; without, it is of the registry as a whole, and `path` is always empty."""
    holds: Holds = Holds.NEAREST
    read: Action | None = Action.POLICY_EDIT
    """What seeing it needs at its place; None: to be signed in. Those who rule or audit the registry see everything."""
    change: Action = Action.POLICY_EDIT
    """What making, changing and removing it needs at its place."""
    rights: bool = False
    """Whether a change may change who may do what, so that nobody remembers rights over it."""
    secrets: frozenset[str] = frozenset()
    """Fields whose text is a secret unless it says where one is kept (`env:NAME`, `file:PATH`); at any depth."""
    destination: Callable[[Any], object] | None = None
    """Where the secrets of a body are sent. A secret that was given for one place is not kept for another."""
    check: Callable[[str, Any], None] = _nothing
    """Raises ValueError for a name and a body that its type lets pass and that still make no sense."""
    among: Callable[[str, Any, Sequence[tuple[str, Any]]], None] | None = None
    """Raises ValueError for a path and a body that make no sense beside those of its kind that there are, each with its
    path; None: each stands for itself. For kinds of which there are few."""
    mentions: Callable[[Any], Mapping[str, Sequence[str]]] = mentioning_nothing
    """Settings of other kinds that a body names, by kind: when it is written each has to be there, at its place or
    above it."""
    built_in: Mapping[str, Any] = {}
    """Those that are always there and never change, by name; listed first, in this order, and of version 0."""
    flat: bool = False
    """Whether the fields of its body stand beside its name, in documents and in answers of the API."""
    most: int = 1_000
    """How many of it a node has at most: those that hold somewhere are read as a whole."""
    fares: bool = False
    """Whether something is to be said of how one fares: at `/{plural}/{name}/status`, and where one is shown."""
    behind: str = ""
    """The field, a list, whose values stand behind the name in the command that sets it."""

    def __post_init__(self) -> None:
        if self.secrets and self.destination is None:
            raise TypeError(f"say where the secrets of a {self.kind} go")

    def parse(self, name: str, body: dict[str, Any]) -> Any:
        """A body in its type. Raises RequestInvalid."""
        refuse_unknown(self.body, body)
        try:
            parsed = msgspec.convert(body, self.body)
            self.check(name, parsed)
        except msgspec.ValidationError as error:
            raise RequestInvalid(f"the {self.kind} {name} is not valid: {error}") from error
        except ValueError as error:
            raise RequestInvalid(str(error), {"name": name[:160]}) from error
        return parsed

    def built_in_after(self, after: str) -> tuple[list[str], str]:
        """The built-in ones that follow a key in a list, and the key that the others follow."""
        names = list(self.built_in)
        name = after.removeprefix(":")
        if after and name not in names:
            return [], after
        return names[names.index(name) + 1 :] if after else names, ""

    def nested(self, flat: dict[str, Any]) -> dict[str, Any]:
        """A document, or an answer of the API, with its body as such where that stands beside the name."""
        if not self.flat or "body" in flat:
            return flat
        body = {name: value for name, value in flat.items() if name not in BESIDE}
        return {name: value for name, value in flat.items() if name in BESIDE} | {"body": body}

    def where(self, path: str) -> str:
        """The place in words: ` of team/`; nothing for what has none."""
        return f" of {place_words(path)}" if self.placed else ""


def place_words(path: str) -> str:
    """A place as people type it: `team/`, and `/` for the registry."""
    return f"{path}/"


def is_name(text: str) -> bool:
    """Whether a setting may be called so."""
    return _NAME.fullmatch(text) is not None


def checked_name(kind: str, name: str) -> str:
    """The name of a setting. Raises RequestInvalid."""
    if not _NAME.fullmatch(name):
        raise RequestInvalid(
            f"a {kind}'s name is 1 to 63 lower-case letters, digits and . _ - with none of these at an end",
            {"name": name[:160]},
        )
    return name


def checked_path(path: str) -> str:
    """The path of a node of the tree, `` for the root; it has the grammar of a repository's name. Raises
    RequestInvalid."""
    if not path:
        return path
    try:
        return str(RepositoryName(path))
    except RegistryError as error:
        raise RequestInvalid(f"{path[:160]!r} is no namespace: {error.message}", {"path": path[:160]}) from error
