"""The world outside: how upstreams fare, what is fetched of them ahead, and what virtual repositories show."""

from urllib.parse import urlencode

import msgspec

from orlop.domain.errors import RegistryError
from orlop.domain.job_kinds import CACHE_CLEARING, PREFETCH, PrefetchArguments
from orlop.domain.pages import PageRequest
from orlop.domain.upstreams.upstream import UPSTREAMS
from orlop.domain.virtuals import VIRTUALS
from orlop.faces.ui.account import number
from orlop.faces.ui.addresses import settings_address
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.faces.ui.rules.settings import path_of
from orlop.services.desks import Desks
from orlop.services.management.operations import Operation
from orlop.services.settings.kept import Shown
from orlop.services.upstreams.desk import UpstreamStatus

#: Upstreams and virtual repositories of a page.
_MANY = 50


class _Upstream(msgspec.Struct, frozen=True):
    shown: Shown
    status: UpstreamStatus
    address: str


class WorldPages:
    """Whoever may see the setting of an upstream sees how it fares."""

    def __init__(self, pages: Pages, desks: Desks) -> None:
        self._pages = pages
        self._settings = desks.management.settings
        self._gate = desks.management.gate
        self._upstreams = desks.upstreams
        self._jobs = desks.jobs

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/world", self.overview),
            Route("GET", "/world/upstreams/{name}", self.show),
            Route("POST", "/world/upstreams/{name}/prefetch", self.prefetch),
            Route("POST", "/world/upstreams/{name}/cancel", self.cancel),
            Route("POST", "/world/upstreams/{name}/clear", self.clear),
        )

    async def overview(self, exchange: UiExchange) -> Reply:
        """All of them."""
        caller, after = exchange.caller, exchange.query.get("last", "")
        found = await self._settings.page(caller, UPSTREAMS.kind, PageRequest(_MANY, after))
        virtuals = await self._settings.page(caller, VIRTUALS.kind, PageRequest(_MANY))
        last = f"{found.items[-1].path}:{found.items[-1].name}" if found.more else ""
        return self._pages.page(
            exchange,
            "world/overview",
            upstreams=[await self._upstream(exchange, each) for each in found.items],
            more=f"/world?{urlencode({'last': last})}" if last else "",
            virtuals=[(each, settings_address(VIRTUALS.plural, each.name, path=each.path)) for each in virtuals.items],
        )

    async def show(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """One of them, and what is fetched of it ahead."""
        upstream = await self._found(exchange)
        name, path = upstream.shown.name, upstream.shown.path
        may_prefetch = await self._upstreams.may_prefetch(exchange.caller, path)
        return self._pages.page(
            exchange,
            "world/upstream",
            refusal=refusal,
            one=upstream,
            rule=settings_address(UPSTREAMS.plural, name, path=path),
            may_prefetch=may_prefetch,
            prefetches=await self._upstreams.prefetches(exchange.caller, name, path) if may_prefetch else (),
            may_clear=await self._gate.may(exchange.caller, Operation.JOB_RUN),
            typed=exchange.form,
        )

    async def prefetch(self, exchange: UiExchange) -> Reply:
        """Have images fetched that nobody asked for yet: one a line."""
        name, path = exchange.params["name"], path_of(exchange.field("path"))
        try:
            arguments = {
                "upstream": name,
                "images": exchange.field("images").split(),
                "platforms": exchange.field("platforms").replace(",", " ").split(),
                "referrers": bool(exchange.field("referrers")),
            }
            await self._upstreams.prefetch(exchange.caller, name, path, prefetch_arguments(arguments))
        except RegistryError as refusal:
            return await self.show(exchange, refusal)
        return redirect(_address(name, path))

    async def cancel(self, exchange: UiExchange) -> Reply:
        """Have a prefetch end; what it fetched stays."""
        name, path = exchange.params["name"], path_of(exchange.field("path"))
        try:
            await self._upstreams.cancel(exchange.caller, name, path, number(exchange.field("job")))
        except RegistryError as refusal:
            return await self.show(exchange, refusal)
        return redirect(_address(name, path))

    async def clear(self, exchange: UiExchange) -> Reply:
        """Ask, and then have a job remove all that is cached."""
        upstream = await self._found(exchange)
        name, path = upstream.shown.name, upstream.shown.path
        await self._gate.check(exchange.caller, Operation.JOB_RUN)
        if exchange.field("confirmed"):
            await self._jobs.run(exchange.caller, CACHE_CLEARING.kind, {"upstream": name}, place=path)
            return redirect(_address(name, path))
        return self._pages.page(exchange, "world/clear", one=upstream)

    async def _found(self, exchange: UiExchange) -> _Upstream:
        path = path_of(exchange.field("path") or exchange.query.get("path", ""))
        return await self._upstream(
            exchange, await self._settings.get(exchange.caller, UPSTREAMS.kind, exchange.params["name"], path)
        )

    async def _upstream(self, exchange: UiExchange, shown: Shown) -> _Upstream:
        status = await self._upstreams.status(exchange.caller, shown.name, shown.path)
        return _Upstream(shown, status, _address(shown.name, shown.path))


def prefetch_arguments(arguments: dict[str, object]) -> PrefetchArguments:
    """What is to be fetched. Raises RequestInvalid."""
    return msgspec.convert(PREFETCH.checked(arguments), PrefetchArguments)


def _address(name: str, path: str) -> str:
    return f"/world/upstreams/{name}" + (f"?{urlencode({'path': path})}" if path else "")
