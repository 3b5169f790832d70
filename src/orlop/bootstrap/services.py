"""Builds the services on open stores."""

import msgspec

from orlop.bootstrap.audit import build_notices
from orlop.bootstrap.clocks import RandomIds, SystemClock
from orlop.bootstrap.stores import Stores
from orlop.config import Settings
from orlop.ports.blobs import BlobReader
from orlop.services.access import Access
from orlop.services.blobs import Blobs
from orlop.services.collection import Collection
from orlop.services.manifests import Manifests
from orlop.services.notices import Notices
from orlop.services.pulls import PullLog
from orlop.services.referrers import Referrers
from orlop.services.repositories import Repositories
from orlop.services.settings.in_force import SettingsInForce
from orlop.services.sweep import Sweep
from orlop.services.tags.terms import WriteTerms
from orlop.services.uploads import UploadLimits, Uploads


class Services(msgspec.Struct, frozen=True):
    """What the registry does."""

    access: Access
    terms: WriteTerms
    uploads: Uploads
    blobs: Blobs
    manifests: Manifests
    referrers: Referrers
    repositories: Repositories
    pulls: PullLog
    collection: Collection
    notices: Notices


def build_services(settings: Settings, stores: Stores, reader: BlobReader) -> Services:
    """Every service of one process; what clients pull is read through `reader`."""
    clock = SystemClock()
    catalog = stores.catalog
    access = Access(stores.identity.facts, stores.access_changes, clock, everyone=settings.open)
    terms = WriteTerms(access, SettingsInForce(stores.identity.documents, stores.settings_changes))
    referrers = Referrers(catalog.browse, catalog.manifests)
    repositories = Repositories(catalog.browse, access, stores.identity.facts, clock)
    return Services(
        access=access,
        terms=terms,
        uploads=Uploads(
            catalog.uploads,
            catalog.expiry,
            catalog.links,
            stores.blobs.stage,
            access,
            clock,
            RandomIds(),
            UploadLimits(
                expire=settings.uploads.expire,
                lease=settings.uploads.lease,
                blob_bytes=settings.limits.blob_bytes,
                sessions=0 if settings.open else settings.uploads.sessions,
            ),
        ),
        blobs=Blobs(
            catalog.links,
            reader,
            access,
            clock,
            repositories=repositories,
            grace=settings.gc.grace,
            addresses=stores.blobs.addresses,
        ),
        manifests=Manifests(
            catalog.manifests, referrers, terms, clock, sparse_indexes=settings.manifests.sparse_indexes
        ),
        referrers=referrers,
        repositories=repositories,
        pulls=PullLog(catalog.pulls, clock),
        collection=build_collection(stores),
        notices=build_notices(settings, stores),
    )


def build_collection(stores: Stores) -> Collection:
    """Collection alone, for the command line."""
    catalog = stores.catalog
    return Collection(catalog.collection, catalog.expiry, stores.blobs.stage, stores.blobs.remover, SystemClock())


def build_sweep(stores: Stores) -> Sweep:
    """The sweep alone, for the command line."""
    blobs = stores.blobs
    return Sweep(stores.catalog.inspection, blobs.inventory, blobs.stage, blobs.remover, SystemClock())
