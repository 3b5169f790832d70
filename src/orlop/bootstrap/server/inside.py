"""Builds what reads images, and what tells what is inside them."""

from collections.abc import Sequence

from orlop.adapters.inside.process import ProcessLayerReader
from orlop.adapters.inside.vex_process import ProcessVexReader
from orlop.bootstrap.clocks import RandomIds, SystemClock
from orlop.bootstrap.server.services import Services
from orlop.bootstrap.server.webhooks import news_of
from orlop.bootstrap.stores.opening import Stores
from orlop.services.content.images import Images
from orlop.services.following import known
from orlop.services.inside.intake import ImageIntake
from orlop.services.inside.questions import ImageInsides
from orlop.services.inside.reading import ImageReading
from orlop.services.jobs.lasting_work import LastingWork
from orlop.services.vex.reading import VexReading


def build_reading(stores: Stores, services: Services) -> ImageReading:
    """What reads images that wait."""
    catalog = stores.catalog
    return ImageReading(
        catalog.insides, catalog.manifests, services.blobs, ProcessLayerReader(), stores.queue.jobs, SystemClock()
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
    intake = ImageIntake(
        catalog.outbox,
        stores.cursors,
        catalog.insides.images,
        catalog.manifests,
        clock,
        build_reading(stores, services).call,
        catalog.vex,
        build_vex_reading(stores, services).call,
    )
    owner = RandomIds().new()
    return (LastingWork(known.INSIDE.job, intake.step, stores.leases, clock, owner, news=news_of(stores)),)


def build_insides(stores: Stores, services: Services, images: Images) -> ImageInsides:
    """What tells what is inside images."""
    reading = build_reading(stores, services)
    return ImageInsides(services.access, images, stores.catalog.insides.images, reading, SystemClock())
