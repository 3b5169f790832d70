"""What is known to be wrong with an image, for whoever may pull it."""

from collections.abc import Mapping, Sequence

import msgspec

from orlop.domain.access import Caller
from orlop.domain.inside.exceptions import EXCEPTIONS, FindingException
from orlop.domain.inside.purl import without_version
from orlop.domain.inside.rows import POSSIBLE, Exploited
from orlop.domain.inside.severity import SEVERITIES, SaidSeverity, raised
from orlop.domain.names import Reference, RepositoryName, Tag
from orlop.ports.advisories import FoundInImage, Vulnerable
from orlop.ports.catalog import Holdings
from orlop.ports.clock import Clock
from orlop.ports.insides import InsideState
from orlop.services.advisories.matching import Matching
from orlop.services.content.images import TAGS
from orlop.services.inside.questions import ImageInside, ImageInsides
from orlop.services.settings.in_force import InForce, SettingsInForce

#: Rows that are read of one image.
_ROWS = 50_000


class Accepted(msgspec.Struct, frozen=True):
    """An exception that holds for a finding: its name and place, why, and its last day."""

    name: str
    path: str
    reason: str
    until: str


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


class VulnerabilityReport(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an image. `counts`: of what nobody accepts; `accepted`: of how much somebody does; `remarks`:
    what is not known, as sentences without a full stop."""

    image: ImageInside
    packages: int
    counts: Mapping[str, int]
    remarks: tuple[str, ...]
    found: tuple[Vulnerability, ...]
    accepted: int = 0


class Vulnerabilities:
    """See the module."""

    def __init__(
        self,
        insides: ImageInsides,
        vulnerable: Vulnerable,
        matching: Matching,
        settings: SettingsInForce,
        holdings: Holdings,
        clock: Clock,
    ) -> None:
        self._insides = insides
        self._vulnerable = vulnerable
        self._matching = matching
        self._settings = settings
        self._holdings = holdings
        self._clock = clock

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
        if image.inside.state is not InsideState.READ:
            return VulnerabilityReport(image=image, packages=0, counts={}, remarks=(_not_read(image),), found=())
        packages = await self._vulnerable.packages(image.digest)
        await self._matching.packages(packages)
        rows = await self._vulnerable.findings(image.digest, _ROWS)
        found = await self._judged(image, grouped(rows, *await self._known(rows)))
        wanted = [one for one in found if _is_as_bad(one.severity, least) and (one.fixed or not fixable)]
        open_ = [one for one in found if one.accepted is None]
        counts = {word: sum(one.severity == word for one in open_) for word in SEVERITIES}
        return VulnerabilityReport(
            image=image,
            packages=len(packages),
            counts={word: number for word, number in counts.items() if number},
            remarks=await self._remarks(image, len(packages)),
            found=tuple(wanted),
            accepted=len(found) - len(open_),
        )

    async def _judged(self, image: ImageInside, found: Sequence[Vulnerability]) -> Sequence[Vulnerability]:
        """The same, with the exceptions that hold for them; nothing is left out."""
        exceptions = await self._settings.covering(EXCEPTIONS, image.repository)
        if not exceptions or not found:
            return found
        now = self._clock.now()
        standing = await self._holdings.manifest(image.repository, image.digest, TAGS)
        tags = frozenset(map(str, standing.tags)) if standing is not None else frozenset[str]()
        if isinstance(image.reference, Tag):  # of an index, whose images have no tag of their own
            tags |= {str(image.reference)}
        holding = [
            (each, body)
            for each in exceptions
            if (body := each.body).holds(now) and body.covers(each.path, image.repository, tags)
        ]
        return [_accepted(one, holding) for one in found]

    async def _known(
        self, rows: Sequence[FoundInImage]
    ) -> tuple[Mapping[int, tuple[str, ...]], Mapping[str, Exploited], Mapping[str, float]]:
        aliases = await self._vulnerable.aliases(sorted({row.advisory for row in rows}))
        names = sorted({row.id for row in rows} | {name for names in aliases.values() for name in names})
        scores = await self._vulnerable.scores(names)
        return aliases, await self._vulnerable.exploited(names), {cve: one.score for cve, one in scores.items()}

    async def _remarks(self, image: ImageInside, packages: int) -> tuple[str, ...]:
        remarks = list(image.inside.unread)
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


def _accepted(one: Vulnerability, holding: Sequence[tuple[InForce, FindingException]]) -> Vulnerability:
    """The last exception that accepts it is told: that of the nearest place."""
    ids, package = frozenset(one.ids), without_version(one.purl)
    for each, body in reversed(holding):
        if body.accepts(ids, package):
            accepted = Accepted(each.name, each.path, body.reason, body.until)
            return msgspec.structs.replace(one, accepted=accepted)
    return one


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
