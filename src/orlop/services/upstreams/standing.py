"""How upstreams stand, as one process knows it: what it finds itself, and what others found, at most a second ago.

What it finds is told once a second, and at once where an upstream went away or came back. No request waits for that.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

import msgspec
import structlog

from orlop.domain.durations import SECOND
from orlop.domain.errors import RegistryError, TooManyRequests, UpstreamAway
from orlop.domain.settings import place_words
from orlop.domain.upstreams.breaker import Breaker
from orlop.domain.upstreams.budget import Budget, Need, choose, free_at, retry_after, told
from orlop.domain.upstreams.showing import Showing
from orlop.domain.upstreams.state import UpstreamState, bounded_error
from orlop.ports.catalog import By
from orlop.ports.clock import Clock
from orlop.ports.upstream import UpstreamError
from orlop.ports.upstreams import UpstreamStates

#: For how long what was read of others holds, and how often a process tells what it found, in microseconds.
HOLDS = SECOND
#: Who it is that tells.
_ORLOP = "orlop"
#: An upstream that was away for less says that it was busy; one that did not answer for so long says nothing at all.
SILENT = 2 * SECOND

_log = structlog.get_logger("orlop.upstreams")


class BudgetSpent(TooManyRequests):
    """No account may be used: the upstream was not even asked."""


class Meter(Protocol):
    """Counts for metrics. An upstream is called by its place and name."""

    def requested(self, upstream: str, outcome: str) -> None:
        """It was sent a request. `outcome` is one of a few fixed words."""
        ...

    def pulled(self, upstream: str, hits: int, misses: int) -> None:
        """So many pulls were served without and with content from there."""
        ...

    def received(self, upstream: str, size: int) -> None:
        """So many bytes came."""
        ...


class _Standing:
    """What is known of one upstream."""

    def __init__(self, showing: Showing) -> None:
        self.showing = showing
        self.state = UpstreamState()
        """All that is known."""
        self.news = UpstreamState()
        """What others have not been told."""
        self.read_at = -HOLDS
        self.told_at = 0
        self.late = 0
        """Calls that those who asked do not wait for any more, and that have brought nothing yet."""
        self.unmatched = 0
        """Pulls that content was fetched for, and that are not counted among pulls yet."""


class Standings:
    """Every upstream that this process asked. Is also the RemoteObserver of its connections."""

    def __init__(self, states: UpstreamStates, clock: Clock, meter: Meter) -> None:
        self._states = states
        self._clock = clock
        self._meter = meter
        self._known: dict[str, _Standing] = {}
        self._telling: set[asyncio.Task[None]] = set()

    # --- whether it is asked ---

    async def admit(self, showing: Showing, need: Need, *, patient: bool) -> bool:
        """Whether whoever asks is to find out if the upstream is back; returns where it may be asked at all. Whoever
        is not `patient` has something else to serve.

        Raises UpstreamAway while it is offline by its setting or away, BudgetSpent where no account may be used.
        """
        where = _named(showing)
        if showing.upstream.offline:
            raise UpstreamAway(f"{where} is offline by its setting: only what is cached is served")
        known = await self._current(showing)
        now, breaker = self._clock.now(), known.state.breaker
        if breaker.is_closed:
            if known.late and not patient:
                raise UpstreamAway(f"{where} takes long to answer")
            self._budget(known, need, now)
            return False
        if not breaker.is_due(now):
            raise self._away(known, now)
        self._budget(known, need, now)
        probing = breaker.probed(now)
        with suppress(RegistryError):  # while the catalog is away each process finds out for itself
            if not await self._states.probe(showing.identity, breaker, probing):
                known.read_at = -HOLDS
                raise self._away(known, now)
        known.state = msgspec.structs.replace(known.state, breaker=probing)
        return True

    def account(self, showing: Showing, need: Need) -> int:
        """See RemoteObserver. Raises BudgetSpent."""
        known, now = self._of(showing), self._clock.now()
        chosen = self._budget(known, need, now)
        if need is not Need.FREE:
            self._budgeted(known, chosen.spent(now), news=False)
        return showing.upstream.accounts.index(chosen.account)

    # --- what came of it ---

    def answered(self, showing: Showing) -> None:
        """It answered, whatever it said."""
        known, now = self._of(showing), self._clock.now()
        known.state = msgspec.structs.replace(known.state, last_ok_at=now)
        known.news = msgspec.structs.replace(known.news, last_ok_at=now)
        self._moved(known, known.state.breaker.answered(now))

    def away(self, showing: Showing, error: RegistryError, began: int) -> None:
        """What was asked at a time, in microseconds since 1970, came to nothing."""
        known, now = self._of(showing), self._clock.now()
        failure = {"last_error": bounded_error(error.message), "last_error_at": now}
        known.state = msgspec.structs.replace(known.state, **failure)
        known.news = msgspec.structs.replace(known.news, **failure)
        self._moved(known, known.state.breaker.failed(now, silent=now - began >= SILENT))

    def late(self, showing: Showing, by: int) -> None:
        """One call more, or less, that nobody waits for any more and that may still bring something."""
        self._of(showing).late += by

    def observed(self, showing: Showing, account: int, status: int, headers: Mapping[str, str]) -> None:
        """See RemoteObserver."""
        known, now = self._of(showing), self._clock.now()
        self._meter.requested(label(showing.path, showing.name), _outcome(status))
        budget = self._budget_of(known, showing.upstream.accounts[account])
        said = told(headers, now)
        if said is not None:
            budget = budget.after(said, now)
        if status == 429:
            budget = budget.refused(retry_after(headers, now), now)
        if said is not None or status == 429:
            self._budgeted(known, budget, news=True)

    def failed(self, showing: Showing, account: int, error: UpstreamError) -> None:
        """See RemoteObserver; what it means for the upstream says whoever made the call."""
        self._meter.requested(label(showing.path, showing.name), "away")

    def received(self, showing: Showing, size: int) -> None:
        """So many bytes of content came."""
        known = self._of(showing)
        known.news = msgspec.structs.replace(known.news, bytes_in=known.news.bytes_in + size)
        self._meter.received(label(showing.path, showing.name), size)

    def missed(self, showing: Showing) -> None:
        """Content was fetched for a pull."""
        known = self._of(showing)
        known.unmatched += 1
        known.news = msgspec.structs.replace(known.news, misses=known.news.misses + 1)
        self._meter.pulled(label(showing.path, showing.name), 0, 1)

    def pulled(self, showing: Showing, times: int) -> None:
        """So many pulls were answered, those that content was fetched for among them."""
        known = self._of(showing)
        hits = max(times - known.unmatched, 0)
        known.unmatched = max(known.unmatched - times, 0)
        known.news = msgspec.structs.replace(known.news, hits=known.news.hits + hits)
        self._meter.pulled(label(showing.path, showing.name), hits, 0)

    # --- telling others ---

    async def tell(self) -> None:
        """Tell others what is new here."""
        for known in tuple(self._known.values()):
            if known.news != UpstreamState():
                await self._tell(known)

    async def close(self) -> None:
        """Tell what there is to be told."""
        await asyncio.gather(*self._telling)
        await self.tell()

    # --- within ---

    def _of(self, showing: Showing) -> _Standing:
        known = self._known.get(showing.identity)
        if known is None:
            known = self._known[showing.identity] = _Standing(showing)
        known.showing = showing
        return known

    async def _current(self, showing: Showing) -> _Standing:
        """What is known, also by others."""
        known, now = self._of(showing), self._clock.now()
        if known.read_at <= now < known.read_at + HOLDS:
            return known
        known.read_at = now
        with suppress(RegistryError):  # the catalog is away: what this process knows has to do
            self._take(known, await self._states.get(showing.identity) or UpstreamState())
        return known

    def _take(self, known: _Standing, row: UpstreamState) -> None:
        """Others know so much."""
        own = known.state.breaker
        merged = row.merged(known.news)
        breaker = own if own.since >= row.breaker.since else row.breaker
        known.state = msgspec.structs.replace(merged, breaker=breaker)

    def _moved(self, known: _Standing, breaker: Breaker) -> None:
        moved = breaker.since != known.state.breaker.since
        known.state = msgspec.structs.replace(known.state, breaker=breaker)
        if moved:
            known.news = msgspec.structs.replace(known.news, breaker=breaker)
            task = asyncio.ensure_future(self._tell(known))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _tell(self, known: _Standing) -> None:
        news, known.news = known.news, UpstreamState()
        showing = known.showing
        try:
            row = await self._states.report(showing, news, By(_ORLOP, self._clock.now()))
        except RegistryError as error:
            known.news = news.merged(known.news)
            _log.warning(
                "how an upstream fares was not written",
                upstream=label(showing.path, showing.name),
                reason=error.message,
            )
            return
        if row is None:  # its setting is no more
            self._known.pop(showing.identity, None)
            return
        self._take(known, row)
        known.read_at = self._clock.now()

    def _budget_of(self, known: _Standing, account: str) -> Budget:
        return next((each for each in known.state.budgets if each.account == account), Budget(account=account))

    def _budgeted(self, known: _Standing, budget: Budget, *, news: bool) -> None:
        def put(state: UpstreamState) -> UpstreamState:
            others = [each for each in state.budgets if each.account != budget.account]
            return msgspec.structs.replace(
                state, budgets=tuple(sorted([*others, budget], key=lambda each: each.account))
            )

        known.state = put(known.state)
        if news:
            known.news = put(known.news)

    def _budget(self, known: _Standing, need: Need, now: int) -> Budget:
        """The account that may be used. Raises BudgetSpent."""
        budgets = [self._budget_of(known, account) for account in known.showing.upstream.accounts]
        chosen = choose(budgets, need, now)
        if chosen is not None:
            return chosen
        seconds = max(1, -(-(free_at(budgets, need, now) - now) // SECOND))
        some = [each for each in budgets if not each.blocked(now)]
        why = "what is left is kept for what was never pulled" if some else "it answered 429, too many requests"
        if any(each.left(now) == 0 for each in some):
            why = "its limit of requests is used up"
        raise BudgetSpent(
            f"{_named(known.showing)} is not asked for {seconds} seconds: {why}; more accounts in its credentials help",
            retry_after=seconds,
        )

    def _away(self, known: _Standing, now: int) -> UpstreamAway:
        seconds = max(1, -(-(known.state.breaker.until - now) // SECOND))
        return UpstreamAway(
            f"{_named(known.showing)} is away: {known.state.last_error or 'it does not answer'}; it is asked again in"
            f" {seconds} seconds",
            retry_after=seconds,
        )


def label(path: str, name: str) -> str:
    """The upstream in metrics and logs: its place and name, as `hub/hub`."""
    return f"{place_words(path)}{name}"


def _named(showing: Showing) -> str:
    """The upstream in a sentence."""
    return f"the upstream {showing.name} ({showing.upstream.host})"


def _outcome(status: int) -> str:
    """What an answer counts as."""
    match status:
        case 401 | 403:
            return "refused"
        case 404:
            return "missing"
        case 429:
            return "limited"
        case _ if status >= 500:
            return "failed"
        case _:
            return "answered"
