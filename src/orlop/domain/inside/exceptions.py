"""Exceptions: findings that somebody accepts, for a reason, in a place, until a day."""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.access.patterns import is_pattern, pattern
from orlop.domain.days import day_number
from orlop.domain.durations import DAY
from orlop.domain.inside.wildcards import matches_words
from orlop.domain.names import REPOSITORY_MAX
from orlop.domain.settings import Ends, Holds, SettingKind, nobody

Ids = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...], Meta(max_length=256)]
Packages = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=512)], ...], Meta(max_length=256)]
Licences = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=512)], ...], Meta(max_length=256)]
Images = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=REPOSITORY_MAX + 129)], ...], Meta(max_length=64)]

#: An id of an advisory, in whatever collection: `CVE-2021-44228`, `GHSA-jfh8-c2jp-5v3q`, `DSA-5022-1`.
_ID = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-:][A-Za-z0-9._]+)+", re.ASCII)
#: A package URL without version, qualifiers and subpath; `*` stands for anything within it.
_PACKAGE = re.compile(r"pkg:[a-z][a-z0-9.+-]*/[A-Za-z0-9._~%:/*+-]+", re.ASCII)


class FindingException(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is accepted: of these advisories, in these packages, in these images. Each list narrows what the others say;
    one that is empty narrows nothing."""

    cves: Annotated[Ids, Meta(description="Ids of advisories, or other names of them, such as CVE-2021-44228.")] = ()
    packages: Annotated[
        Packages,
        Meta(
            description="Package URLs without a version, such as pkg:maven/org.apache.logging.log4j/log4j-core; `*` is "
            "anything."
        ),
    ] = ()
    licences: Annotated[
        Licences,
        Meta(
            description="Licences, or words that a package declares instead, of what a licence-rule finds, such as "
            "AGPL-*; `*` is anything. Without any it is about advisories alone."
        ),
    ] = ()
    images: Annotated[
        Images,
        Meta(
            description="Patterns of repositories from the place of the exception on, or of a repository and a tag, "
            "such as app-test* or app:1.*; at a repository of the last part of its name. `*` is anything. Empty: all "
            "images there."
        ),
    ] = ()
    until: Annotated[
        str,
        Meta(
            min_length=10,
            max_length=10,
            description="The last day on which it holds, UTC, such as 2027-01-31.",
        ),
    ]
    reason: Annotated[
        str, Meta(min_length=3, max_length=1_000, description="Why it is accepted: shown with a finding.")
    ]

    remind: Annotated[
        int, Meta(ge=0, le=365, description="So many days before it ends an event tells of that; 0: none does.")
    ] = 7

    def __post_init__(self) -> None:
        if not (self.cves or self.packages or self.licences):
            raise ValueError("the exception would accept whatever is found: name cves, packages or licences")
        if self.cves and self.licences:
            raise ValueError("an exception is about advisories or about licences: write two")
        for text in self.cves:
            if not _ID.fullmatch(text):
                raise ValueError(f"{text!r} is no id of an advisory: write it as in CVE-2021-44228")
        for text in self.packages:
            if not _PACKAGE.fullmatch(text):
                raise ValueError(
                    f"{text!r} is no package URL without a version: write it as in pkg:pypi/django or pkg:deb/debian/*"
                )
        for text in self.images:
            repository, _, tag = text.partition(":")
            if not is_pattern(repository) or (":" in text and not is_pattern(tag)):
                raise ValueError(f"{text!r} is no pattern of repositories, nor of one and a tag: write app* or app:1.*")
        if not self.reason.strip():
            raise ValueError("reason: say why it is accepted")
        _day(self.until)

    @property
    def ends_at(self) -> int:
        """When it does not hold any more: the end of its last day, in microseconds since 1970."""
        return (_day(self.until) + 1) * DAY

    def holds(self, now: int) -> bool:
        """Whether it still holds."""
        return now < self.ends_at

    @property
    def remind_at(self) -> int:
        """When an event tells that it ends soon, in microseconds since 1970; 0: none does."""
        return max(0, self.ends_at - self.remind * DAY) if self.remind else 0

    def accepts_licence(self, licence: str, package: str) -> bool:
        """Whether it is about a licence, as an expression or as declared, of a package by its URL without a version."""
        if not any(matches_words(text.lower(), licence.lower()) for text in self.licences):
            return False
        return not self.packages or any(matches_words(text, package) for text in self.packages)

    def accepts(self, ids: frozenset[str], package: str) -> bool:
        """Whether it is about an advisory with these ids, and a package by its URL without a version."""
        if self.licences or (self.cves and ids.isdisjoint(self.cves)):
            return False
        return not self.packages or any(matches_words(text, package) for text in self.packages)

    def covers(self, place: str, repository: str, tags: frozenset[str]) -> bool:
        """Whether it is about an image of a repository, which has these tags, when it is set at a place. At a
        repository, images are named by the last part of its name."""
        above = place.rpartition("/")[0] if place == repository else place
        within = repository.removeprefix(f"{above}/") if above else repository
        return not self.images or any(_covers(text, within, tags) for text in self.images)


def _covers(text: str, within: str, tags: frozenset[str]) -> bool:
    repository, _, tag = text.partition(":")
    if not pattern(repository, separator="").matches(within):
        return False
    return not tag or any(pattern(tag).matches(each) for each in tags)


def _day(text: str) -> int:
    """The day in days since 1970. Raises ValueError."""
    try:
        return day_number(text)
    except ValueError as error:
        raise ValueError(f"until: {error}") from error


#: Exceptions as settings. Whoever may pull may see why a finding is accepted.
EXCEPTIONS = SettingKind(
    kind="exception",
    plural="exceptions",
    text="Exceptions: findings that are accepted, why, and until when.",
    body=FindingException,
    speaks_for=nobody,
    holds=Holds.ALL,
    read=Action.PULL,
    most=1_000,
    ends=lambda body: Ends(body.remind_at, body.ends_at),
)
