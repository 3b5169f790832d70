"""Rules for tags: which of them stay what they were pointed at first."""

from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.access.patterns import is_pattern, pattern
from orlop.domain.names import Tag, is_referrers_tag
from orlop.domain.settings import Holds, SettingKind, nobody

Patterns = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=128)], ...], Meta(max_length=64)]


class TagRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What tags may become, by their names. Rules of a namespace and of all above it hold together."""

    tags: Annotated[Patterns, Meta(description="Patterns of the tags that the rule is about; `*` is any characters.")]
    exclude: Annotated[Patterns, Meta(description="Patterns of tags that it is not about.")] = msgspec.field(
        default=(), name="except"
    )
    immutable: Annotated[
        bool,
        Meta(description="A tag stays what it points at: it is neither moved nor removed, but may be pushed again."),
    ] = False

    def __post_init__(self) -> None:
        if not self.tags:
            raise ValueError("tags: name at least one pattern, such as v*")
        for text in (*self.tags, *self.exclude):
            if not is_pattern(text):
                raise ValueError(f"{text!r} is no pattern of tags: letters, digits, . _ - and the wildcard *")
        if not self.immutable:
            raise ValueError("the rule would say nothing of its tags: set immutable, or remove the rule")

    def concerns(self, tag: Tag) -> bool:
        """Whether the rule is about a tag. It is about no tag under which clients list referrers (distribution-spec,
        "Referrers Tag Schema"): those are appended to by pushing them anew."""
        if is_referrers_tag(tag) or any(pattern(text).matches(tag) for text in self.exclude):
            return False
        return any(pattern(text).matches(tag) for text in self.tags)


#: Rules for tags as settings. Whoever may pull may see why a push is refused.
TAG_RULES = SettingKind(
    kind="tag-rule",
    plural="tag-rules",
    text="Rules for tags: which of them stay what they are.",
    body=TagRule,
    speaks_for=nobody,
    holds=Holds.ALL,
    read=Action.PULL,
)
