"""Finds which advisory hits which package, from both sides, in bounded steps.

An advisory that is new or another looks up the packages that it is about, and a package that is new looks up the
advisories about it. Either looks only after what it belongs to is stored, so that no pair is missed. Whoever compares
holds nothing: what was found is written if no advisory changed meanwhile.
"""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from orlop.domain.inside.ecosystems import Key
from orlop.domain.inside.matching import MATCHER_VERSION
from orlop.domain.inside.rows import Comparison, compared
from orlop.ports.advisories import AffectedPackage, FindingRow, Matches
from orlop.ports.by import By
from orlop.services.advisories.affected import Affected

#: Advisories and packages of one step, rows read at once, and how often a step begins again.
_ADVISORIES, _PACKAGES, _ROWS, _AGAIN = 250, 200, 5_000, 5


class Matched(msgspec.Struct, frozen=True):
    """What a run did: advisories and packages that were matched, and findings that are new."""

    advisories: int = 0
    packages: int = 0
    new: int = 0

    def joined(self, other: "Matched") -> "Matched":
        """Both together."""
        return Matched(self.advisories + other.advisories, self.packages + other.packages, self.new + other.new)


class Matching:
    """See the module. `affected` tells of findings that are new because an advisory came or changed."""

    def __init__(self, matches: Matches, affected: Affected, by: Callable[[], By]) -> None:
        self._matches = matches
        self._affected = affected
        self._by = by

    async def tell(self) -> int:
        """Tell which images new findings are about, once no more of them came for a while; of how many images."""
        return await self._affected.tell(self._by())

    async def step(self) -> Matched:
        """Some advisories and some packages; nothing was done where nothing waits."""
        return (await self.advisories()).joined(await self.packages())

    async def advisories(self) -> Matched:
        """Some advisories that were not matched yet."""
        for _ in range(_AGAIN):
            version = await self._matches.version()
            waiting = await self._matches.waiting_advisories(MATCHER_VERSION, _ADVISORIES)
            if not waiting:
                return Matched()
            found: list[FindingRow] = []
            after = (0, 0)
            while rows := await self._matches.packages_of(waiting, after, _ROWS):
                found += await asyncio.to_thread(hits, rows)
                after = (rows[-1].advisory, rows[-1].package)
            new = await self._matches.found_of_advisories(waiting, found, MATCHER_VERSION, version, self._by().at)
            if new is not None:
                return Matched(advisories=len(waiting), new=len(new))
        return Matched()

    async def packages(self, wanted: Sequence[int] | None = None) -> Matched:
        """Some packages that were not matched yet, or of these all that were not."""
        done = Matched()
        left = await self._waiting(wanted)
        while left:
            part, left = left[:_PACKAGES], left[_PACKAGES:]
            for _ in range(_AGAIN):
                version = await self._matches.version()
                rows = await self._matches.advisories_of(part)
                found = await asyncio.to_thread(hits, rows)
                if await self._matches.found_of_packages(part, found, MATCHER_VERSION, version):
                    done = done.joined(Matched(packages=len(part)))
                    break
        return done

    async def _waiting(self, wanted: Sequence[int] | None) -> Sequence[int]:
        if wanted is None:
            return await self._matches.waiting_packages(MATCHER_VERSION, _PACKAGES)
        return await self._matches.unmatched_of(wanted, MATCHER_VERSION)


def hits(rows: Sequence[AffectedPackage]) -> list[FindingRow]:
    """What hits what; each version is compared with an advisory once, whatever packages have it."""
    known: dict[tuple[int, str, str, str], Comparison | None] = {}
    found: dict[tuple[int, int], FindingRow] = {}
    for row in rows:
        key = (row.advisory, row.ecosystem, row.name, row.version)
        if key not in known:
            known[key] = compared(row.entry, Key(row.ecosystem, row.name, row.version))
        hit = known[key]
        if hit is not None:
            found[row.package, row.advisory] = FindingRow(
                row.package, row.advisory, hit.fixed, hit.severity, hit.source, hit.how
            )
    return list(found.values())
