"""The stores as `orlop gc` and `orlop verify` use them, beside a server or without one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orlop.adapters.filesystem import FolderRefused
from orlop.adapters.identity.heads import Ed25519HeadChecker
from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.server.services import build_collection, build_sweep
from orlop.bootstrap.stores.opening import StartRefused, open_stores
from orlop.config import Settings
from orlop.domain.errors import Unavailable
from orlop.faces.cli.stores.maintenance_work import Maintained
from orlop.services.audit.verify import AuditVerification
from orlop.services.stores.verify import Verification


@asynccontextmanager
async def open_for_maintenance(settings: Settings) -> AsyncIterator[Maintained]:
    """Open the stores, which a server must have prepared before. Raises Unavailable."""
    try:
        stores = open_stores(settings)
    except (StartRefused, FolderRefused) as refusal:
        raise Unavailable(str(refusal)) from refusal
    try:
        yield Maintained(
            build_collection(stores),
            build_sweep(stores),
            Verification(
                stores.catalog.inspection,
                stores.blobs.reader,
                stores.blobs.inventory,
                SystemClock(),
                audit=AuditVerification(stores.audit.log, stores.audit.reader, Ed25519HeadChecker(stores.audit.keys)),
            ),
            stores.catalog.vitals.totals,
        )
    finally:
        await stores.close()
