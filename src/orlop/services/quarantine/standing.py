"""What keeps something in quarantine: rules and gates of its place, as they are now."""

from enum import StrEnum

import msgspec

from orlop.domain.durations import span
from orlop.domain.gates.gate import GateAt
from orlop.domain.names import Tag
from orlop.domain.quarantine.rules import QUARANTINE_RULES
from orlop.ports.catalog import Manifests
from orlop.ports.held import HeldPush
from orlop.services.gates.naming import image_words
from orlop.services.gates.verdicts import GateVerdicts
from orlop.services.settings.in_force import SettingsInForce


class Stand(StrEnum):
    """What it waits for."""

    NOTHING = "nothing"
    """Whatever held it is gone, or content."""
    GATES = "gates"
    """A gate that enforces has something against it, or does not know it yet."""
    PERSON = "person"
    """The gates let it pass; somebody has to let it out."""
    GONE = "gone"
    """It was deleted."""


class Standing(msgspec.Struct, frozen=True):
    """`settings`: the version of all settings as long as which it holds. `why`: what a gate says, as a sentence.
    `ends_at`: when it is refused if nobody lets it out, in microseconds since 1970; 0: never."""

    stand: Stand
    settings: int
    why: str = ""
    ends_at: int = 0


class QuarantineStanding:
    """See the module."""

    def __init__(self, settings: SettingsInForce, verdicts: GateVerdicts, manifests: Manifests) -> None:
        self._settings = settings
        self._verdicts = verdicts
        self._manifests = manifests

    async def of(self, held: HeldPush, *, remembered: bool = False) -> Standing:
        """How one that waits stands; `remembered`: by what is remembered of gates as long as nothing changed that they
        go by, for whoever looks at many. Raises Unavailable."""
        # The version first: the gates that are read after it are no older.
        version, in_force = await self._settings.versioned(QUARANTINE_RULES, held.repository)
        rules = [each.body for each in in_force]
        if not rules:
            return Standing(Stand.NOTHING, version)
        ends_at = held.pushed_at + min(span(rule.keep) for rule in rules)
        manifest = await self._manifests.resolve(held.repository, held.digest)
        if manifest is None:
            return Standing(Stand.GONE, version, ends_at=ends_at)
        if remembered:
            refusal = (await self._verdicts.at_pull(held.repository, manifest)).refusal
        else:
            gates = await self._verdicts.gates(held.repository, GateAt.PULL)
            refusal = (await self._verdicts.of(held.repository, manifest, gates)).refusal
        if refusal is not None:
            reference = Tag(held.first) if held.first else held.digest
            sentence = refusal.sentence(image_words(held.repository, reference, refusal.path))
            return Standing(Stand.GATES, version, sentence, ends_at)
        stand = Stand.PERSON if any(rule.person for rule in rules) else Stand.NOTHING
        return Standing(stand, version, ends_at=ends_at)
