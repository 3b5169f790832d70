"""Rules for how long images stay, as settings: what they may delete, and what they keep whatever another one says."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.access.patterns import is_pattern
from orlop.domain.durations import span
from orlop.domain.errors import RequestInvalid
from orlop.domain.platforms import parse_platform
from orlop.domain.retention.versions import VersionRange
from orlop.domain.settings import Holds, SettingKind, nobody

#: The share of all tags, in percent, of which a plan may delete more only if a person confirms it.
BRAKE = 50

Span = Annotated[str, Meta(max_length=16)]
Texts = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=255)], ...], Meta(max_length=64)]


class Per(StrEnum):
    """Within what the newest are counted."""

    REPOSITORY = "repository"
    CHANNEL = "channel"
    """`build` of `build-917`, see `versions.channel`."""
    MINOR = "minor"
    """`1.4` of `1.4.2`; a tag that is no semantic version is of none, and not counted."""


class Selector(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which tags are meant: those of which everything that is said holds."""

    repositories: Annotated[
        Texts,
        Meta(description="Patterns of names: `*` is anything within a component, `**` anything at all. Empty: any."),
    ] = ()
    tags: Annotated[Texts, Meta(description="Patterns of tags; `*` is any characters. Empty: any.")] = ()
    exclude: Annotated[Texts, Meta(description="Patterns of tags that are not meant.")] = msgspec.field(
        default=(), name="except"
    )
    channels: Annotated[
        Texts, Meta(description="`build` is that of `build-917`, `rc` of `1.5.0-rc.1`, `release` of `1.4.2`.")
    ] = ()
    semver: Annotated[
        str, Meta(max_length=128, description="A range of semantic versions: `>=1.4 <2`, `1.*`, `*` for any of them.")
    ] = ""
    platforms: Annotated[Texts, Meta(description="One of these is among those of the index: `linux/arm64`.")] = ()
    artifact_types: Annotated[Texts, Meta(description="What it is, by artifact or config type.")] = ()
    labels: Annotated[
        dict[str, str], Meta(max_length=16, description="Labels of the digest, each with its value; `*` is any.")
    ] = {}
    pushed_within: Annotated[Span, Meta(description="The tag was set to what it points at within so long: `30d`.")] = ""
    not_pushed_within: Annotated[Span, Meta(description="It was set before that.")] = ""
    pulled_within: Annotated[
        Span, Meta(description="Its digest, by whatever name, or a child of its index was pulled within so long.")
    ] = ""
    not_pulled_within: Annotated[Span, Meta(description="It was neither pulled nor pushed within so long.")] = ""

    def __post_init__(self) -> None:
        for text in (*self.repositories, *self.tags, *self.exclude):
            if not is_pattern(text):
                raise ValueError(f"{text!r} is no pattern: letters, digits, . _ - / and the wildcard *")
        for text in (self.pushed_within, self.not_pushed_within, self.pulled_within, self.not_pulled_within):
            if text:
                span(text)
        for text in self.platforms:
            try:
                parse_platform(text)
            except RequestInvalid as error:
                raise ValueError(error.message) from error
        if self.semver:
            VersionRange(self.semver)
        for what in ("pushed", "pulled"):
            within, before = getattr(self, f"{what}_within"), getattr(self, f"not_{what}_within")
            if within and before and span(within) <= span(before):
                raise ValueError(f"no tag was {what} within {within} and not within {before}")

    @property
    def is_timed(self) -> bool:
        """Whether what was pushed just now may not be meant."""
        return bool(self.not_pushed_within or self.not_pulled_within)

    @property
    def is_about_tags(self) -> bool:
        """Whether it says something of the name of a tag, so that what has none is not meant."""
        return bool(self.tags or self.exclude or self.channels or self.semver)


class Keeping(Selector, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which tags are kept."""

    newest: Annotated[int, Meta(ge=0, le=1_000_000, description="Only so many of them, those set last. 0: all.")] = 0
    per: Annotated[Per, Meta(description="So many of each repository, of each channel, or of each `major.minor`.")] = (
        Per.REPOSITORY
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.per is not Per.REPOSITORY and not self.newest:
            raise ValueError(f"per {self.per} is said of how many: give newest")


class RetentionRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How long images stay. Rules of a namespace and of all above it hold together; what one keeps, none deletes."""

    delete: Annotated[
        tuple[Selector, ...], Meta(max_length=64, description="Which tags go, unless something keeps them.")
    ] = ()
    keep: Annotated[
        tuple[Keeping, ...], Meta(max_length=64, description="Which tags stay, whatever any rule deletes.")
    ] = ()
    untagged_after: Annotated[
        Span,
        Meta(
            description="Manifests go that no tag, index or subject has led to for so long: `7d`. Empty: with the last"
            " tag that a rule deletes; others stay."
        ),
    ] = ""
    brake: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="A plan that deletes more than this share of all tags, in percent, waits for a person.",
        ),
    ] = BRAKE

    def __post_init__(self) -> None:
        if self.untagged_after:
            span(self.untagged_after)
        if not (self.delete or self.keep or self.untagged_after):
            raise ValueError("the rule would say nothing: give delete, keep or untagged_after")
        if self.delete and not self.keep and any(not selector.is_timed for selector in self.delete):
            raise ValueError(
                "the rule would keep nothing, not even what was pushed a moment ago: say what to keep, such as"
                " newest: 20, or how old it is before it goes, by not_pushed_within or not_pulled_within"
            )


#: Rules for retention as settings. Whoever may pull may see when what they pull goes.
RETENTION = SettingKind(
    kind="retention",
    plural="retention-rules",
    text="How long images stay: rules that delete and keep tags, previewed and applied as plans.",
    body=RetentionRule,
    speaks_for=nobody,
    holds=Holds.ALL,
    read=Action.PULL,
    most=50,
)
