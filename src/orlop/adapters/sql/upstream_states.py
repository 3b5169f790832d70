"""How upstreams fare, as all processes know it together."""

from typing import Any

import msgspec

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.identity import rows
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.domain.events import EventKind
from orlop.domain.upstreams.breaker import Breaker, BreakerState
from orlop.domain.upstreams.budget import Budget
from orlop.domain.upstreams.showing import Showing
from orlop.domain.upstreams.state import UpstreamState
from orlop.domain.upstreams.upstream import UPSTREAMS
from orlop.ports.by import By

_budgets = msgspec.json.Decoder(tuple[Budget, ...])


class SqlUpstreamStates:
    """See ports.upstreams.UpstreamStates."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def get(self, upstream: str) -> UpstreamState | None:
        row = await self._reader.one("upstream_state", upstream)
        return _state(row) if row else None

    async def all(self) -> tuple[tuple[str, UpstreamState], ...]:
        found = await self._reader.all("upstream_states_all")
        return tuple((upstream, _state(row)) for upstream, *row in found)

    async def report(self, showing: Showing, found: UpstreamState, by: By) -> UpstreamState | None:
        async def steps(tx: Session, ledger: Ledger) -> UpstreamState | None:
            document = await tx.one("document_lock", UPSTREAMS.kind, showing.path, showing.name)
            if document is None or rows.document(document).identity != showing.identity:
                return None
            row = await tx.one("upstream_state_lock", showing.identity)
            before = _state(row) if row else UpstreamState()
            after = before.merged(found)
            if after != before:
                await tx.run("upstream_state_put", showing.identity, *_row(after))
            was, now = before.breaker.away_since, after.breaker.away_since
            if bool(was) is not bool(now):
                kind, detail = (EventKind.UPSTREAM_AWAY, after.last_error) if now else (EventKind.UPSTREAM_BACK, "")
                ledger.event(kind, showing.path, subject=f"{UPSTREAMS.kind} {showing.name}", detail=detail)
            return after

        # Durable where it may write an event: ids that receivers have seen must not be given to other events.
        return await self._engine.write(recorded(by, steps), durable=found.breaker.since > 0, changes=False)

    async def probe(self, upstream: str, before: Breaker, probing: Breaker) -> bool:
        async def script(tx: Session) -> bool:
            what = (probing.state.value, probing.since, probing.until)
            return bool(await tx.all("upstream_probe", upstream, before.since, *what))

        return await self._engine.write(script, durable=False, changes=False)


def _state(row: Row | list[Any]) -> UpstreamState:
    state, since, until, away_since, failures, openings, ok, error, error_at, budgets, hits, misses, bytes_in = row
    return UpstreamState(
        breaker=Breaker(
            state=BreakerState(state),
            since=since,
            until=until,
            away_since=away_since,
            failures=failures,
            openings=openings,
        ),
        last_ok_at=ok,
        last_error=error,
        last_error_at=error_at,
        budgets=_budgets.decode(budgets),
        hits=hits,
        misses=misses,
        bytes_in=bytes_in,
    )


def _row(state: UpstreamState) -> Row:
    breaker = state.breaker
    return (
        *(breaker.state.value, breaker.since, breaker.until, breaker.away_since, breaker.failures, breaker.openings),
        *(state.last_ok_at, state.last_error, state.last_error_at, msgspec.json.encode(state.budgets).decode()),
        *(state.hits, state.misses, state.bytes_in),
    )
