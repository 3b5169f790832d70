"""End points about advisories, and what they say of images."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import Meta

from orlop.domain.durations import SECOND
from orlop.domain.inside.rows import Refusal, exploited_of, score_of
from orlop.domain.inside.vex.saying import VexWord
from orlop.faces.api import values
from orlop.faces.api.exchange import PAGE, ApiRequest, Last, Size, caller_of, listed, page_of
from orlop.ports.advisories import ReadBatch, StoredAdvisory
from orlop.services.advisories.desk import AdvisoryDesk, AdvisoryStatus, SourceStatus
from orlop.services.advisories.importing import Imported
from orlop.services.management.operations import Operation

Severity = Literal["critical", "high", "medium", "low", "none", "unknown"]


class RefusalValue(msgspec.Struct, frozen=True):
    """A record that was not taken: where it stood, and why."""

    where: str
    why: str


class AdvisoriesBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be taken in: records of OSV; known exploited vulnerabilities as CVE, when it was added, until when it
    is to be mended and whether ransomware uses it; CVEs with their scores and percentiles of EPSS. `refused`: what
    whoever read a file could not read; `continues`: it is one import with what was sent of the source before, and is
    told as one by the status."""

    source: Annotated[str, Meta(min_length=1, max_length=63)]
    records: tuple[dict[str, Any], ...] = ()
    exploited: tuple[tuple[str, str, str, bool], ...] = ()
    scores: tuple[tuple[str, float, float], ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    continues: bool = False


class ImportedValue(msgspec.Struct, frozen=True):
    """How an import went: all that came, what was new or another, what was older than what is there, what was refused
    and the first reasons."""

    records: int
    changed: int
    older: int
    refused: int
    refusals: tuple[RefusalValue, ...]

    @classmethod
    def of(cls, done: Imported) -> "ImportedValue":
        """As clients see it."""
        refusals = tuple(RefusalValue(each.where, each.why) for each in done.refusals)
        return cls(done.records, done.changed, done.older, done.refused, refusals)


class AdvisorySourceValue(msgspec.Struct, frozen=True):
    """Where advisories come from, and how the last import went. `origin`: what it was fetched from; `url`: what it is
    fetched from, empty for what somebody gives; `age`: seconds since it was last updated, null for never; `late`:
    that is too long."""

    name: str
    origin: str
    tried_at: values.Time
    imported_at: values.Time
    records: int
    changed: int
    refused: int
    refusals: tuple[RefusalValue, ...]
    error: str
    url: str
    age: int | None
    late: bool

    @classmethod
    def of(cls, status: SourceStatus) -> "AdvisorySourceValue":
        """As clients see it."""
        source = status.source
        return cls(
            name=source.name,
            origin=source.origin,
            tried_at=values.time(source.tried_at),
            imported_at=values.time(source.imported_at),
            records=source.records,
            changed=source.changed,
            refused=source.refused,
            refusals=tuple(RefusalValue(each.where, each.why) for each in source.refusals),
            error=source.error,
            url=status.feed.origin if status.feed is not None else "",
            age=status.age // SECOND if status.age is not None else None,
            late=status.late,
        )


class AdvisoryStatusValue(msgspec.Struct, frozen=True):
    """Sources, and how many there are of everything; `waiting`: advisories that were not matched with packages yet."""

    sources: tuple[AdvisorySourceValue, ...]
    advisories: int
    waiting: int
    findings: int
    exploited: int
    scores: int

    @classmethod
    def of(cls, status: AdvisoryStatus) -> "AdvisoryStatusValue":
        """As clients see it."""
        counts = status.counts
        return cls(
            tuple(map(AdvisorySourceValue.of, status.sources)),
            counts.advisories,
            counts.waiting,
            counts.findings,
            counts.exploited,
            counts.scores,
        )


class AdvisoryValue(msgspec.Struct, frozen=True):
    """An advisory; `record`: as it was published, null in lists."""

    id: str
    source: str
    modified_at: values.Time
    withdrawn: bool
    severity: str
    summary: str
    aliases: tuple[str, ...]
    record: dict[str, Any] | None

    @classmethod
    def of(cls, stored: StoredAdvisory) -> "AdvisoryValue":
        """As clients see it."""
        return cls(
            id=stored.name,
            source=stored.source,
            modified_at=values.time(stored.modified),
            withdrawn=stored.withdrawn,
            severity=stored.severity,
            summary=stored.summary,
            aliases=stored.aliases,
            record=msgspec.json.decode(stored.body) if stored.body else None,
        )


class AcceptedValue(msgspec.Struct, frozen=True):
    """The exception that accepts a finding: its name and place, why, and its last day."""

    name: str
    path: str
    reason: str
    until: str


class VexWordValue(msgspec.Struct, frozen=True):
    """What is said last of a finding. `status`: not_affected, affected, fixed or under_investigation; `document`: the
    id that its author gave it; either `referrer`, the digest of what refers to the image, and who pushed that, or
    `name` and `path` of the setting that it is."""

    status: str
    why: str
    said_at: values.Time
    author: str
    document: str
    referrer: str
    pushed_by: str
    name: str
    path: str

    @classmethod
    def of(cls, word: VexWord) -> "VexWordValue":
        """As clients see it."""
        return cls(
            **(msgspec.structs.asdict(word) | {"status": word.status.value, "said_at": values.time(word.said_at)})
        )


def _lines(records: Sequence[dict[str, Any]]) -> bytes:
    return b"\n".join(map(msgspec.json.encode, records))


def advisories(desk: AdvisoryDesk) -> list[HTTPRouteHandler]:
    """`/advisories` and `/advisory-status`."""

    @post(
        "/advisories",
        operation_id="importAdvisories",
        tags=["advisories"],
        operation=Operation.ADVISORY_IMPORT,
        status_code=200,
    )
    async def import_advisories(request: ApiRequest, data: JSONBody[AdvisoriesBody]) -> ImportedValue:
        """Take in advisories; of an id that is among them nothing else is left. What is wrong does not stop the
        rest."""
        others = ReadBatch(
            exploited=tuple(exploited_of(*each) for each in data.exploited),
            scores=tuple(score_of(*each) for each in data.scores),
            refusals=tuple(Refusal(*each) for each in data.refused),
        )
        lines = await asyncio.to_thread(_lines, data.records)
        return ImportedValue.of(
            await desk.take(caller_of(request), data.source, lines, others, continues=data.continues)
        )

    @get(
        "/advisory-status", operation_id="showAdvisoryStatus", tags=["advisories"], operation=Operation.ADVISORY_STATUS
    )
    async def show_advisory_status(request: ApiRequest) -> AdvisoryStatusValue:
        """Where advisories come from, and how many there are."""
        return AdvisoryStatusValue.of(await desk.status(caller_of(request)))

    @get("/advisories", operation_id="listAdvisories", tags=["advisories"], operation=Operation.ADVISORY_READ)
    async def list_advisories(
        request: ApiRequest,
        n: Size = PAGE,
        last: Last = "",
        source: Annotated[
            str, QueryParameter(name="source", max_length=63, description="Only those of this source.")
        ] = "",
    ) -> Response[list[AdvisoryValue]]:
        """Advisories by their ids."""
        page = await desk.page(caller_of(request), page_of(n, last), source)
        return listed(request, page, AdvisoryValue.of, lambda one: f"{one.name} {one.id}", n)

    @get("/advisories/{name:str}", operation_id="showAdvisory", tags=["advisories"], operation=Operation.ADVISORY_READ)
    async def show_advisory(
        request: ApiRequest,
        name: Annotated[str, PathParameter(max_length=128, description="An id, or another name of it.")],
    ) -> list[AdvisoryValue]:
        """Advisories of an id, and those that have it as another name."""
        return [AdvisoryValue.of(one) for one in await desk.named(caller_of(request), name)]

    return [import_advisories, show_advisory_status, list_advisories, show_advisory]
