"""A registry in memory with webhooks, and a clock that the test moves."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from orlop.adapters.secret_references import SecretFetcher
from orlop.adapters.sql.memory import open_memory
from orlop.adapters.webhooks.sender import HttpSender
from orlop.domain.events import Event, EventKind, Origin
from orlop.domain.identity.secret_references import SecretPlaces
from orlop.domain.pages import PageRequest
from orlop.domain.webhooks.facts import Source
from orlop.domain.webhooks.hook import WEBHOOKS
from orlop.ports.catalog import By
from orlop.ports.clock import HOUR
from orlop.ports.jobs import Lease
from orlop.ports.settings import Document
from orlop.ports.webhooks import Delivery
from orlop.services.following import known
from orlop.services.settings.in_force import SettingsInForce
from orlop.services.webhooks.deliver import JOB, Deliverer
from orlop.services.webhooks.intake import Describing, Intake
from orlop.services.webhooks.messages import Messages
from tests.registry import HandClock

DAY = 24 * HOUR
SOURCE = Source("https://registry.example.org")
_NOWHERE = SecretPlaces()
ORIGIN = Origin("token 12 (laptop)", "192.0.2.7", "b7e6")


class Office:
    """One process that follows and delivers; `seconds` is how long an attempt may take."""

    def __init__(
        self,
        *,
        networks: Sequence[str] = ("127.0.0.0/8",),
        seconds: float = 10.0,
        places: SecretPlaces = _NOWHERE,
    ) -> None:
        self.clock = HandClock()
        self.rows = rows = open_memory()
        self.log = rows.webhooks.log
        self.attempts: list[bool] = []
        self.sender = HttpSender(tuple(networks), seconds=seconds)
        messages = Messages(self.sender, SecretFetcher(places), SOURCE, self.clock)
        self.deliverer = Deliverer(
            rows.webhooks.queue,
            rows.identity.documents,
            messages,
            self.clock,
            lambda: 0.0,
            self.attempts.append,
            14 * DAY,
        )
        catalog = rows.catalog
        self.intake = Intake(
            catalog.outbox,
            rows.cursors,
            rows.webhooks.intake,
            SettingsInForce(rows.identity.documents, rows.settings_changes),
            Describing(catalog.manifests, catalog.links, rows.identity.facts),
            self.clock,
            lambda: None,
        )

    @property
    def by(self) -> By:
        return By("root", self.clock.now())

    async def hook(
        self, name: str, url: str, *, path: str = "", events: Sequence[str] = ("tag.*",), **rest: Any
    ) -> str:
        """Make or replace a webhook; its identity."""
        body = WEBHOOKS.parse(name, {"url": url, "events": list(events), **rest})
        document = Document(WEBHOOKS.kind, name, msgspec.json.encode(body), path=path)
        return (await self.rows.identity.documents.put(document, self.by)).identity

    async def tagged(self, *references: str) -> None:
        """Tags were set, as `REPOSITORY:TAG`."""
        pairs = [reference.split(":") for reference in references]
        await self.happened(
            *(self.event(EventKind.TAG_SET, name, tag=tag, digest=f"sha256:{'a' * 64}") for name, tag in pairs)
        )

    def event(self, kind: EventKind, repository: str = "", **rest: Any) -> Event:
        return Event(at=self.clock.now(), kind=kind, actor="ann", repository=repository, origin=ORIGIN, **rest)

    async def happened(self, *events: Event) -> None:
        """Things happened and are matched."""
        await self.rows.audit.writer.write(events)
        lease = await self.lease(known.WEBHOOKS.job)
        while await self.intake.step(lease):
            continue

    async def lease(self, job: str = JOB) -> Lease:
        """The lease of this process."""
        now = self.clock.now()
        found = await self.rows.leases.acquire(job, "me", now=now, until=now + HOUR)
        assert found is not None
        return found

    async def delivered(self, seconds: float = 30) -> None:
        """Deliver what is due by now."""
        lease = await self.lease()
        async with asyncio.timeout(seconds):
            while True:
                before = len(self.attempts)
                await self.deliverer.step(lease)
                while self.deliverer._serving:  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0.002)
                if len(self.attempts) == before:
                    return

    async def listed(self, key: str) -> list[Delivery]:
        """Deliveries of a hook, oldest first."""
        return list(reversed((await self.log.page(key, PageRequest(1000), dead=False)).items))

    async def close(self) -> None:
        await self.deliverer.close()
