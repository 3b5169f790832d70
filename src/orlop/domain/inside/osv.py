"""Advisories as databases publish them (ossf.github.io/osv-schema 1.7): what of a record is read, and its bounds."""

import re
from typing import Any

import msgspec

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.ecosystems import canonical

#: The most that a record may have, of everything that takes time or room for each.
PACKAGES, RANGES, EVENTS, VERSIONS, NAMES, REFERENCES, SCORES = 20_000, 2_000, 10_000, 50_000, 10_000, 5_000, 100
#: Characters of an id or the name of a package, and of a summary and the details that are kept.
_NAME, _SUMMARY, _DETAILS = 512, 2_000, 200_000

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+~-]{0,127}", re.ASCII)
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2}))?)?",
    re.ASCII,
)


class SeverityScore(msgspec.Struct, frozen=True):
    """How bad somebody says that it is: a vector or a word, and of which kind that is, such as `CVSS_V3`."""

    type: str
    score: str


class RangeEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """A version with which something changes: one of these is set."""

    introduced: str = ""
    fixed: str = ""
    last_affected: str = ""
    limit: str = ""


class AffectedRange(msgspec.Struct, frozen=True):
    """From which version to which a package is affected."""

    type: str
    """`SEMVER` or `ECOSYSTEM`; ranges of commits are left out."""
    events: tuple[RangeEvent, ...]


class AffectedPackageName(msgspec.Struct, frozen=True):
    """The package that is affected, as `ecosystems.keys` names it."""

    ecosystem: str
    name: str


class AffectedVersions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which versions of a package are affected."""

    package: AffectedPackageName
    ranges: tuple[AffectedRange, ...] = ()
    versions: tuple[str, ...] = ()
    severity: tuple[SeverityScore, ...] = ()
    rating: str = ""
    """The word of the ecosystem or the database for how bad it is, as they write it."""
    kind: str = ""
    """What it is, where it is no vulnerability: `unmaintained`, `unsound` or `notice` (RustSec)."""


class Reference(msgspec.Struct, frozen=True):
    """Where more is said."""

    type: str
    url: str


class Advisory(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An advisory. Times are microseconds since 1970; what is older, such as a date of the year 1, is 0: not known."""

    id: str
    modified: int = 0
    published: int = 0
    withdrawn: int | None = None
    aliases: tuple[str, ...] = ()
    """Other ids of the very same vulnerability."""
    upstream: tuple[str, ...] = ()
    """Vulnerabilities of others that it is about, such as the CVEs of an advisory of a distribution."""
    related: tuple[str, ...] = ()
    summary: str = ""
    details: str = ""
    severity: tuple[SeverityScore, ...] = ()
    rating: str = ""
    affected: tuple[AffectedVersions, ...] = ()
    references: tuple[Reference, ...] = ()

    @property
    def fixed(self) -> tuple[str, ...]:
        """All versions that mend it, whatever the package."""
        events = (event for each in self.affected for part in each.ranges for event in part.events)
        return tuple(dict.fromkeys(event.fixed for event in events if event.fixed))


# --- Records as they come; what is not needed may be anything ------------------------------------------------------


class _Score(msgspec.Struct):
    type: str
    score: str | float


class _Event(msgspec.Struct):
    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = None
    limit: str | None = None


class _Range(msgspec.Struct):
    type: str
    events: list[_Event] | None = None


class _Package(msgspec.Struct):
    ecosystem: str
    name: str


class _Affected(msgspec.Struct):
    package: _Package | None = None
    ranges: list[_Range] | None = None
    versions: list[str] | None = None
    severity: list[_Score] | None = None
    ecosystem_specific: Any = None
    database_specific: Any = None


class _Reference(msgspec.Struct):
    url: str
    type: str = "WEB"


class _Record(msgspec.Struct):
    id: str
    modified: str | None = None
    published: str | None = None
    withdrawn: str | None = None
    aliases: list[str] | None = None
    upstream: list[str] | None = None
    related: list[str] | None = None
    summary: str | None = None
    details: str | None = None
    severity: list[_Score] | None = None
    affected: list[_Affected] | None = None
    references: list[_Reference] | None = None
    database_specific: Any = None


_decoder = msgspec.json.Decoder(_Record)


def parse(record: bytes | dict[str, Any]) -> Advisory:
    """Read a record, as JSON or read already. Raises RequestInvalid."""
    try:
        read = msgspec.convert(record, _Record) if isinstance(record, dict) else _decoder.decode(record)
    except msgspec.ValidationError as error:
        raise RequestInvalid(f"it is no record of OSV: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestInvalid("it is not JSON") from error
    if _ID.fullmatch(read.id) is None:
        raise RequestInvalid("its id is not one of letters, digits and dashes")
    affected = read.affected or []
    _bounded(len(affected), PACKAGES, "packages")
    _bounded(len(read.references or []), REFERENCES, "references")
    return Advisory(
        id=read.id,
        modified=moment(read.modified),
        published=moment(read.published),
        withdrawn=moment(read.withdrawn) if read.withdrawn else None,
        aliases=_names(read.aliases),
        upstream=_names(read.upstream),
        related=_names(read.related),
        summary=(read.summary or "")[:_SUMMARY],
        details=(read.details or "")[:_DETAILS],
        severity=_scores(read.severity),
        rating=_rating(read.database_specific) or _leading_word(read.id, read.summary or ""),
        affected=_without_doubles(
            [_affected(each, each.package) for each in affected if each.package and each.package.name]
        ),
        references=tuple(Reference(each.type, each.url) for each in read.references or []),
    )


def joined(one: Advisory, other: Advisory) -> Advisory:
    """Two records of one id, as some databases publish one for each release: what the later one says, about the
    packages of both. Raises RequestInvalid where that is too much."""
    later = max(one, other, key=lambda each: each.modified)
    affected = tuple(dict.fromkeys((*one.affected, *other.affected)))
    _bounded(len(affected), PACKAGES, "packages")
    return msgspec.structs.replace(
        later,
        affected=_without_doubles(list(affected)),
        aliases=tuple(dict.fromkeys((*one.aliases, *other.aliases))),
        upstream=tuple(dict.fromkeys((*one.upstream, *other.upstream))),
        related=tuple(dict.fromkeys((*one.related, *other.related))),
    )


def _bounded(number: int, most: int, what: str) -> None:
    if number > most:
        raise RequestInvalid(f"it has {number:,} {what}; a record may have {most:,}")


def _names(listed: list[str] | None) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(each for each in listed or [] if each))
    _bounded(len(names), NAMES, "other ids")
    if any(len(each) > _NAME for each in names):
        raise RequestInvalid(f"one of its other ids is longer than the {_NAME} characters that it may have")
    return names


def _affected(read: _Affected, package: _Package) -> AffectedVersions:
    if max(len(package.name), len(package.ecosystem)) > _NAME:
        raise RequestInvalid(f"a package's name is longer than the {_NAME} characters that it may have")
    ranges, versions = read.ranges or [], read.versions or []
    _bounded(len(ranges), RANGES, "ranges for one package")
    _bounded(len(versions), VERSIONS, "versions of one package")
    ecosystem, name = canonical(package.ecosystem, package.name)
    return AffectedVersions(
        package=AffectedPackageName(ecosystem, name),
        ranges=tuple(_range(each) for each in ranges if each.type != "GIT"),
        versions=tuple(versions),
        severity=_scores(read.severity),
        rating=_rating(read.ecosystem_specific) or _rating(read.database_specific),
        kind=_text(read.database_specific, "informational"),
    )


def _range(read: _Range) -> AffectedRange:
    if read.type not in ("SEMVER", "ECOSYSTEM"):
        raise RequestInvalid(f"it has a range of the type {read.type[:64]!r}; known are SEMVER, ECOSYSTEM and GIT")
    _bounded(len(read.events or []), EVENTS, "events in one range")
    return AffectedRange(read.type, tuple(event for each in read.events or [] for event in _events(each)))


def _events(read: _Event) -> list[RangeEvent]:
    """An object that says two things at once, as old records do, is two events."""
    events = []
    if read.introduced:
        events.append(RangeEvent(introduced=read.introduced))
    if read.fixed:
        events.append(RangeEvent(fixed=read.fixed))
    if read.last_affected:
        events.append(RangeEvent(last_affected=read.last_affected))
    if read.limit:
        events.append(RangeEvent(limit=read.limit))
    return events


def _without_doubles(affected: list[AffectedVersions]) -> tuple[AffectedVersions, ...]:
    """Of a package that is named for releases of a distribution, what is said of it for no release is left out."""
    released = {
        (each.package.ecosystem.partition(":")[0], each.package.name)
        for each in affected
        if ":" in each.package.ecosystem
    }
    if not released:
        return tuple(affected)
    return tuple(each for each in affected if (each.package.ecosystem, each.package.name) not in released)


def _scores(listed: list[_Score] | None) -> tuple[SeverityScore, ...]:
    _bounded(len(listed or []), SCORES, "severities")
    if any(len(str(each.score)) + len(each.type) > _NAME for each in listed or []):
        raise RequestInvalid(f"a severity is longer than the {_NAME} characters that it may have")
    return tuple(SeverityScore(each.type, str(each.score)) for each in listed or [])


def _rating(specific: Any) -> str:
    """A word of `ecosystem_specific` or `database_specific`: Debian says `urgency`, all others `severity`."""
    return _text(specific, "severity") or _text(specific, "urgency")


def _leading_word(name: str, summary: str) -> str:
    """Those who build RHEL anew write its word before the summary: `Important: openssl security update`."""
    word, colon, _ = summary.partition(": ")
    return word if colon and name.startswith(("ALSA-", "RLSA-", "RHSA-")) else ""


def _text(specific: Any, field: str) -> str:
    value = specific.get(field) if isinstance(specific, dict) else None
    return value[:64] if isinstance(value, str) else ""


def moment(text: str | None) -> int:
    """Microseconds since 1970 of a time of RFC 3339; 0 for what is older. Raises RequestInvalid."""
    if not text:
        return 0
    found = _TIME.fullmatch(text)
    if found is None:
        raise RequestInvalid(f"{text[:64]!r} is no time of RFC 3339")
    year, month, day, hour, minute, second = (int(each or 0) for each in found.groups()[:6])
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60):
        raise RequestInvalid(f"{text[:64]!r} is no time of RFC 3339")
    seconds = ((_days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
    if found[8]:
        away = (int(found[9]) * 60 + int(found[10])) * 60
        seconds += away if found[8] == "-" else -away
    return max(0, seconds * 1_000_000 + int((found[7] or "0").ljust(6, "0")[:6]))


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970: those of whole years that begin in March, so that leap days come last, and of its months."""
    year, month = (year - 1, month + 9) if month < 3 else (year, month - 3)
    return year * 365 + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1 - 719_468
