"""A pool of upstreams as a test wants it, and a note of all that its observer is told."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from orlop.adapters.secret_references import SecretFetcher
from orlop.adapters.upstream.patience import Patience, Surroundings
from orlop.adapters.upstream.pool import PATIENCE, RemotePool
from orlop.domain.identity.secret_references import SecretPlaces
from orlop.domain.names import RepositoryName
from orlop.domain.upstreams.budget import Need
from orlop.domain.upstreams.showing import Showing
from orlop.domain.upstreams.upstream import Upstream
from orlop.ports.upstream import UpstreamError
from orlop.ports.upstreams import RemoteContent

_NOWHERE = SecretPlaces()
HERE = ("127.0.0.0/8", "::1/128")
SURROUNDINGS = Surroundings(time.monotonic, time.time, asyncio.sleep, random.random, lambda _: None)


def fetcher() -> SecretFetcher:
    """Of secrets that are kept nowhere."""
    return SecretFetcher(_NOWHERE)


class Answered(NamedTuple):
    """What an observer was told of an answer."""

    account: int
    status: int
    headers: Mapping[str, str]


class Noting:
    """See RemoteObserver."""

    def __init__(self) -> None:
        self.turn = 0
        self.answers: list[Answered] = []
        self.failures: list[str] = []

    def account(self, showing: Showing, need: Need) -> int:
        return self.turn

    def observed(self, showing: Showing, account: int, status: int, headers: Mapping[str, str]) -> None:
        self.answers.append(Answered(account, status, headers))

    def failed(self, showing: Showing, account: int, error: UpstreamError) -> None:
        self.failures.append(error.message)


class Hands:
    """A pool, with a clock that a test may put forward."""

    def __init__(
        self, networks: tuple[str, ...], patience: Patience, places: SecretPlaces, environment: Mapping[str, str]
    ) -> None:
        self.later = 0.0
        self.watch = Noting()
        surroundings = Surroundings(
            lambda: time.monotonic() + self.later, time.time, asyncio.sleep, random.random, lambda _: None
        )
        self.pool = RemotePool(networks, SecretFetcher(places), surroundings, self.watch, patience, environment)

    async def at(self, url: str, name: str = "team/app", **fields: Any) -> RemoteContent:
        """A repository of the upstream at a URL."""
        return await self.pool.repository(showing(url, **fields), RepositoryName(name))


def showing(url: str, **fields: Any) -> Showing:
    """An upstream as it stands at `hub/`."""
    return Showing("hub", "hub", "1", msgspec.convert(msgspec.to_builtins({"url": url, **fields}), Upstream))


@asynccontextmanager
async def pooling(
    networks: tuple[str, ...] = HERE,
    patience: Patience = PATIENCE,
    places: SecretPlaces = _NOWHERE,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> AsyncGenerator[Hands, None]:
    """A pool until the block ends."""
    hands = Hands(networks, patience, places, environment)
    try:
        yield hands
    finally:
        await hands.pool.close()
