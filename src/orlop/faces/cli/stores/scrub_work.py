"""What `orlop scrub` does, and what it prints. How it is typed is in `scrub`."""

import msgspec

from orlop.config import Settings
from orlop.domain.counts import counted
from orlop.domain.durations import DAY, SECOND
from orlop.faces.cli.moments import shown
from orlop.faces.cli.running import DONE, FAILED, run, size_text
from orlop.faces.cli.stores.maintenance_work import Maintained, Opening, drawn
from orlop.ports.scrub import QuarantinedCopy
from orlop.services.stores.scrub import ScrubStatus
from orlop.services.stores.scrubbing import scrubbed_so_far
from orlop.telemetry import logs

#: Copies in quarantine that are listed, and repositories of each that are named.
_LISTED, _HOLDERS = 1_000, 5


class ListedCopy(msgspec.Struct, frozen=True):
    """A copy in quarantine, and repositories that miss it."""

    digest: str
    copy: str
    size: int
    what: str
    since: int
    repositories: tuple[str, ...]


class Scrubbed(msgspec.Struct, frozen=True):
    """What `orlop scrub` tells."""

    status: ScrubStatus
    quarantine: tuple[ListedCopy, ...]


def status(opening: Opening, settings: Settings, *, json: bool) -> int:
    """Print how far it is; the exit code says whether anything is in quarantine."""

    async def work() -> int:
        async with opening(settings) as stores:
            return await _tell(stores, json=json)

    return run(work)


def scrub(opening: Opening, settings: Settings, *, json: bool) -> int:
    """Read everything; the exit code says whether anything is in quarantine."""

    async def work() -> int:
        async with opening(settings) as stores:
            there = await stores.totals()
            with drawn("scrubbing", silent=json) as draw:
                await stores.scrub.run(lambda found: draw(scrubbed_so_far(found, there)), whole=True)
            return await _tell(stores, json=json)

    logs.configure(settings.log.level, settings.log.format)
    return run(work)


async def _tell(stores: Maintained, *, json: bool) -> int:
    found = await stores.scrub.status()
    copies = tuple([await _listed(stores, copy) for copy in await stores.quarantine.page(0, _LISTED)])
    if json:
        print(msgspec.json.encode(Scrubbed(found, copies)).decode())
    else:
        _print(found, copies)
    return FAILED if found.quarantined else DONE


async def _listed(stores: Maintained, copy: QuarantinedCopy) -> ListedCopy:
    key = copy.blob.key
    holders = tuple([str(name) for name in await stores.quarantine.holders(copy.id, _HOLDERS)])
    return ListedCopy(str(key.digest), key.copy, copy.blob.size, copy.what, copy.since, holders)


def _print(found: ScrubStatus, copies: tuple[ListedCopy, ...]) -> None:
    last = found.last
    if not last.started_at:
        print("no pass has begun yet")
    else:
        state = "is under way since" if last.is_under_way else "was finished; it began"
        print(
            f"the last pass {state} {shown(last.started_at)}: {counted(last.blobs, 'blob')}"
            f" ({size_text(last.size)}) read,"
            f" {last.rotten} damaged, {last.failed} could not be read"
        )
    if found.next_at:
        print(f"the next one begins {shown(found.next_at)}")
    if found.pace and found.needed > found.pace:
        days = found.stored_bytes * SECOND // found.pace // DAY + 1
        print(f"at {size_text(found.pace)} a second a pass takes {days} days: raise scrub.pace, or scrub.period")
    for copy in copies:
        where = f", missed by {', '.join(copy.repositories)}" if copy.repositories else ""
        print(f"{copy.digest}: {copy.what} (since {shown(copy.since)}){where}")
    print(f"{found.quarantined or 'nothing'} in quarantine; the next push of a blob replaces its copy")
