"""Builds what tells how the whole registry stands, and the chore by which servers know of each other."""

import os
import socket
from pathlib import Path

from orlop import __version__
from orlop.adapters.certificate_files import CertificateFiles
from orlop.bootstrap.clocks import SystemClock
from orlop.config import Settings
from orlop.ports.replicas import Replica, Replicas
from orlop.server import WorkerContext
from orlop.services.jobs.worker import Chore
from orlop.services.status.presence import TOLD_EVERY, Presence


def itself(settings: Settings) -> Replica:
    """The server that this worker is of: its supervisor is the parent of each."""
    host, now = socket.gethostname(), SystemClock().now()
    return Replica(f"{host}:{os.getppid()}:{settings.listen}", host, __version__, settings.workers, now, now)


def present(settings: Settings, context: WorkerContext, replicas: Replicas, one: Replica) -> tuple[Chore, ...]:
    """One worker tells for all of its server; where the catalog is in a folder or in memory there are no others."""
    if not settings.catalog.is_postgres or context.number != 1:
        return ()
    return (Chore("this server", TOLD_EVERY, Presence(replicas, one, SystemClock(), context.draining).tell),)


def certificates(settings: Settings) -> CertificateFiles:
    """Those that the settings name."""
    files: dict[str, Path | None] = {"tls.cert": settings.tls.cert, "blobs.ca": settings.blobs.ca}
    return CertificateFiles({name: file for name, file in files.items() if file is not None})
