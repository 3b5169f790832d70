"""Builds what reads images, and what tells what is inside them."""

from collections.abc import Callable, Sequence

from orlop import __version__
from orlop.adapters.inside.documents.process import ProcessDocumentReader
from orlop.adapters.inside.process import ProcessLayerReader
from orlop.adapters.inside.vex_process import ProcessVexReader
from orlop.bootstrap.clocks import RandomIds, SystemClock
from orlop.bootstrap.server.services import Services
from orlop.bootstrap.server.webhooks import news_of
from orlop.bootstrap.stores.opening import Stores
from orlop.services.access.standing import AccountStanding
from orlop.services.content.images import Images
from orlop.services.content.referrers import Referrers
from orlop.services.following import known
from orlop.services.inside.attaching import Attaching
from orlop.services.inside.by_roles import places_by_roles
from orlop.services.inside.documents import AttachedDocuments
from orlop.services.inside.intake import ImageIntake
from orlop.services.inside.questions import ImageInsides
from orlop.services.inside.reading import ImageReading
from orlop.services.jobs.lasting_work import LastingWork
from orlop.services.vex.reading import VexReading


def build_reading(
    stores: Stores, services: Services, counted: Callable[[str, str], None] = lambda *_: None
) -> ImageReading:
    """What reads images that wait. `counted` is told of each SBOM that is attached, or refused."""
    catalog, documents = stores.catalog, build_documents(stores, services)
    return ImageReading(
        catalog.insides,
        catalog.manifests,
        services.blobs,
        ProcessLayerReader(),
        documents,
        Attaching(
            catalog.insides,
            documents,
            catalog.manifests,
            catalog.browse,
            catalog.holdings,
            catalog.cached_content,
            services.manifests,
            services.uploads,
            SystemClock(),
            __version__,
            counted,
        ),
        stores.queue.jobs,
        SystemClock(),
        forgetting=(catalog.signatures.verdicts.forget,),
    )


def build_documents(stores: Stores, services: Services, referrers: Referrers | None = None) -> AttachedDocuments:
    """What knows the SBOMs that are attached to images. `referrers`: where it looks, in place of what may be behind."""
    catalog = stores.catalog
    return AttachedDocuments(
        catalog.insides,
        catalog.manifests,
        referrers or services.referrers,
        catalog.holdings,
        services.blobs,
        services.in_force,
        ProcessDocumentReader(),
        AccountStanding(stores.identity.accounts, stores.identity.facts, SystemClock()),
        SystemClock(),
    )


def build_vex_reading(stores: Stores, services: Services) -> VexReading:
    """What reads VEX documents that wait."""
    catalog = stores.catalog
    return VexReading(
        catalog.vex, catalog.manifests, services.blobs, ProcessVexReader(), stores.queue.jobs, SystemClock()
    )


def following_images(stores: Stores, services: Services) -> Sequence[LastingWork]:
    """What has pushed images wait to be read."""
    clock, catalog = SystemClock(), stores.catalog
    reading = build_reading(stores, services)
    intake = ImageIntake(
        catalog.outbox,
        stores.cursors,
        catalog.insides,
        catalog.manifests,
        build_documents(stores, services),
        clock,
        reading.call,
        reading.changed,
        catalog.vex,
        build_vex_reading(stores, services).call,
        lambda: places_by_roles(stores.identity.documents),
    )
    owner = RandomIds().new()
    return (LastingWork(known.INSIDE.job, intake.step, stores.leases, clock, owner, news=news_of(stores)),)


def build_insides(stores: Stores, services: Services, images: Images) -> ImageInsides:
    """What tells what is inside images."""
    reading = build_reading(stores, services)
    documents = build_documents(stores, services)
    return ImageInsides(services.access, images, stores.catalog.insides.images, documents, reading, SystemClock())
