"""What of the inside of images needs somebody: new findings, advisories that grow old, images that cannot be read."""

import re
from collections.abc import Sequence

from orlop.domain.access import Caller
from orlop.domain.attention import Concern, ConcernKind, Severity
from orlop.domain.counts import counted
from orlop.domain.durations import DAY
from orlop.domain.events import EventKind
from orlop.ports.advisories import AdvisorySources
from orlop.ports.audit import AuditReader, Filter
from orlop.ports.insides import Insides
from orlop.ports.settings import Documents
from orlop.services.advisories.updating import feeds
from orlop.services.attention.sources import Source
from orlop.services.management.operations import Administered, Gate, Operation

#: For how long new findings are told of, and after how many days advisories are old, in microseconds.
FRESH, OLD = 7 * DAY, 7 * DAY
#: Entries of the audit log that are looked through.
_LOOKED_AT = 500
_ENDLESS = (1 << 63) - 1
#: How the event of an image begins whose worst new finding is critical (services.advisories.affected).
_CRITICAL = re.compile(r"[0-9]+ new findings?, the worst is critical\b", re.ASCII)


def critical_findings(reader: AuditReader, gate: Gate) -> Source:
    """Repositories whose images advisories came to hit, for those who administer them; it lags behind as the log does,
    by seconds."""

    async def tell(_: Caller, seeing: Administered) -> Sequence[Concern]:
        since = gate.now() - FRESH
        hit: dict[str, set[str]] = {}
        by = (Filter.KIND, EventKind.IMAGE_AFFECTED.value)
        for chained in await reader.before(_ENDLESS, _LOOKED_AT, by=by):
            entry = chained.entry
            if entry.at > since and _CRITICAL.match(entry.detail) and seeing.repository(entry.repository):
                hit.setdefault(entry.repository, set()).add(entry.digest)
        return [
            Concern(
                kind=ConcernKind.VULNERABILITY,
                severity=Severity.WARNING,
                text=f"new critical vulnerabilities hit {counted(len(digests), 'image')} of {repository}",
                place=repository,
            )
            for repository, digests in hit.items()
        ]

    return tell


def given_advisories(documents: Documents, sources: AdvisorySources, gate: Gate) -> Source:
    """What people give and nothing fetches: where the last import failed, or was long ago, for whoever sees that."""

    async def tell(caller: Caller, _: Administered) -> Sequence[Concern]:
        if not await gate.may(caller, Operation.ADVISORY_STATUS):
            return []
        now, found = gate.now(), []
        fetched = {feed.name for feed in await feeds(documents)}
        for source in await sources.all():
            if source.name in fetched:  # see sources.advisories
                continue
            if source.error:
                text = f"the advisories of {source.name} could not be taken in: {source.error}"
            elif now - source.imported_at > OLD:
                text = f"the advisories of {source.name} are {(now - source.imported_at) // DAY} days old"
            else:
                continue
            found.append(Concern(kind=ConcernKind.ADVISORIES, severity=Severity.WARNING, text=text, name=source.name))
        return found

    return tell


def unread(insides: Insides) -> Source:
    """How many images could not be read, for whoever sees the whole registry."""

    async def tell(_: Caller, seeing: Administered) -> Sequence[Concern]:
        if not seeing.everything:
            return []
        count = (await insides.depths()).unread
        if not count:
            return []
        them = "it" if count == 1 else "them"
        text = f"{counted(count, 'image')} could not be read: nothing is known of what is in {them}"
        return [Concern(kind=ConcernKind.UNREAD_IMAGES, severity=Severity.WARNING, text=text)]

    return tell
