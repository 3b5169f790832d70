"""What is known to be wrong with an image, for whoever may pull it."""

from collections.abc import Mapping, Sequence

import msgspec

from orlop.domain.access import Caller
from orlop.domain.inside.rows import POSSIBLE, Exploited
from orlop.domain.inside.severity import SEVERITIES, SaidSeverity, raised
from orlop.domain.inside.vex.saying import VexWord
from orlop.domain.names import Reference, RepositoryName, Tag
from orlop.ports.advisories import AdvisorySources, FoundInImage, Vulnerable
from orlop.ports.insides import InsideState
from orlop.services.advisories.accepting import Acceptance, Accepted, JudgedImage, Judgement
from orlop.services.advisories.matching import Matching
from orlop.services.inside.questions import ImageInside, ImageInsides

#: Rows that are read of one image.
_ROWS = 50_000


class Vulnerability(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a package of an image, whatever it is called."""

    id: str
    """The CVE where there is one."""
    ids: tuple[str, ...]
    """All its names that are known."""
    severity: str
    source: str
    """Whose word that is."""
    package: str
    type: str
    purl: str
    installed: str
    fixed: tuple[str, ...]
    possible: str
    """Why it is only possible; empty: it is there."""
    layer: int
    path: str
    exploited: bool
    score: float | None
    """How likely it is exploited within a month, from 0 to 1 (EPSS)."""
    summary: str
    accepted: Accepted | None = None
    said: VexWord | None = None
    """What VEX documents that count say of it last."""

    @property
    def is_open(self) -> bool:
        """Whether neither an exception nor a VEX document clears it."""
        return self.accepted is None and not (self.said is not None and self.said.clears)


class VulnerabilityReport(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an image. `counts`: of what nothing clears; `accepted`: how much exceptions accept; `cleared`:
    how much else VEX documents clear; `remarks`: what is not known, as sentences without a full stop; `advisories_at`:
    when advisories were taken in last, 0 where none ever were."""

    image: ImageInside
    packages: int
    counts: Mapping[str, int]
    remarks: tuple[str, ...]
    found: tuple[Vulnerability, ...]
    accepted: int = 0
    cleared: int = 0
    advisories_at: int = 0


class Vulnerabilities:
    """See the module."""

    def __init__(
        self,
        insides: ImageInsides,
        vulnerable: Vulnerable,
        sources: AdvisorySources,
        matching: Matching,
        acceptance: Acceptance,
    ) -> None:
        self._insides = insides
        self._sources = sources
        self._vulnerable = vulnerable
        self._matching = matching
        self._acceptance = acceptance

    async def of(
        self,
        caller: Caller,
        repository: RepositoryName,
        reference: Reference,
        platform: str = "",
        *,
        least: str = "unknown",
        fixable: bool = False,
    ) -> VulnerabilityReport:
        """What is known; of those as bad as `least` or worse, and, where `fixable` says so, that a version mends.

        Raises as ImageInsides.of.
        """
        image = await self._insides.of(caller, repository, reference, platform)
        if not image.inside.is_known:
            return VulnerabilityReport(image=image, packages=0, counts={}, remarks=(_not_read(image),), found=())
        packages = await self._vulnerable.packages(image.digest)
        await self._matching.packages(packages)
        rows = await self._vulnerable.findings(image.digest, _ROWS)
        judgement = await self.judgement(image)
        found = [judged(one, judgement) for one in grouped(rows, *await self._known(rows))]
        remarks = (*await self._remarks(image, len(packages)), *judgement.remarks)
        report = reported(image, len(packages), found, remarks, least=least, fixable=fixable)
        at = max((each.imported_at for each in await self._sources.all()), default=0)
        return msgspec.structs.replace(report, advisories_at=at)

    async def judgement(self, image: ImageInside) -> Judgement:
        """What clears findings of an image now, whoever found them."""
        tags = await tags_of(image, self._acceptance)
        digests = (image.digest, *([image.index] if image.index is not None else []))
        return await self._acceptance.of(JudgedImage(repository=image.repository, digests=digests, tags=tags))

    async def _known(
        self, rows: Sequence[FoundInImage]
    ) -> tuple[Mapping[int, tuple[str, ...]], Mapping[str, Exploited], Mapping[str, float]]:
        aliases = await self._vulnerable.aliases(sorted({row.advisory for row in rows}))
        names = sorted({row.id for row in rows} | {name for names in aliases.values() for name in names})
        scores = await self._vulnerable.scores(names)
        return aliases, await self._vulnerable.exploited(names), {cve: one.score for cve, one in scores.items()}

    async def _remarks(self, image: ImageInside, packages: int) -> tuple[str, ...]:
        inside = image.inside
        remarks = list(inside.unread)
        if inside.state is InsideState.UNREAD:
            remarks.append("it could not be read anew: this is what was read before")
        elif inside.state is not InsideState.READ:
            remarks.append("it is being read anew: this is what was read before")
        if not packages:
            remarks.append("no package was found in it: what it holds is not known, and that is not the same as clean")
        ecosystems = await self._vulnerable.ecosystems(image.digest)
        known = {_base(each.ecosystem) for each in ecosystems if each.is_known}
        # A release of a distribution has several names, of which advisories use one.
        unknown = {_base(each.ecosystem): each.ecosystem for each in ecosystems if _base(each.ecosystem) not in known}
        if unknown:
            remarks.append(f"no advisories are known for {', '.join(list(unknown.values())[:12])}")
        elif packages and not ecosystems:
            remarks.append("no advisories are about packages of its kinds")
        return tuple(remarks)


async def tags_of(image: ImageInside, acceptance: Acceptance) -> frozenset[str]:
    """The tags of an image and of indexes that list it, and the one that it was asked for by."""
    [tags] = (await acceptance.tags([(image.repository, image.digest)])).values()
    return tags | {str(image.reference)} if isinstance(image.reference, Tag) else tags


def judged(one: Vulnerability, judgement: Judgement) -> Vulnerability:
    """The same, with what clears it; nothing is left out."""
    accepted, said = judgement.accepted(one.ids, one.purl), judgement.said(one.ids, one.purl)
    return msgspec.structs.replace(one, accepted=accepted, said=said) if accepted or said else one


def reported(
    image: ImageInside,
    packages: int,
    found: Sequence[Vulnerability],
    remarks: Sequence[str],
    *,
    least: str,
    fixable: bool,
) -> VulnerabilityReport:
    """Findings that were judged as a report: all are counted, those that are asked for are listed."""
    open_ = [one for one in found if one.is_open]
    accepted = sum(one.accepted is not None for one in found)
    counts = {word: sum(one.severity == word for one in open_) for word in SEVERITIES}
    return VulnerabilityReport(
        image=image,
        packages=packages,
        counts={word: number for word, number in counts.items() if number},
        remarks=tuple(remarks),
        found=tuple(one for one in found if _is_as_bad(one.severity, least) and (one.fixed or not fixable)),
        accepted=accepted,
        cleared=len(found) - len(open_) - accepted,
    )


def _base(ecosystem: str) -> str:
    return ecosystem.partition(":")[0]


def _not_read(image: ImageInside) -> str:
    if image.inside.state is InsideState.UNREAD:
        return f"it could not be read: {'; '.join(image.inside.unread) or 'nobody knows why'}"
    return "it was not read yet; orlop scan reads it now"


def _is_as_bad(severity: str, least: str) -> bool:
    """What nobody rated may be as bad as anything."""
    return severity == "unknown" or SEVERITIES.index(severity) <= SEVERITIES.index(least)


def grouped(
    rows: Sequence[FoundInImage],
    aliases: Mapping[int, tuple[str, ...]],
    exploited: Mapping[str, Exploited],
    scores: Mapping[str, float],
) -> list[Vulnerability]:
    """One for each vulnerability of a package: advisories that share a name are one; the worst first."""
    groups: dict[int, list[tuple[set[str], list[FoundInImage]]]] = {}
    for row in rows:
        names = {row.id, *aliases.get(row.advisory, ())}
        mine = groups.setdefault(row.package, [])
        joined = [group for group in mine if group[0] & names]
        for group in joined:
            mine.remove(group)
            names |= group[0]
        mine.append((names, [one for group in joined for one in group[1]] + [row]))
    found = [_one(names, rows, exploited, scores) for mine in groups.values() for names, rows in mine]
    return sorted(found, key=lambda one: (SEVERITIES.index(one.severity), one.package, one.installed, one.id))


def _one(
    names: set[str], rows: Sequence[FoundInImage], exploited: Mapping[str, Exploited], scores: Mapping[str, float]
) -> Vulnerability:
    row = min(rows, key=lambda one: (one.how.startswith(POSSIBLE), SEVERITIES.index(one.severity), one.id))
    cves = sorted(name for name in names if name.startswith("CVE-"))
    is_exploited = any(name in exploited for name in names)
    severity = raised(SaidSeverity(row.severity, row.source), exploited=is_exploited)
    scored = [scores[name] for name in names if name in scores]
    # An advisory of a distribution mends several CVEs at once: then it has the name.
    name = cves[0] if len(cves) == 1 else row.id
    fixed = dict.fromkeys(version for one in rows for version in one.fixed.split(", ") if version)
    return Vulnerability(
        id=name,
        ids=tuple(sorted(names)),
        severity=severity.word,
        source=severity.source,
        package=row.name,
        type=row.type,
        purl=row.purl,
        installed=row.version,
        fixed=tuple(fixed),
        possible=row.how.removeprefix(POSSIBLE) if row.how.startswith(POSSIBLE) else "",
        layer=row.layer,
        path=row.path,
        exploited=is_exploited,
        score=max(scored, default=None),
        summary=next((one.summary for one in rows if one.summary), ""),
    )
