"""What clears findings of images: exceptions that accept them, and VEX documents by which they concern nobody."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.inside.exceptions import EXCEPTIONS
from orlop.domain.inside.purl import without_version
from orlop.domain.inside.vex.saying import VexSayings, VexWord
from orlop.domain.names import RepositoryName
from orlop.ports.advisories import AdvisoryStore, Vulnerable
from orlop.ports.clock import Clock
from orlop.ports.holding import HoldingPlace, PackageHolders
from orlop.services.settings.in_force import InForce, SettingsInForce
from orlop.services.vex.sayings import VexOfImages


class Accepted(msgspec.Struct, frozen=True):
    """An exception that holds for a finding: its name and place, why, and its last day."""

    name: str
    path: str
    reason: str
    until: str


class JudgedImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image as exceptions and VEX documents may name it. `digests`: its own, then those of indexes that it is asked
    for by."""

    repository: RepositoryName
    digests: tuple[Digest, ...]
    tags: frozenset[str]


class Judgement(msgspec.Struct, frozen=True):
    """What holds for the findings of one image. `remarks`: on documents that do not count, as sentences without a full
    stop."""

    exceptions: Sequence[InForce]
    sayings: VexSayings
    remarks: tuple[str, ...]

    def accepted(self, ids: Iterable[str], purl: str) -> Accepted | None:
        """The last exception that accepts a finding: that of the nearest place."""
        if not self.exceptions:
            return None
        names, package = frozenset(ids), without_version(purl)
        for each in reversed(self.exceptions):
            if each.body.accepts(names, package):
                return accepted_by(each)
        return None

    def said(self, ids: Sequence[str], purl: str) -> VexWord | None:
        """What VEX documents that count say of it last."""
        return self.sayings.of(ids, purl)


class Acceptance:
    """See the module."""

    def __init__(self, settings: SettingsInForce, vex: VexOfImages, store: AdvisoryStore, clock: Clock) -> None:
        self._settings = settings
        self._vulnerable: Vulnerable = store.vulnerable
        self._holding: PackageHolders = store.holding
        self._vex = vex
        self._clock = clock

    async def exceptions(self, repository: RepositoryName, tags: frozenset[str]) -> Sequence[InForce]:
        """Exceptions that hold now for an image of a repository with these tags, from the root down."""
        now = self._clock.now()
        return [
            each
            for each in await self._settings.covering(EXCEPTIONS, repository)
            if each.body.holds(now) and each.body.covers(each.path, repository, tags)
        ]

    async def of(self, image: JudgedImage, referred: Collection[str] | None = None) -> Judgement:
        """All that holds for one image; `referred` is what `referred` found of many, of whom this is one."""

        async def purls() -> Sequence[str]:
            numbers = await self._vulnerable.packages(image.digests[0])
            return [package.purl for package in await self._holding.numbered(numbers)]

        exceptions = await self.exceptions(image.repository, image.tags)
        said = await self._vex.of(image.repository, image.digests, image.tags, purls, referred)
        return Judgement(exceptions, said.sayings, said.remarks)

    async def tags(self, places: Sequence[tuple[RepositoryName, Digest]]) -> Mapping[HoldingPlace, frozenset[str]]:
        """The tags by which exceptions and VEX documents may name images: their own, and those of indexes that list
        them, however an image was asked for."""
        asked = list(dict.fromkeys(HoldingPlace(*place) for place in places))
        return await self._holding.tags(asked) if asked else {}

    async def referred(self, repository: RepositoryName, digests: Collection[Digest]) -> Collection[str]:
        """Those of these that VEX documents refer to."""
        return await self._vex.referred(repository, digests)


def accepted_by(exception: InForce) -> Accepted:
    """As it is told."""
    return Accepted(exception.name, exception.path, exception.body.reason, exception.body.until)
