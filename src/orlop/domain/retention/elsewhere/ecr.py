"""Lifecycle policies of Amazon ECR, as JSON."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from orlop.domain.access.patterns import is_pattern, pattern
from orlop.domain.retention.elsewhere.policy import Image, Translation, finished, images, older, tags_of, without_empty
from orlop.domain.retention.inventory import Inventory


class Status(StrEnum):
    """Which images a rule is about."""

    TAGGED = "tagged"
    UNTAGGED = "untagged"
    ANY = "any"


class _Selection(msgspec.Struct, frozen=True, rename="camel"):
    tag_status: Status
    count_type: str
    count_number: Annotated[int, Meta(ge=1)]
    tag_pattern_list: tuple[str, ...] = ()
    tag_prefix_list: tuple[str, ...] = ()
    count_unit: str = ""
    storage_class: str = "standard"

    @property
    def patterns(self) -> tuple[str, ...]:
        """Prefixes and patterns alike."""
        return (*self.tag_pattern_list, *(f"{prefix}*" for prefix in self.tag_prefix_list))


class _Action(msgspec.Struct, frozen=True):
    type: str


class _Rule(msgspec.Struct, frozen=True, rename="camel"):
    rule_priority: int
    selection: _Selection
    action: _Action

    @property
    def words(self) -> str:
        return f"rule {self.rule_priority}"

    def is_about(self, image: Image) -> bool:
        """A rule with several patterns or prefixes is about images that have a tag for each of them."""
        match self.selection.tag_status:
            case Status.UNTAGGED:
                return not image.tags
            case Status.ANY:
                return True
        return bool(image.tags) and all(
            any(pattern(text).matches(tag) for tag in image.tags) for text in self.selection.patterns
        )


class EcrPolicy(msgspec.Struct, frozen=True):
    """See https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html and, for the fields,
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html."""

    rules: Annotated[tuple[_Rule, ...], Meta(min_length=1, max_length=50)]

    def translate(self) -> Translation:
        """See policy.ForeignPolicy."""
        delete, keep, untagged = [], [], ""
        differs = [
            "there an image goes with all its tags, by those of any of them; here each tag goes by its own name",
            "there ages are those of the push of the image; here of when the tag was pointed at it",
        ]
        above: list[str] = []
        for rule in self._ordered():
            selection, days = rule.selection, f"{rule.selection.count_number}d"
            if rule.action.type != "expire" or selection.storage_class != "standard":
                differs.append(f"{rule.words} moves images between storage classes; here is one: left out")
                continue
            if selection.tag_status is not Status.TAGGED:
                if selection.count_type == "sinceImagePushed":
                    untagged = untagged or days
                else:
                    differs.append(f"{rule.words} counts untagged images; here these go by age: left out")
                if selection.tag_status is Status.UNTAGGED:
                    continue
            elif len(selection.patterns) != 1 or not is_pattern(selection.patterns[0]):
                differs.append(
                    f"{rule.words} asks for tags like {' and '.join(selection.patterns)} on one image: left out"
                )
                continue
            about = {"tags": selection.patterns, "except": tuple(above)}
            match selection.count_type:
                case "imageCountMoreThan":
                    delete.append(without_empty(about))
                    keep.append(without_empty(about | {"newest": selection.count_number}))
                    differs.append(f"{rule.words} counts images; here tags are counted, and an image may have many")
                case "sinceImagePushed":
                    delete.append(without_empty(about | {"not_pushed_within": days}))
                case "sinceImagePulled":
                    delete.append(without_empty(about | {"not_pulled_within": days}))
                case other:
                    differs.append(f"{rule.words} goes by {other}, which there is not here: left out")
            above += selection.patterns
        return finished({"delete": delete, "keep": keep, "untagged_after": untagged}, differs)

    def deletes(self, inventory: Inventory, now: int) -> frozenset[str]:
        """The first rule, by priority, whose tags an image has decides, and later ones only count it. An image that an
        index lists is not looked at on its own: it goes with the index."""
        listed = {child for below in inventory.children.values() for child in below}
        there = [image for image in images(inventory) if image.digest not in listed]
        claimed: set[str] = set()
        gone: list[Image] = []
        for rule in self._ordered():
            about = [image for image in there if rule.is_about(image)]
            if rule.action.type == "expire" and rule.selection.storage_class == "standard":
                gone += [image for image in _expired(rule.selection, about, now) if image.digest not in claimed]
            claimed |= {image.digest for image in about}
        return tags_of(gone)

    def _ordered(self) -> Sequence[_Rule]:
        return sorted(self.rules, key=lambda rule: rule.rule_priority)


def _expired(selection: _Selection, about: Sequence[Image], now: int) -> Sequence[Image]:
    """`about`: oldest first."""
    number = selection.count_number
    match selection.count_type:
        case "imageCountMoreThan":
            return about[: max(0, len(about) - number)]
        case "sinceImagePushed":
            return [image for image in about if older(image.pushed_at, number, now)]
        case "sinceImagePulled":
            return [image for image in about if older(max(image.pulled_at, image.pushed_at), number, now)]
    return ()


def read(document: Any) -> EcrPolicy:
    """A policy as `aws ecr get-lifecycle-policy` gives it, or its text alone. Raises msgspec.ValidationError."""
    if isinstance(document, dict) and isinstance(document.get("lifecyclePolicyText"), str):
        document = msgspec.json.decode(document["lifecyclePolicyText"])
    return msgspec.convert(document, EcrPolicy)
