"""How the whole registry fares: what its stores say, what is asked of it, what waits to be done, how it fills."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from orlop.domain.access import Caller
from orlop.domain.upstreams.state import UpstreamState
from orlop.domain.upstreams.upstream import UPSTREAMS
from orlop.ports.catalog import Totals, Vitals
from orlop.ports.insides import Depths, Insides
from orlop.ports.queue import Depth, JobHistory
from orlop.ports.settings import Documents, place_of
from orlop.ports.upstreams import UpstreamStates
from orlop.ports.webhooks import Backlog, DeliveryLog
from orlop.services.management.operations import Gate, Operation
from orlop.telemetry.traffic import TrafficLog

#: Looks at each store; by its name `ok`, or what is wrong.
Checks = Callable[[], Awaitable[Mapping[str, str]]]

#: What a store says that is well.
OK = "ok"


class FaringUpstream(msgspec.Struct, frozen=True):
    """An upstream, what is known of it, and how many requests its account with the most still has; None: no limit."""

    path: str
    name: str
    state: UpstreamState
    left: int | None


class HealthReport(msgspec.Struct, frozen=True):
    """A moment. `stores`: see Checks; `images`: how many wait to be read, and could not be."""

    stores: Mapping[str, str]
    traffic: TrafficLog
    totals: Totals
    jobs: tuple[Depth, ...]
    deliveries: Backlog
    upstreams: tuple[FaringUpstream, ...]
    images: Depths

    @property
    def failing(self) -> tuple[str, ...]:
        """Stores that are not well."""
        return tuple(name for name, said in self.stores.items() if said != OK)


class HealthDesk:
    """For those who rule or audit the registry."""

    def __init__(
        self,
        gate: Gate,
        checks: Checks,
        traffic: TrafficLog,
        vitals: Vitals,
        history: JobHistory,
        log: DeliveryLog,
        documents: Documents,
        upstreams: UpstreamStates,
        insides: Insides,
    ) -> None:
        self._gate = gate
        self._checks = checks
        self._traffic = traffic
        self._vitals = vitals
        self._history = history
        self._log = log
        self._documents = documents
        self._upstreams = upstreams
        self._insides = insides

    async def report(self, caller: Caller) -> HealthReport:
        """Raises Denied, Unauthorized."""
        await self._gate.check(caller, Operation.HEALTH_READ)
        return HealthReport(
            stores=await self._checks(),
            traffic=self._traffic,
            totals=await self._vitals.totals(),
            jobs=await self._history.depths(self._gate.now()),
            deliveries=await self._log.backlog(),
            upstreams=tuple(await self._faring()),
            images=await self._insides.depths(),
        )

    async def _faring(self) -> Sequence[FaringUpstream]:
        known = dict(await self._upstreams.all())
        now = self._gate.now()
        found = []
        for document in await self._documents.all(UPSTREAMS.kind):
            state = known.get(document.identity, UpstreamState())
            left = [budget.left(now) for budget in state.budgets]
            limits = [each for each in left if each is not None]
            most = max(limits) if limits and len(limits) == len(left) else None
            found.append(FaringUpstream(*place_of(document.identity), state, most))
        return found
