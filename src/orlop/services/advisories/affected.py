"""Tells which images new findings are about: an event for each, in bounds."""

from collections.abc import Sequence

from orlop.domain.counts import counted
from orlop.domain.digest import Digest
from orlop.domain.inside.rows import worst
from orlop.domain.inside.severity import SEVERITIES
from orlop.domain.names import RepositoryName
from orlop.ports.advisories import FindingRow, ToldImage, Vulnerable
from orlop.ports.by import By

#: Images of one run of which an event tells, and findings that are looked at for it.
IMAGES, _FINDINGS, _PAIRS = 1_000, 10_000, 20_000


class Affected:
    """See the module."""

    def __init__(self, vulnerable: Vulnerable) -> None:
        self._vulnerable = vulnerable

    async def tell(self, found: Sequence[FindingRow], by: By) -> int:
        """Write an event for each image that holds a package of these, the worst findings first; how many."""
        ranked = sorted(found, key=lambda one: SEVERITIES.index(one.severity))[:_FINDINGS]
        by_package: dict[int, list[FindingRow]] = {}
        for one in ranked:
            by_package.setdefault(one.package, []).append(one)
        if not by_package:
            return 0
        images: dict[tuple[RepositoryName, Digest], list[FindingRow]] = {}
        for row in await self._vulnerable.holding(list(by_package), _PAIRS):
            images.setdefault((row.repository, row.digest), []).extend(by_package[row.package])
        told = [ToldImage(*image, _words(findings)) for image, findings in list(images.items())[:IMAGES]]
        if told:
            await self._vulnerable.tell(told, by)
        return len(told)


def _words(findings: Sequence[FindingRow]) -> str:
    """Such as `3 new findings, the worst is high`."""
    return f"{counted(len(findings), 'new finding')}, the worst is {worst(one.severity for one in findings)}"
