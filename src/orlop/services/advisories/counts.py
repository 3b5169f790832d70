"""How much is known to be wrong with each image of a list: as many questions as for one of them."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from orlop.domain.access import Action, Caller
from orlop.domain.digest import Digest
from orlop.domain.inside.severity import SEVERITIES
from orlop.domain.names import RepositoryName
from orlop.ports.advisories import FoundInImage, Vulnerable
from orlop.ports.counting import Counting, PartImage
from orlop.ports.holding import HoldingPlace
from orlop.ports.insides import InsideState
from orlop.services.access.decisions import Access
from orlop.services.advisories.accepting import Acceptance, JudgedImage
from orlop.services.advisories.questions import Vulnerability, grouped, judged


class FindingCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How much is known. Of an index, of that of its images of which most is: the counts of several are not added up.

    `state`: of an index, of that of its images of which least is known. `counts`: by severity, of what nothing clears;
    `accepted`: how much exceptions accept, `cleared`: how much else VEX documents clear; `fixable`: how much of
    `counts` a version mends.
    """

    state: InsideState
    counts: Mapping[str, int] = {}
    accepted: int = 0
    cleared: int = 0
    fixable: int = 0


class CountedImage(msgspec.Struct, frozen=True):
    """Something to count: a manifest of a repository, and tags that it has, beside those that are known of it.
    `indexes`: those that it is listed by, which VEX documents may be about. `ruled_by`: the repository whose
    exceptions and VEX documents count, where that is another."""

    repository: RepositoryName
    digest: Digest
    tags: tuple[str, ...] = ()
    indexes: tuple[Digest, ...] = ()
    ruled_by: RepositoryName | None = None


class KnownFindings(msgspec.Struct, frozen=True, kw_only=True):
    """What is behind the counts: see FindingCounts. `found`: what nothing clears, the worst first; `oldest`: when the
    oldest advisory of those was last changed that a version mends, 0: there is none."""

    counts: FindingCounts
    found: tuple[Vulnerability, ...] = ()
    oldest: int = 0


class KnownImage(msgspec.Struct, frozen=True):
    """All that is wrong with one image, whether or not something clears it."""

    digest: Digest
    state: InsideState
    all: tuple[Vulnerability, ...]

    @property
    def open(self) -> tuple[Vulnerability, ...]:
        """What nothing clears, the worst first."""
        return _worst_first(one for one in self.all if one.is_open)


class ImageCounts:
    """See the module."""

    def __init__(self, access: Access, counting: Counting, vulnerable: Vulnerable, acceptance: Acceptance) -> None:
        self._access = access
        self._counting = counting
        self._vulnerable = vulnerable
        self._acceptance = acceptance

    async def of(
        self, caller: Caller, repository: RepositoryName, manifests: Mapping[Digest, Iterable[str]]
    ) -> Mapping[str, FindingCounts]:
        """Of manifests of one repository, with their tags; nothing of what is no image, and nothing at all where the
        caller may not read what was found there. Raises Unauthorized."""
        decision = await self._access.decide(caller, Action.SCAN_READ, repository=repository)
        if not decision.allowed:
            return {}
        wanted = [CountedImage(repository, digest, tuple(tags)) for digest, tags in manifests.items()]
        return {str(one.digest): known.counts for one, known in (await self.known(wanted)).items()}

    async def known(self, wanted: Sequence[CountedImage]) -> Mapping[CountedImage, KnownFindings]:
        """The same of manifests anywhere; whoever asks knows that they may be told."""
        images, modified = await self.images(wanted)
        found: dict[CountedImage, KnownFindings] = {}
        for one, known in images.items():
            state = min((each.state for each in known), key=_least_known)
            found[one] = max((_known(state, each.all, modified) for each in known), key=_weight)
        return found

    async def images(
        self, wanted: Sequence[CountedImage]
    ) -> tuple[Mapping[CountedImage, Sequence[KnownImage]], Mapping[str, int]]:
        """What is known of each image that each of these manifests is or lists, nothing of what is no image; and when
        advisories were last changed, by their ids."""
        by_repository: dict[RepositoryName, list[Digest]] = {}
        for one in wanted:
            by_repository.setdefault(one.repository, []).append(one.digest)
        parts: dict[tuple[RepositoryName, str], tuple[PartImage, ...]] = {}
        for repository, digests in by_repository.items():
            for manifest, images in (await self._counting.parts(repository, digests)).items():
                parts[repository, manifest] = images
        read = sorted({one.digest for images in parts.values() for one in images if one.state is InsideState.READ})
        hit = await self._counting.hit(read) if read else {}
        of_package, modified = await self._of_packages(sorted({number for mine in hit.values() for number in mine}))
        listed = {index for one in wanted for index in one.indexes}
        ruling = dict.fromkeys((one.repository, one.ruled_by or one.repository) for one in wanted)
        referred = {
            ruled_by: await self._acceptance.referred(ruled_by, _asked_for(parts, repository) | listed)
            for repository, ruled_by in ruling
        }
        tags = await self._acceptance.tags(
            [(name, each.digest) for (name, _), images in parts.items() for each in images if hit.get(str(each.digest))]
        )
        found: dict[CountedImage, Sequence[KnownImage]] = {}
        for one in wanted:
            known = []
            for each in parts.get((one.repository, str(one.digest)), ()):
                if each.state is None:
                    continue
                packages = sorted(hit.get(str(each.digest), ()))
                mine = [vuln for number in packages for vuln in of_package.get(number, ())]
                if mine:
                    called = tags[HoldingPlace(one.repository, each.digest)]
                    judgement = await self._acceptance.of(
                        _judged_as(one, each, called), referred[one.ruled_by or one.repository]
                    )
                    mine = [judged(vuln, judgement) for vuln in mine]
                known.append(KnownImage(each.digest, each.state, tuple(mine)))
            if known:
                found[one] = known
        return found, modified

    async def _of_packages(
        self, packages: Sequence[int]
    ) -> tuple[Mapping[int, Sequence[Vulnerability]], Mapping[str, int]]:
        """What is wrong with packages, and when each advisory was last changed."""
        if not packages:
            return {}, {}
        told = await self._counting.findings(packages)
        aliases = await self._vulnerable.aliases(sorted({one.advisory for one in told}))
        names = sorted({one.id for one in told} | {name for mine in aliases.values() for name in mine})
        exploited = await self._vulnerable.exploited([name for name in names if name.startswith("CVE-")])
        rows: dict[int, list[FoundInImage]] = {}
        for one in told:
            row = FoundInImage(
                package=one.package,
                type=one.type,
                name=one.name,
                version=one.version,
                purl=one.purl,
                layer=0,
                path="",
                advisory=one.advisory,
                id=one.id,
                summary="",
                fixed=one.fixed,
                severity=one.severity,
                source=one.source,
                how=one.how,
            )
            rows.setdefault(one.package, []).append(row)
        found = {number: grouped(mine, aliases, exploited, {}) for number, mine in rows.items()}
        return found, {one.id: one.modified for one in told}


def _judged_as(counted: CountedImage, image: PartImage, tags: frozenset[str]) -> JudgedImage:
    digests = dict.fromkeys((image.digest, counted.digest, *counted.indexes))
    return JudgedImage(
        repository=counted.ruled_by or counted.repository, digests=tuple(digests), tags=tags.union(counted.tags)
    )


def _asked_for(
    parts: Mapping[tuple[RepositoryName, str], Sequence[PartImage]], repository: RepositoryName
) -> set[Digest]:
    """Images of a repository that are counted, and the indexes that list them."""
    mine = [(manifest, images) for (name, manifest), images in parts.items() if name == repository]
    return {Digest.stored(manifest) for manifest, _ in mine} | {one.digest for _, images in mine for one in images}


def _known(state: InsideState, all_: Sequence[Vulnerability], modified: Mapping[str, int]) -> KnownFindings:
    found = [one for one in all_ if one.is_open]
    accepted = sum(one.accepted is not None for one in all_)
    counts = {word: number for word in SEVERITIES if (number := sum(one.severity == word for one in found))}
    mended = [one for one in found if one.fixed]
    ages = [modified[name] for one in mended for name in one.ids if modified.get(name, 0) > 0]
    return KnownFindings(
        counts=FindingCounts(
            state=state,
            counts=counts,
            accepted=accepted,
            cleared=len(all_) - len(found) - accepted,
            fixable=len(mended),
        ),
        found=_worst_first(found),
        oldest=min(ages, default=0),
    )


def _worst_first(found: Iterable[Vulnerability]) -> tuple[Vulnerability, ...]:
    return tuple(sorted(found, key=lambda one: (SEVERITIES.index(one.severity), not one.exploited, one.id)))


def _weight(known: KnownFindings) -> tuple[int, ...]:
    """What is worse: more of what is worst."""
    counts = known.counts
    return (*(counts.counts.get(word, 0) for word in SEVERITIES), counts.accepted, counts.cleared)


def _least_known(state: InsideState) -> int:
    """One that waits comes before one that could not be read, and that before one that was."""
    return {InsideState.WAITING: 0, InsideState.READING: 0, InsideState.UNREAD: 1, InsideState.READ: 2}[state]
