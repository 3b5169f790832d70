"""Pushes at gates: what an image says of itself is known when its manifest comes, and judged before it is stored."""

from collections.abc import Callable

from orlop.domain.access import Action, Caller
from orlop.domain.digest import Digest
from orlop.domain.errors import Denied, ManifestBlobUnknown, Refused
from orlop.domain.gates.gate import GATES, GateAt, GateMode
from orlop.domain.gates.given import Given
from orlop.domain.gates.judging import JudgedFacts, objection
from orlop.domain.manifest import Manifest
from orlop.domain.names import Reference, RepositoryName, Tag
from orlop.domain.quarantine.landing import runs
from orlop.ports.clock import Clock
from orlop.ports.events import Changes
from orlop.ports.expressions import Expressions
from orlop.services.content.manifests import GatedPush
from orlop.services.gates.naming import image_words
from orlop.services.gates.pulls import GateOutcome
from orlop.services.gates.said import SaidOfImages
from orlop.services.settings.in_force import SettingsInForce

#: Repositories of which it is remembered that no gate is looked at there.
_REMEMBERED = 50_000


class GatedPushes:
    """See services.content.manifests.PushGate. `told` counts outcomes; `warned` tells the audit log of whom a gate
    warned: the caller, the repository, the digest, the tag or nothing, and the sentence."""

    def __init__(
        self,
        settings: SettingsInForce,
        settings_changes: Changes,
        said: SaidOfImages,
        expressions: Expressions,
        clock: Clock,
        told: Callable[[str], object],
        warned: Callable[[Caller, str, str, str, str], None],
    ) -> None:
        self._settings = settings
        self._settings_changes = settings_changes
        self._said = said
        self._expressions = expressions
        self._clock = clock
        self._told = told
        self._warned = warned
        self._free: dict[RepositoryName, int] = {}

    def clear(self, repository: RepositoryName) -> bool:
        """See PushGate."""
        free = self._free.get(repository)
        return free is not None and free == self._settings_changes.current()

    async def check(
        self, caller: Caller, repository: RepositoryName, reference: Reference, digest: Digest, manifest: Manifest
    ) -> GatedPush:
        """See PushGate."""
        count = self._settings_changes.current()
        version, in_force = await self._settings.versioned(GATES, repository)
        gates = [each for each in in_force if GateAt.PUSH in each.body.on and each.body.mode is not GateMode.OFF]
        if not gates:
            if count is not None and count == self._settings_changes.current():
                if len(self._free) >= _REMEMBERED:
                    self._free.clear()
                self._free[repository] = count
            return GatedPush(version)
        if manifest.is_index or not runs(manifest):
            return GatedPush(version)
        if missing := await self._said.missing(repository, manifest):
            raise ManifestBlobUnknown(
                f"{repository} does not hold {len(missing)} of what the manifest names; push them first",
                {"digests": missing},
            )
        said, now = await self._said.of(repository, manifest), self._clock.now()
        given = Given(repository=str(repository), digest=str(digest), said=said)
        asked = list(dict.fromkeys(each.body.expression for each in gates if each.body.expression))
        facts = JudgedFacts(said=said, expressed=await self._expressions.judge(asked, given))
        against = [one for each in gates if (one := objection(each.body, each.name, each.path, facts, now))]
        tag = str(reference) if isinstance(reference, Tag) else ""
        for one in sorted(against, key=lambda one: one.mode is not GateMode.ENFORCE):
            sentence = one.sentence(image_words(repository, reference, one.path))
            if one.mode is GateMode.ENFORCE:
                self._told(GateOutcome.REFUSED)
                detail = {"gate": one.gate, "at": one.path, "digest": str(digest)}
                denied = Denied(sentence, detail, kind=GATES.kind)
                denied.refused = Refused(Action.PUSH_NEW.value, repository, sentence, tag)
                raise denied
            return GatedPush(version, sentence)
        return GatedPush(version)

    def warned(self, caller: Caller, repository: RepositoryName, digest: Digest, tag: str, sentence: str) -> None:
        """See PushGate."""
        self._told(GateOutcome.WARNED)
        self._warned(caller, repository, str(digest), tag, sentence)
