"""What of scheduled backups needs somebody: none for too long, and a drill that failed."""

from collections.abc import Sequence

from orlop.domain.access import Caller
from orlop.domain.attention import Concern, ConcernKind, Severity
from orlop.domain.counts import counted
from orlop.domain.durations import DAY, HOUR
from orlop.ports.backups import BackupRecords
from orlop.ports.settings import Documents
from orlop.services.attention.sources import Source
from orlop.services.backup.desk import ScheduleStatus, standing
from orlop.services.management.operations import Administered, Gate, Operation


def backups(documents: Documents, records: BackupRecords, gate: Gate) -> Source:
    """For whoever sees how backups go."""

    async def tell(caller: Caller, _: Administered) -> Sequence[Concern]:
        if not await gate.may(caller, Operation.BACKUP_READ):
            return []
        now, found = gate.now(), []
        for status in await standing(documents, records):
            found += [_concern(status, text) for text in _texts(status, now)]
        return found

    return tell


def _concern(status: ScheduleStatus, text: str) -> Concern:
    return Concern(kind=ConcernKind.BACKUP, severity=Severity.ERROR, text=text, name=status.scheduled.name)


def _texts(status: ScheduleStatus, now: int) -> list[str]:
    name, texts = status.scheduled.name, []
    if status.late_at and now > status.late_at:
        backup = status.backup
        if backup is not None and backup.done_at:
            text = f"the newest whole backup of {name} is {_age(now - backup.done_at)} old"
        else:
            text = f"{name} has no whole backup yet, {_age(now - status.scheduled.changed_at)} after it was set"
        texts.append(f"{text}: {backup.error}" if backup is not None and backup.error else text)
    if status.drill is not None and status.drill.error:
        texts.append(f"the drill of {name} failed: {status.drill.error}")
    return texts


def _age(length: int) -> str:
    if length >= 2 * DAY:
        return counted(length // DAY, "day")
    return counted(max(1, length // HOUR), "hour")
