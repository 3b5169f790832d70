"""Repositories that show upstreams, of one process."""

import msgspec

from orlop.bootstrap.clocks import RandomIds, SystemClock
from orlop.bootstrap.stores.opening import Stores
from orlop.ports.upstreams import Remotes
from orlop.services.content.blobs import Blobs
from orlop.services.content.claims import Recording
from orlop.services.content.copies import Copies
from orlop.services.content.manifests import Manifests
from orlop.services.content.referrers import Referrers
from orlop.services.tags.terms import WriteTerms
from orlop.services.upstreams import transfer
from orlop.services.upstreams.blobs import ShownBlobs
from orlop.services.upstreams.lists import ShownLists
from orlop.services.upstreams.manifests import ShownManifests
from orlop.services.upstreams.shown import Upstreams
from orlop.services.upstreams.turns import Turns


class ShownContent(msgspec.Struct, frozen=True):
    """What pulls ask; `shown` says which upstream shows a repository."""

    shown: Upstreams
    manifests: ShownManifests
    blobs: ShownBlobs
    lists: ShownLists
    remotes: Remotes

    async def close(self) -> None:
        """Break off what is under way."""
        await self.manifests.close()
        await self.blobs.close()
        await self.remotes.close()


def build_shown(
    shown: Upstreams,
    stores: Stores,
    remotes: Remotes,
    manifests: Manifests,
    blobs: Blobs,
    referrers: Referrers,
    copies: Copies,
    terms: WriteTerms,
) -> ShownContent:
    """Everything about upstreams that a pull comes by."""
    clock, ids, catalog = SystemClock(), RandomIds(), stores.catalog
    turns = Turns(catalog.uploads, catalog.expiry, clock, ids)
    ends = transfer.Stores(
        catalog.uploads,
        catalog.expiry,
        catalog.links,
        stores.blobs.stage,
        copies,
        Recording(catalog.expiry, catalog.links, stores.blobs.stage, copies),
        remotes,
        terms,
        clock,
        ids,
    )
    return ShownContent(
        shown,
        ShownManifests(shown, remotes, catalog.remote_tags, manifests, catalog.manifests, terms, turns, clock),
        ShownBlobs(shown, catalog.cached_content, blobs, ends),
        ShownLists(shown, remotes, catalog.browse, referrers),
        remotes,
    )
