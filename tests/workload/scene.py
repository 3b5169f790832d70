"""Trusts in a catalog in memory, and everything that checks tokens against them, with a clock that tests move."""

from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp.abc import AbstractResolver

from orlop.adapters.identity.workload.fetching import Fetcher
from orlop.adapters.identity.workload.issuers import Issuers
from orlop.adapters.identity.workload.sts import SecurityTokenService
from orlop.adapters.sql.memory import open_memory
from orlop.domain.identity.trusts import KIND
from orlop.ports.catalog import By
from orlop.ports.clock import SECOND
from orlop.ports.identity import Document
from orlop.services.identity.workload import Refusal, Workloads
from tests.registry import START
from tests.workload.issuers import AUDIENCE

NOW = START // SECOND
#: Nobody's; tests of sums of signatures need one, too.
ROBOT = "robot+ci"


class Time:
    """Seconds of all clocks there are."""

    def __init__(self) -> None:
        self.wall = float(NOW)
        self.passed = 0.0

    def now(self) -> int:
        """See ports.clock.Clock."""
        return int(self.wall * SECOND)

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.wall += seconds
        self.passed += seconds


class Scene:
    """What a registry knows and does."""

    def __init__(
        self,
        resolver: Callable[[], AbstractResolver] | None = None,
        *,
        seconds: float = 5.0,
        endpoint: str = "",
        networks: tuple[str, ...] = (),
    ) -> None:
        self.time = Time()
        self.documents = open_memory().identity.documents
        self.refusals: list[Refusal] = []
        fetcher = Fetcher(resolver, seconds)
        self.issuers = Issuers(fetcher, lambda: self.time.passed, networks)
        self.sts = SecurityTokenService(fetcher, lambda: self.time.wall, endpoint)
        self.workloads = Workloads(self.documents, self.issuers, self.sts, self.time, self.refusals.append)

    async def trust(self, name: str = "main", **fields: Any) -> None:
        """Keep a trust; `audience`, `robot` and `kind` have defaults."""
        body = {"kind": "oidc", "robot": ROBOT, "audience": AUDIENCE, **fields}
        await self.documents.put(Document(KIND, name, msgspec.json.encode(body)), By("admin", START))

    @property
    def said(self) -> str:
        """What the log was told of the last refusal."""
        return msgspec.json.encode(self.refusals[-1]).decode()
