"""Quotas: how much may lie below a node of the namespaces, and the sentence of a push that there is no room for."""

from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.errors import Denied, Refused
from orlop.domain.settings import Holds, SettingKind, nobody, place_words
from orlop.domain.sizes import size_of, size_words

Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Size = Annotated[str, Meta(max_length=32)]


class Usage(msgspec.Struct, frozen=True):
    """How much lies somewhere. Each blob counts once in `stored_bytes`, whoever holds it there; in `logical_bytes` once
    for each repository that does."""

    stored_bytes: int = 0
    logical_bytes: int = 0
    tags: int = 0
    manifests: int = 0
    repositories: int = 0
    cached_bytes: int = 0
    """What caches of upstreams hold of it, each blob once. Of the registry as a whole, and at and below the node of an
    upstream, it is part of the other numbers; above that it lies beside them. No quota limits it."""

    def plus(self, other: "Usage", times: int = 1) -> "Usage":
        """The sum; with `times` -1 the difference."""
        return Usage(*(mine + times * theirs for mine, theirs in zip(self.each(), other.each(), strict=True)))

    def each(self) -> tuple[int, int, int, int, int, int]:
        """The numbers, in the order of the fields."""
        return (
            self.stored_bytes,
            self.logical_bytes,
            self.tags,
            self.manifests,
            self.repositories,
            self.cached_bytes,
        )


class Quota(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How much a namespace, or a repository, may hold. Quotas of a namespace and of all above it hold together."""

    bytes: Annotated[
        Size,
        Meta(
            description="As in `50GiB` or `1.5TB`: of all that is stored there, where each blob counts once, whoever "
            "holds it there. Empty: any number."
        ),
    ] = ""
    logical_bytes: Annotated[
        Size,
        Meta(description="As in `200GiB`: the sum of what its repositories hold, also what several share. Empty: any."),
    ] = ""
    tags: Annotated[Count, Meta(description="So many tags at most. 0: any number.")] = 0
    manifests: Annotated[Count, Meta(description="So many manifests at most. 0: any number.")] = 0
    repositories: Annotated[Count, Meta(description="So many repositories at most. 0: any number.")] = 0
    warn: Annotated[
        int, Meta(ge=0, le=99, description="An event tells when so many percent are reached. 0: none does.")
    ] = 0

    def __post_init__(self) -> None:
        for field, text in (("bytes", self.bytes), ("logical_bytes", self.logical_bytes)):
            try:
                size = size_of(text) if text else 1
            except ValueError as error:
                raise ValueError(f"{field}: {error}") from error
            if not size:
                raise ValueError(f"{field}: nothing could be stored; leave it out for any number")
        if not any(self.limits.each()):
            raise ValueError("the quota limits nothing: give bytes, logical_bytes, tags, manifests or repositories")

    @property
    def limits(self) -> Usage:
        """What it limits; 0: it does not."""
        return Usage(
            size_of(self.bytes) if self.bytes else 0,
            size_of(self.logical_bytes) if self.logical_bytes else 0,
            self.tags,
            self.manifests,
            self.repositories,
        )


class Room(msgspec.Struct, frozen=True):
    """A quota that covers a repository: how much room there is for what is pushed there."""

    name: str
    path: str
    """The node that it is about."""
    limits: Usage
    warn: int = 0

    @property
    def words(self) -> str:
        """`the quota team of team/`."""
        return f"the quota {self.name} of {place_words(self.path)}"


class Crossing(msgspec.Struct, frozen=True):
    """A threshold that a push reached: of what, how much there is now, and how much there may be."""

    room: Room
    what: str
    used: int
    limit: int

    @property
    def words(self) -> str:
        """As an event tells it."""
        return (
            f"{self.room.words}: {amount(self.what, self.used)} of {amount(self.what, self.limit)} are in use,"
            f" {self.used * 100 // self.limit} %"
        )


def fit(room: Room, before: Usage, added: Usage, reserved: int, repository: str) -> tuple[Crossing, ...]:
    """What becomes of a push that adds so much to what is there, beside the bytes of uploads under way: the thresholds
    that it reaches. Raises Denied where there is no room.

    What makes nothing more is never refused, however little room there is.
    """
    crossings = []
    after = before.plus(added)
    for what, limit, was, more, now in zip(
        Usage.__struct_fields__, room.limits.each(), before.each(), added.each(), after.each(), strict=True
    ):
        held = reserved if what in _IN_BYTES else 0
        if not limit or more <= 0:
            continue
        if now + held > limit:
            raise no_room(room, what, was, more, held, repository)
        mark = limit * room.warn
        if room.warn and was * 100 < mark <= now * 100:
            crossings.append(Crossing(room, what, now, limit))
    return tuple(crossings)


def no_room(room: Room, what: str, used: int, more: int, held: int, repository: str) -> Denied:
    """What a push is told that there is no room for, with the figures."""
    limit = getattr(room.limits, what)
    under_way = f", {amount(what, held)} are held for uploads under way" if held else ""
    denied = Denied(
        f"{room.words} is {amount(what, limit)}{_MEANING.get(what, '')}, {amount(what, used)} are in use{under_way},"
        f" and this push needs {amount(what, more)} more; remove what nobody needs, or ask whoever rules the registry"
        " for more room",
        {"quota": room.name, "path": room.path, "of": what, "limit": limit, "used": used, "needed": more, "held": held},
        kind=QUOTAS.kind,
    )
    denied.refused = Refused(Action.PUSH_NEW.value, repository, room.words)
    return denied


_IN_BYTES = frozenset({"stored_bytes", "logical_bytes"})
_MEANING = {"logical_bytes": " of logical bytes"}


def amount(what: str, number: int) -> str:
    """So many of what a quota limits, in words."""
    if what in _IN_BYTES:
        return size_words(number)
    return f"{number} {what if number != 1 else _ONE[what]}"


_ONE = {"tags": "tag", "manifests": "manifest", "repositories": "repository"}

#: Quotas as settings: nobody widens their own, and whoever may pull may see why a push is refused.
QUOTAS = SettingKind(
    kind="quota",
    plural="quotas",
    text="Quotas: how much a namespace or a repository may hold, and when somebody is warned.",
    body=Quota,
    speaks_for=nobody,
    holds=Holds.ALL,
    read=Action.PULL,
    change=Action.SYSTEM,
    most=20,
)
