"""What a scanner says of an image, read out of its report and bounded: nothing of it is believed but shown."""

from typing import Any

import msgspec

from orlop.domain.inside.severity import SEVERITIES
from orlop.domain.scanning.protocol import ScannerName, normal

#: Findings that are kept of a report, and characters of a name and of a text.
FINDINGS, NAME, TEXT, LINKS = 10_000, 512, 2_000, 8

#: The words of the protocol in those of this registry: "technically a security problem, but is only theoretical".
_WORDS = {"negligible": "low", "moderate": "medium", "important": "high"}


class ScannerFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A vulnerability in a package, by the word of a scanner."""

    id: str
    package: str
    version: str
    fixed: str
    severity: str
    summary: str = ""
    links: tuple[str, ...] = ()


class ScanVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a report says. `left_out`: findings beyond those that are kept, the least bad ones."""

    by: ScannerName
    counts: dict[str, int]
    findings: tuple[ScannerFinding, ...]
    left_out: int = 0


class _Item(msgspec.Struct):
    """`VulnerabilityItem`; programs in Go write null for what they have none of."""

    id: str = ""
    package: str | None = ""
    version: str | None = ""
    fix_version: str | None = ""
    severity: str | None = ""
    description: str | None = ""
    links: list[str] | None = None


class _Report(msgspec.Struct):
    """`HarborVulnerabilityReport`."""

    scanner: dict[str, Any] | None = None
    vulnerabilities: list[_Item] | None = None


class _Whole(msgspec.Struct):
    """As little of it as says that it is a report at all."""

    vulnerabilities: Any = msgspec.UNSET


def read_report(body: bytes) -> ScanVerdict:
    """A report of either of the media types of `protocol.VULNERABILITY_REPORTS`. Raises ValueError."""
    try:
        if msgspec.json.decode(body, type=_Whole).vulnerabilities is msgspec.UNSET:
            raise ValueError("it says nothing of vulnerabilities")
        report = msgspec.json.decode(body, type=_Report)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise ValueError(f"it is no report: {str(cause)[:200]}") from cause
    unique = dict.fromkeys(_finding(each) for each in report.vulnerabilities or () if each.id)
    found = sorted(unique, key=lambda one: (SEVERITIES.index(one.severity), one.package, one.version, one.id))
    counts = {word: sum(one.severity == word for one in found) for word in SEVERITIES}
    said = report.scanner or {}
    by = ScannerName(*(_text(str(said.get(name) or ""), NAME) for name in ("name", "vendor", "version")))
    return ScanVerdict(
        by=by,
        counts={word: number for word, number in counts.items() if number},
        findings=tuple(found[:FINDINGS]),
        left_out=max(0, len(found) - FINDINGS),
    )


class _SbomReport(msgspec.Struct):
    """`HarborSbomReport`, of which the document stays as it came."""

    sbom: msgspec.Raw
    media_type: str = ""


def read_sbom(body: bytes, sbom_type: str) -> bytes:
    """The SBOM in a report of `protocol.SBOM_REPORT`, an object in JSON of this media type. Raises ValueError."""
    try:
        report = msgspec.json.decode(body, type=_SbomReport)
        document = bytes(report.sbom)
        msgspec.json.decode(document, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise ValueError(f"it is no report of an SBOM: {str(cause)[:200]}") from cause
    if normal(report.media_type) != normal(sbom_type):
        raise ValueError(f"its SBOM is {_text(report.media_type, 128) or 'of no type'}, and {sbom_type} was asked for")
    return document


def _finding(item: _Item) -> ScannerFinding:
    word = (item.severity or "").strip().lower()
    word = _WORDS.get(word, word)
    links = (_text(each, NAME) for each in (item.links or ())[:LINKS])
    return ScannerFinding(
        id=_text(item.id, 128),
        package=_text(item.package or "", NAME),
        version=_text(item.version or "", NAME),
        fixed=_text(item.fix_version or "", NAME),
        severity=word if word in SEVERITIES else "unknown",
        summary=_text(item.description or "", TEXT),
        links=tuple(each for each in links if each.startswith(("https://", "http://"))),
    )


def _text(text: str, most: int) -> str:
    """For people, and for a database that keeps no NUL."""
    return "".join(each if each.isprintable() else " " for each in text[:most]).strip()
