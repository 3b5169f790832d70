"""The audit log of one process: what it tells, what writes it and what sends it on."""

import random
import socket
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

from orlop.bootstrap.clocks import RandomIds, SystemClock
from orlop.bootstrap.stores.opening import StartRefused, Stores
from orlop.config import Settings
from orlop.config.units import duration_text
from orlop.domain.audit import Head
from orlop.ports.audit import AuditKeys, AuditSink, HeadSigner
from orlop.services.audit.forward import AuditForward
from orlop.services.audit.log import JOB, AuditWriter, Keep
from orlop.services.audit.notices import Notices, Pulls
from orlop.services.following.follow import noted
from orlop.services.following.known import AUDIT_LOG
from orlop.services.jobs.lasting_work import LastingWork
from orlop.services.jobs.worker import Chore

#: How often refusals and pulls are written, in seconds.
_NOTICES_EVERY = 1.0


def build_notices(settings: Settings, stores: Stores) -> Notices:
    """What refusals and pulls are told to."""
    return Notices(
        stores.audit.writer, SystemClock(), random.random, Pulls(settings.audit.pulls), sample=settings.audit.sample
    )


def telling(notices: Notices) -> Chore:
    """The chore that writes what was told."""
    return Chore("refusals and pulls", _NOTICES_EVERY, notices.step)


def auditing(settings: Settings, stores: Stores) -> Sequence[LastingWork]:
    """What writes the log, and what sends it on."""
    audit, clock, owner = stores.audit, SystemClock(), RandomIds().new()
    writer = AuditWriter(
        stores.catalog.outbox,
        audit.log,
        audit.reader,
        audit.readers,
        _Heads(audit.keys, settings.audit.key, clock.now),
        clock,
        Keep(settings.audit.keep, duration_text(settings.audit.keep)),
    )
    step = noted(AUDIT_LOG, stores.cursors, clock, writer.step)
    standing = [LastingWork(JOB, step, stores.leases, clock, owner)]
    for name, sink in _sinks(settings):
        forward = AuditForward(name, audit.reader, stores.cursors, clock, sink)
        job = forward.follower.job
        standing.append(LastingWork(job, forward.step, stores.leases, clock, owner, last=forward.close))
    return standing


class _Heads:
    """See ports.audit.HeadSigner. What it takes to sign is imported with the first head, not by a start."""

    def __init__(self, keys: AuditKeys, file: Path | None, now: Callable[[], int]) -> None:
        self._keys = keys
        self._file = file
        self._now = now
        self._signer: HeadSigner | None = None

    async def sign(self, sequence: int, hash: str, at: int) -> Head:  # noqa: A002 - its name in the port
        if self._signer is None:
            from orlop.adapters.identity.heads import Ed25519Heads

            self._signer = Ed25519Heads(self._keys, self._file, self._now)
        return await self._signer.sign(sequence, hash, at)


def _sinks(settings: Settings) -> list[tuple[str, AuditSink]]:
    """Where the log is sent, by names that positions are kept under. Imported only where something is sent."""
    audit = settings.audit
    sinks: list[tuple[str, AuditSink]] = []
    place = audit.syslog_place
    if place is not None:
        from orlop.adapters.forwarding.syslog import SyslogSink

        context = _context(audit.syslog_ca) if place[0] == "tls" else None
        sinks.append(("syslog", SyslogSink(*place, context, socket.gethostname())))
    if audit.http:
        from orlop.adapters.forwarding.http import HttpSink

        sinks.append(("http", HttpSink(audit.http, audit.http_token, _context(audit.http_ca))))
    return sinks


def _context(ca: Path | None) -> ssl.SSLContext:
    """Checks certificates and names. Raises StartRefused when the authorities cannot be read."""
    try:
        context = ssl.create_default_context(cafile=str(ca) if ca else None)
    except (OSError, ssl.SSLError) as cause:
        raise StartRefused(f"the authorities {ca} cannot be read: {cause}") from cause
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
