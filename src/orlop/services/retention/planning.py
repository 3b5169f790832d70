"""Makes plans: what the rules that cover each repository say of it, now."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence

import msgspec

from orlop.domain.access.membership import Membership
from orlop.domain.access.spans import NameSpan, after, below
from orlop.domain.errors import NotFound
from orlop.domain.names import RepositoryName, Tag, lineage
from orlop.domain.pages import PageRequest
from orlop.domain.queue import Progress
from orlop.domain.retention.inventory import Inventory
from orlop.domain.retention.plan import PlannedItem, RepositoryPlan, Rules
from orlop.domain.retention.plans import PlanFigures, RetentionPlan, RuleVersion
from orlop.domain.retention.rules import RETENTION, RetentionRule
from orlop.domain.settings import SettingKind
from orlop.domain.tag_rules import TAG_RULES
from orlop.ports.by import By
from orlop.ports.catalog import Browse
from orlop.ports.clock import Clock
from orlop.ports.retention import FreedBlob, PlanPage, Retention, Wanted
from orlop.ports.settings import Document, Documents
from orlop.services.settings.in_force import InForce, SettingsInForce, holding
from orlop.services.tags.rules import RulesOfTags

#: Items of a page of a plan, pages that are kept at once, and tags from which on a thread of its own plans.
_ITEMS, _PAGES, _LARGE = 1_000, 200, 2_000

#: Seconds between two repositories in which the event loop is others': a plan is in no hurry.
_REST = 0.001

#: Names of repositories that are asked for at once.
_NAMES = 1_000


class Current(msgspec.Struct, frozen=True):
    """What rules say of a repository as it was read, and by which version of all settings."""

    settings: int
    inventory: Inventory
    plan: RepositoryPlan
    tag_rules: tuple[InForce, ...]


class Planner:
    """`in_force`: what holds now, for those who apply."""

    def __init__(
        self, retention: Retention, browse: Browse, documents: Documents, in_force: SettingsInForce, clock: Clock
    ) -> None:
        self._retention = retention
        self._browse = browse
        self._documents = documents
        self._in_force = in_force
        self._clock = clock

    async def now(self, repository: str) -> Current | None:
        """What rules say of a repository now; None where it is not there, or nothing deletes there."""
        version, rules = await self._in_force.versioned(RETENTION, repository)
        other, tag_rules = await self._in_force.versioned(TAG_RULES, repository)
        # The older of the two: a write on these terms takes effect only while nothing has changed since.
        ready = _ready(rules, self._clock.now())
        return await self._current(repository, min(version, other), ready, tag_rules)

    async def make(self, plan: RetentionPlan, by: By, tell: Callable[[Progress], None] = lambda _: None) -> PlanFigures:
        """Make a plan and keep it. Begun again, it begins from the start."""
        plans = self._retention.plans
        await plans.clear(plan.id)
        everything = await _Everything.read(self._documents)
        ready: dict[tuple[tuple[str, str], ...], Rules] = {}
        started, counted = self._clock.now(), PlanSum()
        waiting: list[PlanPage] = []
        async for name in self._names(plan.path):
            rules = everything.covering(RETENTION, name)
            key = tuple((rule.path, rule.name) for rule in rules)
            if key not in ready:
                ready[key] = _ready(rules, started)
            current = await self._current(
                name, everything.version, ready[key], everything.covering(TAG_RULES, name), lists=True
            )
            if current is None:
                continue
            counted.add(current, await self._retention.inventories.freed(current.inventory, current.plan.manifests))
            waiting += _pages(name, current.plan.items)
            if len(waiting) >= _PAGES or sum(len(page.items) for page in waiting) >= _ITEMS * 10:
                await plans.keep(plan.id, waiting)
                waiting = []
            tell(Progress(counted.repositories, 0, "repositories", f"{counted.deleted_tags} tags would be deleted"))
            await asyncio.sleep(_REST)
        if waiting:
            await plans.keep(plan.id, waiting)
        used = [rules for rules in ready.values() if rules.deletes]
        figures = counted.figures(everything.versions(plan.path), min((rules.brake for rules in used), default=100))
        await plans.planned(plan.id, figures, by)
        return figures

    async def tried(
        self, path: str, rule: Document, fits: Callable[[RepositoryName], Awaitable[bool]]
    ) -> AsyncIterator[tuple[Current, Sequence[FreedBlob]]]:
        """What all rules would say of each repository of a place now if one was as it is given, and what that frees;
        until there is a repository that does not fit."""
        everything = await _Everything.read(self._documents, rule)
        now = self._clock.now()
        async for name in self._names(path):
            if not await fits(name):
                return
            rules, tag_rules = everything.covering(RETENTION, name), everything.covering(TAG_RULES, name)
            current = await self._current(name, everything.version, _ready(rules, now), tag_rules, lists=True)
            if current is not None:
                inventory, going = current.inventory, current.plan.manifests
                yield current, await self._retention.inventories.freed(inventory, going)
            await asyncio.sleep(0)

    async def _current(
        self, repository: str, version: int, rules: Rules, tag_rules: tuple[InForce, ...], *, lists: bool = False
    ) -> Current | None:
        if not rules.deletes:
            return None
        wanted = Wanted(rules.asks_labels, rules.asks_platforms, rules.asks_untagged)
        inventory = await self._retention.inventories.of(RepositoryName.stored(repository), wanted, lists=lists)
        if inventory is None:
            return None
        in_use = await self._retention.in_use.among(repository, tuple(inventory.manifests), self._clock.now())
        refusing = RulesOfTags(tag_rules, repository, Membership()) if tag_rules else None

        def refusal(tag: str) -> str:
            refused = refusing.removing(Tag.stored(tag)) if refusing is not None else None
            return refused.message if refused is not None else ""

        if len(inventory.manifests) > _LARGE:
            plan = await asyncio.to_thread(rules.plan, inventory, in_use, refusal)
        else:
            plan = rules.plan(inventory, in_use, refusal)
        return Current(version, inventory, plan, tag_rules)

    async def _names(self, path: str) -> AsyncIterator[RepositoryName]:
        spans = place_spans(path)
        page = PageRequest(_NAMES)
        while True:
            found = await self._browse.repositories(page, spans)
            for name in found.items:
                yield name
            if not found.more:
                return
            page = PageRequest(_NAMES, found.items[-1])


def place_spans(path: str) -> tuple[NameSpan, ...]:
    """The names that a place covers: the repository of that name, and all below."""
    return (NameSpan(path, after(path)), below(path)) if path else (below(path),)


class _Everything:
    """All rules at one time."""

    def __init__(self, version: int, documents: Mapping[str, Mapping[str, Sequence[Document]]]) -> None:
        self.version = version
        self._documents = documents
        self._known: dict[tuple[str, str], tuple[InForce, ...]] = {}

    @classmethod
    async def read(cls, documents: Documents, instead: Document | None = None) -> "_Everything":
        """`instead`: a rule for retention that is taken to say something else than it does, or to be there."""
        version = await documents.version()  # first: what is read after it is no older
        found: dict[str, dict[str, list[Document]]] = {}
        for kind in (RETENTION, TAG_RULES):
            by_path = found.setdefault(kind.kind, {})
            for document in await documents.all(kind.kind):
                if instead is None or (kind, document.key) != (RETENTION, instead.key):
                    by_path.setdefault(document.path, []).append(document)
        if instead is not None:
            found[RETENTION.kind].setdefault(instead.path, []).append(instead)
        return cls(version, found)

    def covering(self, kind: SettingKind, repository: str) -> tuple[InForce, ...]:
        """Those of a kind that cover a repository, from the root down."""
        by_path = self._documents[kind.kind]
        nodes = [node for node in lineage(repository) if node in by_path]
        if not nodes:
            return ()
        key = kind.kind, nodes[-1]
        if key not in self._known:
            self._known[key] = holding(kind, tuple(one for node in nodes for one in by_path[node]))
        return self._known[key]

    def versions(self, path: str) -> tuple[RuleVersion, ...]:
        """The rules that cover a place or something in it."""
        above = set(lineage(path))
        return tuple(
            RuleVersion(document.path, document.name, document.version)
            for node, found in sorted(self._documents[RETENTION.kind].items())
            if node in above or not path or node.startswith(f"{path}/")
            for document in found
        )


class PlanSum:
    """Figures as they add up. A blob is freed where every repository that holds it would not name it any more."""

    def __init__(self) -> None:
        self.repositories = self._tags = self._manifests = self.deleted_tags = self._deleted = self._bytes = 0
        self._shared: dict[str, FreedBlob] = {}
        """With how many repositories are left that hold each."""

    def add(self, current: Current, freed: Sequence[FreedBlob]) -> None:
        self.repositories += 1
        self._tags += len(current.inventory.tags)
        self._manifests += len(current.inventory.manifests)
        self.deleted_tags += sum(1 for item in current.plan.items if item.goes and item.tag)
        self._deleted += len(current.plan.manifests)
        self._bytes += sum(current.inventory.manifests[digest].size for digest in current.plan.manifests)
        for blob in freed:
            left = self._shared.pop(blob.digest, blob).links - 1
            if left:
                self._shared[blob.digest] = FreedBlob(blob.digest, blob.size, left)
            else:
                self._bytes += blob.size

    def figures(self, rules: tuple[RuleVersion, ...], brake: int) -> PlanFigures:
        """All of them."""
        return PlanFigures(
            rules=rules,
            brake=brake,
            repositories=self.repositories,
            tags=self._tags,
            manifests=self._manifests,
            deleted_tags=self.deleted_tags,
            deleted_manifests=self._deleted,
            bytes=self._bytes,
            shared=sum(blob.size for blob in self._shared.values()),
        )


def _ready(rules: Sequence[InForce], now: int) -> Rules:
    bodies: list[tuple[str, str, RetentionRule]] = [(rule.path, rule.name, rule.body) for rule in rules]
    return Rules(bodies, now)


def _pages(repository: str, items: Sequence[PlannedItem]) -> Iterator[PlanPage]:
    for number, start in enumerate(range(0, len(items), _ITEMS)):
        yield PlanPage(repository, number, tuple(items[start : start + _ITEMS]))


def missing(plan: int) -> NotFound:
    """There is no such plan, or none for the caller to see."""
    return NotFound(f"there is no plan {plan}; orlop retention plans lists those there are", {"plan": plan})
