"""Lists of the tags of one repository: their orders, what they are filtered by, and where a page goes on."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from orlop.domain.access.patterns import is_pattern, pattern
from orlop.domain.content_kinds import ContentKind
from orlop.domain.descriptor import Platform
from orlop.domain.errors import PageInvalid, RequestInvalid
from orlop.domain.platforms import matches
from orlop.domain.retention.versions import Version, version

_NUMBER_MOST = 19


class TagOrder(StrEnum):
    """All but the first begin with the greatest; what is alike goes by name then, backwards."""

    NAME = "name"
    NEWEST = "newest"
    """By when the tag was last pointed at something."""
    PULLED = "pulled"
    """By the last pull of what the tag points at, under whatever name; what nobody pulled comes last."""
    LARGEST = "largest"
    VERSION = "version"
    """By Semantic Versioning 2.0.0, section 11; tags that are no versions come last."""


class Releases(StrEnum):
    """Which tags, by whether they are versions that are no pre-releases."""

    ONLY = "releases"
    NONE = "others"


class TagFilter(msgspec.Struct, frozen=True):
    """What a tag has to be; empty: anything. `kind`: a ContentKind, or a media type or artifact type."""

    name: str = ""
    kind: str = ""
    platform: Platform | None = None
    releases: Releases | None = None

    def __post_init__(self) -> None:
        if self.name and not is_pattern(self.name):
            raise RequestInvalid(
                f"{self.name[:160]!r} is no pattern of tags: letters, digits, . _ - and the wildcard *",
                {"name": self.name[:160]},
            )

    @property
    def prefix(self) -> str:
        """What every name that fits begins with."""
        return pattern(self.name).prefix if self.name else ""

    @property
    def looks_inside(self) -> bool:
        """Whether names alone do not tell."""
        return bool(self.kind) or self.platform is not None

    def names(self, tag: str) -> bool:
        """Whether the name of a tag fits."""
        if self.name and not pattern(self.name).matches(tag):
            return False
        if self.releases is None:
            return True
        found = version(tag)
        return (found is not None and found.is_release) is (self.releases is Releases.ONLY)

    def kinds(self, kind: ContentKind, media_type: str, artifact_type: str) -> bool:
        """Whether what it points at is of the kind."""
        return not self.kind or self.kind in (kind, media_type, artifact_type)

    def runs(self, platforms: tuple[Platform, ...]) -> bool:
        """Whether it has an image for the platform."""
        return self.platform is None or any(matches(self.platform, offered) for offered in platforms)


class Rank(NamedTuple):
    """Where a tag stands in an order: the greatest first, but for names."""

    number: int
    version: tuple[bool, Version | None]
    name: str


_NO_VERSION = (False, None)


def rank(order: TagOrder, name: str, number: int) -> Rank:
    """`number`: what the order goes by, but for names and versions."""
    if order is TagOrder.VERSION:
        found = version(name)
        return Rank(0, (found is not None, found), name)
    return Rank(number if order is not TagOrder.NAME else 0, _NO_VERSION, name)


def place(order: TagOrder, name: str, number: int) -> str:
    """Where a list goes on after a tag: its name, or NUMBER:NAME."""
    return name if order in (TagOrder.NAME, TagOrder.VERSION) else f"{number}:{name}"


def parse_place(order: TagOrder, text: str) -> Rank | None:
    """None: from the beginning. Raises PageInvalid."""
    if not text:
        return None
    if order in (TagOrder.NAME, TagOrder.VERSION):
        return rank(order, text, 0)
    number, colon, name = text.partition(":")
    if not colon or not number.isascii() or not number.isdecimal() or len(number) >= _NUMBER_MOST:
        raise PageInvalid("this list goes on after NUMBER:TAG, as its link says", {"after": text[:64]})
    return rank(order, name, int(number))
