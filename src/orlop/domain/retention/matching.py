"""Selectors made ready for many tags: each pattern is compared by what the language does at once, where it can be."""

from collections.abc import Callable, Sequence

from orlop.domain.access.patterns import pattern
from orlop.domain.durations import span
from orlop.domain.platforms import matches, parse_platform
from orlop.domain.retention.inventory import Inventory, Tagged
from orlop.domain.retention.rules import Selector
from orlop.domain.retention.versions import channel, version, version_range

Test = Callable[[str], bool]


def named(patterns: Sequence[str]) -> Test | None:
    """Whether a tag matches one of the patterns; None where every tag does."""
    if not patterns or "*" in patterns:
        return None
    whole = frozenset(text for text in patterns if "*" not in text)
    begin = tuple(text[:-1] for text in patterns if text.endswith("*") and text.count("*") == 1)
    end = tuple(text[1:] for text in patterns if text.startswith("*") and text.count("*") == 1)
    others = [pattern(text) for text in patterns if text.count("*") > 1 or "*" in text[1:-1]]

    def test(tag: str) -> bool:
        return (
            tag in whole
            or tag.startswith(begin)
            or tag.endswith(end)
            or any(tag.startswith(other.prefix) and other.matches(tag) for other in others)
        )

    return test


def _every(_: str) -> bool:
    return True


class Matcher:
    """A selector at one time, for the tags of one repository after the other."""

    def __init__(self, selector: Selector, now: int) -> None:
        self.selector = selector
        self._now = now
        self._named = named(selector.tags)
        self._excluded = (named(selector.exclude) or _every) if selector.exclude else None
        self._platforms = [parse_platform(text) for text in selector.platforms]
        self._range = version_range(selector.semver) if selector.semver else None
        self._about_all = not selector.is_about_tags
        times = selector.pushed_within, selector.not_pushed_within, selector.pulled_within, selector.not_pulled_within
        self._pushed, self._not_pushed, self._pulled, self._not_pulled = (
            now - span(text) if text else None for text in times
        )
        self._about_manifests = bool(
            self._platforms
            or selector.artifact_types
            or selector.labels
            or self._pulled is not None
            or self._not_pulled is not None
        )

    def concerns(self, repository: str) -> bool:
        """Whether any tag of a repository may be meant."""
        names = self.selector.repositories
        return not names or any(pattern(text, separator="/").matches(repository) for text in names)

    def meant(self, inventory: Inventory, tags: Sequence[Tagged], pulled: Callable[[str], int]) -> list[Tagged]:
        """Those of the tags that are meant; `pulled`: when a digest was pulled last, or a child of it."""
        found = tags if self._about_all else [tag for tag in tags if self._is_named(tag.name)]
        if self._pushed is not None:
            found = [tag for tag in found if tag.set_at > self._pushed]
        if self._not_pushed is not None:
            found = [tag for tag in found if tag.set_at <= self._not_pushed]
        if self._about_manifests:
            found = [tag for tag in found if self._is_one(inventory, tag.digest, tag.set_at, pulled)]
        return list(found)

    def means_untagged(self, inventory: Inventory, digest: str, since: int, pulled: Callable[[str], int]) -> bool:
        """Whether a manifest is meant that no tag leads to."""
        return (
            self._about_all
            and (self._pushed is None or since > self._pushed)
            and (self._not_pushed is None or since <= self._not_pushed)
            and self._is_one(inventory, digest, since, pulled)
        )

    def _is_named(self, tag: str) -> bool:
        selector = self.selector
        return (
            (self._named is None or self._named(tag))
            and (self._excluded is None or not self._excluded(tag))
            and (not selector.channels or channel(tag) in selector.channels)
            and (self._range is None or self._range.has(version(tag)))
        )

    def _is_one(self, inventory: Inventory, digest: str, set_at: int, pulled: Callable[[str], int]) -> bool:
        selector = self.selector
        manifest = inventory.manifests[digest]
        if selector.artifact_types and manifest.artifact_type not in selector.artifact_types:
            return False
        if selector.labels:
            labels = inventory.labels.get(digest, {})
            if any(key not in labels or value not in ("*", labels[key]) for key, value in selector.labels.items()):
                return False
        if self._platforms and not any(
            matches(wanted, parse_platform(offered))
            for wanted in self._platforms
            for offered in inventory.platforms.get(digest, ())
        ):
            return False
        if self._pulled is not None and pulled(digest) <= self._pulled:
            return False
        return self._not_pulled is None or max(pulled(digest), set_at) <= self._not_pulled
