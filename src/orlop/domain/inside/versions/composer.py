"""Versions of Composer (getcomposer.org, "Versions and constraints"), compared as PHP's version_compare does."""

import re

from orlop.domain.inside.versions.order import VersionUnordered

#: Composer\Semver\VersionParser, `$modifierRegex`: a sign may stand before nothing.
_STAGE = r"[._-]?(?:(stable|beta|b|rc|alpha|a|patch|pl|p)((?:[.-]?[0-9]++)*+))?([.-]?dev)?"
_CLASSICAL = re.compile(r"v?([0-9]{1,5}(?:\.[0-9]+){0,3})" + _STAGE, re.ASCII)
_DATED = re.compile(r"v?([0-9]{4}(?:[.:-]?[0-9]{2}){1,6}(?:[.:-]?[0-9]{1,3}){0,2})" + _STAGE, re.ASCII)
_BRANCH = re.compile(r"v?([0-9]+(?:\.[0-9]+){0,3})(?:\.[x*]){0,3}[.-]?dev", re.ASCII)
_FLAG = re.compile(r"@(?:stable|rc|beta|alpha|dev)$")
_PART = re.compile(r"[0-9]+|[a-z]+", re.ASCII)

_NUMBERS, _UNKNOWN, _LATEST = 4, -1, 9999999
#: PHP's words by their place; a number, and the end before that, stand between candidates and patches.
_WORDS = {"dev": 0, "alpha": 1, "a": 1, "beta": 2, "b": 2, "rc": 3, "pl": 5, "p": 5, "patch": 5}
_END = (4, -1)


def parse(version: str) -> tuple[tuple[int, int], ...]:
    """Parts with their weight. Raises VersionUnordered, of branches without numbers too."""
    text = _FLAG.sub("", version.strip().lower()).partition("+")[0]
    if (found := _CLASSICAL.fullmatch(text)) is not None:
        release = found[1].split(".")
        release += ["0"] * (_NUMBERS - len(release))
    elif (found := _DATED.fullmatch(text)) is not None:
        release = re.split(r"[.:-]", found[1])
    elif (found := _BRANCH.fullmatch(text)) is not None:
        release = found[1].split(".")
        return _weighed([*release, *[str(_LATEST)] * (_NUMBERS - len(release)), "dev"])
    else:
        raise VersionUnordered(f"{version[:64]!r} is no version of Composer")
    stage = [] if found[2] in (None, "stable") else [found[2], *_PART.findall(found[3] or "")]
    return _weighed([*release, *stage, *(["dev"] if found[4] else [])])


def _weighed(parts: list[str]) -> tuple[tuple[int, int], ...]:
    return (*((4, int(part)) if part.isdigit() else (_WORDS.get(part, _UNKNOWN), 0) for part in parts), _END)
