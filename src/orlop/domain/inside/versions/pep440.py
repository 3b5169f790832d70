"""Versions of Python packages (PEP 440, "Version specifiers")."""

import re

from orlop.domain.inside.versions.order import VersionUnordered
from orlop.domain.inside.versions.semver import numbers

_VERSION = re.compile(
    r"""\s*v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)
    (?:[-_.]?(?P<stage>alpha|beta|preview|pre|a|b|c|rc)[-_.]?(?P<pre>[0-9]+)?)?
    (?P<after>-(?P<dash>[0-9]+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post>[0-9]+)?)?
    (?P<before>[-_.]?dev[-_.]?(?P<dev>[0-9]+)?)?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*""",
    re.ASCII | re.VERBOSE,
)
_STAGES = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
_LOCAL = re.compile(r"[-_.]")

_Pep440 = tuple[int, tuple[int, ...], tuple[int, int], int, tuple[int, int], tuple[tuple[int, int, str], ...]]


def parse(version: str) -> _Pep440:
    """Epoch, release, what comes before it, after it, in development, locally. Raises VersionUnordered."""
    found = _VERSION.fullmatch(version.lower())
    if found is None:
        raise VersionUnordered(f"{version[:64]!r} is no version of PEP 440")
    stage, after, before = found["stage"], found["after"], found["before"]
    # A release in development comes before its first alpha, any other after its last candidate.
    none = (-1, 0) if before and not after else (3, 0)
    return (
        int(found["epoch"] or 0),
        numbers(found["release"]),
        (_STAGES[stage], int(found["pre"] or 0)) if stage else none,
        int(found["dash"] or found["post"] or 0) if after else -1,
        (0, int(found["dev"] or 0)) if before else (1, 0),
        tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in _LOCAL.split(found["local"] or ""))
        if found["local"]
        else (),
    )
