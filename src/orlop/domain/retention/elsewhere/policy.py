"""What the rules of another registry come to here, and what is said to whoever brings them."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from orlop.domain.durations import DAY
from orlop.domain.retention.inventory import Inventory


class Translation(msgspec.Struct, frozen=True):
    """A body of a rule for retention, and how it differs from the original, in sentences.

    What cannot be said at all is left out so that ours deletes less. Which tags of a repository it concerns that
    something is counted or timed otherwise is computed: see `compared`.
    """

    body: dict[str, Any]
    differs: tuple[str, ...] = ()


class ForeignPolicy(Protocol):
    """Rules of another registry."""

    def translate(self) -> Translation:
        """As a rule of ours."""
        ...

    def deletes(self, inventory: Inventory, now: int) -> frozenset[str]:
        """The tags of a repository that they delete there, by what is documented of them."""
        ...


class Image(msgspec.Struct, frozen=True):
    """A digest with its tags, which is what the others act on."""

    digest: str
    tags: tuple[str, ...]
    pushed_at: int
    pulled_at: int


def images(inventory: Inventory) -> Sequence[Image]:
    """What of a repository others see as images: what has tags, or is no part of an index. Oldest first."""
    tags: dict[str, list[str]] = {}
    for tag in inventory.tags:
        tags.setdefault(tag.digest, []).append(tag.name)
    listed = {child for below in inventory.children.values() for child in below}
    found = [
        Image(digest, tuple(tags.get(digest, ())), one.pushed_at, one.pulled_at)
        for digest, one in inventory.manifests.items()
        if digest in tags or digest not in listed
    ]
    return sorted(found, key=lambda image: (image.pushed_at, image.digest))


def older(at: int, days: float, now: int) -> bool:
    """Whether something lies so many days back, or more."""
    return at <= now - days * DAY


def tags_of(gone: Sequence[Image]) -> frozenset[str]:
    """All tags of images that go."""
    return frozenset(tag for image in gone for tag in image.tags)


def finished(body: dict[str, Any], differs: Sequence[str]) -> Translation:
    """A body that ours would take: a rule that keeps nothing is none."""
    said = tuple(differs)
    timed = all("not_pushed_within" in each or "not_pulled_within" in each for each in body["delete"])
    if not body["keep"] and not timed:
        body = body | {"keep": [{"pushed_within": "1d"}]}
        said += ("what was pushed within a day is kept: a rule that keeps nothing is refused here",)
    return Translation(without_empty(body), said)


def without_empty(body: dict[str, Any]) -> dict[str, Any]:
    """A selector or body with what it says alone."""
    return {name: value for name, value in body.items() if value not in ((), [], "", 0, None)}
