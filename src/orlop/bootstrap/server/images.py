"""Builds what shows images."""

from orlop.adapters.archives.reader import ProcessArchiveReader
from orlop.bootstrap.server.services import Services
from orlop.bootstrap.stores.opening import Stores
from orlop.services.content.images import Images
from orlop.services.content.own import OwnContent
from orlop.services.management.operations import Gate


def build_images(gate: Gate, stores: Stores, services: Services) -> Images:
    """Images of one registry, for its API and its pages."""
    catalog, opened = stores.catalog, _content(stores, services).repository
    archives = ProcessArchiveReader()
    return Images(gate, services.access, opened, catalog.holdings, catalog.labels, archives, services.virtuals)


def _content(stores: Stores, services: Services) -> OwnContent:
    return OwnContent(
        services.access, stores.catalog.browse, services.manifests, services.referrers, services.blobs, services.uploads
    )
