"""Every role of a catalog on one engine, and the catalog in a SQLite file.

That in PostgreSQL: `postgres.catalog`. That in memory: `memory`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from orlop.adapters.sql.advisories import SqlAdvisories, SqlAdvisorySources
from orlop.adapters.sql.attesting import SqlAttestationKeys, SqlStatements
from orlop.adapters.sql.audit import audit_on
from orlop.adapters.sql.backup_schedules import SqlBackupRecords
from orlop.adapters.sql.blobs import SqlBlobLinks, SqlCollection
from orlop.adapters.sql.boards import SqlBoards
from orlop.adapters.sql.browse import SqlBrowse, SqlOutbox, SqlPullTimes, SqlVitals
from orlop.adapters.sql.bundles import SqlBundles
from orlop.adapters.sql.caching import SqlCaches
from orlop.adapters.sql.changes import PARTS, SharedChanges
from orlop.adapters.sql.children import SqlChildren
from orlop.adapters.sql.collection import SqlCollectionPreview, SqlMarking
from orlop.adapters.sql.counting import SqlCounting
from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.finding_days import SqlFindingDays
from orlop.adapters.sql.findings import SqlMatches
from orlop.adapters.sql.following import SqlCursors
from orlop.adapters.sql.gates import SqlGateRows
from orlop.adapters.sql.hits import SqlHits
from orlop.adapters.sql.holding import SqlHolding
from orlop.adapters.sql.holdings import SqlHoldings
from orlop.adapters.sql.identity.roles import identity_on
from orlop.adapters.sql.image_places import SqlImagePlaces
from orlop.adapters.sql.inside_inspection import SqlInsideInspection
from orlop.adapters.sql.insides import SqlInsides, SqlLayerFacts
from orlop.adapters.sql.inspection import SqlInspection
from orlop.adapters.sql.jobs import SqlLeases
from orlop.adapters.sql.labels import SqlLabels
from orlop.adapters.sql.locks import SqlLocks
from orlop.adapters.sql.manifests import SqlManifests
from orlop.adapters.sql.promotion import SqlPromotions
from orlop.adapters.sql.quarantined import SqlHeldPushes
from orlop.adapters.sql.queue import queue_on
from orlop.adapters.sql.read_only import SqlReadOnlyRecord
from orlop.adapters.sql.remote_tags import SqlCachedContent, SqlRemoteTags
from orlop.adapters.sql.replicas import SqlReplicas
from orlop.adapters.sql.repositories import SqlRepositories
from orlop.adapters.sql.retention import retention_on
from orlop.adapters.sql.scans import SqlScannerStates, SqlScans
from orlop.adapters.sql.scrub import SqlOrphans, SqlQuarantine, SqlScrubRows
from orlop.adapters.sql.search import SqlSearch
from orlop.adapters.sql.settings_ends import SqlSettingEnds
from orlop.adapters.sql.signatures import SqlSignatureVerdicts
from orlop.adapters.sql.sqlite import SqliteEngine
from orlop.adapters.sql.tag_lists import SqlTagLists
from orlop.adapters.sql.traced import TracedEngine, TracedSession
from orlop.adapters.sql.trash import SqlTrash
from orlop.adapters.sql.trash_end import SqlTrashEnd
from orlop.adapters.sql.trash_namespaces import SqlNamespaceTrash
from orlop.adapters.sql.uploads import SqlUploads
from orlop.adapters.sql.upstream_states import SqlUpstreamStates
from orlop.adapters.sql.usage import SqlUsageKeeping, SqlUsages
from orlop.adapters.sql.vex import SqlVexDocuments
from orlop.adapters.sql.vulnerable import SqlVulnerable
from orlop.adapters.sql.webhooks import webhooks_on
from orlop.ports.advisories import AdvisoryStore
from orlop.ports.audit import AuditStore
from orlop.ports.catalog import Catalog, SignatureStore
from orlop.ports.events import Changes
from orlop.ports.following import Cursors
from orlop.ports.gates import GateStore
from orlop.ports.identity import Identity
from orlop.ports.insides import InsideStore
from orlop.ports.jobs import Leases
from orlop.ports.queue import Queue
from orlop.ports.scans import ScanStore
from orlop.ports.webhooks import WebhookStore
from orlop.telemetry.tracing import active

#: The database within the catalog's folder, and what lies beside it.
DATABASE = "catalog.sqlite"
WRITER_LOCK = "writer.lock"
CHANGES = "changes"
ACCESS_CHANGES = "access-changes"
SETTINGS_CHANGES = "settings-changes"
QUEUE_CHANGES = "queue-changes"


class OpenCatalog(NamedTuple):
    """A catalog in use. `start` what it does in the background if answers are to be remembered; close the engine."""

    catalog: Catalog
    leases: Leases
    changes: Changes
    identity: Identity
    access_changes: Changes
    engine: Engine
    start: Callable[[], None]
    audit: AuditStore
    settings_changes: Changes
    cursors: Cursors
    webhooks: WebhookStore
    queue: Queue
    queue_changes: Changes


def open_sqlite(folder: Path, ticket: str = "") -> OpenCatalog:
    """Open the migrated catalog in `folder` with a ticket for its gate (domain.moving). Raises Unavailable.

    Needs a running event loop for what it returns.
    """
    changes, access = SharedChanges(folder / CHANGES, PARTS), SharedChanges(folder / ACCESS_CHANGES)
    settings, queue = SharedChanges(folder / SETTINGS_CHANGES), SharedChanges(folder / QUEUE_CHANGES)
    engine = SqliteEngine(folder / DATABASE, folder / WRITER_LOCK, changes, access, settings, queue, ticket)
    return on(engine, engine.reader, changes, access, settings, queue)


def _nothing() -> None:
    """SQLite does nothing in the background that has to be started."""


def on(
    engine: Engine,
    lists: Session,
    changes: Changes,
    access: Changes,
    settings: Changes,
    queue: Changes,
    start: Callable[[], None] = _nothing,
) -> OpenCatalog:
    """Everything on one engine; lists are read by `lists`."""
    if (tracer := active()) is not None:
        engine, lists = TracedEngine(engine, tracer), TracedSession(lists, tracer)
    catalog, leases = catalog_on(engine, lists), SqlLeases(engine)
    identity, audit = identity_on(engine), audit_on(engine)
    cursors, webhooks = SqlCursors(engine), webhooks_on(engine)
    return OpenCatalog(
        catalog,
        leases,
        changes,
        identity,
        access,
        engine,
        start,
        audit,
        settings,
        cursors,
        webhooks,
        queue_on(engine),
        queue,
    )


def catalog_on(engine: Engine, lists: Session) -> Catalog:
    """What content is kept by, on one engine; lists are read by `lists`."""
    browse = SqlBrowse(lists)
    uploads = SqlUploads(engine)
    return Catalog(
        manifests=SqlManifests(engine),
        browse=browse,
        repositories=SqlRepositories(engine),
        history=browse,
        links=SqlBlobLinks(engine),
        uploads=uploads,
        expiry=uploads,
        collection=SqlCollection(engine),
        outbox=SqlOutbox(engine),
        pulls=SqlPullTimes(engine),
        vitals=SqlVitals(engine),
        inspection=SqlInspection(engine),
        insides=InsideStore(SqlLayerFacts(engine), SqlInsides(engine), SqlImagePlaces(engine)),
        inside_inspection=SqlInsideInspection(engine),
        scanning=ScanStore(SqlScans(engine), SqlScannerStates(engine)),
        holdings=SqlHoldings(lists),
        locks=SqlLocks(engine, lists),
        usages=SqlUsages(engine, lists),
        usage_keeping=SqlUsageKeeping(engine),
        retention=retention_on(engine, lists),
        trash=SqlTrash(engine, lists),
        trash_end=SqlTrashEnd(engine),
        namespace_trash=SqlNamespaceTrash(engine),
        labels=SqlLabels(engine, lists),
        preview=SqlCollectionPreview(engine.reader),
        marking=SqlMarking(engine),
        quarantine=SqlQuarantine(engine),
        scrub=SqlScrubRows(engine),
        orphans=SqlOrphans(engine),
        upstream_states=SqlUpstreamStates(engine),
        caches=SqlCaches(engine, lists),
        remote_tags=SqlRemoteTags(engine),
        cached_content=SqlCachedContent(engine),
        children=SqlChildren(lists),
        tag_lists=SqlTagLists(lists),
        search=SqlSearch(lists),
        advisories=_advisories_on(engine, lists),
        gates=GateStore(SqlGateRows(engine.reader), _advisories_on(engine, engine.reader)),
        held_pushes=SqlHeldPushes(engine, lists),
        signatures=SignatureStore(SqlSignatureVerdicts(engine), SqlBrowse(engine.reader), SqlHoldings(engine.reader)),
        vex=SqlVexDocuments(engine),
        setting_ends=SqlSettingEnds(engine),
        attestation_keys=SqlAttestationKeys(engine),
        statements=SqlStatements(engine),
        promotions=SqlPromotions(engine, lists),
        boards=SqlBoards(lists),
        bundles=SqlBundles(engine, lists),
        replicas=SqlReplicas(engine),
        read_only=SqlReadOnlyRecord(engine),
        backups=SqlBackupRecords(engine, lists),
    )


def _advisories_on(engine: Engine, lists: Session) -> AdvisoryStore:
    return AdvisoryStore(
        SqlAdvisories(engine),
        SqlAdvisorySources(engine),
        SqlMatches(engine),
        SqlVulnerable(engine, lists),
        SqlHolding(lists),
        SqlHits(lists),
        SqlFindingDays(engine, lists),
        SqlCounting(lists),
    )
