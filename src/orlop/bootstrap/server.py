"""What one worker of the server runs: the ASGI application on open stores, and the work in the background."""

from orlop.bootstrap.clocks import request_ids
from orlop.bootstrap.services import Services
from orlop.bootstrap.stores import Stores
from orlop.config import Settings
from orlop.faces.distribution.answers import Answers
from orlop.faces.distribution.app import DistributionApp, Limits
from orlop.faces.distribution.blobs import BlobHandlers
from orlop.faces.distribution.lists import ListHandlers
from orlop.faces.distribution.manifests import ManifestHandlers
from orlop.faces.distribution.table import Handlers
from orlop.faces.distribution.uploads import UploadHandlers
from orlop.telemetry.requests import RequestLog


def distribution(settings: Settings, stores: Stores, services: Services, log: RequestLog) -> DistributionApp:
    """The `/v2` application."""
    handlers = Handlers(
        lists=ListHandlers(stores.catalog.browse, services.referrers),
        manifests=ManifestHandlers(services.manifests, services.pulls),
        blobs=BlobHandlers(services.blobs),
        uploads=UploadHandlers(services.uploads, services.blobs, services.access),
    )
    return DistributionApp(
        handlers,
        services.access,
        Answers(stores.changes, settings.cache.bytes),
        Answers(stores.changes, settings.cache.bytes),
        log,
        Limits(body_idle=settings.limits.body_idle / 1_000_000, uploads=settings.uploads.concurrent),
        request_ids(),
    )
