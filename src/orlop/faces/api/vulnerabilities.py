"""The end point for what is known to be wrong with an image."""

from typing import Annotated

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from orlop.domain.names import RepositoryName, parse_reference
from orlop.faces.api import values
from orlop.faces.api.advisories import AcceptedValue, Severity, VexWordValue
from orlop.faces.api.exchange import ApiRequest, caller_of
from orlop.faces.api.images import Of, Repository
from orlop.faces.api.licences import LicensedPackageValue
from orlop.ports.scans import ScanState
from orlop.services.advisories.questions import Vulnerabilities, Vulnerability, VulnerabilityReport
from orlop.services.licences.questions import ImageLicences
from orlop.services.management.operations import Operation
from orlop.services.scanning.questions import ScannerReports, ScanOfImage


class VulnerabilityValue(msgspec.Struct, frozen=True):
    """Something that is wrong with a package of an image. `id`: the CVE where there is one; `ids`: all its names;
    `source`: whose word the severity is; `fixed`: versions that mend it; `possible`: why it is only possible;
    `layer`: from 0, the lowest, -1 where nothing says which; `exploited`: that is known; `score`: how likely that is
    within a month; `accepted`: the exception that holds for it, null where there is none; `said`: what VEX documents
    say of it, null where that is nothing: after not_affected and fixed it is not counted."""

    id: str
    ids: tuple[str, ...]
    severity: str
    source: str
    package: str
    type: str
    purl: str
    installed: str
    fixed: tuple[str, ...]
    possible: str
    layer: int
    path: str
    exploited: bool
    score: float | None
    summary: str
    accepted: AcceptedValue | None
    said: VexWordValue | None

    @classmethod
    def of(cls, found: Vulnerability) -> "VulnerabilityValue":
        """As clients see it."""
        accepted = found.accepted
        by = AcceptedValue(*msgspec.structs.astuple(accepted)) if accepted is not None else None
        said = VexWordValue.of(found.said) if found.said is not None else None
        return cls(**(msgspec.structs.asdict(found) | {"accepted": by, "said": said}))


class VulnerabilitiesValue(msgspec.Struct, frozen=True):
    """What is known to be wrong with an image. `state`: waiting, reading, read or unread; `counts`: how many of each
    severity, whatever was asked for, but for what exceptions accept, of which there are `accepted`, and what VEX
    documents clear, `cleared`; `licences`: packages under licences that rules find wrong, null where that was not asked
    for or nothing is known of the image; `remarks`: what is not known, as sentences without a full stop; `read_at`:
    when it came to be in its state, of what is read anew when that was asked for; `advisories_at`: when advisories were
    taken in last."""

    repository: str
    reference: str
    digest: str
    platform: str
    state: str
    packages: int
    counts: dict[str, int]
    accepted: int
    cleared: int
    read_at: values.Time
    advisories_at: values.Time
    remarks: tuple[str, ...]
    found: tuple[VulnerabilityValue, ...]
    licences: tuple[LicensedPackageValue, ...] | None = None

    @classmethod
    def of(cls, report: VulnerabilityReport) -> "VulnerabilitiesValue":
        """As clients see it."""
        image = report.image
        return cls(
            repository=image.repository,
            reference=str(image.reference),
            digest=image.digest,
            platform=image.platform,
            state="read" if image.inside.is_known else image.inside.state.name.lower(),
            packages=report.packages,
            counts=dict(report.counts),
            accepted=report.accepted,
            cleared=report.cleared,
            read_at=values.time(image.inside.since),
            advisories_at=values.time(report.advisories_at),
            remarks=report.remarks,
            found=tuple(map(VulnerabilityValue.of, report.found)),
        )

    @classmethod
    def by_scanner(cls, one: ScanOfImage, report: VulnerabilityReport) -> "VulnerabilitiesValue":
        """As clients see what a scanner said."""
        return msgspec.structs.replace(cls.of(report), state=_state_of(one))


def _state_of(one: ScanOfImage) -> str:
    """In the words of what this registry reads by itself: read as soon as the scanner said anything."""
    scan = one.scan
    if scan is not None and scan.judged_at:
        return "read"
    if scan is None or scan.state is ScanState.WAITING:
        return "waiting"
    return "reading" if scan.state is ScanState.SCANNING else "unread"


def vulnerabilities(
    service: Vulnerabilities, reports: ScannerReports, licences_of: ImageLicences
) -> list[HTTPRouteHandler]:
    """`/image-vulnerabilities`."""

    @get(
        "/image-vulnerabilities",
        operation_id="listImageVulnerabilities",
        tags=["advisories"],
        operation=Operation.IMAGE_READ,
    )
    async def list_image_vulnerabilities(
        request: ApiRequest,
        repository: Repository,
        reference: Of,
        platform: Annotated[
            str, QueryParameter(name="platform", max_length=200, description="Of an index: os/architecture[/variant].")
        ] = "",
        severity: Annotated[
            Severity, QueryParameter(name="severity", description="Only what is as bad or worse, or nobody rated.")
        ] = "unknown",
        fixable: Annotated[bool, QueryParameter(name="fixable", description="Only what a version mends.")] = False,
        scanner: Annotated[
            str,
            QueryParameter(
                name="scanner", max_length=63, description="What this scanner said last, in place of this registry."
            ),
        ] = "",
        licences: Annotated[
            bool, QueryParameter(name="licences", description="Also what rules find wrong with licences of packages.")
        ] = False,
    ) -> VulnerabilitiesValue:
        """What is known to be wrong with an image, the worst first."""
        if scanner:
            one, said = await reports.findings(
                caller_of(request),
                RepositoryName(repository),
                parse_reference(reference),
                platform,
                scanner,
                least=severity,
                fixable=fixable,
            )
            return await licensed(VulnerabilitiesValue.by_scanner(one, said), said, wanted=licences)
        report = await service.of(
            caller_of(request),
            RepositoryName(repository),
            parse_reference(reference),
            platform,
            least=severity,
            fixable=fixable,
        )
        return await licensed(VulnerabilitiesValue.of(report), report, wanted=licences)

    async def licensed(
        value: VulnerabilitiesValue, report: VulnerabilityReport, *, wanted: bool
    ) -> VulnerabilitiesValue:
        if not wanted or not report.image.inside.is_known:
            return value
        found = (await licences_of.report(report.image)).found
        return msgspec.structs.replace(value, licences=tuple(map(LicensedPackageValue.of, found)))

    return [list_image_vulnerabilities]
