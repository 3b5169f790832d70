"""What a rule for retention would do with other numbers: sliders, and what goes and stays, redrawn as they move."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from orlop.domain.errors import RegistryError
from orlop.domain.retention.rules import RETENTION
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.faces.ui.rules.bodies import text_of
from orlop.faces.ui.rules.settings import path_of
from orlop.services.desks import Desks
from orlop.services.retention.trials import RetentionTrial

_LISTS = ("delete", "keep")
_SPANS = ("pushed_within", "not_pushed_within", "pulled_within", "not_pulled_within")
_SPAN = re.compile(r"\s*([0-9]{1,6})\s*([smhdw])\s*", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

#: A slider goes this far at least, and to so many times what the rule says.
_LEAST_MOST, _TIMES = 50, 3


class RuleNumber(msgspec.Struct, frozen=True):
    """A number of a rule. `field`: where it stands, as `keep.0.newest`; `unit`: of a length of time, as it is
    written."""

    field: str
    words: str
    amount: int
    unit: str
    most: int


class RetentionTrialPages:
    """For whoever may make plans at the place of the rule. Nothing is kept before the rule is saved."""

    def __init__(self, pages: Pages, desks: Desks) -> None:
        self._pages = pages
        self._settings = desks.management.settings
        self._trials = desks.trials
        self._usage = desks.usage

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (Route("GET", "/rules/retention-rules/{name}/trial", self.show),)

    async def show(self, exchange: UiExchange) -> Reply:
        """What the rules of the place would do if this one had the numbers of the address."""
        caller, name = exchange.caller, exchange.params["name"]
        found = await self._settings.get(caller, RETENTION.kind, name, path_of(exchange.query.get("path", "")))
        body, trial, refusal = with_numbers(found.body, exchange.query), None, None
        try:
            trial = await self._trials.trial(caller, found.path, name, body)
        except RegistryError as refused:
            refusal = refused
        return self._pages.page(
            exchange,
            "rules/trial",
            refusal=refusal,
            parts=("trial",),
            rule=found,
            path=found.path,
            numbers=numbers_of(body, found.body),
            trial=trial,
            whole=await self._stored(exchange, found.path, trial),
            text=text_of(body),
            changed=body != found.body,
        )

    async def _stored(self, exchange: UiExchange, path: str, trial: RetentionTrial | None) -> int:
        """Bytes at the place, of which the trial frees some."""
        if trial is None:
            return 0
        report = await self._usage.of(exchange.caller, path)
        return max(report.usage.stored_bytes, trial.figures.bytes)


def numbers_of(body: Mapping[str, Any], kept: Mapping[str, Any] | None = None) -> list[RuleNumber]:
    """The numbers of a rule, in its order; how far their sliders go is by what is kept."""
    before = {field: amount for field, _, amount, _ in _numbers(kept or body)}
    return [
        RuleNumber(field, words, amount, unit, max(_LEAST_MOST, _TIMES * before.get(field, amount)))
        for field, words, amount, unit in _numbers(body)
    ]


def with_numbers(body: Mapping[str, Any], numbers: Mapping[str, str]) -> dict[str, Any]:
    """The body with other numbers, by their fields. What is no number stays out of it."""
    changed: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(body))
    for field, _, _, unit in _numbers(body):
        typed = numbers.get(field, "").strip()
        if typed.isascii() and typed.isdecimal() and len(typed) <= 6:
            *way, last = field.split(".")
            part: Any = changed
            for step in way:
                part = part[int(step) if step.isdecimal() else step]
            part[last] = f"{int(typed)}{unit}" if unit else int(typed)
    return changed


def _numbers(body: Mapping[str, Any]) -> Iterator[tuple[str, str, int, str]]:
    for verb in _LISTS:
        for at, selector in enumerate(body.get(verb, ())):
            where = f"{verb} {at + 1}"
            if selector.get("newest"):
                yield f"{verb}.{at}.newest", f"{where}: the newest", int(selector["newest"]), ""
            for name in _SPANS:
                yield from _span(f"{verb}.{at}.{name}", f"{where}: {name.replace('_', ' ')}", selector.get(name, ""))
    yield from _span("untagged_after", "untagged after", body.get("untagged_after", ""))


def _span(field: str, words: str, text: str) -> Iterator[tuple[str, str, int, str]]:
    if found := _SPAN.fullmatch(text):
        yield field, f"{words}, {_UNITS[found[2]]}", int(found[1]), found[2]
