"""How bad a finding is, and who says so: the distribution that built the package before CVSS before all others."""

from typing import NamedTuple

from orlop.domain.inside.cvss import cvss
from orlop.domain.inside.osv import Advisory, AffectedVersions, SeverityScore

#: The worst first; `unknown`: nobody said anything.
SEVERITIES = ("critical", "high", "medium", "low", "none", "unknown")

#: The words of those who rate what they build, as ours.
_WORDS = {
    "critical": "critical",
    "important": "high",
    "high": "high",
    "moderate": "medium",
    "medium": "medium",
    "low": "low",
    "negligible": "low",
    "minor": "low",
    "unimportant": "none",
    "none": "none",
}
#: Whose own word comes before CVSS, by ecosystem: they know how they built it.
_OWN_WORD = frozenset(
    {"AlmaLinux", "Azure Linux", "Debian", "openSUSE", "Photon OS", "Red Hat", "Rocky Linux", "SUSE", "Ubuntu"}
)
_CVSS = ("CVSS_V4", "CVSS_V3")


class SaidSeverity(NamedTuple):
    """A severity, and who says so; nobody where it is unknown."""

    word: str
    source: str


def said_of(advisory: Advisory, affected: AffectedVersions) -> SaidSeverity:
    """How bad an advisory is for one of its packages."""
    base = affected.package.ecosystem.partition(":")[0]
    scores = affected.severity or advisory.severity
    own = _own(base, advisory, affected) if base in _OWN_WORD else None
    return own or _scored(scores) or _rated(base, advisory, affected) or SaidSeverity("unknown", "")


def said_by(advisory: Advisory) -> SaidSeverity:
    """How bad an advisory is for the package for which it is worst."""
    said = [said_of(advisory, each) for each in advisory.affected]
    if not said:
        return _scored(advisory.severity) or _word(advisory.rating, "") or SaidSeverity("unknown", "")
    return min(said, key=lambda each: SEVERITIES.index(each.word))


def raised(said: SaidSeverity, *, exploited: bool) -> SaidSeverity:
    """At least high for what is known to be exploited (CISA, Known Exploited Vulnerabilities)."""
    if not exploited or said.word in ("critical", "high"):
        return said
    before = f", {said.source}: {said.word}" if said.source else ""
    return SaidSeverity("high", f"CISA KEV{before}")


def _own(base: str, advisory: Advisory, affected: AffectedVersions) -> SaidSeverity | None:
    words = [each.score for each in (*affected.severity, *advisory.severity) if each.type == base]
    return next((said for word in (*words, affected.rating, advisory.rating) if (said := _word(word, base))), None)


def _scored(scores: tuple[SeverityScore, ...]) -> SaidSeverity | None:
    """By the newest CVSS; of several vectors the worst."""
    for kind in _CVSS:
        found = [score for each in scores if each.type == kind and (score := cvss(each.score)) is not None]
        if found:
            worst = max(found)
            return SaidSeverity(worst.severity, f"CVSS {worst.version}")
    return None


def _rated(base: str, advisory: Advisory, affected: AffectedVersions) -> SaidSeverity | None:
    if affected.kind in ("unmaintained", "notice"):
        return SaidSeverity("none", affected.kind)
    source = "GitHub" if advisory.id.startswith("GHSA-") else base
    return _word(affected.rating, source) or _word(advisory.rating, source)


def _word(word: str, source: str) -> SaidSeverity | None:
    """Debian writes `low**` where nobody but its tracker has looked."""
    known = _WORDS.get(word.strip().rstrip("*").lower())
    return SaidSeverity(known, source) if known else None
