"""Builds what makes backups by itself: the jobs, when they are due, and what tells how they went."""

import os
import random
from collections.abc import Mapping

from orlop.adapters.backups.process import ProcessBackups
from orlop.adapters.secret_references import SecretFetcher
from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.commands.backup_child import settings_as_json
from orlop.bootstrap.stores.opening import Stores
from orlop.config import Settings
from orlop.config.sources import BACKUP_PREFIX
from orlop.domain.errors import Unavailable
from orlop.domain.identity.secret_references import parse_secret
from orlop.ports.backups import BackupFailed, BackupOrder
from orlop.services.backup.desk import BackupDesk
from orlop.services.backup.scheduled import ScheduledBackups
from orlop.services.backup.times import BackupTimes
from orlop.services.management.operations import Gate

_CHILD = "orlop.bootstrap.commands.backup_child"
#: Settings of the store of backups, which the process takes from its environment.
_STORE = (
    *("endpoint", "region", "access_key_id", "secret_access_key", "addressing", "ca"),
    *("encryption", "kms_key", "storage_class"),
)


def build_scheduled_backups(settings: Settings, stores: Stores) -> ScheduledBackups:
    """What does the jobs."""
    fetch = SecretFetcher(settings.secrets.places)

    def environment(order: BackupOrder) -> Mapping[str, str]:
        given = {**os.environ, **_store(settings)}
        schedule = order.schedule
        if schedule.access_key_id:
            try:
                secret = fetch(parse_secret(schedule.secret_access_key))
            except (Unavailable, ValueError) as cause:
                raise BackupFailed(f"secret_access_key: {cause}") from cause
            given[f"{BACKUP_PREFIX}ACCESS_KEY_ID"] = schedule.access_key_id
            given[f"{BACKUP_PREFIX}SECRET_ACCESS_KEY"] = secret
        return given

    return ScheduledBackups(
        stores.identity.documents,
        stores.catalog.backups,
        ProcessBackups(_CHILD, settings_as_json(settings), environment),
        stores.queue.jobs,
        SystemClock(),
    )


def _store(settings: Settings) -> dict[str, str]:
    """Those that are not as they are without a word."""
    return {
        f"{BACKUP_PREFIX}{name.upper()}": str(value)
        for name in _STORE
        if (value := getattr(settings.backup, name)) not in ("", None)
    }


def build_backup_times(stores: Stores) -> BackupTimes:
    """When they are due."""
    documents, changes = stores.identity.documents, stores.settings_changes
    return BackupTimes(documents, changes, stores.queue.timetable, SystemClock(), random.random)


def build_backup_desk(stores: Stores, gate: Gate) -> BackupDesk:
    """What people ask of them."""
    times = build_backup_times(stores)
    return BackupDesk(gate, stores.identity.documents, stores.catalog.backups, stores.queue.jobs, times)
