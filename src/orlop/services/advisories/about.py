"""What is known of one vulnerability, whoever says so: how bad it is, whether it is exploited, what mends it."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import RequestInvalid, TooManyRequests, Unavailable
from orlop.domain.inside.cvss import cvss
from orlop.domain.inside.osv import Advisory, AffectedVersions, SeverityScore, parse
from orlop.domain.inside.rows import Exploited, ExploitScore
from orlop.domain.inside.severity import SEVERITIES, SaidSeverity, raised, said_by, said_of
from orlop.ports.advisories import StoredAdvisory, Vulnerable
from orlop.ports.archives import ArchiveReader, ArchiveRefused, Packing, WantedText
from orlop.services.advisories.desk import AdvisoryDesk

#: Packages of an advisory and links that are told, and what is remembered of texts, in characters.
_PACKAGES, _LINKS, _REMEMBERED = 200, 50, 4 << 20
#: Larger records are read in a thread, in bytes.
_INLINE = 128 * 1024
_WEB = re.compile(r"https?://[^/?#\s]", re.IGNORECASE)
_DETAILS = WantedText("details.md", 0, rendered=True)


class SaidVector(msgspec.Struct, frozen=True):
    """A vector or a word as somebody published it. `score` and `severity` are computed; 0 and empty: nobody can."""

    type: str
    vector: str
    score: float = 0.0
    severity: str = ""


class MendedPackage(msgspec.Struct, frozen=True):
    """A package that is affected, the versions that mend it, and how bad it is there, on whose word."""

    ecosystem: str
    name: str
    fixed: tuple[str, ...]
    severity: str
    source: str


class SaidAdvisory(msgspec.Struct, frozen=True, kw_only=True):
    """What one advisory says. `more`: packages that are not told."""

    id: str
    source: str
    modified: int
    published: int
    withdrawn: bool
    severity: str
    severity_source: str
    summary: str
    vectors: tuple[SaidVector, ...]
    packages: tuple[MendedPackage, ...]
    more: int
    links: tuple[str, ...]


class KnownVulnerability(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `html` is harmless (ports.archives); where Markdown could not be read, `details` is what it says."""

    name: str
    ids: tuple[str, ...]
    severity: str
    source: str
    summary: str
    details: str
    html: str
    advisories: tuple[SaidAdvisory, ...]
    exploited: Exploited | None
    score: ExploitScore | None


class AboutVulnerabilities:
    """For whoever may read advisories."""

    def __init__(self, desk: AdvisoryDesk, vulnerable: Vulnerable, reader: ArchiveReader) -> None:
        self._desk = desk
        self._vulnerable = vulnerable
        self._reader = reader
        self._rendered: OrderedDict[tuple[int, int], str] = OrderedDict()

    async def of(self, caller: Caller, name: str) -> KnownVulnerability:
        """By any of its names. Raises Unauthorized, NotFound."""
        stored = await self._desk.named(caller, name)
        read = [(one, await _parsed(one.body)) for one in stored]
        ids = tuple(sorted({name for one in stored for name in (one.name, *one.aliases)}))
        # An advisory of a distribution mends several CVEs: what is known of others of them is not of this one.
        meant = sorted({name, *(ids if _cves(ids) <= 1 else ())})
        exploited, scores = await self._vulnerable.exploited(meant), await self._vulnerable.scores(meant)
        said = [said_by(record) for one, record in read if not one.withdrawn] or [SaidSeverity("unknown", "")]
        worst = raised(min(said, key=_rank), exploited=bool(exploited))
        told = max(read, key=lambda each: len(each[1].details))
        return KnownVulnerability(
            name=name,
            ids=ids,
            severity=worst.word,
            source=worst.source,
            summary=next((one.summary for one in stored if one.summary), ""),
            details=told[1].details,
            html=await self._html(caller, told[0], told[1].details),
            advisories=tuple(_said(one, record) for one, record in read),
            exploited=next(iter(exploited.values()), None),
            score=max(scores.values(), key=lambda one: one.score, default=None),
        )

    async def _html(self, caller: Caller, stored: StoredAdvisory, details: str) -> str:
        if not details.strip():
            return ""
        key = stored.id, stored.modified
        if (known := self._rendered.get(key)) is not None:
            self._rendered.move_to_end(key)
            return known
        asker = f"#{caller.subject.id}" if caller.subject.id else caller.address
        try:
            found = await self._reader.texts(_pieces(details.encode()), Packing.PLAIN, (_DETAILS,), asker)
        except (ArchiveRefused, TooManyRequests, Unavailable):
            return ""
        text = found.get(_DETAILS.name)
        self._rendered[key] = text.html if text is not None else ""
        while sum(map(len, self._rendered.values())) > _REMEMBERED and len(self._rendered) > 1:
            self._rendered.popitem(last=False)
        return self._rendered[key]


async def _pieces(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


async def _parsed(body: bytes) -> Advisory:
    try:
        return await asyncio.to_thread(parse, body) if len(body) > _INLINE else parse(body)
    except RequestInvalid:  # a newer release took it in
        return Advisory(id="unknown")


def _cves(ids: Sequence[str]) -> int:
    return sum(each.startswith("CVE-") for each in ids)


def _rank(said: SaidSeverity) -> int:
    return SEVERITIES.index(said.word)


def _said(stored: StoredAdvisory, record: Advisory) -> SaidAdvisory:
    said = said_by(record)
    scores = dict.fromkeys((*record.severity, *(score for each in record.affected for score in each.severity)))
    return SaidAdvisory(
        id=stored.name,
        source=stored.source,
        modified=stored.modified,
        published=record.published,
        withdrawn=stored.withdrawn,
        severity=said.word,
        severity_source=said.source,
        summary=stored.summary,
        vectors=tuple(_vector(each) for each in list(scores)[:_LINKS]),
        packages=tuple(_mended(record, each) for each in record.affected[:_PACKAGES]),
        more=max(0, len(record.affected) - _PACKAGES),
        links=tuple(each.url for each in record.references if _leads(each.url))[:_LINKS],
    )


def _vector(score: SeverityScore) -> SaidVector:
    found = cvss(score.score)
    return SaidVector(score.type, score.score, *((found.score, found.severity) if found is not None else ()))


def _mended(record: Advisory, affected: AffectedVersions) -> MendedPackage:
    said = said_of(record, affected)
    fixed = dict.fromkeys(event.fixed for each in affected.ranges for event in each.events if event.fixed)
    return MendedPackage(affected.package.ecosystem, affected.package.name, tuple(fixed), said.word, said.source)


def _leads(url: str) -> bool:
    """Whether a link is one that may be followed."""
    return len(url) < 2_000 and _WEB.match(url) is not None
