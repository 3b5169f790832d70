"""Builds the services on open stores."""

import secrets
from collections.abc import Callable

import msgspec

from orlop.adapters.expressions.process import ProcessExpressions
from orlop.adapters.identity.heads import Ed25519HeadChecker
from orlop.adapters.inside.process import ProcessLayerReader
from orlop.adapters.signatures.process import ProcessSignatureVerifier
from orlop.bootstrap.clocks import RandomIds, SystemClock
from orlop.bootstrap.server.audit import build_notices
from orlop.bootstrap.server.shown import ShownContent, build_shown
from orlop.bootstrap.server.upstreams import build_guarded
from orlop.bootstrap.stores.opening import Stores
from orlop.config import Settings
from orlop.domain.virtuals import VIRTUALS
from orlop.ports.blobs import BlobReader
from orlop.services.access.decisions import Access
from orlop.services.access.naming import Naming
from orlop.services.audit.notices import Notices
from orlop.services.audit.verify import AuditVerification
from orlop.services.collection.empty import EmptyRepositories
from orlop.services.collection.garbage import Collection
from orlop.services.collection.marking import FullMarking
from orlop.services.collection.preview import Preview
from orlop.services.collection.sweep import Sweep
from orlop.services.content.blobs import Blobs
from orlop.services.content.claims import UploadLimits
from orlop.services.content.copies import Copies
from orlop.services.content.manifests import Manifests
from orlop.services.content.pulls import PullLog
from orlop.services.content.quarantined import QuarantineSight
from orlop.services.content.referrers import Referrers
from orlop.services.content.repositories import Repositories
from orlop.services.content.uploads import Uploads
from orlop.services.gates.pushes import GatedPushes
from orlop.services.gates.said import SaidOfImages
from orlop.services.promotion.outcomes import Counting
from orlop.services.settings.in_force import SettingsInForce
from orlop.services.settings.placed import PlacedSettings
from orlop.services.stores.scrub import Scrub
from orlop.services.stores.verify import Verification
from orlop.services.stores.verify_inside import InsideVerification
from orlop.services.tags.terms import WriteTerms
from orlop.services.trust.judgements import ImageJudgements
from orlop.services.trust.kept import KeptVerdicts
from orlop.services.upstreams.pulls import ShownPulls
from orlop.services.upstreams.shown import Upstreams
from orlop.services.upstreams.standing import Standings
from orlop.services.virtuals.filling import Filling
from orlop.services.virtuals.virtuals import Virtuals
from orlop.telemetry.metrics import Metrics


class Services(msgspec.Struct, frozen=True):
    """What the registry does."""

    access: Access
    shown: ShownContent
    terms: WriteTerms
    in_force: SettingsInForce
    uploads: Uploads
    blobs: Blobs
    manifests: Manifests
    referrers: Referrers
    repositories: Repositories
    pulls: PullLog
    standings: Standings
    collection: Collection
    notices: Notices
    virtuals: Virtuals
    filling: Filling
    judgements: ImageJudgements
    expressions: ProcessExpressions
    decided: Callable[[str, str, float], None]
    """Counts what came out of quarantine."""
    promoted: Counting

    async def close(self) -> None:
        """Break off what is under way."""
        await self.shown.close()
        await self.expressions.close()


def build_services(
    settings: Settings,
    stores: Stores,
    reader: BlobReader,
    metrics: Metrics,
) -> Services:
    """Every service of one process; what clients pull is read through `reader`, and what is done is counted by
    `metrics`."""
    clock = SystemClock()
    catalog = stores.catalog
    in_force = SettingsInForce(stores.identity.documents, stores.settings_changes)
    access = Access(
        stores.identity.facts, stores.access_changes, clock, everyone=settings.open, naming=Naming(in_force)
    )
    shown = Upstreams(stores.identity.documents, stores.settings_changes, catalog.cached_content)
    terms = WriteTerms(access, in_force, shown)
    referrers = Referrers(catalog.browse, catalog.manifests)
    repositories = Repositories(catalog.browse, access, stores.identity.facts, clock)
    copies = Copies(reader, stores.blobs.reader, catalog.quarantine, clock)
    blobs = Blobs(
        catalog.links,
        copies,
        access,
        terms,
        clock,
        repositories=repositories,
        grace=settings.gc.grace,
        addresses=stores.blobs.addresses,
    )
    notices = build_notices(settings, stores)
    said, expressions = SaidOfImages(blobs, shown), ProcessExpressions()
    manifests = Manifests(
        catalog.manifests,
        referrers,
        terms,
        clock,
        sparse_indexes=settings.manifests.sparse_indexes,
        gate=GatedPushes(
            in_force, stores.settings_changes, said, expressions, clock, metrics.gates.pushed, notices.warned
        ),
        sight=QuarantineSight(in_force, catalog.held_pushes, access),
    )
    remotes = build_guarded(settings, stores, metrics.upstreams)
    content = build_shown(shown, stores, remotes, manifests, blobs, referrers, copies, terms)
    virtuals = build_virtuals(stores, shown, access)
    return Services(
        access=access,
        shown=content,
        terms=terms,
        in_force=in_force,
        uploads=Uploads(
            catalog.uploads,
            catalog.expiry,
            catalog.links,
            stores.blobs.stage,
            copies,
            access,
            terms,
            clock,
            RandomIds(),
            UploadLimits(
                expire=settings.uploads.expire,
                lease=settings.uploads.lease,
                blob_bytes=settings.limits.blob_bytes,
                sessions=0 if settings.open else settings.uploads.sessions,
            ),
            stores.blobs.space,
        ),
        blobs=blobs,
        manifests=manifests,
        referrers=referrers,
        repositories=repositories,
        pulls=PullLog(catalog.pulls, clock, ShownPulls(shown, remotes.standings).count),
        standings=remotes.standings,
        collection=build_collection(settings, stores),
        notices=notices,
        expressions=expressions,
        decided=metrics.quarantine.decided,
        promoted=metrics.promotions.ended,
        virtuals=virtuals,
        filling=Filling(virtuals, manifests, blobs, content.manifests, content.blobs),
        judgements=ImageJudgements(
            catalog.signatures.holdings,
            in_force,
            ProcessSignatureVerifier(),
            KeptVerdicts(catalog.signatures.verdicts),
            clock,
            metrics.signatures,
        ),
    )


def build_virtuals(stores: Stores, shown: Upstreams, access: Access) -> Virtuals:
    """What finds repositories below virtuals."""
    identity = stores.identity
    return Virtuals(
        PlacedSettings(VIRTUALS, identity.documents, stores.settings_changes), shown, access, identity.facts
    )


def build_collection(settings: Settings, stores: Stores) -> Collection:
    """Collection alone, for the command line."""
    catalog = stores.catalog
    return Collection(
        catalog.collection,
        catalog.expiry,
        catalog.trash_end,
        stores.blobs.stage,
        stores.blobs.remover,
        SystemClock(),
        empty=_empty_repositories(stores),
        pace=settings.gc.pace,
    )


def build_preview(stores: Stores) -> Preview:
    """What a collection would do."""
    return Preview(stores.catalog.preview, SystemClock(), _empty_repositories(stores))


def build_marking(stores: Stores) -> FullMarking:
    """What works out anew what collections go by."""
    return FullMarking(stores.catalog.inspection, stores.catalog.marking, SystemClock())


def _empty_repositories(stores: Stores) -> EmptyRepositories:
    in_force = SettingsInForce(stores.identity.documents, stores.settings_changes)
    return EmptyRepositories(stores.catalog.preview, stores.catalog.repositories, in_force, SystemClock())


def build_verification(stores: Stores) -> Verification:
    """What verifies the stores and the audit log."""
    return Verification(
        stores.catalog.inspection,
        stores.blobs.reader,
        stores.blobs.inventory,
        SystemClock(),
        orphans=stores.catalog.orphans,
        inside=InsideVerification(
            stores.catalog.inside_inspection, stores.blobs.reader, ProcessLayerReader(), secrets.randbelow
        ),
        audit=AuditVerification(stores.audit.log, stores.audit.reader, Ed25519HeadChecker(stores.audit.keys)),
    )


def build_scrub(settings: Settings, stores: Stores) -> Scrub:
    """Scrub alone. It reads from the store itself, past every cache."""
    catalog = stores.catalog
    return Scrub(
        catalog.scrub,
        catalog.quarantine,
        stores.blobs.reader,
        catalog.vitals,
        SystemClock(),
        period=settings.scrub.period,
        pace=settings.scrub.pace,
    )


def build_sweep(stores: Stores) -> Sweep:
    """The sweep alone, for the command line."""
    blobs = stores.blobs
    catalog = stores.catalog
    return Sweep(catalog.inspection, catalog.orphans, blobs.inventory, blobs.stage, blobs.remover, SystemClock())
