"""Builds what asks scanners, and what tells what they say. The HTTP client is imported with the first that is asked."""

import asyncio
import secrets
from collections.abc import Callable, Sequence

from orlop.adapters.secret_references import SecretFetcher
from orlop.bootstrap.clocks import RandomIds, SystemClock
from orlop.bootstrap.server.services import Services
from orlop.bootstrap.server.webhooks import news_of
from orlop.bootstrap.stores.opening import Stores
from orlop.config import Settings
from orlop.domain.scanning.protocol import ScannerMetadata
from orlop.ports.scans import Address, NotYet, Report, ScannerClient, ScanOrder
from orlop.services.advisories.questions import Vulnerabilities
from orlop.services.following import known
from orlop.services.inside.questions import ImageInsides
from orlop.services.jobs.lasting_work import LastingWork
from orlop.services.management.operations import Gate
from orlop.services.scanning.addressing import Addressing
from orlop.services.scanning.attached import AttachedReports
from orlop.services.scanning.desk import ScannerDesk
from orlop.services.scanning.intake import ScanIntake
from orlop.services.scanning.questions import ScannerReports
from orlop.services.scanning.scanning import Scanning


def build_scanning(
    settings: Settings, stores: Stores, services: Services, counted: Callable[[str, str], None] = lambda *_: None
) -> Scanning:
    """What asks scanners. `counted` is told of each scan that ended."""
    return Scanning(
        stores.catalog.scanning,
        stores.identity.documents,
        services.in_force,
        _Client(settings),
        _addressing(settings),
        stores.catalog.manifests,
        services.blobs,
        AttachedReports(services.uploads, services.manifests),
        stores.queue.jobs,
        SystemClock(),
        secrets.token_bytes,
        counted,
    )


def following_scans(settings: Settings, stores: Stores, services: Services) -> Sequence[LastingWork]:
    """What has pushed images wait for scanners."""
    clock, catalog = SystemClock(), stores.catalog
    intake = ScanIntake(
        catalog.outbox,
        stores.cursors,
        catalog.scanning.scans,
        services.in_force,
        catalog.manifests,
        clock,
        build_scanning(settings, stores, services).call,
    )
    owner = RandomIds().new()
    return (LastingWork(known.SCANS.job, intake.step, stores.leases, clock, owner, news=news_of(stores)),)


def build_reports(
    settings: Settings, stores: Stores, services: Services, insides: ImageInsides, vulnerabilities: Vulnerabilities
) -> ScannerReports:
    """What tells what scanners say of images."""
    return ScannerReports(
        services.access,
        insides,
        vulnerabilities,
        stores.catalog.scanning.scans,
        services.in_force,
        build_scanning(settings, stores, services),
        stores.catalog.scanning.states,
        SystemClock(),
    )


def build_scanner_desk(settings: Settings, gate: Gate, stores: Stores, services: Services) -> ScannerDesk:
    """What people ask about scanners."""
    states = stores.catalog.scanning.states
    news = build_scanning(settings, stores, services).call
    return ScannerDesk(gate, stores.identity.documents, states, _Client(settings), _addressing(settings), news)


def _addressing(settings: Settings) -> Addressing:
    base = settings.auth.url.rstrip("/") or f"{'https' if settings.tls.cert else 'http'}://{settings.listen}"
    return Addressing(SecretFetcher(settings.secrets.places), base)


class _Client:
    """See ports.scans.ScannerClient."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: ScannerClient | None = None

    async def metadata(self, address: Address) -> ScannerMetadata:
        return await (await self._ready()).metadata(address)

    async def scan(self, address: Address, order: ScanOrder) -> str:
        return await (await self._ready()).scan(address, order)

    async def report(self, address: Address, request: str, report_type: str) -> Report | NotYet:
        return await (await self._ready()).report(address, request, report_type)

    async def sbom(self, address: Address, request: str, sbom_type: str) -> bytes | NotYet:
        return await (await self._ready()).sbom(address, request, sbom_type)

    async def _ready(self) -> ScannerClient:
        if self._client is None:
            self._client = await asyncio.to_thread(self._made)
        return self._client

    def _made(self) -> ScannerClient:
        from orlop.adapters.scanning.client import HttpScannerClient

        return HttpScannerClient(self._settings.outbound.allowed)
