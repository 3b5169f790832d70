"""What is kept of a record of OSV: the rows that are looked up by names, and what the matcher reads of it."""

import re
import zlib
from collections.abc import Iterable
from hashlib import blake2b

import msgspec

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.ecosystems import Key
from orlop.domain.inside.matching import hit
from orlop.domain.inside.osv import Advisory, AffectedVersions, parse
from orlop.domain.inside.severity import SEVERITIES, said_of

#: Characters of a summary that lists show, and bytes of one record.
_SUMMARY, BODY = 300, 16 * 1024 * 1024
#: Packages of a record that are looked at for how bad it is.
_RATED = 20

#: Ids of vulnerabilities as KEV and EPSS name them, and days of KEV.
_CVE = re.compile(r"[A-Za-z][A-Za-z0-9-]{3,63}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
#: A NUL in JSON, behind any number of escaped backslashes.
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")

#: How the reason of what is only possible begins.
POSSIBLE = "possible: "

_entry = msgspec.msgpack.Decoder(Advisory)


class Refusal(msgspec.Struct, frozen=True):
    """A record that was not taken: where it stood, and why."""

    where: str
    why: str


class PackageEntry(msgspec.Struct, frozen=True):
    """A package that an advisory is about, as advisories name it. `entry`: what the matcher reads, see `entry_of`."""

    ecosystem: str
    name: str
    entry: bytes


class AdvisoryRow(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it is stored. `modified`: microseconds since 1970; `hash` of all of it; `body` is compressed JSON."""

    name: str
    hash: str
    modified: int
    withdrawn: bool
    severity: str
    summary: str
    aliases: tuple[str, ...]
    packages: tuple[PackageEntry, ...]
    body: bytes


class Exploited(msgspec.Struct, frozen=True):
    """A vulnerability that is known to be exploited, of CISA's catalogue: when it was added, until when it is to be
    mended, and whether ransomware uses it."""

    cve: str
    added: str
    due: str
    ransomware: bool


class ExploitScore(msgspec.Struct, frozen=True, gc=False):
    """How likely a vulnerability is exploited within a month, and how many of all are less likely (EPSS)."""

    cve: str
    score: float
    percentile: float


def exploited_of(cve: str, added: str, due: str, ransomware: bool) -> Exploited:
    """An entry of KEV; what is no day is not known. Raises RequestInvalid."""
    return Exploited(_cve(cve), _day(added), _day(due), ransomware)


def score_of(cve: str, score: float, percentile: float) -> ExploitScore:
    """An entry of EPSS. Raises RequestInvalid."""
    if not (0 <= score <= 1 and 0 <= percentile <= 1):
        raise RequestInvalid("a score is from 0 to 1")
    return ExploitScore(_cve(cve), score, percentile)


def _day(text: str) -> str:
    return text if _DAY.fullmatch(text) else ""


def _cve(text: str) -> str:
    if _CVE.fullmatch(text) is None:
        raise RequestInvalid(f"{text[:32]!r} is no CVE")
    return text


def row_of(record: bytes) -> AdvisoryRow:
    """The row of a record, without its NULs, which not every database keeps. Raises RequestInvalid with a sentence."""
    if len(record) > BODY:
        raise RequestInvalid(f"it is larger than the {BODY >> 20} MiB that a record may have")
    try:
        body = msgspec.json.encode(msgspec.json.decode(record))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestInvalid("it is not JSON") from error
    if b"\\u0000" in body:
        body = _NUL.sub(rb"\1", body)
    advisory = parse(body)
    return AdvisoryRow(
        name=advisory.id,
        hash=_hash(body),
        modified=advisory.modified,
        withdrawn=advisory.withdrawn is not None,
        severity=worst(said_of(advisory, each).word for each in advisory.affected[:_RATED]),
        summary=(advisory.summary or advisory.details).strip().partition("\n")[0][:_SUMMARY],
        aliases=_aliases(advisory),
        packages=_packages(advisory),
        body=zlib.compress(body, 6),
    )


def worst(severities: Iterable[str]) -> str:
    """The worst of them; `unknown` where there is none."""
    return min(severities, key=SEVERITIES.index, default="unknown")


def unpacked(body: bytes) -> bytes:
    """The JSON of a body."""
    return zlib.decompress(body)


def is_whole(body: bytes, hashed: str) -> bool:
    """Whether a body is that of a row with this hash."""
    try:
        return _hash(unpacked(body)) == hashed
    except zlib.error:
        return False


def _hash(body: bytes) -> str:
    return blake2b(body, digest_size=16).hexdigest()


def _aliases(advisory: Advisory) -> tuple[str, ...]:
    """Names that mean the same, and vulnerabilities that an advisory of a distribution mends: some call these
    related."""
    released = any(":" in each.package.ecosystem for each in advisory.affected)
    names = dict.fromkeys((*advisory.aliases, *advisory.upstream, *(advisory.related if released else ())))
    names.pop(advisory.id, None)
    return tuple(names)


def _packages(advisory: Advisory) -> tuple[PackageEntry, ...]:
    by_name: dict[tuple[str, str], list[AffectedVersions]] = {}
    for affected in advisory.affected:
        by_name.setdefault((affected.package.ecosystem, affected.package.name), []).append(affected)
    read = msgspec.structs.replace(advisory, summary="", details="", references=(), aliases=(), upstream=(), related=())
    return tuple(
        PackageEntry(*names, msgspec.msgpack.encode(msgspec.structs.replace(read, affected=tuple(entries))))
        for names, entries in by_name.items()
    )


class Comparison(msgspec.Struct, frozen=True, gc=False):
    """That an advisory hits a version: the versions where that is mended, how bad it is and on whose word, and which
    versions it hits, or why that is only possible."""

    fixed: str
    severity: str
    source: str
    how: str


def compared(entry: bytes, key: Key) -> Comparison | None:
    """Whether an entry hits a version; None: it does not."""
    found = hit(_entry.decode(entry), key)
    if found is None:
        return None
    how = f"{POSSIBLE}{found.uncertain}" if found.uncertain else found.range
    return Comparison(", ".join(found.fixed), found.severity, found.source, how)
