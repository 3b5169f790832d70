"""Builds what tells who signed images."""

from orlop.bootstrap.server.services import Services
from orlop.bootstrap.stores.opening import Stores
from orlop.services.content.own import OwnContent
from orlop.services.content.referrers import Referrers
from orlop.services.trust.signatures import ImageSignatures
from orlop.services.trust.standing import ImageTrust


def build_signatures(stores: Stores, services: Services) -> ImageSignatures:
    """For whoever may pull an image."""
    return ImageSignatures(services.access, _content(stores, services).repository, services.judgements)


def build_trust(stores: Stores, services: Services) -> ImageTrust:
    """For what has to know it of every image."""
    return ImageTrust(_content(stores, services).repository, services.judgements)


def fresh_referrers(stores: Stores) -> Referrers:
    """What refers to images, which is never behind."""
    return Referrers(stores.catalog.signatures.browse, stores.catalog.manifests)


def _content(stores: Stores, services: Services) -> OwnContent:
    """What signatures are read by, which is never behind."""
    browse, referrers = stores.catalog.signatures.browse, fresh_referrers(stores)
    return OwnContent(services.access, browse, services.manifests, referrers, services.blobs, services.uploads)
