"""How upstreams are reached. The HTTP client is imported with the first of them, not by a start."""

import asyncio
import os
import random
import time

from orlop.adapters.secret_references import SecretFetcher
from orlop.config import Settings
from orlop.domain.names import RepositoryName
from orlop.domain.upstreams.showing import Showing
from orlop.ports.upstreams import RemoteContent, RemoteObserver, Remotes


def build_remotes(settings: Settings, observer: RemoteObserver | None = None) -> Remotes:
    """What opens repositories of upstreams, and tells `observer` how they fare."""
    return _Remotes(settings, observer)


class _Remotes:
    """See ports.upstreams.Remotes."""

    def __init__(self, settings: Settings, observer: RemoteObserver | None) -> None:
        self._settings = settings
        self._observer = observer
        self._remotes: Remotes | None = None

    async def repository(self, showing: Showing, name: RepositoryName) -> RemoteContent:
        if self._remotes is None:
            made = await asyncio.to_thread(self._made)
            self._remotes = self._remotes or made
        return await self._remotes.repository(showing, name)

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
