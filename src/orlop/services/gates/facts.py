"""What gates have to know of an image: of what is known of it no more than they ask for."""

from collections.abc import Mapping, Sequence

import msgspec

from orlop.domain.artifacts import kind_of_type
from orlop.domain.content_kinds import ContentKind
from orlop.domain.digest import Digest
from orlop.domain.gates.conditions import ImageFacts
from orlop.domain.gates.expressions import TOO_MUCH, is_about_findings
from orlop.domain.gates.gate import Gate
from orlop.domain.gates.given import Given, GivenFinding
from orlop.domain.gates.judging import FoundThing, JudgedFacts, LicenceThing, Standing, UnsignedThing
from orlop.domain.inside.licence_rules import LICENCE_RULES
from orlop.domain.inside.matching import MATCHER_VERSION
from orlop.domain.manifest import EdgeKind, Manifest
from orlop.domain.names import RepositoryName
from orlop.domain.quarantine.landing import runs
from orlop.ports.advisories import Vulnerable
from orlop.ports.catalog import StoredManifest
from orlop.ports.expressions import Expressions
from orlop.ports.gates import GateRows, ManifestPlace
from orlop.ports.insides import Insides, InsideState
from orlop.services.advisories.accepting import Acceptance
from orlop.services.advisories.counts import CountedImage, ImageCounts, KnownImage
from orlop.services.advisories.matching import Matching
from orlop.services.gates.said import SaidOfImages, read
from orlop.services.inside.documents import AttachedDocuments
from orlop.services.licences.questions import licence_finding
from orlop.services.settings.in_force import SettingsInForce
from orlop.services.trust.standing import ImageTrust

#: Things of each kind of one image that are looked at, the worst of what was found.
_MOST = 10_000
#: Images of an index whose packages are looked up at once; those of others are as the job leaves them.
_CHILDREN = 64
#: How often it is begun again where an image is read, or an advisory comes, just then.
_AGAIN = 3

_STANDING = {InsideState.READ: Standing.KNOWN, InsideState.UNREAD: Standing.UNREAD}


class GatedImage(msgspec.Struct, frozen=True):
    """What a manifest comes to for gates: each image that it is or lists, nothing of what does not run. `until`: when
    an exception ends that holds for it, or a signature counts no longer, in microseconds since 1970; 0: never.
    `settled`: nothing of it becomes known without being told."""

    images: tuple[JudgedFacts, ...]
    until: int = 0
    settled: bool = True


class GateFacts:
    """See the module."""

    def __init__(
        self,
        rows: GateRows,
        insides: Insides,
        vulnerable: Vulnerable,
        counts: ImageCounts,
        matching: Matching,
        acceptance: Acceptance,
        settings: SettingsInForce,
        said: SaidOfImages,
        expressions: Expressions,
        documents: AttachedDocuments,
        trust: ImageTrust,
    ) -> None:
        self._rows = rows
        self._insides = insides
        self._vulnerable = vulnerable
        self._counts = counts
        self._matching = matching
        self._acceptance = acceptance
        self._settings = settings
        self._said = said
        self._expressions = expressions
        self._documents = documents
        self._trust = trust

    async def of(
        self,
        repository: RepositoryName,
        manifest: StoredManifest,
        gates: Sequence[Gate],
        ruled_by: RepositoryName | None = None,
    ) -> GatedImage:
        """What these gates ask of a manifest. `ruled_by`: the repository whose signers, exceptions, rules for licences
        and VEX documents count, and that expressions are told, where that is another. Raises Unavailable."""
        parsed = read(manifest)
        if parsed is None or not (parsed.is_index or runs(parsed)):
            return GatedImage(())
        ruling = ruled_by or repository
        place = await self._rows.place(repository, manifest.digest)
        images: list[JudgedFacts] = [JudgedFacts()]
        settled = True
        if any(gate.needs_read for gate in gates):
            images, settled = await self._read(repository, manifest.digest, parsed, place, gates, ruling)
        if any(gate.require_sbom for gate in gates):
            has_sbom = await self._has_sbom(repository, manifest.digest, parsed, place)
            images = [msgspec.structs.replace(image, has_sbom=has_sbom) for image in images]
        if not parsed.is_index and any(gate.needs_config for gate in gates):
            said = await self._said.of(repository, parsed)
            images = [
                msgspec.structs.replace(
                    image, said=said, expressed=await self._expressed(ruling, manifest.digest, gates, said, image)
                )
                for image in images
            ]
            settled = settled and not any(TOO_MUCH in image.expressed.values() for image in images)
        ends = [each.body.ends_at for each in await self._acceptance.exceptions(ruling, place.tags)]
        if names := sorted({name for gate in gates for name in gate.signed_by}):
            signed = await self._trust.signed_by(repository, manifest.digest, names, ruling)
            unsigned = tuple(UnsignedThing(one.name, one.why) for one in signed.missing)
            images = [msgspec.structs.replace(image, unsigned=unsigned) for image in images]
            ends += [signed.until] if signed.until else []
        return GatedImage(tuple(images), min(ends, default=0), settled)

    async def _expressed(
        self,
        repository: RepositoryName,
        digest: Digest,
        gates: Sequence[Gate],
        said: ImageFacts,
        image: JudgedFacts,
    ) -> Mapping[str, str]:
        """Why it does not meet expressions. What is not read yet is not asked about."""
        asked = list(dict.fromkeys(gate.expression for gate in gates if gate.expression))
        if image.standing is Standing.WAITING:
            asked = [each for each in asked if not is_about_findings(each)]
        if not asked:
            return {}
        found = tuple(
            GivenFinding(one.id, one.package, one.installed, one.fixed, one.severity, one.exploited)
            for one in image.found
        )
        given = Given(repository=str(repository), digest=str(digest), said=said, findings=found)
        return await self._expressions.judge(asked, given)

    async def _has_sbom(
        self, repository: RepositoryName, digest: Digest, parsed: Manifest, place: ManifestPlace
    ) -> bool:
        """Whether an image, what lists it, or what it lists has an SBOM: as such, or attested by cosign or BuildKit."""
        subjects = [digest, *place.indexes, *(edge.digest for edge in parsed.edges if parsed.is_index)]
        types = await self._rows.artifact_types(repository, subjects[:_MOST])
        if any(kind_of_type(each) is ContentKind.SBOM for each in types):
            return True
        for subject in subjects[:_CHILDREN]:
            if any(each.certain for each in await self._documents.listed(repository, subject)):
                return True
        return False

    async def _read(
        self,
        repository: RepositoryName,
        digest: Digest,
        parsed: Manifest,
        place: ManifestPlace,
        gates: Sequence[Gate],
        ruled_by: RepositoryName,
    ) -> tuple[list[JudgedFacts], bool]:
        """What is known by reading it, and whether that is all. Of an index what is known of none of its images is left
        to each of these."""
        children = [edge.digest for edge in parsed.edges if edge.kind is EdgeKind.MANIFEST] if parsed.is_index else []
        looked = [digest, *children][:_CHILDREN]
        wanted = CountedImage(repository, digest, tuple(sorted(place.tags)), place.indexes, ruled_by)
        for _ in range(_AGAIN):
            matched = await self._matched(looked)
            images, modified = await self._counts.images([wanted])
            known = images.get(wanted, ())
            early = {one.digest for one in known if one.state is InsideState.READ and one.digest in looked} - matched
            if not early:
                break
        if not known:
            facts = JudgedFacts() if parsed.is_index else JudgedFacts(standing=Standing.WAITING)
            return [facts], not children
        licences = any(gate.deny_licences for gate in gates)
        found = [
            await self._facts(ruled_by, each, modified, place, licences=licences)
            if each.digest not in early
            else JudgedFacts(standing=Standing.WAITING)
            for each in known
        ]
        return found, not children or len(known) == len(children) <= _CHILDREN - 1

    async def _matched(self, images: Sequence[Digest]) -> frozenset[Digest]:
        """Those that are read, with all of their packages looked up: what is not yet is now."""
        unmatched: Mapping[Digest, tuple[int, ...]] = {}
        for _ in range(_AGAIN):
            unmatched = await self._rows.unmatched(images, MATCHER_VERSION)
            packages = sorted({number for mine in unmatched.values() for number in mine})
            if not packages:
                break
            await self._matching.packages(packages)
        return frozenset(image for image, packages in unmatched.items() if not packages)

    async def _facts(
        self,
        repository: RepositoryName,
        known: KnownImage,
        modified: Mapping[str, int],
        place: ManifestPlace,
        *,
        licences: bool,
    ) -> JudgedFacts:
        standing = _STANDING.get(known.state, Standing.WAITING)
        why = ""
        if standing is Standing.UNREAD:
            inside = await self._insides.of(known.digest)
            why = "; ".join(inside.unread) if inside is not None else ""
        found = tuple(
            FoundThing(
                id=one.id,
                package=one.package,
                installed=one.installed,
                fixed=one.fixed,
                severity=one.severity,
                exploited=one.exploited,
                changed_at=max((modified.get(name, 0) for name in one.ids), default=0),
            )
            for one in known.open
        )
        wrong = await self._licences(repository, known.digest, place.tags) if licences else ()
        return JudgedFacts(standing=standing, why=why, found=found[:_MOST], licences=wrong)

    async def _licences(
        self, repository: RepositoryName, image: Digest, tags: frozenset[str]
    ) -> tuple[LicenceThing, ...]:
        rules = await self._settings.covering(LICENCE_RULES, repository)
        if not rules:
            return ()
        exceptions = await self._acceptance.exceptions(repository, tags)
        found = []
        for held in await self._insides.packages(image):
            wrong = licence_finding(held, rules, exceptions)
            if wrong is not None and wrong.accepted is None:
                found.append(LicenceThing(held.package.name, held.package.version, wrong.why))
        return tuple(found[:_MOST])
