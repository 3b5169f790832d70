"""Applies a plan: exactly what it shows, each item only if it still is as it was planned and nothing new keeps it.

What goes is deleted by several at once, in one transaction of a repository, and in a few repositories side by side:
what costs time is to wait for the disk. After each step it rests for as long as that took, so that requests find the
catalog and a processor free at least half of the time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError, SettingsMoved, Stale
from orlop.domain.events import Origin
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.queue import Progress
from orlop.domain.retention.plan import PlannedItem
from orlop.domain.retention.plans import RetentionPlan
from orlop.ports.by import By
from orlop.ports.catalog import TagHistory
from orlop.ports.clock import SECOND, Clock
from orlop.ports.retention import PageDone, PlanPage, Removal, Removals, RetentionPlans
from orlop.ports.terms import Terms
from orlop.services.retention.planning import Current, Planner
from orlop.services.tags.terms import WriteTerms

#: Deletions of one transaction, which nobody waits long for; those that are under way at once, in so many pages of as
#: many repositories; and how long what was read of a repository is good for, in microseconds.
_AT_ONCE, _TOGETHER, _PAGES, _FRESH = 16, 16, 8, 30 * SECOND

#: It never rests longer than this, however long a step took.
_REST = SECOND

#: How often a page is begun anew while settings change.
_TRIES = 20

#: Longer ago than anything is good for.
_NEVER = -(1 << 62)

#: What became of an item.
DELETED = "deleted"


class _Deletion(msgspec.Struct, frozen=True):
    """A manifest with these tags, or a tag alone."""

    digest: str
    tags: tuple[str, ...]
    whole: bool
    level: int


class Applier:
    """One process applies a plan at a time; another goes on where it stopped. `sleep` waits for so many seconds."""

    def __init__(
        self,
        plans: RetentionPlans,
        planner: Planner,
        removals: Removals,
        history: TagHistory,
        terms: WriteTerms,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._plans = plans
        self._planner = planner
        self._removals = removals
        self._history = history
        self._terms = terms
        self._clock = clock
        self._sleep = sleep

    async def apply(self, plan: RetentionPlan, tell: Callable[[Progress], None] = lambda _: None) -> RetentionPlan:
        """Do what is left of it."""
        total = plan.figures.deleted_tags + plan.figures.deleted_manifests
        done = plan.done + plan.skipped
        waiting: list[PlanPage] = []
        reads: dict[str, _Read] = {}
        while waiting or (waiting := list(await self._plans.open(plan.id, _PAGES))):
            began = self._clock.now()
            together = _together(waiting)
            waiting = waiting[len(together) :]
            reads = {page.repository: reads.get(page.repository) or _Read() for page in together}
            ended = await asyncio.gather(
                *(self._page(plan, page, reads[page.repository]) for page in together), return_exceptions=True
            )
            looked = [each for each in ended if isinstance(each, PageDone)]
            if looked:
                await self._plans.did(plan.id, looked)
            for each in ended:
                if isinstance(each, BaseException):
                    raise each
            done += sum(each.done + each.skipped for each in looked)
            tell(Progress(done, max(total, done), "items", together[-1].repository))
            await self._sleep(min(max(0, self._clock.now() - began), _REST) / SECOND)
        return await self._plans.applied(plan.id, self._by(plan))

    def _by(self, plan: RetentionPlan) -> By:
        return By(plan.applied_by, self._clock.now(), Origin(credential=f"retention plan {plan.id}"))

    async def _page(self, plan: RetentionPlan, page: PlanPage, read: "_Read") -> PageDone:
        """What became of a page; looked at anew where a setting changes meanwhile."""
        outcomes: dict[tuple[str, str], str] = {}
        for _ in range(_TRIES):
            if not 0 <= self._clock.now() - read.at <= _FRESH:
                read.at, read.known = self._clock.now(), await self._planner.now(page.repository)
            try:
                await self._delete_all(plan, page, read.known, outcomes)
                break
            except SettingsMoved:
                read.at = _NEVER
        else:
            raise SettingsMoved
        items = tuple(
            msgspec.structs.replace(item, outcome=outcomes[item.tag, item.digest]) if item.goes else item
            for item in page.items
        )
        looked = [item.outcome for item in items if item.goes]
        deleted = looked.count(DELETED)
        return PageDone(PlanPage(page.repository, page.number, items), deleted, len(looked) - deleted)

    async def _delete_all(
        self, plan: RetentionPlan, page: PlanPage, known: Current | None, outcomes: dict[tuple[str, str], str]
    ) -> None:
        """Delete what of a page is to go; into `outcomes` what becomes of each. Raises SettingsMoved where it is to be
        looked at anew."""
        name = RepositoryName.stored(page.repository)
        deletions = sorted(await self._deletions(plan, name, page, known, outcomes), key=lambda each: each.level)
        for start in range(0, len(deletions), _AT_ONCE):
            part = deletions[start : start + _AT_ONCE]
            ended = await self._delete(plan, name, part, known)
            for each, left in zip(part, ended, strict=True):
                said = left.message if left is not None else DELETED
                outcomes |= {(tag, each.digest): said for tag in each.tags or ("",)}

    async def _deletions(
        self,
        plan: RetentionPlan,
        name: RepositoryName,
        page: PlanPage,
        known: Current | None,
        outcomes: dict[tuple[str, str], str],
    ) -> Sequence[_Deletion]:
        """What of a page is still to be deleted; into `outcomes` what became of the rest."""
        now = {item.tag: item for item in known.plan.items if item.tag} if known is not None else {}
        going = frozenset(known.plan.manifests) if known is not None else frozenset()
        loose = known.plan.loose if known is not None else frozenset()
        planned: dict[str, list[PlannedItem]] = {}
        for item in page.items:
            if not item.goes or (item.tag, item.digest) in outcomes:
                continue
            found = await self._why_left(plan, name, item, known, now, going | loose if item.follows else going)
            if found:
                outcomes[item.tag, item.digest] = found
            else:
                planned.setdefault(item.digest, []).append(item)
        deletions = []
        for digest, items in planned.items():
            tags = tuple(item.tag for item in items if item.tag)
            here = {tag for tag, item in now.items() if item.digest == digest}
            whole = items[0].takes and here <= set(tags) and (digest in going or digest in loose)
            if whole or not tags:
                deletions.append(_Deletion(digest, tags, True, items[0].level))
            else:
                deletions += [_Deletion(digest, (tag,), False, items[0].level) for tag in tags]
        return deletions

    async def _why_left(
        self,
        plan: RetentionPlan,
        name: RepositoryName,
        item: PlannedItem,
        known: Current | None,
        now: Mapping[str, PlannedItem],
        going: frozenset[str],
    ) -> str:
        """Why an item is left, or what became of it before; empty: it is to be deleted."""
        if not item.tag:
            if known is None or item.digest not in known.inventory.manifests:
                return "it is gone"
            return "" if item.digest in going else "something keeps it by now"
        found = now.get(item.tag)
        if found is None:
            [*last] = await self._history.history(name, Tag.stored(item.tag), 1)
            was_us = last and last[0].digest is None and last[0].previous == item.digest
            if was_us and last[0].actor == plan.applied_by and last[0].at >= plan.applied_at:
                return DELETED
            return "it is gone" if known is not None else "no rule deletes anything there any more"
        if found.digest != item.digest:
            return f"it points at {found.digest} by now"
        return "" if found.goes or (item.follows and item.digest in going) else found.reason

    async def _delete(
        self, plan: RetentionPlan, name: RepositoryName, deletions: Sequence[_Deletion], known: Current | None
    ) -> Sequence[RegistryError | None]:
        assert known is not None, "nothing is deleted where no rule deletes"
        rules = await self._terms.of_rules(name, known.tag_rules, known.settings)
        removals = [_removal(each, rules) for each in deletions]
        return await self._removals.remove(name, removals, self._by(plan), known.settings)


class _Read:
    """What was read of a repository, and when."""

    def __init__(self) -> None:
        self.at = _NEVER
        self.known: Current | None = None


def _together(pages: Sequence[PlanPage]) -> Sequence[PlanPage]:
    """The first pages, of different repositories, as far as no more is deleted by them than may be at once."""
    repositories: set[str] = set()
    going = 0
    for number, page in enumerate(pages):
        going += sum(item.goes for item in page.items)
        if number and (going > _TOGETHER or page.repository in repositories):
            return pages[:number]
        repositories.add(page.repository)
    return pages


def _removal(deletion: _Deletion, rules: Terms) -> Removal:
    digest = Digest.stored(deletion.digest)

    def untag(tag: Tag) -> RegistryError | None:
        if tag not in deletion.tags:
            return Stale(f"the tag {tag} points at it by now", {"tag": tag})
        return rules.untag(tag) if rules.untag is not None else None

    expected = {Tag.stored(tag): digest for tag in deletion.tags}
    terms = msgspec.structs.replace(rules, expected=expected, untag=untag)
    return Removal(digest if deletion.whole else Tag.stored(deletion.tags[0]), terms)
