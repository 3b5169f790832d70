"""Tells which images new findings are about: an event for each image with all that is new, in bounds.

An import comes in many parts, and each is matched in many steps. What is found waits in the catalog until no more came
for a while, so that whoever reads events has one for each image and import.
"""

from collections.abc import Mapping, Sequence

from orlop.domain.counts import counted
from orlop.domain.digest import Digest
from orlop.domain.durations import DAY, MINUTE
from orlop.domain.inside.rows import worst
from orlop.domain.inside.severity import SEVERITIES
from orlop.domain.names import RepositoryName
from orlop.ports.advisories import ToldImage, UntoldFinding, Vulnerable
from orlop.ports.by import By
from orlop.ports.retention import InUse

#: Findings wait until none came for so long, and the first of them no longer than that, in microseconds.
_QUIET, _LONGEST = MINUTE, 15 * MINUTE
#: Images of one run of which an event tells, and findings and pairs that are looked at for it.
IMAGES, _FINDINGS, _PAIRS = 1_000, 50_000, 20_000
#: Findings that an event names, and days within which a pull says that an image is in use.
_NAMED, _RECENT = 20, 7


class Affected:
    """See the module. `in_use`: what clusters and scripts say that they run."""

    def __init__(self, vulnerable: Vulnerable, in_use: InUse) -> None:
        self._vulnerable = vulnerable
        self._in_use = in_use

    async def tell(self, by: By) -> int:
        """Write an event for each image that new findings are about, those in use and the worst first; how many. What
        came a moment ago waits for the next time."""
        ages = await self._vulnerable.untold_ages()
        if ages is None or (by.at - ages[1] < _QUIET and by.at - ages[0] < _LONGEST):
            return 0
        untold = await self._vulnerable.untold(_FINDINGS)
        by_package: dict[int, list[UntoldFinding]] = {}
        for one in sorted(untold, key=_rank):
            by_package.setdefault(one.package, []).append(one)
        images: dict[tuple[RepositoryName, Digest], list[UntoldFinding]] = {}
        for row in await self._vulnerable.holding(list(by_package), _PAIRS):
            images.setdefault((row.repository, row.digest), []).extend(by_package[row.package])
        used = await self._used(list(images), by.at)
        order = sorted(images, key=lambda image: (image not in used, min(map(_rank, images[image])), image))
        told = [ToldImage(*image, _words(images[image], used.get(image, ""))) for image in order[:IMAGES]]
        await self._vulnerable.tell(told, untold, by)
        return len(told)

    async def _used(
        self, images: Sequence[tuple[RepositoryName, Digest]], now: int
    ) -> Mapping[tuple[RepositoryName, Digest], str]:
        """Which of these are in use, and what says so."""
        by_repository: dict[RepositoryName, list[Digest]] = {}
        for repository, digest in images:
            by_repository.setdefault(repository, []).append(digest)
        found: dict[tuple[RepositoryName, Digest], str] = {}
        for repository, digests in by_repository.items():
            said = await self._in_use.among(repository, [str(digest) for digest in digests], now)
            pulled = await self._vulnerable.pulled(repository, digests)
            for digest in digests:
                if str(digest) in said:
                    found[repository, digest] = said[str(digest)]
                elif pulled.get(str(digest), 0) > now - _RECENT * DAY:
                    found[repository, digest] = f"pulled within the last {_RECENT} days"
        return found


def _rank(one: UntoldFinding) -> int:
    return SEVERITIES.index(one.severity)


def _words(findings: Sequence[UntoldFinding], used: str) -> str:
    """Such as `2 new findings, the worst is high: CVE-2026-1 (openssl), CVE-2026-2 (zlib); in use: …`."""
    named = dict.fromkeys(f"{one.id} ({one.name})" for one in sorted(findings, key=_rank))
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    listed = ", ".join(list(named)[:_NAMED]) + more
    said = f"; in use: {used}" if used else ""
    return (
        f"{counted(len(named), 'new finding')}, the worst is {worst(one.severity for one in findings)}: {listed}{said}"
    )
