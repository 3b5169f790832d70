"""What rules say of one repository at one time: which tags and manifests go, and why each of the others stays.

What a rule keeps, none deletes; the order of rules and of selectors says nothing. Tags under which clients list
referrers, and what refers to a manifest, share its fate, as the children of an index do.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

import msgspec

from orlop.domain.durations import span
from orlop.domain.names import is_referrers_tag
from orlop.domain.retention.inventory import Inventory, Tagged
from orlop.domain.retention.matching import Matcher
from orlop.domain.retention.rules import BRAKE, Keeping, Per, RetentionRule, Selector
from orlop.domain.retention.versions import channel, minor
from orlop.domain.settings import place_words

#: What the removal of a tag would be refused with, in words; empty: with nothing.
Refusal = Callable[[str], str]

_NO_RULE = "no rule deletes it"
_DUE = "nothing has led to it for as long as the rules say"


class PlannedItem(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """A tag, or without a name a manifest that no tag leads to: what is to become of it, and why.

    `takes`: with it goes the manifest that it points at. `level`: manifests of a lower one go first. `follows`: it goes
    because of another one that goes.
    """

    tag: str
    digest: str
    reason: str
    goes: bool = False
    takes: bool = False
    level: int = 0
    follows: bool = False
    outcome: str = ""
    """What became of it when the plan was applied: `deleted`, or why it was not."""


class RepositoryPlan(msgspec.Struct, frozen=True):
    """`items`: what goes and what stays, tags in their order, then manifests without any."""

    items: tuple[PlannedItem, ...]
    manifests: tuple[str, ...] = ()
    """All that go, by tag or without, each index before what it lists."""
    loose: frozenset[str] = frozenset()
    """Manifests that nothing leads to and nothing keeps, and that are too young to go: what followed another one that
    was deleted before this was looked at is among them."""


class _Named(msgspec.Struct, frozen=True):
    """A selector with its place, for reasons."""

    matcher: Matcher
    reason: str


class Rules:
    """Rules at one time, ready for the repositories that they cover. `rules`: each with its path and its name."""

    def __init__(self, rules: Sequence[tuple[str, str, RetentionRule]], now: int) -> None:
        self._now = now
        self._delete = [each for path, name, rule in rules for each in _named(rule.delete, path, name, "delete", now)]
        self._keep = [each for path, name, rule in rules for each in _named(rule.keep, path, name, "keep", now)]
        #: The longest of all, for what one keeps none deletes.
        self._untagged = max((span(rule.untagged_after) for *_, rule in rules if rule.untagged_after), default=None)
        self.brake = min((rule.brake for *_, rule in rules), default=BRAKE)
        every = [each.matcher.selector for each in chain(self._delete, self._keep)]
        self.asks_labels = any(selector.labels for selector in every)
        self.asks_platforms = any(selector.platforms for selector in every)
        self.asks_untagged = self._untagged is not None
        self.deletes = bool(self._delete) or self.asks_untagged

    def plan(self, inventory: Inventory, in_use: Mapping[str, str], refusal: Refusal = lambda _: "") -> RepositoryPlan:
        """What goes and what stays. `in_use`: by digest who said so; `refusal`: what rules for tags say."""
        return _Planning(self, inventory, in_use, refusal).plan()

    def deleting(self, repository: str) -> Iterable[_Named]:
        """The selectors that delete there."""
        return (each for each in self._delete if each.matcher.concerns(repository))

    def keeping(self, repository: str) -> Iterable[_Named]:
        """The selectors that keep there."""
        return (each for each in self._keep if each.matcher.concerns(repository))

    def is_due(self, since: int) -> bool:
        """Whether what nothing has led to since then goes."""
        return self._untagged is not None and since + self._untagged <= self._now

    @property
    def takes_at_once(self) -> bool:
        """Whether a manifest goes with its last tag."""
        return not self._untagged


class _Planning:
    """One repository."""

    def __init__(self, rules: Rules, inventory: Inventory, in_use: Mapping[str, str], refusal: Refusal) -> None:
        self._rules = rules
        self._held = inventory
        self._in_use = in_use
        self._refusal = refusal
        self._pulled: dict[str, int] = {}
        self._following: dict[str, list[str]] = defaultdict(list)
        self._subjects: dict[str, str] = {}
        self._tags = [tag for tag in inventory.tags if not is_referrers_tag(tag.name)]
        for tag in inventory.tags:
            if is_referrers_tag(tag.name):
                self._follows(tag.digest, tag.name.partition(".")[0].replace("-", ":", 1))
        for manifest in inventory.manifests.values():
            if manifest.subject:
                self._follows(manifest.digest, manifest.subject)

    def plan(self) -> RepositoryPlan:
        doomed, kept = self._verdicts()
        manifests, reasons, loose = self._manifests(doomed)
        going = dict.fromkeys(manifests)
        levels = {digest: level for level, digest in enumerate(manifests) if digest in self._held.children}
        items = []
        for tag in self._held.tags:
            level = levels.get(tag.digest, len(manifests))
            if tag.name in doomed:
                reason, takes, follows = doomed[tag.name], tag.digest in going, False
            elif is_referrers_tag(tag.name):
                takes = tag.digest in going
                reason = reasons[tag.digest] if takes else "it follows what it is named after"
                follows = takes
            else:
                items.append(PlannedItem(tag.name, tag.digest, kept.get(tag.name, _NO_RULE)))
                continue
            goes = takes or tag.name in doomed
            items.append(PlannedItem(tag.name, tag.digest, reason, goes, takes, level if goes else 0, follows))
        tagged = {tag.digest for tag in self._held.tags}
        items += [
            PlannedItem(
                *("", digest, reasons[digest], True, True, levels.get(digest, len(manifests))),
                reasons[digest] != _DUE,
            )
            for digest in manifests
            if digest not in tagged
        ]
        return RepositoryPlan(tuple(items), tuple(manifests), loose)

    def _verdicts(self) -> tuple[dict[str, str], dict[str, str]]:
        """Why tags go, and why others stay of which there is something to say."""
        doomed: dict[str, str] = {}
        for each in self._rules.deleting(self._held.repository):
            for tag in each.matcher.meant(self._held, self._tags, self._pulled_at):
                doomed.setdefault(tag.name, each.reason)
        kept: dict[str, str] = {}
        for each in self._rules.keeping(self._held.repository):
            found = each.matcher.meant(self._held, self._tags, self._pulled_at)
            selector = each.matcher.selector
            if isinstance(selector, Keeping) and selector.newest:
                found = _newest(found, selector)
            for tag in found:
                kept.setdefault(tag.name, each.reason)
        for tag in self._tags:
            if tag.name in doomed and tag.name not in kept and (why := self._held_by(tag.digest, tag.name)):
                kept[tag.name] = why
        return {name: reason for name, reason in doomed.items() if name not in kept}, kept

    def _held_by(self, digest: str, tag: str = "") -> str:
        """What keeps a digest beside rules for retention."""
        for member in self._held.family(digest):
            if member in self._in_use:
                return f"it is in use: {self._in_use[member]}"
        if digest in self._held.locked:
            return f"its manifest is locked: {self._held.locked[digest]}"
        if digest in self._held.waiting:
            return "it waits in quarantine"
        return self._refusal(tag) if tag else ""

    def _manifests(self, doomed: Mapping[str, str]) -> tuple[list[str], dict[str, str], frozenset[str]]:
        """Manifests that go, each index before what it lists, and why; and those that are loose."""
        staying = {tag.digest for tag in self._tags if tag.name not in doomed}
        leaving = {tag.digest for tag in self._tags if tag.name in doomed} - staying
        listed = set(chain.from_iterable(self._held.children.values()))
        roots, reasons, young = set(staying), {}, set()
        for digest in self._held.manifests:
            if digest in staying:
                continue
            is_free = digest not in listed and self._subjects.get(digest) not in self._held.manifests
            if self._held_by(digest) or (self._held.restoring and digest not in leaving):
                roots.add(digest)
            elif digest in leaving:
                if self._rules.takes_at_once:
                    reasons[digest] = "its last tag goes"
                else:
                    roots.add(digest)
            elif is_free:
                since = self._untagged_since(digest)
                if self._is_kept_untagged(digest, since):
                    roots.add(digest)
                elif self._rules.is_due(since):
                    reasons[digest] = _DUE
                else:
                    young.add(digest)
        stays, found = self._reached(roots | young), self._reached(reasons)
        # What waits for itself, such as an index named after a manifest that it lists, stays with all that it leads to.
        stays |= self._reached(digest for digest in self._held.manifests if digest not in stays and digest not in found)
        going = [digest for digest in found if digest not in stays]
        for digest in going:
            if digest not in reasons:
                subject = self._subjects.get(digest, "")
                is_referrer = subject in self._held.manifests and subject not in stays
                reasons[digest] = f"it refers to {subject}" if is_referrer else "the index that lists it goes"
        loose = frozenset(self._reached(young)) - self._reached(roots).keys() if young else frozenset()
        return self._in_order(going), reasons, loose

    def _untagged_since(self, digest: str) -> int:
        return max(self._held.untagged_since.get(digest, 0), self._held.manifests[digest].pushed_at)

    def _is_kept_untagged(self, digest: str, since: int) -> bool:
        return any(
            each.matcher.means_untagged(self._held, digest, since, self._pulled_at)
            for each in self._rules.keeping(self._held.repository)
            if not getattr(each.matcher.selector, "newest", 0)
        )

    def _reached(self, roots: Iterable[str]) -> dict[str, None]:
        """What these lead to: themselves, children, and what refers to any of it."""
        found: dict[str, None] = {}
        waiting = [digest for digest in roots if digest in self._held.manifests]
        while waiting:
            digest = waiting.pop()
            if digest in found:
                continue
            found[digest] = None
            waiting += [each for each in self._held.children.get(digest, ()) if each in self._held.manifests]
            waiting += self._following.get(digest, ())
        return found

    def _in_order(self, going: Sequence[str]) -> list[str]:
        """Each index before what it lists."""
        if not any(digest in self._held.children for digest in going):
            return sorted(going)
        among, left = set(going), dict.fromkeys(going, 0)
        for digest in going:
            for child in self._held.children.get(digest, ()):
                if child in among:
                    left[child] += 1
        ready, ordered = sorted((digest for digest in going if not left[digest]), reverse=True), []
        while ready:
            digest = ready.pop()
            ordered.append(digest)
            for child in self._held.children.get(digest, ()):
                if child in among:
                    left[child] -= 1
                    if not left[child]:
                        ready.append(child)
        return ordered

    def _follows(self, digest: str, subject: str) -> None:
        self._following[subject].append(digest)
        if self._subjects.get(digest) not in self._held.manifests:
            self._subjects[digest] = subject

    def _pulled_at(self, digest: str) -> int:
        if digest not in self._held.children:
            return self._held.manifests[digest].pulled_at
        if digest not in self._pulled:
            members = (self._held.manifests.get(member) for member in self._held.family(digest))
            self._pulled[digest] = max(member.pulled_at for member in members if member is not None)
        return self._pulled[digest]


def _newest(tags: Sequence[Tagged], selector: Keeping) -> list[Tagged]:
    """The last that were set, of each group; of those set at the same time the names decide."""
    groups: dict[str, list[Tagged]] = defaultdict(list)
    for tag in tags:
        match selector.per:
            case Per.REPOSITORY:
                groups[""].append(tag)
            case Per.CHANNEL:
                groups[channel(tag.name)].append(tag)
            case Per.MINOR:
                if within := minor(tag.name):
                    groups[within].append(tag)
    return [
        tag
        for group in groups.values()
        for tag in sorted(group, key=lambda each: (each.set_at, each.name), reverse=True)[: selector.newest]
    ]


def _named(selectors: Sequence[Selector], path: str, name: str, what: str, now: int) -> Iterable[_Named]:
    for number, selector in enumerate(selectors, start=1):
        verb = "deletes" if what == "delete" else "keeps"
        said = f"retention {name} of {place_words(path)} {verb} it: {what} {number}{_words(selector)}"
        yield _Named(Matcher(selector, now), said)


def _words(selector: Selector) -> str:
    """A selector in brackets, as it is written."""
    said = [
        f"{field} {value if isinstance(value, str | int) else ' '.join(value)}"
        for field, value in msgspec.to_builtins(selector).items()
    ]
    return f" ({'; '.join(said)})" if said else ""
