"""Plans of retention, as rows."""

from collections.abc import Sequence

import msgspec

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.domain.counts import counted
from orlop.domain.errors import NotFound
from orlop.domain.events import EventKind
from orlop.domain.pages import Page, PageRequest, after_number, page_of
from orlop.domain.retention.plan import PlannedItem
from orlop.domain.retention.plans import PlanFigures, PlanState, RetentionPlan, RuleVersion
from orlop.ports.by import By
from orlop.ports.retention import PageDone, PlanPage

#: Greater than the number of any plan.
_BEYOND = (1 << 63) - 1

_items = msgspec.json.Decoder(tuple[PlannedItem, ...])
_rules = msgspec.json.Decoder(tuple[RuleVersion, ...])


class SqlRetentionPlans:
    """See ports.retention.RetentionPlans."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add(self, path: str, by: By) -> RetentionPlan:
        async def script(tx: Session) -> RetentionPlan:
            row = await tx.one("retention_plan_add", path, by.actor, by.at)
            assert row is not None
            return await _found(tx, row[0])

        return await self._engine.write(script, changes=False)

    async def get(self, plan: int) -> RetentionPlan | None:
        row = await self._engine.reader.one("retention_plan_get", plan)
        return _plan(row) if row is not None else None

    async def page(self, page: PageRequest, path: str | None = None) -> Page[RetentionPlan]:
        reader, keys = self._engine.reader, (after_number(page) or _BEYOND, page.size + 1)
        if path is None:
            rows = await reader.all("retention_plan_page", *keys)
        else:
            rows = await reader.all("retention_plan_page_of", *keys, path)
        return page_of(map(_plan, rows), page)

    async def clear(self, plan: int) -> None:
        async def script(tx: Session) -> None:
            await tx.run("retention_pages_clear", plan)

        await self._engine.write(script, changes=False)

    async def keep(self, plan: int, pages: Sequence[PlanPage]) -> None:
        rows = [
            (
                plan,
                page.repository,
                page.number,
                msgspec.json.encode(page.items, enc_hook=str),
                sum(i.goes for i in page.items),
            )
            for page in pages
        ]

        async def script(tx: Session) -> None:
            await tx.many("retention_page_add", rows)

        await self._engine.write(script, durable=False, changes=False)

    async def planned(self, plan: int, figures: PlanFigures, by: By) -> None:
        rules = msgspec.json.encode(figures.rules).decode()

        async def steps(tx: Session, ledger: Ledger) -> None:
            found = await _found(tx, plan)
            await tx.run(
                "retention_plan_made",
                *(plan, rules, figures.brake, figures.repositories, figures.tags, figures.manifests),
                *(figures.deleted_tags, figures.deleted_manifests, figures.bytes, figures.shared),
            )
            detail = (
                f"deletes {figures.deleted_tags} of {counted(figures.tags, 'tag')} and"
                f" {counted(figures.deleted_manifests, 'manifest')};"
                f" frees {counted(figures.bytes, 'byte')}"
            )
            ledger.event(EventKind.RETENTION_PLANNED, found.path, subject=_subject(found), detail=detail)

        await self._engine.write(recorded(by, steps), changes=False)

    async def apply(self, plan: int, by: By) -> RetentionPlan:
        async def steps(tx: Session, ledger: Ledger) -> RetentionPlan:
            found = await _locked(tx, plan)
            found.check_applicable(over_brake=True)
            if found.state is PlanState.PLANNED:
                await tx.run("retention_plan_applying", plan, by.actor, by.at)
                ledger.event(EventKind.RETENTION_BEGUN, found.path, subject=_subject(found))
            return await _found(tx, plan)

        return await self._engine.write(recorded(by, steps), changes=False)

    async def has_job(self, plan: int, job: int) -> None:
        async def script(tx: Session) -> None:
            await tx.run("retention_plan_job", plan, job)

        await self._engine.write(script, durable=False, changes=False)

    async def pages(
        self, plan: int, after: tuple[str, int], limit: int, *, deletes: bool = False
    ) -> tuple[PlanPage, ...]:
        statement = "retention_pages_deleting" if deletes else "retention_pages_all"
        return tuple(map(_page, await self._engine.reader.all(statement, plan, *after, limit)))

    async def open(self, plan: int, limit: int) -> tuple[PlanPage, ...]:
        return tuple(map(_page, await self._engine.reader.all("retention_pages_open", plan, limit)))

    async def did(self, plan: int, pages: Sequence[PageDone]) -> None:
        items = [msgspec.json.encode(each.page.items, enc_hook=str) for each in pages]

        async def script(tx: Session) -> None:
            done = skipped = 0
            for each, what in zip(pages, items, strict=True):
                key = plan, each.page.repository, each.page.number
                if await tx.one("retention_page_did", *key, what) is not None:
                    done, skipped = done + each.done, skipped + each.skipped
            if done or skipped:
                await tx.run("retention_plan_did", plan, done, skipped)

        await self._engine.write(script, changes=False)

    async def applied(self, plan: int, by: By) -> RetentionPlan:
        async def steps(tx: Session, ledger: Ledger) -> RetentionPlan:
            found = await _locked(tx, plan)
            if found.state is PlanState.APPLYING:
                await tx.run("retention_plan_applied", plan, by.at)
                detail = f"{found.done} deleted, {found.skipped} left"
                ledger.event(EventKind.RETENTION_APPLIED, found.path, subject=_subject(found), detail=detail)
            return await _found(tx, plan)

        return await self._engine.write(recorded(by, steps), changes=False)

    async def forget(self, before: int, limit: int) -> int:
        async def script(tx: Session) -> int:
            old = await tx.all("retention_plans_old", before, limit)
            for (plan,) in old:
                await tx.run("retention_pages_clear", plan)
                await tx.run("retention_plan_delete", plan)
            return len(old)

        return await self._engine.write(script, durable=False, changes=False)


def _subject(plan: RetentionPlan) -> str:
    return f"plan {plan.id}"


async def _found(tx: Session, plan: int) -> RetentionPlan:
    row = await tx.one("retention_plan_get", plan)
    if row is None:
        raise NotFound(f"there is no plan {plan}; orlop retention plans lists those there are", {"plan": plan})
    return _plan(row)


async def _locked(tx: Session, plan: int) -> RetentionPlan:
    """A plan that nobody else changes until the transaction ends."""
    await tx.one("retention_plan_lock", plan)
    return await _found(tx, plan)


def _plan(row: Row) -> RetentionPlan:
    number, path, asked_by, asked_at, state, rules, brake, repositories, tags, manifests, *rest = row
    deleted_tags, deleted_manifests, freed, shared, job, applied_by, applied_at, ended_at, done, skipped = rest
    return RetentionPlan(
        id=number,
        path=path,
        asked_by=asked_by,
        asked_at=asked_at,
        state=PlanState(state),
        figures=PlanFigures(
            rules=_rules.decode(rules),
            brake=brake,
            repositories=repositories,
            tags=tags,
            manifests=manifests,
            deleted_tags=deleted_tags,
            deleted_manifests=deleted_manifests,
            bytes=freed,
            shared=shared,
        ),
        job=job,
        applied_by=applied_by,
        applied_at=applied_at,
        ended_at=ended_at,
        done=done,
        skipped=skipped,
    )


def _page(row: Row) -> PlanPage:
    return PlanPage(row[0], row[1], _items.decode(row[2]))
