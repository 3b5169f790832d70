"""Rules for tags: which of them stay what they were pointed at first, who may change them, and how they are named."""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.access.membership import is_principal
from orlop.domain.access.patterns import is_pattern, pattern
from orlop.domain.names import Tag, is_referrers_tag
from orlop.domain.settings import Holds, SettingKind, nobody

Patterns = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=128)], ...], Meta(max_length=64)]
Principals = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=134)], ...], Meta(max_length=64)]

#: Stands for nobody at all where a rule names who may.
NOBODY = "nobody"

_NUMBER, _WORD = "(?:0|[1-9][0-9]*)", "(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
#: Semantic Versioning 2.0.0, section 2 and 9; a tag has no plus sign, and so no build metadata. A `v` may come first.
_SEMVER = re.compile(rf"v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_WORD}(?:\.{_WORD})*)?", re.ASCII)
_SEMVER_BEGINS = re.compile(r"v?(?:[0-9].*)?", re.ASCII)


class TagRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What tags may become, by their names. Rules of a namespace and of all above it hold together."""

    tags: Annotated[Patterns, Meta(description="Patterns of the tags that the rule is about; `*` is any characters.")]
    exclude: Annotated[Patterns, Meta(description="Patterns of tags that it is not about.")] = msgspec.field(
        default=(), name="except"
    )
    immutable: Annotated[
        bool,
        Meta(description="A tag stays what it points at: it is neither moved nor removed, but may be pushed again."),
    ] = False
    may_create: Annotated[
        Principals,
        Meta(
            description="Nobody else may set a tag that is not there: names of users and robots, `group:NAME`, "
            "`role:NAME`, or `nobody`. Empty: whoever has the right."
        ),
    ] = ()
    may_move: Annotated[Principals, Meta(description="Nobody else may point a tag at something else.")] = ()
    may_remove: Annotated[Principals, Meta(description="Nobody else may remove a tag.")] = ()
    names: Annotated[
        Patterns, Meta(description="A tag that is set or moved matches one of these patterns. Empty: any name.")
    ] = ()
    semver: Annotated[
        bool, Meta(description="A tag that is set or moved is a semantic version, such as `1.4.0` or `v1.4.0-rc.1`.")
    ] = False

    def __post_init__(self) -> None:
        if not self.tags:
            raise ValueError("tags: name at least one pattern, such as v*")
        for text in (*self.tags, *self.exclude, *self.names):
            if not is_pattern(text):
                raise ValueError(f"{text!r} is no pattern of tags: letters, digits, . _ - and the wildcard *")
        for text in (*self.may_create, *self.may_move, *self.may_remove):
            if text != NOBODY and not is_principal(text):
                raise ValueError(
                    f"{text!r} names nobody: write a user, a robot as robot+NAME, group:NAME, role:NAME, or nobody"
                )
        self._refuse_contradictions()

    def _refuse_contradictions(self) -> None:
        for field in ("may_create", "may_move", "may_remove"):
            named = getattr(self, field)
            if NOBODY in named and len(named) > 1:
                raise ValueError(f"{field}: nobody stands alone, or is left out")
        if self.immutable and (self.may_move or self.may_remove):
            raise ValueError("an immutable tag is moved and removed by nobody: leave may_move and may_remove out")
        if not (self.immutable or self.may_create or self.may_move or self.may_remove or self.names or self.semver):
            raise ValueError("the rule would say nothing of its tags: set immutable, who may, or how they are named")
        beginnings = [pattern(text).prefix for text in self.tags]
        if self.names and not any(
            one.startswith(other) or other.startswith(one)
            for one in beginnings
            for other in (pattern(text).prefix for text in self.names)
        ):
            raise ValueError("no tag could be set: none that the rule is about matches one of its names")
        if self.semver and not any(_SEMVER_BEGINS.fullmatch(beginning) for beginning in beginnings):
            raise ValueError("no tag could be set: none that the rule is about is a semantic version")

    def without(self, principal: str) -> "TagRule":
        """The rule for when somebody whom it names is gone: whoever has their name later is not meant. Where it named
        nobody else there is nobody who may: no rule is loosened by the end of an account."""

        def left(named: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(each for each in named if each != principal) or (named and (NOBODY,))

        return msgspec.structs.replace(
            self, may_create=left(self.may_create), may_move=left(self.may_move), may_remove=left(self.may_remove)
        )

    def concerns(self, tag: Tag) -> bool:
        """Whether the rule is about a tag. It is about no tag under which clients list referrers (distribution-spec,
        "Referrers Tag Schema"): those are appended to by pushing them anew."""
        if is_referrers_tag(tag) or any(pattern(text).matches(tag) for text in self.exclude):
            return False
        return any(pattern(text).matches(tag) for text in self.tags)

    def misnamed(self, tag: Tag) -> str:
        """What is wrong with the name of a tag that the rule is about, as half a sentence; empty: nothing."""
        if self.semver and not _SEMVER.fullmatch(tag):
            return "it is no semantic version, such as 1.4.0 or v1.4.0-rc.1"
        if self.names and not any(pattern(text).matches(tag) for text in self.names):
            return f"it matches none of {', '.join(self.names)}"
        return ""


#: Rules for tags as settings. Whoever may pull may see why a push is refused.
TAG_RULES = SettingKind(
    kind="tag-rule",
    plural="tag-rules",
    text="Rules for tags: which of them stay what they are, who may change them, and how they are named.",
    body=TagRule,
    speaks_for=nobody,
    holds=Holds.ALL,
    read=Action.PULL,
)
