"""What the API and the pages are made of, on a catalog in memory."""

from typing import Any

from orlop.adapters.advisories.reader import ProcessAdvisoryReader
from orlop.adapters.archives.reader import ProcessArchiveReader
from orlop.adapters.expressions.process import ProcessExpressions
from orlop.adapters.inside.documents.process import ProcessDocumentReader
from orlop.adapters.inside.process import ProcessLayerReader
from orlop.adapters.memory.blobs import MemoryBlobs, MemoryStage
from orlop.adapters.scanning.client import HttpScannerClient
from orlop.adapters.signatures.process import ProcessSignatureVerifier
from orlop.adapters.sql.catalog import OpenCatalog
from orlop.bootstrap.clocks import RandomIds
from orlop.bootstrap.server.attention import build_attention
from orlop.bootstrap.server.attesting import build_attestation_keys
from orlop.bootstrap.server.management import build_trash
from orlop.bootstrap.server.provider_trials import provider_tests
from orlop.bootstrap.server.status import certificates
from orlop.bootstrap.server.webhooks import followers, messages
from orlop.config import Settings
from orlop.domain.access.subjects import SYSTEM
from orlop.domain.durations import DAY
from orlop.domain.job_kinds import JOB_KINDS
from orlop.domain.virtuals import VIRTUALS
from orlop.ports.by import By
from orlop.ports.catalog import Catalog
from orlop.ports.clock import Clock
from orlop.ports.replicas import Replica
from orlop.services.access.decisions import Access
from orlop.services.access.standing import AccountStanding
from orlop.services.advisories.about import AboutVulnerabilities
from orlop.services.advisories.accepting import Acceptance
from orlop.services.advisories.affected import Affected
from orlop.services.advisories.counts import ImageCounts
from orlop.services.advisories.desk import AdvisoryDesk
from orlop.services.advisories.differences import InsideComparison
from orlop.services.advisories.history import FindingHistory
from orlop.services.advisories.hits import HitPages
from orlop.services.advisories.importing import Importing
from orlop.services.advisories.matching import Matching
from orlop.services.advisories.news import NewFindings
from orlop.services.advisories.questions import Vulnerabilities
from orlop.services.advisories.reports import VulnerabilityReports
from orlop.services.advisories.search import VulnerabilitySearch
from orlop.services.attention.news import News
from orlop.services.audit.query import AllowedQuery, AuditQuery
from orlop.services.backup.desk import BackupDesk
from orlop.services.backup.times import BackupTimes
from orlop.services.browse.all import Browsing
from orlop.services.content.blobs import Blobs
from orlop.services.content.claims import UploadLimits
from orlop.services.content.copies import Copies
from orlop.services.content.images import Images
from orlop.services.content.labels import ContentLabels
from orlop.services.content.locks import ManifestLocks
from orlop.services.content.manifests import Manifests
from orlop.services.content.own import OwnContent
from orlop.services.content.referrers import Referrers
from orlop.services.content.repositories import Repositories
from orlop.services.content.uploads import Uploads
from orlop.services.desks import Desks
from orlop.services.following.followers import Followers
from orlop.services.gates.desk import GateDesk
from orlop.services.gates.facts import GateFacts
from orlop.services.gates.said import SaidOfImages
from orlop.services.gates.verdicts import GateVerdicts
from orlop.services.health.health import HealthDesk
from orlop.services.inside.attaching import Attaching
from orlop.services.inside.documents import AttachedDocuments
from orlop.services.inside.holders import ImageHolders
from orlop.services.inside.questions import ImageInsides
from orlop.services.inside.reading import ImageReading
from orlop.services.inside.search import PackageSearch
from orlop.services.jobs.schedules import Schedules
from orlop.services.jobs.work import Work, plain
from orlop.services.licences.counts import LicencesOfImages
from orlop.services.licences.questions import ImageLicences
from orlop.services.licences.search import LicenceSearch
from orlop.services.management.all import Management
from orlop.services.management.configuration import ConfigurationInForce
from orlop.services.management.holdings import RepositoryHoldings
from orlop.services.management.jobs import JobDesk
from orlop.services.management.operations import Gate
from orlop.services.management.scrub import ScrubDesk
from orlop.services.promotion.approving import Approvers
from orlop.services.promotion.asking import Asking, PromotionTrials
from orlop.services.promotion.boards import PromotionBoards
from orlop.services.promotion.bundles import BundleDesk
from orlop.services.promotion.carrying import CarryingOut
from orlop.services.promotion.deciding import Deciding
from orlop.services.promotion.desk import PromotionDesk
from orlop.services.promotion.paths import Ways
from orlop.services.promotion.standing import BundleStandings
from orlop.services.quarantine.desk import QuarantineDesk
from orlop.services.quarantine.letting_out import LettingOut
from orlop.services.quarantine.standing import QuarantineStanding
from orlop.services.read_only.desk import ReadOnlyDesk
from orlop.services.read_only.mode import ReadOnlyMode
from orlop.services.retention.desk import RetentionDesk
from orlop.services.retention.in_use import InUseSets
from orlop.services.retention.inventory import InventoryPages
from orlop.services.retention.planning import Planner
from orlop.services.retention.review import PlanReviews
from orlop.services.retention.trials import RetentionTrials
from orlop.services.scanning.addressing import Addressing
from orlop.services.scanning.attached import AttachedReports
from orlop.services.scanning.desk import ScannerDesk
from orlop.services.scanning.questions import ScannerReports
from orlop.services.scanning.scanning import Scanning
from orlop.services.settings.in_force import SettingsInForce
from orlop.services.settings.placed import PlacedSettings
from orlop.services.status.status import StatusDesk
from orlop.services.stores.scrub import Scrub
from orlop.services.tags.past import TagPast
from orlop.services.tags.removal import TagRemoval
from orlop.services.tags.terms import WriteTerms
from orlop.services.trust.judgements import ImageJudgements
from orlop.services.trust.kept import KeptVerdicts
from orlop.services.trust.signatures import ImageSignatures
from orlop.services.trust.standing import ImageTrust
from orlop.services.upstreams.desk import UpstreamDesk
from orlop.services.upstreams.shown import Upstreams
from orlop.services.usage.reports import UsageReports
from orlop.services.vex.sayings import VexOfImages
from orlop.services.virtuals.places import VirtualPlaces
from orlop.services.virtuals.virtuals import Virtuals
from orlop.services.webhooks.fares import WebhookList
from orlop.services.webhooks.managed import ManagedWebhooks
from orlop.telemetry.metrics import SECONDS, Metrics
from orlop.telemetry.traffic import TrafficLog

#: The server, as others would know it.
ITSELF = Replica("here:1", "here", "1.0", 1, 1, 1)


async def _nothing() -> str:
    """No job is done here."""
    return ""


async def _well() -> dict[str, str]:
    """What stores say of themselves."""
    return {"catalog": "ok", "blobs": "ok"}


def schedules_of(opened: OpenCatalog, clock: Clock) -> Schedules:
    """Of every kind of job; none does anything."""
    works = [Work(kind, plain(_nothing)) for kind in JOB_KINDS.values()]
    documents, changes = opened.identity.documents, opened.settings_changes
    return Schedules(works, opened.queue.timetable, documents, changes, clock, lambda: 0.0)


def scrub_of(opened: OpenCatalog, clock: Clock) -> Scrub:
    """Of a store without copies."""
    catalog = opened.catalog
    return Scrub(catalog.scrub, catalog.quarantine, MemoryBlobs(clock), catalog.vitals, clock, period=DAY, pace=0)


def own_content(
    opened: OpenCatalog, access: Access, repositories: Repositories, terms: WriteTerms, clock: Clock
) -> OwnContent:
    """Repositories whose copies are in memory."""
    store, catalog = MemoryBlobs(clock), opened.catalog
    copies = Copies(store, store, catalog.quarantine, clock)
    blobs = Blobs(catalog.links, copies, access, terms, clock, repositories=repositories, grace=DAY)
    rows, stage, limits = catalog.uploads, MemoryStage(store, clock), UploadLimits(expire=DAY, lease=DAY)
    uploads = Uploads(rows, catalog.expiry, catalog.links, stage, copies, access, terms, clock, RandomIds(), limits)
    referrers = Referrers(catalog.browse, catalog.manifests)
    manifests = Manifests(catalog.manifests, referrers, terms, clock, sparse_indexes=False)
    return OwnContent(access, catalog.browse, manifests, referrers, blobs, uploads)


def desks_of(
    opened: OpenCatalog,
    management: Management,
    access: Access,
    terms: WriteTerms,
    schedules: Schedules,
    clock: Clock,
    settings: Settings,
) -> Desks:
    """Everything there is."""
    gate, catalog, identity = management.gate, opened.catalog, opened.identity
    browse = catalog.browse
    in_force = SettingsInForce(identity.documents, opened.settings_changes)
    repositories = Repositories(browse, access, identity.facts, clock)
    content = own_content(opened, access, repositories, terms, clock)
    manifests, archives = content.manifests, ProcessArchiveReader()
    trash = build_trash(management, repositories, catalog, identity, terms)
    retention = RetentionDesk(gate, catalog.retention.plans, opened.queue.jobs)
    settings_of = identity.documents, opened.settings_changes
    shown = Upstreams(*settings_of, catalog.cached_content)
    virtuals = Virtuals(PlacedSettings(VIRTUALS, *settings_of), shown, access, identity.facts)
    images = Images(gate, access, content.repository, catalog.holdings, catalog.labels, archives, virtuals)
    documents = AttachedDocuments(
        catalog.insides,
        catalog.manifests,
        content.referrers,
        catalog.holdings,
        content.blobs,
        in_force,
        ProcessDocumentReader(),
        AccountStanding(identity.accounts, identity.facts, clock),
        clock,
    )
    judgements = ImageJudgements(
        catalog.holdings,
        in_force,
        ProcessSignatureVerifier(),
        KeptVerdicts(catalog.signatures.verdicts),
        clock,
        Metrics().signatures,
    )
    attaching = Attaching(
        catalog.insides,
        documents,
        catalog.manifests,
        browse,
        catalog.holdings,
        catalog.cached_content,
        manifests,
        content.uploads,
        clock,
        "1",
    )
    reading = ImageReading(
        catalog.insides,
        catalog.manifests,
        content.blobs,
        ProcessLayerReader(),
        documents,
        attaching,
        opened.queue.jobs,
        clock,
    )
    insides = ImageInsides(access, images, catalog.insides.images, documents, reading, clock)
    store, reader = catalog.advisories, ProcessAdvisoryReader()
    vex = VexOfImages(catalog.vex, in_force, AccountStanding(identity.accounts, identity.facts, clock))
    acceptance = Acceptance(in_force, vex, store, clock)
    counts = ImageCounts(access, store.counting, store.vulnerable, acceptance)
    licences = LicencesOfImages(in_force, store.counting, catalog.insides.images, acceptance)
    reports = VulnerabilityReports(repositories, catalog.search, store.counting, counts, licences)
    holders = ImageHolders(repositories, catalog.search)
    matching = Matching(
        store.matches, Affected(store.vulnerable, catalog.retention.in_use), lambda: By(SYSTEM.name, clock.now())
    )
    importing = Importing(store.advisories, store.sources, reader, clock)
    advisories = AdvisoryDesk(gate, store, reader, importing, matching, opened.queue.jobs, opened.identity.documents)
    vulnerabilities = Vulnerabilities(insides, store.vulnerable, store.sources, matching, acceptance)
    client, addressing = HttpScannerClient(()), Addressing(lambda _: "", "http://registry.example")
    attached = AttachedReports(content.uploads, manifests)
    scanning = Scanning(
        catalog.scanning,
        identity.documents,
        in_force,
        client,
        addressing,
        catalog.manifests,
        content.blobs,
        attached,
        opened.queue.jobs,
        clock,
        lambda size: bytes(size),
    )
    verdicts = _verdicts(opened, access, content, in_force, matching, documents, judgements, clock)
    states, scans = catalog.scanning.states, catalog.scanning.scans
    needs = build_attention(
        gate,
        catalog,
        identity,
        opened.queue,
        opened.webhooks,
        opened.cursors,
        followers(settings),
        None,
        opened.audit.reader,
        clock,
        certificates(settings),
    )
    health = HealthDesk(
        gate,
        _well,
        TrafficLog(SECONDS),
        catalog.vitals,
        opened.queue.history,
        opened.webhooks.log,
        identity.documents,
        catalog.upstream_states,
        catalog.insides.images,
    )
    read_only = ReadOnlyDesk(gate, ReadOnlyMode(in_force, clock))
    follow = Followers(gate, opened.cursors, followers(settings))
    usage = UsageReports(gate, catalog.usages, in_force, None)
    return Desks(
        management=management,
        scanners=ScannerDesk(gate, identity.documents, states, client, addressing, scanning.call),
        scan_reports=ScannerReports(access, insides, vulnerabilities, scans, in_force, scanning, states, clock),
        repositories=repositories,
        browsing=Browsing.on(catalog, identity.facts, access, repositories, management, in_force),
        holdings=RepositoryHoldings(gate, catalog.holdings),
        removal=TagRemoval(gate, manifests),
        past=TagPast(gate, catalog.history, manifests, trash),
        locks=ManifestLocks(gate, catalog.locks),
        trash=trash,
        images=images,
        virtuals=VirtualPlaces(virtuals),
        insides=insides,
        advisories=advisories,
        known=AboutVulnerabilities(advisories, store.vulnerable, archives),
        vulnerabilities=vulnerabilities,
        comparison=InsideComparison(images, vulnerabilities),
        counts=counts,
        reports=reports,
        finding_history=FindingHistory(reports, store.days, clock),
        packages=PackageSearch(holders, store.holding),
        hits=VulnerabilitySearch(HitPages(holders, store, acceptance), store),
        new_findings=NewFindings(HitPages(holders, store, acceptance)),
        signatures=ImageSignatures(access, content.repository, judgements),
        licences=ImageLicences(insides, in_force, acceptance),
        licence_search=LicenceSearch(holders, store.holding),
        gates=_gate_desk(opened, gate, access, content, repositories, in_force, verdicts),
        **promotion_desks(gate, access, terms, catalog, manifests, in_force, verdicts),
        quarantine=_quarantine_desk(opened, gate, access, in_force, terms, verdicts, clock),
        labels=ContentLabels(gate, catalog.labels, manifests, repositories),
        attention=needs,
        news=News(gate, opened.audit.reader, catalog.history),
        configuration=ConfigurationInForce(gate, settings, {"auth.url": "ORLOP_AUTH_URL"}),
        read_only=read_only,
        status=StatusDesk(
            gate, health, read_only, follow, usage, needs, certificates(settings), catalog.replicas, ITSELF
        ),
        health=health,
        audit=AllowedQuery(AuditQuery(opened.audit.reader), gate, opened.audit.log),
        webhooks=ManagedWebhooks(gate, identity.documents, opened.webhooks.log, messages(settings), RandomIds()),
        hooks=WebhookList(gate, identity.documents, opened.webhooks.log),
        followers=follow,
        jobs=JobDesk(gate, opened.queue.jobs, schedules),
        usage=usage,
        retention=retention,
        reviews=PlanReviews(gate, retention, catalog.usages, identity.documents, terms),
        trials=RetentionTrials(
            gate, Planner(catalog.retention, browse, identity.documents, in_force, clock), catalog.usages
        ),
        in_use=InUseSets(gate, catalog.retention.in_use),
        inventory=InventoryPages(gate, browse, catalog.retention.inventories),
        scrub=ScrubDesk(gate, scrub_of(opened, clock), catalog.quarantine),
        upstreams=UpstreamDesk(gate, identity.documents, catalog.upstream_states, catalog.usages, opened.queue.jobs),
        attestation_keys=build_attestation_keys(settings, catalog, gate),
        backups=BackupDesk(
            gate,
            identity.documents,
            catalog.backups,
            opened.queue.jobs,
            BackupTimes(identity.documents, opened.settings_changes, opened.queue.timetable, clock, lambda: 0.0),
        ),
        providers=provider_tests(settings, gate, identity.documents, clock),
    )


def _verdicts(
    opened: OpenCatalog,
    access: Access,
    content: OwnContent,
    in_force: SettingsInForce,
    matching: Matching,
    documents: AttachedDocuments,
    judgements: ImageJudgements,
    clock: Clock,
) -> GateVerdicts:
    catalog, identity = opened.catalog, opened.identity
    store = catalog.gates.advisories
    vex = VexOfImages(catalog.vex, in_force, AccountStanding(identity.accounts, identity.facts, clock))
    acceptance = Acceptance(in_force, vex, store, clock)
    facts = GateFacts(
        catalog.gates.rows,
        catalog.insides.images,
        store.vulnerable,
        ImageCounts(access, store.counting, store.vulnerable, acceptance),
        matching,
        acceptance,
        in_force,
        SaidOfImages(content.blobs, Upstreams(identity.documents, opened.settings_changes, catalog.cached_content)),
        ProcessExpressions(clock),
        documents,
        ImageTrust(content.repository, judgements),
    )
    return GateVerdicts(in_force, facts, catalog.held_pushes, opened.changes, opened.settings_changes, clock)


def promotion_desks(
    gate: Gate,
    access: Access,
    terms: WriteTerms,
    catalog: Catalog,
    manifests: Manifests,
    in_force: SettingsInForce,
    verdicts: GateVerdicts,
) -> dict[str, Any]:
    """What is asked for promotions."""
    rows, ways, approvers = catalog.promotions, Ways(in_force), Approvers(access)
    carrying = CarryingOut(access, in_force, catalog.manifests, terms, verdicts, rows)
    deciding = Deciding(rows, ways, approvers, carrying, catalog.manifests)
    bundles = BundleDesk(gate, manifests, catalog.bundles)
    asking = Asking(gate, manifests, ways, bundles)
    return {
        "promotions": PromotionDesk(gate, manifests, asking, terms, rows, approvers, carrying, deciding),
        "promotion_trials": PromotionTrials(gate, asking, ways, carrying),
        "promotion_boards": PromotionBoards(gate, in_force, catalog.boards),
        "bundles": bundles,
        "bundle_standings": BundleStandings(gate, in_force, catalog.boards, bundles),
    }


def _gate_desk(
    opened: OpenCatalog,
    gate: Gate,
    access: Access,
    content: OwnContent,
    repositories: Repositories,
    in_force: SettingsInForce,
    verdicts: GateVerdicts,
) -> GateDesk:
    catalog = opened.catalog
    rows, names = catalog.gates.rows, catalog.search
    return GateDesk(gate, access, in_force, content.manifests, catalog.manifests, verdicts, rows, repositories, names)


def _quarantine_desk(
    opened: OpenCatalog,
    gate: Gate,
    access: Access,
    in_force: SettingsInForce,
    terms: WriteTerms,
    verdicts: GateVerdicts,
    clock: Clock,
) -> QuarantineDesk:
    rows = opened.catalog.held_pushes
    standing = QuarantineStanding(in_force, verdicts, opened.catalog.manifests)
    letting_out = LettingOut(rows, standing, terms, opened.queue.jobs, clock, lambda *_: None)
    return QuarantineDesk(gate, access, rows, standing, letting_out)
