"""Builds what the management API and the pages are made of."""

from orlop.adapters.archives.reader import ProcessArchiveReader
from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.server.advisories import build_acceptance, build_advisories, build_matching
from orlop.bootstrap.server.attention import build_attention
from orlop.bootstrap.server.attesting import build_attestation_keys
from orlop.bootstrap.server.backups import build_backup_desk
from orlop.bootstrap.server.gates import build_gate_desk
from orlop.bootstrap.server.images import build_images
from orlop.bootstrap.server.inside import build_insides
from orlop.bootstrap.server.management import build_trash
from orlop.bootstrap.server.promotion import (
    build_bundle_desk,
    build_bundle_standings,
    build_promotion_boards,
    build_promotion_desk,
    build_promotion_trials,
)
from orlop.bootstrap.server.provider_trials import provider_tests
from orlop.bootstrap.server.quarantine import build_quarantine_desk
from orlop.bootstrap.server.retention import planner_on
from orlop.bootstrap.server.running import Running
from orlop.bootstrap.server.scanning import build_reports, build_scanner_desk
from orlop.bootstrap.server.services import Services, build_scrub
from orlop.bootstrap.server.status import certificates
from orlop.bootstrap.server.trust import build_signatures
from orlop.bootstrap.server.upstreams import upstream_desk
from orlop.bootstrap.server.webhooks import followers
from orlop.bootstrap.stores.opening import Stores
from orlop.config import Settings
from orlop.services.advisories.about import AboutVulnerabilities
from orlop.services.advisories.counts import ImageCounts
from orlop.services.advisories.differences import InsideComparison
from orlop.services.advisories.history import FindingHistory
from orlop.services.advisories.hits import HitPages
from orlop.services.advisories.news import NewFindings
from orlop.services.advisories.questions import Vulnerabilities
from orlop.services.advisories.reports import VulnerabilityReports
from orlop.services.advisories.search import VulnerabilitySearch
from orlop.services.attention.news import News
from orlop.services.audit.query import AllowedQuery, AuditQuery
from orlop.services.browse.all import Browsing
from orlop.services.content.labels import ContentLabels
from orlop.services.content.locks import ManifestLocks
from orlop.services.desks import Desks
from orlop.services.following.followers import Followers
from orlop.services.health.health import HealthDesk
from orlop.services.inside.holders import ImageHolders
from orlop.services.inside.search import PackageSearch
from orlop.services.jobs.schedules import Schedules
from orlop.services.licences.counts import LicencesOfImages
from orlop.services.licences.questions import ImageLicences
from orlop.services.licences.search import LicenceSearch
from orlop.services.management.all import Management
from orlop.services.management.configuration import ConfigurationInForce
from orlop.services.management.holdings import RepositoryHoldings
from orlop.services.management.jobs import JobDesk
from orlop.services.management.scrub import ScrubDesk
from orlop.services.read_only.desk import ReadOnlyDesk
from orlop.services.retention.desk import RetentionDesk
from orlop.services.retention.in_use import InUseSets
from orlop.services.retention.inventory import InventoryPages
from orlop.services.retention.review import PlanReviews
from orlop.services.retention.trials import RetentionTrials
from orlop.services.status.status import StatusDesk
from orlop.services.tags.past import TagPast
from orlop.services.tags.removal import TagRemoval
from orlop.services.usage.reports import UsageReports
from orlop.services.virtuals.places import VirtualPlaces
from orlop.services.webhooks.fares import WebhookList
from orlop.services.webhooks.managed import ManagedWebhooks


def build_desks(
    settings: Settings,
    stores: Stores,
    services: Services,
    management: Management,
    hooks: ManagedWebhooks,
    schedules: Schedules,
    running: Running,
) -> Desks:
    """Of one process."""
    gate, catalog = management.gate, stores.catalog
    bundles = build_bundle_desk(stores, services, gate)
    trash = build_trash(management, services.repositories, catalog, stores.identity, services.terms)
    retention = RetentionDesk(gate, catalog.retention.plans, stores.queue.jobs)
    images = build_images(gate, stores, services)
    insides = build_insides(stores, services, images)
    advisories = build_advisories(gate, stores)
    store = catalog.advisories
    acceptance = build_acceptance(stores, services.in_force)
    vulnerabilities = Vulnerabilities(insides, store.vulnerable, store.sources, build_matching(stores), acceptance)
    counts = ImageCounts(services.access, store.counting, store.vulnerable, acceptance)
    licences = LicencesOfImages(services.in_force, store.counting, catalog.insides.images, acceptance)
    reports = VulnerabilityReports(services.repositories, catalog.search, store.counting, counts, licences)
    holders = ImageHolders(services.repositories, catalog.search)
    files = certificates(settings)
    needs = build_attention(
        gate,
        catalog,
        stores.identity,
        stores.queue,
        stores.webhooks,
        stores.cursors,
        followers(settings),
        stores.blobs.space,
        stores.audit.reader,
        SystemClock(),
        files,
    )
    health = HealthDesk(
        gate,
        running.checks,
        running.traffic,
        catalog.vitals,
        stores.queue.history,
        stores.webhooks.log,
        stores.identity.documents,
        catalog.upstream_states,
        catalog.insides.images,
    )
    read_only = ReadOnlyDesk(gate, services.read_only)
    follow = Followers(gate, stores.cursors, followers(settings))
    usage = UsageReports(gate, catalog.usages, services.in_force, stores.blobs.space)
    return Desks(
        management=management,
        repositories=services.repositories,
        browsing=Browsing.on(
            catalog, stores.identity.facts, services.access, services.repositories, management, services.in_force
        ),
        holdings=RepositoryHoldings(gate, catalog.holdings),
        removal=TagRemoval(gate, services.manifests),
        past=TagPast(gate, catalog.history, services.manifests, trash),
        locks=ManifestLocks(gate, catalog.locks),
        trash=trash,
        images=images,
        virtuals=VirtualPlaces(services.virtuals),
        insides=insides,
        advisories=advisories,
        known=AboutVulnerabilities(advisories, catalog.advisories.vulnerable, ProcessArchiveReader()),
        signatures=build_signatures(stores, services),
        attestation_keys=build_attestation_keys(settings, catalog, gate),
        backups=build_backup_desk(stores, gate),
        vulnerabilities=vulnerabilities,
        scanners=build_scanner_desk(settings, gate, stores, services),
        scan_reports=build_reports(settings, stores, services, insides, vulnerabilities),
        comparison=InsideComparison(images, vulnerabilities),
        counts=counts,
        reports=reports,
        finding_history=FindingHistory(reports, store.days, SystemClock()),
        packages=PackageSearch(holders, store.holding),
        hits=VulnerabilitySearch(HitPages(holders, store, acceptance), store),
        new_findings=NewFindings(HitPages(holders, store, acceptance)),
        licences=ImageLicences(insides, services.in_force, acceptance),
        licence_search=LicenceSearch(holders, store.holding),
        gates=build_gate_desk(stores, services, gate),
        promotion_trials=build_promotion_trials(stores, services, gate, bundles),
        promotion_boards=build_promotion_boards(stores, services, gate),
        promotions=build_promotion_desk(stores, services, gate, bundles),
        bundles=bundles,
        bundle_standings=build_bundle_standings(stores, services, gate, bundles),
        quarantine=build_quarantine_desk(stores, services, gate),
        labels=ContentLabels(gate, catalog.labels, services.manifests, services.repositories),
        attention=needs,
        news=News(gate, stores.audit.reader, catalog.history),
        read_only=read_only,
        status=StatusDesk(
            *(gate, health, read_only, follow, usage, needs),
            *(files, catalog.replicas, running.itself),
        ),
        configuration=ConfigurationInForce(gate, settings, running.sources),
        health=health,
        audit=AllowedQuery(AuditQuery(stores.audit.reader), gate, stores.audit.log),
        webhooks=hooks,
        hooks=WebhookList(gate, stores.identity.documents, stores.webhooks.log),
        followers=follow,
        jobs=JobDesk(gate, stores.queue.jobs, schedules),
        usage=usage,
        retention=retention,
        reviews=PlanReviews(gate, retention, catalog.usages, stores.identity.documents, services.terms),
        trials=RetentionTrials(gate, planner_on(stores, services.in_force), catalog.usages),
        in_use=InUseSets(gate, catalog.retention.in_use),
        inventory=InventoryPages(gate, catalog.browse, catalog.retention.inventories),
        scrub=ScrubDesk(gate, build_scrub(settings, stores), catalog.quarantine),
        upstreams=upstream_desk(gate, stores),
        providers=provider_tests(settings, gate, stores.identity.documents),
    )
