"""Rules for repositories: how those that are made are named."""

from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.access.patterns import is_pattern, pattern
from orlop.domain.names import REPOSITORY_MAX
from orlop.domain.settings import Holds, SettingKind, nobody

Texts = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=REPOSITORY_MAX)], ...], Meta(max_length=64)]


class RepositoryRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How repositories are named that are made from now on. Rules of a namespace and of all above it hold together."""

    names: Annotated[
        Texts,
        Meta(
            description="The name matches one of these patterns: `*` is anything within a component, `**` anything at "
            "all. Empty: any name."
        ),
    ] = ()
    depth: Annotated[int, Meta(ge=0, le=128, description="The name has so many components at most. 0: any number.")] = 0
    reserved: Annotated[Texts, Meta(description="No component is one of these words.")] = ()

    def __post_init__(self) -> None:
        for text in self.names:
            if not is_pattern(text):
                raise ValueError(f"{text!r} is no pattern of repositories: letters, digits, . _ - / and the wildcard *")
        for word in self.reserved:
            if "/" in word or "*" in word or not is_pattern(word):
                raise ValueError(f"{word!r} is no component of a name: reserve words such as latest, without / and *")
        if self.names and self.depth and all(text.count("/") >= self.depth for text in self.names):
            raise ValueError(f"no repository could be made: every name has more than {self.depth} components")
        if not (self.names or self.depth or self.reserved):
            raise ValueError("the rule would say nothing of repositories: give names, depth or reserved")

    def misnamed(self, repository: str) -> str:
        """What is wrong with a name, as half a sentence; empty: nothing."""
        components = repository.split("/")
        if self.names and not any(pattern(text, separator="/").matches(repository) for text in self.names):
            return f"the name matches none of {', '.join(self.names)}"
        if self.depth and len(components) > self.depth:
            return f"the name has {len(components)} components, and {self.depth} are allowed"
        found = next((word for word in components if word in self.reserved), "")
        return f"{found} is reserved" if found else ""


#: Rules for repositories as settings. Whoever may pull may see why a push is refused.
REPOSITORY_RULES = SettingKind(
    kind="repository-rule",
    plural="repository-rules",
    text="Rules for repositories: how those that are made are named.",
    body=RepositoryRule,
    speaks_for=nobody,
    holds=Holds.ALL,
    read=Action.PULL,
)
