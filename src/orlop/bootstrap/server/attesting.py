"""Builds what signs for the registry. What it takes to sign is imported with the first statement, not by a start."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from orlop.bootstrap.clocks import RandomIds, SystemClock
from orlop.bootstrap.server.services import Services
from orlop.bootstrap.server.webhooks import news_of
from orlop.bootstrap.stores.opening import Stores
from orlop.config import Settings
from orlop.domain.durations import SECOND
from orlop.ports.attesting import AttestationKey, StatementSigner
from orlop.ports.catalog import Catalog
from orlop.services.attesting.attaching import AttestationAttaching
from orlop.services.attesting.attesting import Attesting
from orlop.services.attesting.intake import StatementIntake
from orlop.services.attesting.keys import AttestationKeyDesk
from orlop.services.following import known
from orlop.services.jobs.lasting_work import LastingWork
from orlop.services.management.operations import Gate
from orlop.services.upstreams.shown import Upstreams


def build_attesting(
    settings: Settings, stores: Stores, services: Services, counted: Callable[[str], None] = lambda _: None
) -> Attesting:
    """What attests. `counted` is told what came of each statement."""
    catalog = stores.catalog
    return Attesting(
        catalog.attestation_keys,
        _Signer(settings),
        catalog.statements,
        AttestationAttaching(catalog.manifests, services.manifests, services.uploads, catalog.held_pushes),
        stores.queue.jobs,
        SystemClock(),
        counted,
    )


def following_statements(settings: Settings, stores: Stores, services: Services) -> Sequence[LastingWork]:
    """What has statements about pushed images wait to be signed."""
    clock, catalog = SystemClock(), stores.catalog
    intake = StatementIntake(
        catalog.outbox,
        stores.cursors,
        catalog.statements,
        catalog.attestation_keys,
        services.in_force,
        catalog.manifests,
        catalog.promotions,
        catalog.held_pushes,
        Upstreams(stores.identity.documents, stores.settings_changes, catalog.cached_content),
        clock,
        build_attesting(settings, stores, services).call,
        _moment,
    )
    owner = RandomIds().new()
    return (LastingWork(known.STATEMENTS.job, intake.step, stores.leases, clock, owner, news=news_of(stores)),)


def build_attestation_keys(settings: Settings, catalog: Catalog, gate: Gate) -> AttestationKeyDesk:
    """What people ask about keys."""
    return AttestationKeyDesk(gate, catalog.attestation_keys, catalog.statements, _Signer(settings))


class _Signer:
    """See ports.attesting.StatementSigner."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.signing
        self._signer: StatementSigner | None = None

    async def generate(self, now: int) -> AttestationKey:
        return await (await self._ready()).generate(now)

    async def sign(self, key: AttestationKey, payload: bytes) -> bytes:
        return await (await self._ready()).sign(key, payload)

    async def _ready(self) -> StatementSigner:
        if self._signer is None:
            self._signer = await asyncio.to_thread(self._made)
        return self._signer

    def _made(self) -> StatementSigner:
        from orlop.adapters.attesting.command import SigningCommand
        from orlop.adapters.attesting.signer import CatalogOrCommandSigner

        program = self._settings.program
        command = SigningCommand(program, self._settings.timeout / SECOND) if program else None
        return CatalogOrCommandSigner(command, self._settings.public_key)


def _moment(at: int) -> str:
    """Microseconds since 1970 as RFC 3339."""
    then = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
    return then.isoformat(timespec="microseconds").replace("+00:00", "Z")
