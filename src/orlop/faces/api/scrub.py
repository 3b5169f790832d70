"""End points about scrub: how far it is, and what is in quarantine."""

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from orlop.faces.api import values
from orlop.faces.api.exchange import PAGE, ApiRequest, Last, Size, caller_of, listed, page_of
from orlop.services.management.operations import Operation
from orlop.services.management.scrub import MissedCopy, ScrubDesk
from orlop.services.stores.scrub import ScrubStatus


class ScrubValue(msgspec.Struct, frozen=True):
    """The last reading of all blobs: when it began and ended, what was read so far, and how much of it was damaged or
    could not be read. `quarantined`: copies that are damaged now; `next_at`: when the next one begins;
    `needed_pace`: bytes a second that it takes to read everything within the period."""

    started_at: values.Time
    finished_at: values.Time
    next_at: values.Time
    blobs: int
    size: int
    damaged: int
    unreadable: int
    quarantined: int
    stored_size: int
    pace: int
    needed_pace: int

    @classmethod
    def of(cls, status: ScrubStatus) -> "ScrubValue":
        """As clients see it."""
        last = status.last
        return cls(
            started_at=values.time(last.started_at),
            finished_at=values.time(0 if last.is_under_way else last.finished_at),
            next_at=values.time(status.next_at),
            blobs=last.blobs,
            size=last.size,
            damaged=last.rotten,
            unreadable=last.failed,
            quarantined=status.quarantined,
            stored_size=status.stored_bytes,
            pace=status.pace,
            needed_pace=status.needed,
        )


class QuarantineValue(msgspec.Struct, frozen=True):
    """A damaged copy, since when that is known, what is wrong with it, and some of the repositories that miss it."""

    id: int
    digest: str
    size: int
    what: str
    since: values.Time
    repositories: tuple[str, ...]

    @classmethod
    def of(cls, missed: MissedCopy) -> "QuarantineValue":
        """As clients see it."""
        copy = missed.copy
        key, size = copy.blob.key, copy.blob.size
        repositories = tuple(str(name) for name in missed.repositories)
        return cls(copy.id, str(key.digest), size, copy.what, values.time(copy.since), repositories)


def scrub(desk: ScrubDesk) -> list[HTTPRouteHandler]:
    """`/scrub` and `/quarantine`."""

    @get("/scrub", operation_id="showScrub", tags=["scrub"], operation=Operation.SCRUB_READ)
    async def show_scrub(request: ApiRequest) -> ScrubValue:
        """How far the reading of all blobs is."""
        return ScrubValue.of(await desk.status(caller_of(request)))

    @get("/quarantine", operation_id="listQuarantine", tags=["scrub"], operation=Operation.SCRUB_READ)
    async def list_quarantine(request: ApiRequest, n: Size = PAGE, last: Last = "") -> Response[list[QuarantineValue]]:
        """Blobs whose copies are damaged, which nobody gets until they are pushed again."""
        page = await desk.quarantined(caller_of(request), page_of(n, last))
        return listed(request, page, QuarantineValue.of, lambda missed: str(missed.copy.id), n)

    return [show_scrub, list_quarantine]
