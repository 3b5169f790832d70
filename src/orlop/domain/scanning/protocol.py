"""What the pluggable scanner protocol 1.2 says over the wire, as values, and which media types both sides know.

The source is `api/spec/scanner-adapter-openapi-v1.2.yaml` of goharbor/pluggable-scanner-spec.
"""

import msgspec

#: "Supported produced MIME types" of the capability `vulnerability`, the best first; the raw report is vendors' own.
VULNERABILITY_REPORTS = (
    "application/vnd.security.vulnerability.report; version=1.1",
    "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0",
)
SCAN_REQUEST = "application/vnd.scanner.adapter.scan.request+json; version=1.1"
SCAN_RESPONSE = "application/vnd.scanner.adapter.scan.response+json; version=1.0"
METADATA = (
    "application/vnd.scanner.adapter.metadata+json; version=1.1",
    "application/vnd.scanner.adapter.metadata+json; version=1.0",
)
ERROR = "application/vnd.scanner.adapter.error+json; version=1.0"
VULNERABILITY, SBOM = "vulnerability", "sbom"
#: What the capability `sbom` produces: a document around the SBOM itself.
SBOM_REPORT = "application/vnd.security.sbom.report+json; version=1.0"
#: The header that carries an API key.
API_KEY = "X-ScannerAdapter-API-Key"
#: Between two looks whether a report is there, in seconds: where the adapter says nothing, at least, and at most.
REFRESH, REFRESH_LEAST, REFRESH_MOST = 5, 1, 60

_NAMES, _TYPES = 256, 64


class ScannerName(msgspec.Struct, frozen=True):
    """ "Basic scanner properties such as name, vendor, and version"."""

    name: str = ""
    vendor: str = ""
    version: str = ""

    @property
    def words(self) -> str:
        """For people."""
        return " ".join(part for part in (self.name, self.version) if part) or "an unnamed scanner"


class SbomAttributes(msgspec.Struct, frozen=True):
    """ "If the type is sbom, then it returns supported media types of the SBOM format"."""

    sbom_media_types: tuple[str, ...] = ()


class Capability(msgspec.Struct, frozen=True):
    """What it reads, and what it writes of that. `type`: "we think it's a original 'vulnerability' scan if no such
    field"."""

    consumes_mime_types: tuple[str, ...] = ()
    produces_mime_types: tuple[str, ...] = ()
    type: str = VULNERABILITY
    additional_attributes: SbomAttributes | None = None


class ScannerMetadata(msgspec.Struct, frozen=True):
    """ "Represents metadata of a Scanner Adapter"."""

    scanner: ScannerName
    capabilities: tuple[Capability, ...]

    def report_for(self, media_type: str) -> str:
        """The report to ask for of a manifest of this media type; empty: it makes none that is known here."""
        produced = {
            normal(each)
            for one in self.capabilities
            if one.type == VULNERABILITY and normal(media_type) in map(normal, one.consumes_mime_types)
            for each in one.produces_mime_types
        }
        return next((each for each in VULNERABILITY_REPORTS if normal(each) in produced), "")

    def makes_sbom(self, sbom_type: str, media_type: str = "") -> bool:
        """Whether it makes SBOMs of this media type, and of a manifest of that one; one that does not say which makes
        all of the protocol."""
        for one in self.capabilities:
            if one.type == SBOM and normal(SBOM_REPORT) in map(normal, one.produces_mime_types):
                types = one.additional_attributes.sbom_media_types if one.additional_attributes is not None else ()
                reads = not media_type or normal(media_type) in map(normal, one.consumes_mime_types)
                if reads and (not types or normal(sbom_type) in map(normal, types)):
                    return True
        return False

    @property
    def judges(self) -> bool:
        """Whether it makes reports of vulnerabilities at all; one that does not makes SBOMs alone."""
        return any(one.type == VULNERABILITY for one in self.capabilities)

    def bounded(self) -> "ScannerMetadata":
        """The same, with names that are shown to people and no more of anything than is kept."""
        name = ScannerName(*(_shown(each) for each in (self.scanner.name, self.scanner.vendor, self.scanner.version)))
        capabilities = tuple(
            Capability(
                tuple(map(_shown, one.consumes_mime_types[:_TYPES])),
                tuple(map(_shown, one.produces_mime_types[:_TYPES])),
                _shown(one.type),
                SbomAttributes(tuple(map(_shown, one.additional_attributes.sbom_media_types[:_TYPES])))
                if one.additional_attributes is not None
                else None,
            )
            for one in self.capabilities[:_TYPES]
        )
        return ScannerMetadata(name, capabilities)


def normal(media_type: str) -> str:
    """A media type without spaces and capitals, which say nothing (RFC 9110, section 8.3.1)."""
    return "".join(media_type.split()).lower()


def _shown(text: str) -> str:
    return "".join(each for each in text[:_NAMES] if each.isprintable())


def refresh_after(header: str) -> int:
    """Seconds until the report is asked for again: "the interval after which the request should be retried"."""
    seconds = int(header) if header.isascii() and header.isdecimal() and len(header) < 10 else REFRESH
    return min(max(seconds, REFRESH_LEAST), REFRESH_MOST)
