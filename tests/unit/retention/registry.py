"""A registry in memory with rules for retention, and clocks, documents and deletions that a test has in its hand."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from orlop.adapters.sql.catalog import OpenCatalog, on
from orlop.adapters.sql.engine import Engine, Row, Script
from orlop.adapters.sql.memory import open_memory
from orlop.domain.names import RepositoryName
from orlop.domain.queue import Job, JobState, Progress
from orlop.domain.retention.plan import PlannedItem
from orlop.domain.retention.plans import RetentionPlan
from orlop.ports.by import By
from orlop.ports.retention import Left, Removal, Removals
from orlop.ports.settings import Document
from orlop.services.access.decisions import Access
from orlop.services.jobs.work import Run
from orlop.services.retention.applying import Applier
from orlop.services.retention.planning import Planner
from orlop.services.retention.work import RetentionWork
from orlop.services.settings.in_force import SettingsInForce
from orlop.services.tags.terms import WriteTerms
from orlop.services.upstreams.shown import Upstreams
from tests.contract.scene import START, Scene
from tests.registry import HandClock

T = TypeVar("T")
Step = Callable[[], Awaitable[object]]


class Crash(BaseException):
    """The process ends here."""


class Watched:
    """What plans delete: before and after each deletion something may happen, which is before and after the
    transaction that it is in."""

    def __init__(self, rows: Removals) -> None:
        self._rows = rows
        self.deletions = 0
        self.before: dict[int, Step] = {}
        self.after: dict[int, Step] = {}

    async def remove(
        self, repository: RepositoryName, removals: Sequence[Removal], by: By, settings: int
    ) -> tuple[Left | None, ...]:
        numbers = range(self.deletions + 1, self.deletions + len(removals) + 1)
        self.deletions += len(removals)
        for number in numbers:
            if number in self.before:
                await self.before[number]()
        left = await self._rows.remove(repository, removals, by, settings)
        for number in numbers:
            if number in self.after:
                await self.after[number]()
        return left


class Stepped:
    """A catalog's engine: before any of its transactions, and any statement that reads, something may happen once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.steps = self.writes = 0
        self.at: dict[int, Step] = {}
        self.is_counting = False

    @property
    def reader(self) -> "Stepped":
        return self

    async def _step(self) -> None:
        if self.is_counting:
            self.steps += 1
            happens = self.at.pop(self.steps, None)
            if happens is not None:
                self.is_counting = False
                await happens()
                self.is_counting = True

    async def one(self, statement: str, *parameters: Any) -> Row | None:
        await self._step()
        return await self._engine.reader.one(statement, *parameters)

    async def all(self, statement: str, *parameters: Any) -> list[Row]:
        await self._step()
        return await self._engine.reader.all(statement, *parameters)

    async def run(self, statement: str, *parameters: Any) -> None:
        await self._engine.reader.run(statement, *parameters)

    async def many(self, statement: str, rows: Sequence[Row]) -> None:
        await self._engine.reader.many(statement, rows)

    async def write(self, script: Script[T], **options: Any) -> T:
        await self._step()
        self.writes += 1
        return await self._engine.write(script, **options)

    async def check(self) -> None:
        await self._engine.check()

    async def close(self) -> None:
        await self._engine.close()


class Retained:
    """One registry."""

    def __init__(self, opened: OpenCatalog | None = None) -> None:
        memory = opened or open_memory()
        self.stepped = Stepped(memory.engine)
        changes = memory.changes, memory.access_changes, memory.settings_changes, memory.queue_changes
        self.opened = opened or on(self.stepped, self.stepped, *changes)
        self.catalog = self.opened.catalog
        self.clock = HandClock()
        self.clock.at = START
        self.scene = Scene(self.catalog)
        self.watched = Watched(self.catalog.retention.removals)
        documents, changes = self.opened.identity.documents, self.opened.settings_changes
        self.documents = documents
        in_force = SettingsInForce(documents, changes)
        access = Access(self.opened.identity.facts, self.opened.access_changes, self.clock, everyone=False)
        terms = WriteTerms(access, in_force, Upstreams(documents, changes, self.catalog.cached_content))
        retention = self.catalog.retention
        self.planner = Planner(retention, self.catalog.browse, documents, in_force, self.clock)
        self.slept: list[float] = []
        self.applier = Applier(
            retention.plans, self.planner, self.watched, self.catalog.history, terms, self.clock, self._sleep
        )
        self.counted: list[tuple[int, int]] = []
        self.work = RetentionWork(
            retention.plans,
            retention.in_use,
            documents,
            self.planner,
            self.applier,
            self.clock,
            lambda done, left: self.counted.append((done, left)),
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def pass_time(self, span: int) -> None:
        """Later."""
        self.clock.at += span
        self.scene.at += span

    async def rule(
        self, body: Mapping[str, Any], name: str = "builds", path: str = "team", kind: str = "retention"
    ) -> None:
        """Make or replace a rule."""
        await self.documents.put(Document(kind, name, msgspec.json.encode(body), path=path), self.scene.by())

    async def plan(self, path: str = "team") -> RetentionPlan:
        """A plan that is made."""
        made = await self.catalog.retention.plans.add(path, self.scene.by())
        await self.planner.make(made, self.scene.by())
        return await self.found(made.id)

    async def apply(self, plan: RetentionPlan) -> RetentionPlan:
        """Begin, or go on."""
        begun = await self.catalog.retention.plans.apply(plan.id, self.scene.by("ann"))
        return await self.applier.apply(begun)

    async def found(self, plan: int) -> RetentionPlan:
        """As it is now."""
        found = await self.catalog.retention.plans.get(plan)
        assert found is not None
        return found

    async def items(self, plan: RetentionPlan) -> Sequence[tuple[str, PlannedItem]]:
        """Everything in it."""
        pages = await self.catalog.retention.plans.pages(plan.id, ("", 0), 1_000)
        first = [page for page in pages if page.number]
        whole = await self.catalog.retention.plans.pages(plan.id, ("", -1), 1_000)
        assert set(first) <= set(whole)
        return [(page.repository, item) for page in whole for item in page.items]

    async def outcomes(self, plan: RetentionPlan) -> dict[str, str]:
        """By tag what became of what was to be deleted."""
        return {item.tag: item.outcome for _, item in await self.items(plan) if item.goes}

    async def going(self, plan: RetentionPlan) -> set[str]:
        """The tags that a plan deletes."""
        return {item.tag for _, item in await self.items(plan) if item.goes and item.tag}

    async def tags(self, repository: RepositoryName) -> set[str]:
        """What there is."""
        found = (await self.scene.view()).tags
        return set(found.get(repository, {}))

    def run(self, job: int = 1, **arguments: object) -> Run:
        """One try at a job."""
        made = Job(
            id=job,
            kind="retention",
            arguments=dict(arguments),
            place="",
            asked_by="orlop",
            asked_at=START,
            priority=0,
            not_before=0,
            state=JobState.RUNNING,
            attempts=1,
            started_at=START,
            ended_at=0,
            owner="me",
            fence=1,
            lease_until=1 << 62,
            beat_at=START,
            progress=Progress(),
            result="",
            error="",
            is_unwanted=False,
        )
        return Run(made, self.clock)
