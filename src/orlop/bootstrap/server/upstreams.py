"""Upstreams of one process: what reaches them, and what it knows of how they fare. The HTTP client is imported with the
first that is asked, not by a start."""

import asyncio
import os
import random
import time

from orlop.adapters.secret_references import SecretFetcher
from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.server.shown import ShownContent
from orlop.bootstrap.stores.opening import Stores
from orlop.config import Settings
from orlop.domain.names import RepositoryName
from orlop.domain.upstreams.budget import Need
from orlop.domain.upstreams.showing import Showing
from orlop.ports.upstreams import RemoteContent, RemoteObserver, Remotes
from orlop.services.jobs.work import Work
from orlop.services.jobs.worker import Chore
from orlop.services.management.operations import Gate
from orlop.services.upstreams.desk import UpstreamDesk
from orlop.services.upstreams.guarded import GuardedRemotes
from orlop.services.upstreams.prefetching import Prefetcher
from orlop.services.upstreams.standing import Meter, Standings

#: How often what was found is told to others, in seconds.
_TOLD_EVERY = 1.0


class Untold:
    """See Meter: nobody counts."""

    def requested(self, upstream: str, outcome: str) -> None:
        """Nobody counts."""

    def pulled(self, upstream: str, hits: int, misses: int) -> None:
        """Nobody counts."""

    def received(self, upstream: str, size: int) -> None:
        """Nobody counts."""


def build_guarded(settings: Settings, stores: Stores, meter: Meter | None) -> GuardedRemotes:
    """What opens repositories of upstreams that are there and not too busy."""
    clock = SystemClock()
    standings = Standings(stores.catalog.upstream_states, clock, meter or Untold())
    return GuardedRemotes(build_remotes(settings, standings), standings, clock)


def telling_upstreams(standings: Standings) -> Chore:
    """The chore that tells others how upstreams fare."""
    return Chore("how upstreams fare", _TOLD_EVERY, standings.tell)


def prefetching(stores: Stores, shown: ShownContent) -> Work:
    """The job that fills caches ahead of need."""
    return Prefetcher(
        shown.shown, shown.manifests, shown.blobs, shown.lists, shown.remotes, stores.queue.jobs, SystemClock()
    ).work()


def upstream_desk(gate: Gate, stores: Stores) -> UpstreamDesk:
    """What people ask about upstreams."""
    catalog = stores.catalog
    return UpstreamDesk(gate, stores.identity.documents, catalog.upstream_states, catalog.usages, stores.queue.jobs)


def build_remotes(settings: Settings, observer: RemoteObserver | None = None) -> Remotes:
    """What opens repositories of upstreams, and tells `observer` how they fare."""
    return _Remotes(settings, observer)


class _Remotes:
    """See ports.upstreams.Remotes."""

    def __init__(self, settings: Settings, observer: RemoteObserver | None) -> None:
        self._settings = settings
        self._observer = observer
        self._remotes: Remotes | None = None

    async def repository(self, showing: Showing, name: RepositoryName, need: Need = Need.FIRST) -> RemoteContent:
        if self._remotes is None:
            made = await asyncio.to_thread(self._made)
            self._remotes = self._remotes or made
        return await self._remotes.repository(showing, name, need)

    async def close(self) -> None:
        if self._remotes is not None:
            await self._remotes.close()

    def _made(self) -> Remotes:
        from orlop.adapters.upstream.patience import Surroundings
        from orlop.adapters.upstream.pool import RemotePool

        surroundings = Surroundings(time.monotonic, time.time, asyncio.sleep, random.random, _untold)
        return RemotePool(
            self._settings.outbound.allowed,
            SecretFetcher(self._settings.secrets.places),
            surroundings,
            self._observer,
            environment=os.environ,
        )


def _untold(sentence: str) -> None:
    """Nobody sits there and waits."""
