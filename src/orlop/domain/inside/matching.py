"""Whether an advisory hits a version of a package (OSV, "Evaluation")."""

from collections.abc import Iterator
from typing import Any

import msgspec

from orlop.domain.inside.ecosystems import Key
from orlop.domain.inside.osv import Advisory, AffectedRange, AffectedVersions, RangeEvent
from orlop.domain.inside.severity import said_of
from orlop.domain.inside.versions import order
from orlop.domain.inside.versions.order import VersionOrder, VersionUnordered

#: Raised whenever the same advisory and version may give another answer.
MATCHER_VERSION = 1


class Hit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """That an advisory hits a version, or may."""

    fixed: tuple[str, ...] = ()
    """The versions that mend it: where the line of versions goes on with a mended one, only that."""
    last_affected: str = ""
    """The last version that is known to be affected, where no version is known that mends it."""
    range: str = ""
    """What says so: `>=1.0, <1.2.3`, or the version itself where it is listed."""
    severity: str = "unknown"
    source: str = ""
    """Whose word the severity is, such as `CVSS 3.1` or `Debian`."""
    uncertain: str = ""
    """Why it is only possible; a sentence without a full stop."""


def hit(advisory: Advisory, key: Key) -> Hit | None:
    """How an advisory hits a version; None: it does not. One that was withdrawn hits nothing."""
    if advisory.withdrawn is not None:
        return None
    entries = [
        each for each in advisory.affected if each.package.name == key.name and each.package.ecosystem == key.ecosystem
    ]
    found = [one for each in entries if (one := _hit(advisory, each, key)) is not None]
    return next((each for each in found if not each.uncertain), found[0] if found else None)


def _hit(advisory: Advisory, affected: AffectedVersions, key: Key) -> Hit | None:
    by = order(key.ecosystem)
    if by is None:
        return _listed(advisory, affected, key, f"how {key.ecosystem} orders its versions is not known")
    try:
        version = by.parse(key.version)
    except VersionUnordered:
        return _listed(advisory, affected, key, f"the version {key.version[:64]} cannot be compared")
    unclear = ""
    for each in affected.ranges:
        try:
            part = _part(by, version, each)
        except VersionUnordered as error:
            unclear = f"a version that the advisory names cannot be compared: {error}"
            continue
        if part is not None:
            fixed = (part.fixed,) if part.fixed else ()
            return _said(advisory, affected, fixed=fixed, last_affected=part.last_affected, range=_range_words(part))
    if any(_same(by, version, each) for each in affected.versions):
        return _said(advisory, affected, fixed=_later(by, version, affected), range=key.version)
    return _said(advisory, affected, fixed=_all_fixed(affected), uncertain=unclear) if unclear else None


def _listed(advisory: Advisory, affected: AffectedVersions, key: Key, why: str) -> Hit | None:
    """Of a version that has no place in an order only the list of versions says something, or that all are hit."""
    if key.version in affected.versions:
        return _said(advisory, affected, fixed=_all_fixed(affected), range=key.version)
    if any(not _ends(each) for each in affected.ranges):
        return _said(advisory, affected, range="all versions")
    if not affected.ranges:
        return None
    return _said(advisory, affected, fixed=_all_fixed(affected), uncertain=why)


def _said(advisory: Advisory, affected: AffectedVersions, **known: Any) -> Hit:
    severity = said_of(advisory, affected)
    return Hit(severity=severity.word, source=severity.source, **known)


# --- Ranges -------------------------------------------------------------------------------------------------------


class _Part(msgspec.Struct, frozen=True):
    """One stretch of affected versions; `limit` ends it as `fixed` does, but mends nothing."""

    introduced: str
    fixed: str = ""
    last_affected: str = ""
    limit: str = ""


def _ends(affected: AffectedRange) -> bool:
    """Whether there are versions that are not affected."""
    return any(
        event.fixed or event.last_affected or event.limit not in ("", "*") or event.introduced not in ("", "0")
        for event in affected.events
    )


def _part(by: VersionOrder, version: Any, affected: AffectedRange) -> _Part | None:
    """The stretch of a range that a version lies in. Raises VersionUnordered."""
    limits = [event.limit for event in affected.events if event.limit]
    if limits and not any("*" in limit or version < by.parse(limit) for limit in limits):
        return None
    since: RangeEvent | None = None
    ended: Any = None
    for event, place in _in_order(by, affected):
        if place is not None and version < place:
            if since is not None and (event.fixed or event.last_affected):
                return _Part(since.introduced, event.fixed, event.last_affected)
        elif event.introduced:
            if since is None and (ended is None or place != ended):
                since = event
        elif event.last_affected and place == version:
            return None if since is None else _Part(since.introduced, "", event.last_affected)
        else:
            ended = place if since is None else None  # what ends before it begins: nothing is affected
            since = None
    return None if since is None else _Part(since.introduced, limit=next((each for each in limits if each != "*"), ""))


def _in_order(by: VersionOrder, affected: AffectedRange) -> Iterator[tuple[RangeEvent, Any]]:
    """Events by their versions, and those of one version by what they are: mended, then introduced, then last."""
    placed: list[tuple[RangeEvent, Any]] = [
        (event, None if event.introduced == "0" else by.parse(event.introduced or event.fixed or event.last_affected))
        for event in affected.events
        if not event.limit
    ]
    rest = sorted((each for each in placed if each[1] is not None), key=lambda each: _kind(each[0]))
    rest.sort(key=lambda each: each[1])
    yield from (each for each in placed if each[1] is None)
    yield from rest


def _kind(event: RangeEvent) -> int:
    return 0 if event.fixed else 1 if event.introduced else 2


def _range_words(part: _Part) -> str:
    begin = "" if part.introduced == "0" else f">={part.introduced}"
    if part.fixed or part.limit:
        end = f"<{part.fixed or part.limit}"
    else:
        end = f"<={part.last_affected}" if part.last_affected else ""
    return ", ".join(each for each in (begin, end) if each) or "all versions"


def _same(by: VersionOrder, version: Any, listed: str) -> bool:
    try:
        return bool(by.parse(listed) == version)
    except VersionUnordered:
        return False


def _all_fixed(affected: AffectedVersions) -> tuple[str, ...]:
    events = (event for each in affected.ranges for event in each.events)
    return tuple(dict.fromkeys(event.fixed for event in events if event.fixed))


def _later(by: VersionOrder, version: Any, affected: AffectedVersions) -> tuple[str, ...]:
    """Of all versions that mend it the first that is later; none: none is known."""
    later = []
    for each in _all_fixed(affected):
        try:
            place = by.parse(each)
        except VersionUnordered:
            continue
        if version < place:
            later.append((each, place))
    later.sort(key=lambda each: each[1])
    return (later[0][0],) if later else ()
