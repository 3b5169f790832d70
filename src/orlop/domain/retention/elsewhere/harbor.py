"""Tag retention rules of Harbor, as JSON."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from orlop.domain.access.patterns import is_pattern, pattern
from orlop.domain.retention.elsewhere.policy import Image, Translation, finished, images, older, tags_of, without_empty
from orlop.domain.retention.elsewhere.texts import braces
from orlop.domain.retention.inventory import Inventory


class _Selector(msgspec.Struct, frozen=True):
    decoration: str
    pattern: str
    kind: str = "doublestar"
    extras: str = ""

    @property
    def excludes(self) -> bool:
        """Rather than matches."""
        return self.decoration.endswith("xcludes")

    @property
    def takes_untagged(self) -> bool:
        """Whether it means what has no tag, too."""
        return '"untagged":true' in self.extras.replace(" ", "")

    def names(self, text: str, separator: str = "") -> bool:
        """Whether it means a tag, or a repository where components are separated."""
        return any(pattern(one, separator=separator).matches(text) for one in braces(self.pattern)) != self.excludes


class _Rule(msgspec.Struct, frozen=True):
    template: str
    params: dict[str, int] = {}
    tag_selectors: tuple[_Selector, ...] = ()
    scope_selectors: dict[str, tuple[_Selector, ...]] = {}
    action: str = "retain"
    disabled: bool = False

    @property
    def number(self) -> int:
        """The one parameter that a template has, or 0."""
        return self.params.get(self.template, 0)

    @property
    def scope(self) -> tuple[_Selector, ...]:
        """Which repositories of the project it is about."""
        return self.scope_selectors.get("repository", ())


class HarborRetention(msgspec.Struct, frozen=True):
    """See https://goharbor.io/docs/latest/working-with-projects/working-with-images/create-tag-retention-rules/."""

    rules: Annotated[tuple[_Rule, ...], Meta(min_length=1, max_length=15)]
    algorithm: str = "or"

    def translate(self) -> Translation:
        """See policy.ForeignPolicy."""
        delete: list[Any] = []
        keep: list[Any] = []
        differs = [
            "there an artifact goes with all its tags unless one is retained; here each tag goes by its own name",
            "there what has no tag goes unless a rule retains it; here it stays without untagged_after",
        ]
        for number, rule in enumerate(self.rules, start=1):
            if rule.disabled:
                differs.append(f"rule {number} is disabled: left out")
                continue
            repositories, whole = _repositories(rule.scope)
            if not whole:
                differs.append(f"rule {number} names repositories by what ours cannot: left out, they keep everything")
                continue
            delete.append(without_empty({"repositories": repositories}))
            said = {"repositories": repositories} | _tags(rule.tag_selectors)
            match rule.template:
                case "latestPushedK":
                    said |= {"newest": rule.number}
                    differs.append(f"rule {number} counts artifacts; here tags are counted, and one may have many")
                case "nDaysSinceLastPush":
                    said |= {"pushed_within": f"{rule.number}d"}
                case "nDaysSinceLastPull":
                    said |= {"pulled_within": f"{rule.number}d"}
                case "always":
                    pass
                case other:
                    differs.append(f"rule {number} goes by {other}, which there is not here: all it is about stays")
            keep.append(without_empty(said))
        return finished({"delete": delete, "keep": keep}, differs)

    def deletes(self, inventory: Inventory, now: int) -> frozenset[str]:
        """Rules say what stays, and one of them is enough; all other tags of a repository with a rule go."""
        project, _, name = inventory.repository.partition("/")
        rules = [
            rule
            for rule in self.rules
            if not rule.disabled and all(selector.names(name or project, "/") for selector in rule.scope)
        ]
        there = images(inventory)
        retained = {image.digest for rule in rules for image in _retained(rule, there, now)}
        return tags_of([image for image in there if image.digest not in retained]) if rules else frozenset()


def _retained(rule: _Rule, there: Sequence[Image], now: int) -> Sequence[Image]:
    about = [
        image
        for image in there
        if any(all(selector.names(tag) for selector in rule.tag_selectors) for tag in image.tags)
        or (not image.tags and all(selector.takes_untagged for selector in rule.tag_selectors))
    ]
    match rule.template:
        case "latestPushedK":
            return about[-rule.number :]
        case "latestPulledN":
            return sorted(about, key=lambda image: image.pulled_at)[-rule.number :]
        case "nDaysSinceLastPush":
            return [image for image in about if not older(image.pushed_at, rule.number, now)]
        case "nDaysSinceLastPull":
            return [image for image in about if not older(image.pulled_at, rule.number, now)]
    return about


def _repositories(scope: Sequence[_Selector]) -> tuple[tuple[str, ...], bool]:
    """Patterns of ours, and whether they say the same. The project comes before the name here."""
    if not scope or all(not each.excludes and each.pattern == "**" for each in scope):
        return (), True
    if len(scope) != 1 or scope[0].excludes:
        return (), False
    names = [f"**/{each}" if not each.startswith("**") else each for each in braces(scope[0].pattern)]
    return tuple(names), all(map(is_pattern, names))


def _tags(selectors: Sequence[_Selector]) -> dict[str, Any]:
    """What keeps at least what these select."""
    named = [one for each in selectors if not each.excludes for one in braces(each.pattern)]
    excluded = [one for each in selectors if each.excludes for one in braces(each.pattern)]
    if len([each for each in selectors if not each.excludes]) > 1 or not all(map(is_pattern, named)):
        named = []
    tags = () if any(one.strip("*") == "" for one in named) else tuple(named)
    return {"tags": tags, "except": tuple(one for one in excluded if is_pattern(one))}


def read(document: Any) -> HarborRetention:
    """A policy as the API gives it. Raises msgspec.ValidationError."""
    return msgspec.convert(document, HarborRetention)
