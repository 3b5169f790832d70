"""The usage of a place: what is large there, how it grew and goes on, who shares it, and how full its quotas are."""

import msgspec

from orlop.domain.durations import DAY, SECOND
from orlop.domain.forecast import ahead
from orlop.faces.ui.addresses import place_address
from orlop.faces.ui.browse.frame import PlaceFrame, PlaceFrames
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.faces.ui.rules.settings import path_of
from orlop.faces.ui.treemap import Box, treemap
from orlop.ports.usage import UsageBelow, UsageDay
from orlop.services.usage.reports import UsageReport, UsageReports

#: Lines of what lies below, of what grew most and of who shares; boxes of the picture; days that are looked at, and
#: those that the curve goes on for.
_BELOW, _GROWING, _SHARING, _BOXES, _AHEAD = 100, 10, 10, 24, 30
_SPANS = (30, 90, 400)

#: The picture's size, in units of its own.
WIDE, HIGH = 1000, 320

#: How a part of it is drawn, one after the other.
_INKS = ("one", "two", "three", "four", "five")


class _Below(msgspec.Struct, frozen=True):
    below: UsageBelow
    address: str
    grown: int | None


class _Part(msgspec.Struct, frozen=True):
    """A box of the picture."""

    box: Box
    path: str
    address: str
    size: int
    ink: str


class _Past(msgspec.Struct, frozen=True):
    """A day of the history."""

    at: int
    day: UsageDay


class UsageTab:
    """For whoever may edit rules at the place. By the tab of a place, or by an address of its own."""

    def __init__(self, pages: Pages, reports: UsageReports, frames: PlaceFrames) -> None:
        self._pages = pages
        self._reports = reports
        self._frames = frames

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (Route("GET", "/usage", self.asked),)

    async def asked(self, exchange: UiExchange) -> Reply:
        """Of the registry, or of the place in the address."""
        return await self._page(exchange, path_of(exchange.query.get("path", "")), None)

    async def show(self, exchange: UiExchange, name: str) -> Reply:
        """See `PlaceTab`."""
        return await self._page(exchange, name, await self._frames.of(exchange, name))

    async def _page(self, exchange: UiExchange, name: str, frame: PlaceFrame | None) -> Reply:
        days = next((each for each in _SPANS if str(each) == exchange.query.get("days", "")), _SPANS[0])
        caller, reports = exchange.caller, self._reports
        report = await reports.of(caller, name)
        below = await reports.below(caller, name, _BELOW, days, by_growth=False)
        growing = await reports.below(caller, name, _GROWING, days, by_growth=True)
        past = [_Past(each.day * DAY, each) for each in await reports.days(caller, name, days)]
        return self._pages.page(
            exchange,
            "usage/usage",
            frame=frame,
            report=report,
            place=name,
            below=[_below(each) for each in below],
            picture=_picture(below),
            wide=WIDE,
            high=HIGH,
            growing=[one for one in map(_below, growing) if one.grown],
            sharing=await reports.sharing(caller, name, _SHARING),
            past=past,
            curve=_curve(past, report),
            days=days,
            spans=_SPANS,
        )


def _below(below: UsageBelow) -> _Below:
    grown = below.usage.stored_bytes - below.before if below.before is not None else None
    return _Below(below, place_address(below.path.strip("/"), "usage"), grown)


def _picture(below: tuple[UsageBelow, ...]) -> list[_Part]:
    """The largest of what lies below, and all the others together."""
    there = [one for one in below if one.usage.stored_bytes > 0]
    shown = sorted(there, key=lambda one: one.usage.stored_bytes, reverse=True)[:_BOXES]
    amounts = [one.usage.stored_bytes for one in shown]
    return [
        _Part(
            box,
            one.path,
            place_address(one.path.strip("/"), "usage"),
            one.usage.stored_bytes,
            _INKS[number % len(_INKS)],
        )
        for number, (one, box) in enumerate(zip(shown, treemap(amounts, WIDE, HIGH), strict=True))
    ]


def _curve(past: list[_Past], report: UsageReport) -> str:
    """What the script draws, as JSON: the past, and where it goes if it goes on like that; empty: too little."""
    if len(past) < 2:
        return ""
    times = [each.at // SECOND for each in past]
    stored: list[int | None] = [each.day.usage.stored_bytes for each in past]
    lines: list[dict[str, object]] = [{"label": "Stored", "unit": "bytes", "values": stored}]
    logical: list[int | None] = [each.day.usage.logical_bytes for each in past]
    lines.append({"label": "Counted in each repository", "unit": "bytes", "values": logical})
    to_come = ahead(past[-1].day.usage.stored_bytes, report.growth, _AHEAD)
    if to_come:
        nothing: list[int | None] = [None] * len(to_come)
        lines.append(
            {
                "label": "If it goes on",
                "unit": "bytes",
                "dashed": True,
                "values": [*[None] * (len(past) - 1), stored[-1], *to_come],
            }
        )
        times += [times[-1] + number * DAY // SECOND for number in range(1, len(to_come) + 1)]
        stored += nothing
        logical += nothing
    return msgspec.json.encode({"times": times, "lines": lines}).decode()
