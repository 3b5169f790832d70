"""Builds what takes in advisories, matches them with packages, and tells what is wrong with images."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from orlop.adapters.advisories.reader import ProcessAdvisoryReader
from orlop.adapters.secret_references import SecretFetcher
from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.server.services import Services
from orlop.bootstrap.server.upstreams import build_remotes
from orlop.bootstrap.stores.opening import Stores
from orlop.config import Settings
from orlop.domain.access.subjects import SYSTEM
from orlop.domain.inside.sources import AdvisoryFeed, ArtifactPlace, SourceWay
from orlop.domain.upstreams.showing import Showing
from orlop.domain.upstreams.upstream import Upstream
from orlop.ports.advisories import AdvisoryFetcher, AdvisoryStore, Fetched
from orlop.ports.by import By
from orlop.ports.upstream import ContentSource
from orlop.services.access.standing import AccountStanding
from orlop.services.advisories.accepting import Acceptance
from orlop.services.advisories.affected import Affected
from orlop.services.advisories.artifacts import ArtifactFetcher
from orlop.services.advisories.counts import ImageCounts
from orlop.services.advisories.desk import AdvisoryDesk
from orlop.services.advisories.history import recording
from orlop.services.advisories.importing import Imported, Importing
from orlop.services.advisories.matching import Matching
from orlop.services.advisories.own import OwnArtifact
from orlop.services.advisories.updating import Updating
from orlop.services.jobs.work import Work
from orlop.services.management.operations import Gate
from orlop.services.settings.in_force import SettingsInForce
from orlop.services.vex.sayings import VexOfImages
from orlop.telemetry.metrics import Metrics


def build_matching(stores: Stores) -> Matching:
    """What finds which advisory hits which package."""
    clock, store = SystemClock(), stores.catalog.advisories
    return Matching(
        store.matches, Affected(store.vulnerable, stores.catalog.retention.in_use), lambda: By(SYSTEM.name, clock.now())
    )


def build_advisories(gate: Gate, stores: Stores) -> AdvisoryDesk:
    """What takes in advisories, and lists them."""
    store, reader = stores.catalog.advisories, ProcessAdvisoryReader()
    importing = Importing(store.advisories, store.sources, reader, SystemClock())
    return AdvisoryDesk(
        gate, store, reader, importing, build_matching(stores), stores.queue.jobs, stores.identity.documents
    )


def build_updating(settings: Settings, stores: Stores, services: Services, metrics: Metrics) -> Updating:
    """What fetches advisories from their sources."""
    catalog, reader, clock = stores.catalog, ProcessAdvisoryReader(), SystemClock()
    store = catalog.advisories
    remotes = build_remotes(settings)

    async def opened(feed: AdvisoryFeed, place: ArtifactPlace, identity: str) -> ContentSource:
        if not place.origin:
            return OwnArtifact(services.manifests, services.blobs, place.repository)
        upstream = Upstream(url=place.origin, user=feed.user, password=feed.password)
        return await remotes.repository(Showing("", "advisories", identity, upstream), place.repository)

    def imported(done: Imported) -> None:
        metrics.advisories.imported(
            changed=done.changed, same=max(0, done.records - done.changed), refused=done.refused
        )

    artifacts = ArtifactFetcher(opened, _is_signed)
    return Updating(
        stores.identity.documents,
        {
            SourceWay.WEB: _Files(settings),
            SourceWay.FOLDER: _Files(settings),
            SourceWay.REGISTRY: artifacts,
            SourceWay.OWN: artifacts,
        },
        reader,
        Importing(store.advisories, store.sources, reader, clock, imported),
        store.advisories,
        store.sources,
        stores.queue.jobs,
        clock,
    )


class _Files:
    """See ports.advisories.AdvisoryFetcher. The HTTP client is imported with the first source, not by a start."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @asynccontextmanager
    async def fetch(
        self, feed: AdvisoryFeed, identity: str, state: str, told: Callable[[int], None]
    ) -> AsyncIterator[Fetched]:
        """See AdvisoryFetcher."""
        fetcher = await asyncio.to_thread(self._fetcher, feed.way)
        async with fetcher.fetch(feed, identity, state, told) as found:
            yield found

    def _fetcher(self, way: SourceWay) -> AdvisoryFetcher:
        from orlop.adapters.advisories.fetching import FolderFetcher, WebFetcher

        if way is SourceWay.FOLDER:
            return FolderFetcher(self._settings.advisories.folder)
        return WebFetcher(self._settings.outbound.allowed, SecretFetcher(self._settings.secrets.places))


def _is_signed(key: str, payload: bytes, signature: bytes) -> bool:
    """See SignatureCheck. What checks is imported with the first signature."""
    from orlop.adapters.signatures.keys import is_signed

    return is_signed(key, payload, signature)


def build_acceptance(stores: Stores, in_force: SettingsInForce, store: AdvisoryStore | None = None) -> Acceptance:
    """What tells what clears findings, by what `store` knows of images; without it by what may be behind."""
    identity, clock = stores.identity, SystemClock()
    vex = VexOfImages(stores.catalog.vex, in_force, AccountStanding(identity.accounts, identity.facts, clock))
    return Acceptance(in_force, vex, store or stores.catalog.advisories, clock)


def build_finding_history(stores: Stores, services: Services) -> Work:
    """The job that writes down what is known of every repository."""
    catalog, acceptance = stores.catalog, build_acceptance(stores, services.in_force)
    store = catalog.advisories
    counts = ImageCounts(services.access, store.counting, store.vulnerable, acceptance)
    return recording(catalog.search, store.counting, counts, store.days, SystemClock())
