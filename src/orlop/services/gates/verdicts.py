"""What the gates of a place say of an image, remembered for as long as nothing that they go by changes."""

import asyncio
from collections import OrderedDict
from typing import NamedTuple

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.durations import SECOND
from orlop.domain.errors import Unavailable
from orlop.domain.gates.gate import GATES, GateAt, GateMode
from orlop.domain.gates.judging import Objection, changes_at, objection
from orlop.domain.names import RepositoryName
from orlop.domain.quarantine.rules import QUARANTINE_RULES
from orlop.ports.catalog import StoredManifest
from orlop.ports.clock import Clock
from orlop.ports.events import KNOWN_OF_IMAGES, Changes
from orlop.ports.held import HeldPush, HeldPushes
from orlop.services.gates.facts import GateFacts
from orlop.services.settings.in_force import InForce, SettingsInForce

#: For how long the catalog is asked where an answer is remembered from before it went away, in seconds.
_PATIENCE = 0.25
#: For how long a verdict on an index holds of which some images are not known yet: each is judged by itself.
_UNSETTLED = 10 * SECOND
#: Verdicts that a process remembers.
REMEMBERED = 50_000


class Verdict(msgspec.Struct, frozen=True):
    """What gates have against an image, those that enforce first. `until`: when it may be another though nothing
    changes, in microseconds since 1970; 0: never. `wait`: for how many seconds a pull waits for what is not known."""

    objections: tuple[Objection, ...] = ()
    until: int = 0
    wait: int = 0
    held: HeldPush | None = None
    """What hides it, where it waits in quarantine."""

    @property
    def refusal(self) -> Objection | None:
        """The first that refuses, of those that know why before those that wait."""
        refusing = [one for one in self.objections if one.mode is GateMode.ENFORCE]
        return min(refusing, key=lambda one: one.waiting, default=None)

    @property
    def warning(self) -> Objection | None:
        """The first that warns and knows of what."""
        return next((one for one in self.objections if one.mode is GateMode.WARN and not one.waiting), None)

    @property
    def is_waiting(self) -> bool:
        """Whether there is something that is not known yet."""
        return any(one.waiting for one in self.objections)


class _Counts(NamedTuple):
    """Where the catalog stood: content of the repository, what is known of images, settings."""

    content: int
    known: int
    settings: int


class _Pulled(NamedTuple):
    """An image, the repository that holds it, and the one whose gates are looked at."""

    at: RepositoryName
    repository: RepositoryName
    digest: Digest


class _Kept(NamedTuple):
    place: int
    counts: _Counts
    verdict: Verdict


class GateVerdicts:
    """`changes` counts changes of content, and of what is known of images; `settings_changes` those of settings."""

    def __init__(
        self,
        settings: SettingsInForce,
        facts: GateFacts,
        held: HeldPushes,
        changes: Changes,
        settings_changes: Changes,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._facts = facts
        self._held = held
        self._changes = changes
        self._settings_changes = settings_changes
        self._clock = clock
        self._known_place = changes.place(KNOWN_OF_IMAGES)
        self._free: dict[RepositoryName, int] = {}
        """Repositories of which no gate says anything at a pull, with the count of settings."""
        self._kept: OrderedDict[_Pulled, _Kept] = OrderedDict()
        self._judging: dict[_Pulled, asyncio.Task[Verdict]] = {}

    def clear(self, repository: RepositoryName, digest: Digest, at: RepositoryName | None = None) -> bool:
        """Whether it is remembered that no gate has anything against a pull. `at`: the repository whose gates are
        looked at, where that is another than the one that holds it. Costs about a microsecond, and waits for
        nothing."""
        verdict = self._recalled(_Pulled(at or repository, repository, digest))
        if verdict is not None:
            return not verdict.objections and verdict.held is None
        free = self._free.get(at or repository)
        return free is not None and free == self._settings_changes.current()

    def shows(self, repository: RepositoryName, digest: Digest) -> bool:
        """Whether it is remembered that no quarantine hides a manifest. Costs about a microsecond."""
        verdict = self._recalled(_Pulled(repository, repository, digest))
        if verdict is not None:
            return verdict.held is None
        free = self._free.get(repository)
        return free is not None and free == self._settings_changes.current()

    async def at_pull(
        self, repository: RepositoryName, manifest: StoredManifest, at: RepositoryName | None = None
    ) -> Verdict:
        """What gates say of a pull; `at` as of `clear`. Raises Unavailable."""
        pulled = _Pulled(at or repository, repository, manifest.digest)
        known = self._recalled(pulled)
        if known is not None:
            return known
        before = self._before(pulled)
        if before is None:
            return await self._worked_out(pulled, manifest)
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._worked_out(pulled, manifest)
        except (Unavailable, TimeoutError):
            return before

    def _before(self, pulled: _Pulled) -> Verdict | None:
        """What was remembered when the catalog was seen last, while it is away: by then nobody changed anything, and
        who may pull by digest is known no longer than that either."""
        settings = self._settings_changes.last()
        if settings is None:
            return None
        if self._free.get(pulled.at) == settings[0]:
            return Verdict()
        kept = self._kept.get(pulled)
        if kept is None:
            return None
        content, known = self._changes.last(kept.place), self._changes.last(self._known_place)
        if content is None or known is None:
            return None
        return self._standing(kept, _Counts(content[0], known[0], settings[0]))

    async def _worked_out(self, pulled: _Pulled, manifest: StoredManifest) -> Verdict:
        settings = self._settings_changes.current()
        gates = await self.gates(pulled.at, GateAt.PULL)
        if not gates and not await self._settings.covering(QUARANTINE_RULES, pulled.at):
            if settings is not None and settings == self._settings_changes.current():
                if len(self._free) >= REMEMBERED:
                    self._free.clear()
                self._free[pulled.at] = settings
            return Verdict()
        task = self._judging.get(pulled)
        if task is None:
            task = self._judging[pulled] = asyncio.ensure_future(self._judged(pulled, manifest))
            task.add_done_callback(lambda _: self._judging.pop(pulled, None))
        return await asyncio.shield(task)

    async def gates(self, repository: str, *at: GateAt) -> tuple[InForce, ...]:
        """Those that are looked at there at any of these, from the root down."""
        return tuple(
            each
            for each in await self._settings.covering(GATES, repository)
            if not frozenset(at).isdisjoint(each.body.on) and each.body.mode is not GateMode.OFF
        )

    async def of(
        self,
        repository: RepositoryName,
        manifest: StoredManifest,
        gates: tuple[InForce, ...],
        ruled_by: RepositoryName | None = None,
    ) -> Verdict:
        """What these gates say of a manifest now; `ruled_by` as of GateFacts.of."""
        now = self._clock.now()
        known = await self._facts.of(repository, manifest, [each.body for each in gates], ruled_by)
        objections: list[Objection] = []
        ends = [known.until] if known.until else []
        ends += [] if known.settled else [now + _UNSETTLED]
        for gate in gates:
            found = [objection(gate.body, gate.name, gate.path, each, now) for each in known.images]
            objections += sorted((one for one in found if one is not None), key=lambda one: one.waiting)[:1]
            ends += [at for each in known.images if (at := changes_at(gate.body, each, now))]
        objections.sort(key=lambda one: one.mode is not GateMode.ENFORCE)
        waiting = {(one.gate, one.path) for one in objections if one.waiting}
        wait = max((gate.body.wait for gate in gates if (gate.name, gate.path) in waiting), default=0)
        return Verdict(tuple(objections), min(ends, default=0), wait)

    async def _judged(self, pulled: _Pulled, manifest: StoredManifest) -> Verdict:
        at, repository = pulled.at, pulled.repository
        place = self._changes.place(repository)
        counts = self._counts(place)
        gates = await self.gates(at, GateAt.PULL)  # after the counts were taken
        verdict = await self.of(repository, manifest, gates, at)
        if at == repository and await self._settings.covering(QUARANTINE_RULES, repository):
            held = await self._held.of(repository, manifest.digest)
            verdict = msgspec.structs.replace(verdict, held=held)
        if counts is not None and counts == self._counts(place) and not verdict.is_waiting:
            self._kept[pulled] = _Kept(place, counts, verdict)
            if len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
        return verdict

    def _recalled(self, pulled: _Pulled) -> Verdict | None:
        kept = self._kept.get(pulled)
        return self._standing(kept, self._counts(kept.place)) if kept is not None else None

    def _standing(self, kept: _Kept, counts: _Counts | None) -> Verdict | None:
        """What is remembered, as long as the catalog stands there and the time has not come when it ends by itself."""
        if kept.counts != counts:
            return None
        verdict = kept.verdict
        return None if verdict.until and verdict.until <= self._clock.now() else verdict

    def _counts(self, place: int) -> _Counts | None:
        """Where the catalog stands, of a repository at this place; None while something is being written."""
        content = self._changes.current(place)
        known = self._changes.current(self._known_place)
        settings = self._settings_changes.current()
        if content is None or known is None or settings is None:
            return None
        return _Counts(content, known, settings)
