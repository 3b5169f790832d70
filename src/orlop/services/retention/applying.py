"""Applies a plan: exactly what it shows, each item only if it still is as it was planned and nothing new keeps it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.errors import Conflict, Denied, ManifestUnknown, NameUnknown, RegistryError, SettingsMoved, Stale
from orlop.domain.events import Origin
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.queue import Progress
from orlop.domain.retention.plan import PlannedItem
from orlop.domain.retention.plans import RetentionPlan
from orlop.ports.by import By
from orlop.ports.catalog import Manifests, TagHistory
from orlop.ports.clock import SECOND, Clock
from orlop.ports.retention import PlanPage, RetentionPlans
from orlop.services.retention.planning import Current, Planner
from orlop.services.tags.terms import WriteTerms

#: Deletions that are under way at once, and how long what was read of a repository is good for, in microseconds.
_AT_ONCE, _FRESH = 32, 30 * SECOND

#: How often a page is begun anew while settings change.
_TRIES = 20

#: What became of an item.
DELETED = "deleted"

#: What an item is left for; anything else is for the job to try again.
_LEFT = (Conflict, Denied, ManifestUnknown, NameUnknown)


class _Deletion(msgspec.Struct, frozen=True):
    """What one write deletes: a manifest with these tags, or a tag alone."""

    digest: str
    tags: tuple[str, ...]
    whole: bool
    level: int


class Applier:
    """One process applies a plan at a time; another goes on where it stopped."""

    def __init__(
        self,
        plans: RetentionPlans,
        planner: Planner,
        manifests: Manifests,
        history: TagHistory,
        terms: WriteTerms,
        clock: Clock,
    ) -> None:
        self._plans = plans
        self._planner = planner
        self._manifests = manifests
        self._history = history
        self._terms = terms
        self._clock = clock

    async def apply(self, plan: RetentionPlan, tell: Callable[[Progress], None] = lambda _: None) -> RetentionPlan:
        """Do what is left of it."""
        total = plan.figures.deleted_tags + plan.figures.deleted_manifests
        done = plan.done + plan.skipped
        known: Current | None = None
        read_at, repository = 0, ""
        while pages := await self._plans.open(plan.id, 1):
            page = pages[0]
            outcomes: dict[tuple[str, str], str] = {}
            for _ in range(_TRIES):
                if page.repository != repository or self._clock.now() - read_at > _FRESH:
                    read_at, repository = self._clock.now(), page.repository
                    known = await self._planner.now(repository)
                try:
                    items = await self._page(plan, page, known, outcomes)
                    break
                except SettingsMoved:
                    repository = ""
            else:
                raise SettingsMoved
            looked = [item for item in items if item.goes]
            deleted = sum(item.outcome == DELETED for item in looked)
            await self._plans.did(
                plan.id, PlanPage(page.repository, page.number, items), done=deleted, skipped=len(looked) - deleted
            )
            done += len(looked)
            tell(Progress(done, max(total, done), "items", page.repository))
        return await self._plans.applied(plan.id, self._by(plan))

    def _by(self, plan: RetentionPlan) -> By:
        return By(plan.applied_by, self._clock.now(), Origin(credential=f"retention plan {plan.id}"))

    async def _page(
        self, plan: RetentionPlan, page: PlanPage, known: Current | None, outcomes: dict[tuple[str, str], str]
    ) -> tuple[PlannedItem, ...]:
        """What became of the items of a page, and in `outcomes` what is known of it. Raises SettingsMoved where it is
        to be looked at anew."""
        name = RepositoryName.stored(page.repository)
        deletions = await self._deletions(plan, name, page, known, outcomes)
        for _, level in groupby(sorted(deletions, key=lambda each: each.level), key=lambda each: each.level):
            together = list(level)
            for start in range(0, len(together), _AT_ONCE):
                part = together[start : start + _AT_ONCE]
                ended = await asyncio.gather(
                    *(self._delete(plan, name, each, known) for each in part), return_exceptions=True
                )
                failed = [e for e in ended if isinstance(e, BaseException) and not isinstance(e, _LEFT)]
                for each, outcome in zip(part, ended, strict=True):
                    if outcome not in failed:
                        said = outcome.message if isinstance(outcome, RegistryError) else DELETED
                        outcomes |= {(tag, each.digest): said for tag in each.tags or ("",)}
                if failed:
                    raise failed[0]
        return tuple(
            msgspec.structs.replace(item, outcome=outcomes[item.tag, item.digest]) if item.goes else item
            for item in page.items
        )

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
        self, plan: RetentionPlan, name: RepositoryName, deletion: _Deletion, known: Current | None
    ) -> None:
        assert known is not None, "nothing is deleted where no rule deletes"
        rules = await self._terms.of_rules(name, known.tag_rules, known.settings)
        digest = Digest.stored(deletion.digest)

        def untag(tag: Tag) -> RegistryError | None:
            if tag not in deletion.tags:
                return Stale(f"the tag {tag} points at it by now", {"tag": tag})
            return rules.untag(tag) if rules.untag is not None else None

        expected = {Tag.stored(tag): digest for tag in deletion.tags}
        terms = msgspec.structs.replace(rules, expected=expected, untag=untag)
        if deletion.whole:
            await self._manifests.delete(name, digest, self._by(plan), terms)
        else:
            await self._manifests.untag(name, Tag.stored(deletion.tags[0]), self._by(plan), terms)
