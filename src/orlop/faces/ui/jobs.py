"""The pages of what the registry does in the background: every job, one of them, and having one run."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import msgspec

from orlop.domain.errors import NotFound, RegistryError, RequestInvalid
from orlop.domain.job_kinds import JobKind
from orlop.domain.pages import PageRequest
from orlop.domain.queue import ENDED, Job, JobState
from orlop.faces.ui.exchange import Reply, UiExchange, number_of, redirect
from orlop.faces.ui.live import Live, Shown
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.services.management.jobs import JobDesk

_ROWS = 50


class JobPages:
    """`changes` gives what is another after a job, or what somebody may do, changed."""

    def __init__(self, pages: Pages, desk: JobDesk, live: Live, changes: Callable[[], object]) -> None:
        self._pages = pages
        self._desk = desk
        self._live = live
        self._changes = changes

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/jobs", self.show),
            Route("POST", "/jobs", self.run),
            Route("GET", "/jobs/live", self.follow),
            Route("GET", "/jobs/{number}", self.one),
            Route("GET", "/jobs/{number}/live", self.follow_one),
            Route("POST", "/jobs/{number}/cancel", self.cancel),
            Route("POST", "/jobs/{number}/retry", self.retry),
        )

    async def show(self, exchange: UiExchange) -> Reply:
        """The newest, by state and kind."""
        caller = exchange.caller
        values = await self._listed(exchange)
        kinds = await self._desk.kinds(caller)
        return self._pages.page(
            exchange,
            "jobs",
            parts=("rows",),
            states=[each.value for each in JobState],
            kinds=kinds,
            runnable={kind.kind for kind, _ in kinds if _runs_as_it_is(kind)},
            may_run=await self._desk.may_run(caller),
            **values,
        )

    async def follow(self, exchange: UiExchange) -> Reply:
        """The rows of the first page, as they change."""

        async def making(page: UiExchange) -> Shown:
            values = await self._listed(page)
            moving = any(job.state is JobState.RUNNING for job in values["jobs"])
            return Shown(self._pages.part(page, "jobs", "rows", **values), moving)

        return await self._live.stream(exchange, making, self._changes)

    async def _listed(self, exchange: UiExchange) -> dict[str, Any]:
        state, kind = exchange.query.get("state", ""), exchange.query.get("kind", "")
        request = PageRequest(_ROWS, exchange.query.get("last", ""))
        found = await self._desk.page(exchange.caller, request, _state(state), kind)
        chosen = {name: value for name, value in (("state", state), ("kind", kind)) if value}
        following = urlencode({**chosen, "last": str(found.items[-1].id)}) if found.more and found.items else ""
        return {
            "jobs": list(found.items),
            "state": state,
            "kind": kind,
            "following": f"/jobs?{following}" if following else "",
            "live": "" if request.after else f"/jobs/live?{urlencode(chosen)}",
        }

    async def one(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """One of them."""
        return self._pages.page(exchange, "job", refusal=refusal, parts=("state",), **await self._told(exchange))

    async def follow_one(self, exchange: UiExchange) -> Reply:
        """How far it comes."""

        async def making(page: UiExchange) -> Shown:
            values = await self._told(page)
            job: Job = values["job"]
            return Shown(self._pages.part(page, "job", "state", **values), job.state is JobState.RUNNING)

        return await self._live.stream(exchange, making, self._changes)

    async def _told(self, exchange: UiExchange) -> dict[str, Any]:
        job = await self._desk.get(exchange.caller, _number(exchange))
        return {
            "job": job,
            "arguments": msgspec.json.format(msgspec.json.encode(job.arguments), indent=2).decode(),
            "may_run": await self._desk.may_run(exchange.caller),
            "is_over": job.state in ENDED,
        }

    async def run(self, exchange: UiExchange) -> Reply:
        """Ask first what it is for; then have it wait for its turn."""
        name = exchange.field("kind")
        kinds = {kind.kind: (kind, scheduled) for kind, scheduled in await self._desk.kinds(exchange.caller)}
        if name not in kinds:
            raise RequestInvalid("there is no job of this kind here")
        kind, scheduled = kinds[name]
        if exchange.field("sure") != "yes":
            return self._pages.page(exchange, "job_run", kind=kind, scheduled=scheduled)
        made = await self._desk.run(exchange.caller, name, {})
        return redirect(f"/jobs/{made.id}")

    async def cancel(self, exchange: UiExchange) -> Reply:
        """Have it end."""
        number = _number(exchange)
        try:
            await self._desk.cancel(exchange.caller, number)
        except RegistryError as refusal:
            return await self.one(exchange, refusal)
        return redirect(f"/jobs/{number}")

    async def retry(self, exchange: UiExchange) -> Reply:
        """Have it wait for its turn again."""
        number = _number(exchange)
        try:
            await self._desk.retry(exchange.caller, number)
        except RegistryError as refusal:
            return await self.one(exchange, refusal)
        return redirect(f"/jobs/{number}")


def _state(text: str) -> JobState | None:
    """Raises RequestInvalid."""
    if not text:
        return None
    try:
        return JobState(text)
    except ValueError as cause:
        raise RequestInvalid(f"a job is {', '.join(JobState)}") from cause


def _number(exchange: UiExchange) -> int:
    """Raises NotFound."""
    found = number_of(exchange.params["number"])
    if found is None:
        raise NotFound("there is no such job")
    return found


def _runs_as_it_is(kind: JobKind) -> bool:
    """Whether it needs to be told nothing more."""
    try:
        kind.checked({})
    except RequestInvalid:
        return False
    return True
