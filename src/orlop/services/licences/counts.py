"""How many packages of images of a list rules for licences find wrong."""

from collections.abc import Mapping, Sequence

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.inside.licence_rules import LICENCE_RULES
from orlop.ports.counting import Counting
from orlop.ports.insides import Insides, InsideState
from orlop.services.advisories.accepting import Acceptance
from orlop.services.advisories.counts import CountedImage
from orlop.services.licences.questions import licence_finding
from orlop.services.settings.in_force import InForce, SettingsInForce


class LicenceCounts(msgspec.Struct, frozen=True):
    """Packages under a licence that a rule finds wrong: `findings` that nobody accepts, and `accepted`. Of an index, of
    that of its images of which most is found."""

    findings: int = 0
    accepted: int = 0


class LicencesOfImages:
    """See the module. What rules hold is asked first: where none does, no image is looked at."""

    def __init__(self, settings: SettingsInForce, counting: Counting, insides: Insides, acceptance: Acceptance) -> None:
        self._settings = settings
        self._counting = counting
        self._insides = insides
        self._acceptance = acceptance

    async def of(self, wanted: Sequence[CountedImage]) -> Mapping[CountedImage, LicenceCounts]:
        """Of manifests anywhere; whoever asks knows that they may be told. Nothing of those that no rule is about, and
        of which nothing is known."""
        found = {}
        for one in wanted:
            rules = await self._settings.covering(LICENCE_RULES, one.repository)
            if not rules:
                continue
            parts = (await self._counting.parts(one.repository, [one.digest])).get(str(one.digest), ())
            read = [part.digest for part in parts if part.state is InsideState.READ]
            if not read:
                continue
            tags = await self._acceptance.tags([(one.repository, digest) for digest in read])
            counts = []
            for place, called in tags.items():
                exceptions = await self._acceptance.exceptions(one.repository, called.union(one.tags))
                counts.append(await self._counted(place.digest, rules, exceptions))
            found[one] = max(counts, key=lambda each: (each.findings, each.accepted))
        return found

    async def _counted(self, image: Digest, rules: Sequence[InForce], exceptions: Sequence[InForce]) -> LicenceCounts:
        wrong: dict[str, bool] = {}
        for held in await self._insides.packages(image):
            if held.purl in wrong:
                continue
            finding = licence_finding(held, rules, exceptions)
            if finding is not None:
                wrong[held.purl] = finding.accepted is not None
        accepted = sum(wrong.values())
        return LicenceCounts(len(wrong) - accepted, accepted)
