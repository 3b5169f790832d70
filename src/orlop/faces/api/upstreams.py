"""End points about upstreams beyond those that every setting has: how one fares, and prefetches."""

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from orlop.domain.job_kinds import Image, PrefetchArguments
from orlop.domain.upstreams.budget import Budget
from orlop.faces.api import values
from orlop.faces.api.exchange import PREFIX, ApiRequest, caller_of
from orlop.faces.api.jobs import JobValue
from orlop.faces.api.people import Number
from orlop.faces.api.settings import At
from orlop.services.management.operations import Operation
from orlop.services.upstreams.desk import UpstreamDesk, UpstreamStatus


class BudgetValue(msgspec.Struct, frozen=True):
    """What an account of an upstream may still ask for. `account` empty: nobody; `limit` null: the upstream told of
    none; `full_at`: when all of it is there again; `blocked_until`: it was answered 429, and is not used before."""

    account: str
    limit: int | None
    remaining: int | None
    full_at: values.Time
    blocked_until: values.Time

    @classmethod
    def of(cls, budget: Budget, now: int) -> "BudgetValue":
        """As clients see it."""
        return cls(
            budget.account,
            budget.limit or None,
            budget.left(now),
            values.time(budget.full_at if now < budget.full_at else 0),
            values.time(budget.blocked_until if budget.blocked(now) else 0),
        )


class UpstreamStatusValue(msgspec.Struct, frozen=True):
    """How an upstream fares. `state`: `up`, `away` (since `away_since`; it is asked again at `retry_at`) or `offline`
    by its setting. `answered_at`: when it answered last. `hits` and `misses`: pulls of manifests that were cached, and
    that were fetched; `hit_rate`: the part of the former, null: there were none. `received_bytes` came from it,
    `cached_bytes` are here."""

    state: str
    answered_at: values.Time
    away_since: values.Time
    retry_at: values.Time
    error: str
    failed_at: values.Time
    budgets: list[BudgetValue]
    hits: int
    misses: int
    hit_rate: float | None
    received_bytes: int
    cached_bytes: int
    repositories: int

    @classmethod
    def of(cls, status: UpstreamStatus) -> "UpstreamStatusValue":
        """As clients see it."""
        state, breaker = status.state, status.state.breaker
        rate = state.hit_rate
        return cls(
            state="offline" if status.offline else "up" if breaker.is_closed else "away",
            answered_at=values.time(state.last_ok_at),
            away_since=values.time(breaker.away_since),
            retry_at=values.time(breaker.until if not breaker.is_closed else 0),
            error=state.last_error,
            failed_at=values.time(state.last_error_at),
            budgets=[BudgetValue.of(each, status.now) for each in status.budgets],
            hits=state.hits,
            misses=state.misses,
            hit_rate=round(rate, 4) if rate is not None else None,
            received_bytes=state.bytes_in,
            cached_bytes=status.cached.stored_bytes,
            repositories=status.cached.repositories,
        )


class Prefetch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be fetched. `images`: `library/debian:*-slim` (a pattern of tags), `library/debian` (`latest`) or with
    a digest; `platforms`: as `linux/amd64`, none: all; `referrers`: also what refers to them, such as signatures."""

    images: Annotated[tuple[Image, ...], Meta(min_length=1, max_length=100)]
    platforms: Annotated[tuple[Annotated[str, Meta(max_length=200)], ...], Meta(max_length=16)] = ()
    referrers: bool = False


def upstreams(desk: UpstreamDesk) -> list[HTTPRouteHandler]:
    """`/upstreams/{name}/…`."""
    tags, one = ["upstreams"], "/upstreams/{name:str}"

    @get(f"{one}/status", operation_id="showUpstreamStatus", tags=tags, operation=Operation.UPSTREAM_READ)
    async def show_status(request: ApiRequest, name: FromPath[str], path: At = "") -> UpstreamStatusValue:
        """How it fares: whether it answers, what its accounts have left, how much is cached and used."""
        return UpstreamStatusValue.of(await desk.status(caller_of(request), name, path))

    @post(f"{one}/prefetches", operation_id="prefetch", tags=tags, operation=Operation.UPSTREAM_PREFETCH)
    async def prefetch(
        request: ApiRequest, name: FromPath[str], data: JSONBody[Prefetch], path: At = ""
    ) -> Response[JobValue]:
        """Have a job fetch images that nobody asked for yet, as a pull would."""
        arguments = PrefetchArguments(name, data.images, data.platforms, data.referrers)
        made = await desk.prefetch(caller_of(request), name, path, arguments)
        return Response(JobValue.of(made), status_code=201, headers={"location": f"{PREFIX}/jobs/{made.id}"})

    @get(
        f"{one}/prefetches/{{number:int}}",
        operation_id="showPrefetch",
        tags=tags,
        operation=Operation.UPSTREAM_PREFETCH,
    )
    async def show_prefetch(request: ApiRequest, name: FromPath[str], number: Number, path: At = "") -> JobValue:
        """The job of one of them."""
        return JobValue.of(await desk.prefetching(caller_of(request), name, path, number))

    @post(
        f"{one}/prefetches/{{number:int}}/cancel",
        operation_id="cancelPrefetch",
        tags=tags,
        operation=Operation.UPSTREAM_PREFETCH,
    )
    async def cancel_prefetch(
        request: ApiRequest, name: FromPath[str], number: Number, path: At = ""
    ) -> Response[JobValue]:
        """Have it end; what it fetched stays."""
        made = await desk.cancel(caller_of(request), name, path, number)
        return Response(JobValue.of(made), status_code=200)

    return [show_status, prefetch, show_prefetch, cancel_prefetch]
