"""The page of how the registry fares, on one screen: green and quiet, or red with a sentence and where to act."""

import msgspec

from orlop.domain.attention import Concern, ConcernKind
from orlop.domain.durations import DAY, SECOND
from orlop.domain.pages import PageRequest
from orlop.faces.http.concerns import page_of
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.ports.usage import UsageDay
from orlop.services.desks import Desks
from orlop.services.health.health import OK, HealthReport
from orlop.services.usage.reports import UsageReport

#: Days of the curve of storage, and how far it is drawn on as it grew.
_DAYS, _AHEAD = 90, 30
_DAMAGED = 20


class HealthPages:
    """What the whole registry needs, and what holds for it."""

    def __init__(self, pages: Pages, desks: Desks) -> None:
        self._pages = pages
        self._desks = desks

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (Route("GET", "/health", self.show), Route("GET", "/health/configuration", self.configuration))

    async def show(self, exchange: UiExchange) -> Reply:
        """The tiles, the curves, and what lies behind them."""
        caller, desks = exchange.caller, self._desks
        report = await desks.health.report(caller)
        concerns = await desks.attention.of(caller)
        usage, days = await desks.usage.of(caller, ""), await desks.usage.days(caller, "", _DAYS)
        damaged = await desks.scrub.quarantined(caller, PageRequest(_DAMAGED))
        return self._pages.page(
            exchange,
            "health",
            report=report,
            lately=report.traffic.lately(),
            usage=usage,
            followers=await desks.followers.all(caller),
            advisories=await desks.advisories.status(caller),
            scrub=await desks.scrub.status(caller),
            damaged=damaged.items,
            servers=await desks.status.servers(caller),
            wrong=_by_kind(concerns),
            page_of=page_of,
            ok=OK,
            storage=_storage(days, usage),
            requests=_requests(report),
        )

    async def configuration(self, exchange: UiExchange) -> Reply:
        """Every setting, and where its value came from."""
        values = await self._desks.configuration.all(exchange.caller)
        given = exchange.query.get("given") == "yes"
        return self._pages.page(
            exchange,
            "configuration",
            given=given,
            values=[value for value in values if not given or value.source != "default"],
        )


def _by_kind(concerns: tuple[Concern, ...]) -> dict[str, list[Concern]]:
    found: dict[str, list[Concern]] = {kind.value: [] for kind in ConcernKind}
    for concern in concerns:
        found[concern.kind.value].append(concern)
    return found


def _storage(days: tuple[UsageDay, ...], usage: UsageReport) -> str:
    """The curve of what is stored, and on as it grew, as JSON; empty where there is too little to draw."""
    if len(days) < 2:
        return ""
    times = [each.day * DAY // SECOND for each in days]
    stored: list[int | None] = [each.usage.stored_bytes for each in days]
    lines: list[dict[str, object]] = [{"label": "stored", "unit": "bytes", "values": stored}]
    if usage.growth is not None and usage.growth > 0:
        last = days[-1]
        ahead: list[int | None] = [None] * (len(days) - 1) + [last.usage.stored_bytes]
        for number in range(1, _AHEAD + 1):
            times.append((last.day + number) * DAY // SECOND)
            stored.append(None)
            ahead.append(last.usage.stored_bytes + int(usage.growth * number))
        lines.append({"label": "as it grows", "unit": "bytes", "values": ahead, "dashed": True})
    return msgspec.json.encode({"times": times, "lines": lines}).decode()


def _requests(report: HealthReport) -> str:
    """The curve of requests of the last hour, as JSON; empty where there is too little to draw."""
    curve = report.traffic.curve()
    if len(curve) < 2:
        return ""
    lines = [
        {"label": "requests a second", "unit": "count", "values": [round(each.per_second, 2) for _, each in curve]},
        {
            "label": "failures a second",
            "unit": "count",
            "values": [round(each.failed / each.seconds, 2) for _, each in curve],
        },
    ]
    return msgspec.json.encode({"times": [at // SECOND for at, _ in curve], "lines": lines}).decode()
