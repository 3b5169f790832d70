"""Retention in the model of a registry: rules come and go, plans are made and applied later, whatever happened since.

What an oracle of dictionaries says: a rule that keeps beats all that delete; a plan shows exactly the tags that the
rules delete; applied, it takes away nothing that it did not show, nothing that moved, nothing that is kept by now, and
nothing that leads to what stays.
"""

from collections.abc import Coroutine
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.retention.plans import PlanState, RetentionPlan
from tests.model.model import Model, Repository
from tests.registry import Registry

T = TypeVar("T")

_PLACE = "team"


class Retention(NamedTuple):
    """A rule: patterns of tags that go, and of those that stay; and whether what no tag leads to goes after an hour."""

    deletes: str
    keeps: str
    untagged: bool

    @property
    def body(self) -> dict[str, object]:
        """In the registry's words."""
        body = {"delete": [{"tags": [self.deletes]}], "keep": [{"tags": [self.keeps]}], "brake": 100}
        return body | ({"untagged_after": "1h"} if self.untagged else {})

    def means(self, tag: Tag) -> bool:
        """Whether it deletes a tag."""
        return fnmatchcase(tag, self.deletes) and not fnmatchcase(tag, self.keeps)


class Shown(NamedTuple):
    """A plan, and what it shows: tags with what they pointed at, and manifests, by repository."""

    plan: RetentionPlan
    tags: set[tuple[RepositoryName, Tag, Digest]]
    manifests: set[tuple[RepositoryName, Digest]]


class Gone(NamedTuple):
    """What a plan took away."""

    tags: set[tuple[RepositoryName, Tag, Digest]]
    manifests: set[tuple[RepositoryName, Digest]]


class RetentionSteps(RuleBasedStateMachine):
    """The steps of retention, for a machine that has a registry and its model."""

    registry: Registry
    model: Model
    retention: Retention | None = None
    shown: Shown | None = None

    def do(self, step: Coroutine[Any, Any, T]) -> T:
        """Run to the end."""
        raise NotImplementedError

    @rule(
        deletes=st.sampled_from(["v1", "v*"]), keeps=st.sampled_from(["v1", "v2", "release-*"]), untagged=st.booleans()
    )
    def retention_rule(self, deletes: str, keeps: str, untagged: bool) -> None:
        """A rule for retention, or another instead."""
        self.retention = Retention(deletes, keeps, untagged)
        self.do(self.registry.retention(_PLACE, self.retention.body))

    @rule()
    def plan_retention(self) -> None:
        """A plan that is to be applied at some time."""
        if self.retention is None:
            return
        self.shown = self.do(self._planned())
        assert self.shown.tags == {
            (name, tag, digest)
            for name, here in self.model.repositories.items()
            for tag, digest in self._due(name, here)
        }
        for name, digest in self.shown.manifests:
            assert digest not in self._staying(name)

    @rule()
    def apply_retention(self) -> None:
        """The plan is applied, after all that happened since."""
        if self.shown is None:
            return
        shown, self.shown = self.shown, None
        due = {
            (name, tag, digest)
            for name, here in self.model.repositories.items()
            for tag, digest in self._due(name, here)
        }
        expected = shown.tags & due
        applied = self.do(self.registry.applier.apply(shown.plan))
        assert applied.state == PlanState.APPLIED
        gone = self.do(self._gone())
        assert gone.tags == expected
        assert gone.manifests <= shown.manifests
        for name, tag, _ in gone.tags:
            self.model.repositories[name].point(tag, None)
        for name, digest in gone.manifests:
            assert digest not in self._staying(name)
        for name, digest in gone.manifests:
            self.model.delete(name, digest)

    @rule(
        data=st.data(), then=st.sampled_from(["v1", "v2", "release-*"]), what=st.sampled_from(["rule", "push", "lock"])
    )
    def plan_change_and_apply(self, data: st.DataObject, then: str, what: str) -> None:
        """A plan, and right after it something that it did not reckon with."""
        self.retention_rule("v*", data.draw(st.sampled_from(["v1", "release-*"])), untagged=False)
        self.plan_retention()
        there = [(name, tag) for name, here in sorted(self.model.repositories.items()) for tag in sorted(here.tags)]
        if what == "rule":
            self.retention_rule("v*", then, untagged=False)
        elif there:
            name, tag = data.draw(st.sampled_from(there))
            self.change(name, tag, data.draw(st.integers(0, 999)), locks=what == "lock")
        self.apply_retention()

    def change(self, name: RepositoryName, tag: Tag, pick: int, *, locks: bool) -> None:
        """Something is pushed by a tag that is there, or what it points at is locked."""
        raise NotImplementedError

    def _due(self, name: RepositoryName, here: Repository) -> list[tuple[Tag, Digest]]:
        """The tags that the rule deletes as things are, and nothing holds."""
        assert self.retention is not None
        return [
            (tag, digest)
            for tag, digest in here.tags.items()
            if self.retention.means(tag) and digest not in here.locked and not self.model.is_refused(name, tag, None)
        ]

    def _staying(self, name: RepositoryName) -> set[Digest]:
        """What tags that the rule does not delete, and locks, lead to."""
        here = self.model.repositories[name]
        due = {tag for tag, _ in self._due(name, here)}
        waiting = [*(digest for tag, digest in here.tags.items() if tag not in due), *here.locked]
        found: set[Digest] = set()
        while waiting:
            digest = waiting.pop()
            if digest in here.manifests and digest not in found:
                found.add(digest)
                waiting += [child.digest for child in here.manifests[digest].children]
                waiting += [other for other, what in here.manifests.items() if what.manifest.subject == digest]
        return found

    async def _planned(self) -> Shown:
        plan = await self.registry.plan(_PLACE)
        tags, manifests = set(), set()
        for page in await self.registry.plans.pages(plan.id, ("", -1), 1_000):
            name = RepositoryName(page.repository)
            for item in page.items:
                if item.goes and item.tag:
                    tags.add((name, Tag(item.tag), Digest(item.digest)))
                if item.goes and item.takes:
                    manifests.add((name, Digest(item.digest)))
        return Shown(plan, tags, manifests)

    async def _gone(self) -> Gone:
        """What the model still has, and the registry does not."""
        manifests = self.registry.stores.catalog.manifests
        tags, gone = set(), set()
        for name, here in self.model.repositories.items():
            for tag, digest in here.tags.items():
                if await manifests.resolve(name, tag) is None:
                    tags.add((name, tag, digest))
            for digest in here.manifests:
                if await manifests.resolve(name, digest) is None:
                    gone.add((name, digest))
        return Gone(tags, gone)
