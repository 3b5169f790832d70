"""Builds what shows images."""

from orlop.adapters.archives.reader import ProcessArchiveReader
from orlop.adapters.signatures.process import ProcessSignatureVerifier
from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.server.services import Services
from orlop.bootstrap.stores.opening import Stores
from orlop.services.content.images import Images
from orlop.services.content.own import OwnContent
from orlop.services.management.operations import Gate
from orlop.services.trust.signatures import ImageSignatures


def build_images(gate: Gate, stores: Stores, services: Services) -> Images:
    """Images of one registry, for its API and its pages."""
    catalog, opened = stores.catalog, _content(stores, services).repository
    archives = ProcessArchiveReader()
    return Images(gate, services.access, opened, catalog.holdings, catalog.labels, archives, services.virtuals)


def build_signatures(stores: Stores, services: Services) -> ImageSignatures:
    """Who signed them."""
    opened = _content(stores, services).repository
    return ImageSignatures(
        services.access,
        opened,
        stores.catalog.holdings,
        services.in_force,
        ProcessSignatureVerifier(),
        SystemClock(),
    )


def _content(stores: Stores, services: Services) -> OwnContent:
    return OwnContent(
        services.access, stores.catalog.browse, services.manifests, services.referrers, services.blobs, services.uploads
    )
