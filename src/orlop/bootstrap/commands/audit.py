"""The audit log as `orlop audit` opens it, beside a server or without one."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from orlop.adapters.filesystem import FolderRefused
from orlop.adapters.identity.heads import Ed25519HeadChecker
from orlop.bootstrap.stores.catalogs import Siblings, open_catalog
from orlop.bootstrap.stores.opening import StartRefused
from orlop.config import Settings
from orlop.domain.audit import Head
from orlop.domain.errors import Unavailable
from orlop.faces.cli.audit.work import OpenedAudit
from orlop.services.audit.query import AuditQuery
from orlop.services.audit.verify import AuditVerification


@asynccontextmanager
async def open_for_audit(
    settings: Settings, trusted: Sequence[str], noted: Sequence[Head]
) -> AsyncIterator[OpenedAudit]:
    """Open the log, which a server must have begun before. Raises Unavailable."""
    try:
        opened = open_catalog(settings, Siblings([0], 0))
    except (StartRefused, FolderRefused) as refusal:
        raise Unavailable(str(refusal)) from refusal
    try:
        audit = opened.audit
        checker = Ed25519HeadChecker(audit.keys, trusted)
        yield OpenedAudit(
            AuditQuery(audit.reader), AuditVerification(audit.log, audit.reader, checker, noted), audit.reader
        )
    finally:
        await opened.engine.close()
