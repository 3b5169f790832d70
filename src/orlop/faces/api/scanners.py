"""End points about scanners beyond those that every setting has: how one fares, what they say, asking them anew."""

from typing import Annotated

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from orlop.domain.names import RepositoryName, parse_held, parse_reference
from orlop.faces.api import values
from orlop.faces.api.exchange import ApiRequest, caller_of
from orlop.faces.api.inside import Of, Platform, Repository
from orlop.faces.api.settings import At
from orlop.ports.scans import ScannerState
from orlop.services.management.operations import Operation
from orlop.services.scanning.desk import ScannerDesk
from orlop.services.scanning.questions import ScannerReports, ScanOfImage, ScansOfImage


class ScannerCapabilityValue(msgspec.Struct, frozen=True):
    """What a scanner reads, and what it writes of that, by media types."""

    type: str
    consumes: tuple[str, ...]
    produces: tuple[str, ...]


class ScannerStatusValue(msgspec.Struct, frozen=True):
    """How a scanner fares. `state`: `healthy`, `unhealthy` (since `failing_since`; it is asked again at `retry_at`) or
    `unknown`: it was never asked. What it says of itself is from when it answered last."""

    state: str
    answered_at: values.Time
    failing_since: values.Time
    failures: int
    retry_at: values.Time
    error: str
    scanner: str
    vendor: str
    version: str
    capabilities: tuple[ScannerCapabilityValue, ...]

    @classmethod
    def of(cls, state: ScannerState) -> "ScannerStatusValue":
        """As clients see it."""
        metadata = state.metadata
        named = metadata.scanner if metadata is not None else None
        return cls(
            state="unhealthy" if state.failing_since else "healthy" if state.answered_at else "unknown",
            answered_at=values.time(state.answered_at),
            failing_since=values.time(state.failing_since),
            failures=state.failures,
            retry_at=values.time(state.rests_until if state.failing_since else 0),
            error=state.error,
            scanner=named.name if named is not None else "",
            vendor=named.vendor if named is not None else "",
            version=named.version if named is not None else "",
            capabilities=tuple(
                ScannerCapabilityValue(each.type, each.consumes_mime_types, each.produces_mime_types)
                for each in (metadata.capabilities if metadata is not None else ())
            ),
        )


class ScanReportValue(msgspec.Struct, frozen=True):
    """How far a scanner is with an image, and what it said last. `state`: `none` (it was never asked), `waiting`,
    `scanning`, `judged`, `described` (it makes SBOMs alone, and made one: that is no verdict), `failed` (and why is
    `error`) or `passed` (it is not sent to images like that). `verdict`:
    `none` until it has judged the image once; what it said stands until it says something else. `counts`: of each
    severity, before exceptions. `attached`, `attached_sbom`: the manifests that keep the report and the SBOM beside the
    image. `failing_since`: since when the scanner does not answer."""

    scanner: str
    path: str
    state: str
    verdict: str
    judged_at: values.Time
    judged_by: str
    counts: dict[str, int]
    left_out: int
    error: str
    attached: str
    attached_sbom: str
    failing_since: values.Time

    @classmethod
    def of(cls, one: ScanOfImage) -> "ScanReportValue":
        """As clients see it."""
        scan, scanner, away = one.scan, one.scanner, values.time(one.failing_since)
        if scan is None:
            return cls(scanner.name, scanner.path, "none", "none", None, "", {}, 0, "", "", "", away)
        verdict = "none" if not scan.judged_at else "findings" if scan.counts else "clean"
        by = scan.judged_by.words if scan.judged_by is not None else ""
        return cls(
            scanner=scanner.name,
            path=scanner.path,
            state=scan.state.name.lower(),
            verdict=verdict,
            judged_at=values.time(scan.judged_at),
            judged_by=by,
            counts=scan.counts,
            left_out=scan.left_out,
            error=scan.error,
            attached=scan.kept.report,
            attached_sbom=scan.kept.sbom,
            failing_since=away,
        )


class ScanReportsValue(msgspec.Struct, frozen=True):
    """An image, and what each scanner that covers it says of it, from the root down."""

    repository: str
    digest: str
    platform: str
    reports: tuple[ScanReportValue, ...]

    @classmethod
    def of(cls, found: ScansOfImage) -> "ScanReportsValue":
        """As clients see it."""
        image = found.image
        return cls(image.repository, image.digest, image.platform, tuple(map(ScanReportValue.of, found.scans)))


class ScanRequestBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which image: `team/app:1.4` or `team/app@sha256:…`; of an index with several images, which platform; by which
    scanner, empty: by each that covers it."""

    image: Annotated[str, msgspec.Meta(min_length=1, max_length=420)]
    platform: Annotated[str, msgspec.Meta(max_length=200)] = ""
    scanner: Annotated[str, msgspec.Meta(max_length=63)] = ""


def scanners(desk: ScannerDesk) -> list[HTTPRouteHandler]:
    """`/scanners/{name}/…`."""
    tags, one = ["scanners"], "/scanners/{name:str}"

    @get(f"{one}/status", operation_id="showScannerStatus", tags=tags, operation=Operation.SCANNER_READ)
    async def show_status(request: ApiRequest, name: FromPath[str], path: At = "") -> ScannerStatusValue:
        """How it fares: whether it answers, and what it said of itself."""
        return ScannerStatusValue.of(await desk.status(caller_of(request), name, path))

    @post(
        f"{one}/checks",
        operation_id="checkScanner",
        tags=tags,
        operation=Operation.SCANNER_CHECK,
        status_code=200,
    )
    async def check(request: ApiRequest, name: FromPath[str], path: At = "") -> ScannerStatusValue:
        """Ask it what it can do, now."""
        return ScannerStatusValue.of(await desk.check(caller_of(request), name, path))

    return [show_status, check]


def scan_reports(service: ScannerReports) -> list[HTTPRouteHandler]:
    """`/scan-reports`."""

    @get("/scan-reports", operation_id="listScanReports", tags=["scanners"], operation=Operation.IMAGE_READ)
    async def list_scan_reports(
        request: ApiRequest, repository: Repository, reference: Of, platform: Platform = ""
    ) -> ScanReportsValue:
        """What scanners said of an image, and how far each is with it."""
        found = await service.of(caller_of(request), RepositoryName(repository), parse_reference(reference), platform)
        return ScanReportsValue.of(found)

    @post(
        "/scan-reports",
        operation_id="scanImage",
        tags=["scanners"],
        operation=Operation.IMAGE_SCAN,
        status_code=202,
    )
    async def scan_image(request: ApiRequest, data: JSONBody[ScanRequestBody]) -> ScanReportsValue:
        """Have an image judged anew; what was said before stands meanwhile."""
        repository, reference = parse_held(data.image)
        found = await service.ask(caller_of(request), repository, reference, data.platform, data.scanner)
        return ScanReportsValue.of(found)

    return [list_scan_reports, scan_image]
