"""Pulls at gates: what is held back is refused with a sentence, what is not known yet waits for a moment."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import NamedTuple

import msgspec

from orlop.domain.access import Action, Caller
from orlop.domain.durations import SECOND
from orlop.domain.errors import Denied, NotJudged, Refused, Unavailable
from orlop.domain.gates.gate import GATES
from orlop.domain.gates.judging import Objection
from orlop.domain.names import Reference, RepositoryName, Tag
from orlop.domain.quarantine.landing import runs
from orlop.ports.catalog import StoredManifest
from orlop.ports.clock import Clock
from orlop.services.access.decisions import Access
from orlop.services.content.manifests import unknown_manifest
from orlop.services.content.quarantined import pushed_it, sees_quarantine
from orlop.services.gates.naming import image_words
from orlop.services.gates.said import read
from orlop.services.gates.verdicts import GateVerdicts, Verdict

#: How often it is looked whether what a pull waits for is known, in seconds, and when to come back after that.
_LOOK, _AGAIN = 0.1, 15
#: For how long it is looked what to take instead, and for whom a refusal is none, in seconds.
_PATIENCE = 1.0


class GateOutcome(StrEnum):
    """What came of a pull of which a gate said something."""

    REFUSED = "refused"
    WAITING = "waiting"
    WARNED = "warned"
    HELD = "held"
    """It was held back, but not from whoever asked."""


class Passed(msgspec.Struct, frozen=True):
    """A pull that goes on. `warning`: what the client is to know."""

    warning: str = ""
    outcome: GateOutcome | None = None


class _Asked(NamedTuple):
    """A pull, the repository whose gates are looked at, and the one that holds the image."""

    caller: Caller
    at: RepositoryName
    repository: RepositoryName
    reference: Reference
    manifest: StoredManifest

    def words(self, objection: Objection) -> str:
        """The image as the gate names it."""
        return image_words(self.at, self.reference, objection.path)


class GatedPulls:
    """`wanted` has an image read that waits for it; `newest` gives the tag of a repository that was set last, and what
    it points at; `told` counts outcomes."""

    def __init__(
        self,
        verdicts: GateVerdicts,
        access: Access,
        clock: Clock,
        wanted: Callable[[RepositoryName, StoredManifest], Awaitable[None]],
        newest: Callable[[RepositoryName], Awaitable[tuple[str, StoredManifest] | None]],
        told: Callable[[str], None],
    ) -> None:
        self._verdicts = verdicts
        self._access = access
        self._clock = clock
        self._wanted = wanted
        self._newest = newest
        self._told = told
        self.clear = verdicts.clear
        """See GateVerdicts."""
        self.shows = verdicts.shows
        """See GateVerdicts."""

    async def check(
        self,
        caller: Caller,
        repository: RepositoryName,
        reference: Reference,
        manifest: StoredManifest,
        through: RepositoryName | None = None,
    ) -> Passed:
        """Let a pull go on from the repository that holds it. `through`: the name below a virtual that was asked for,
        whose gates hold as well. Raises Denied where a gate refuses it, NotJudged where that is not known yet;
        ManifestUnknown where it waits in quarantine, unless the caller pushed it or lets it out."""
        verdict = await self._look(caller, repository, reference, manifest)
        asked = _Asked(caller, repository, repository, reference, manifest)
        passed = await self._passed(asked, verdict)
        if through is None:
            return passed
        asked = asked._replace(at=through)
        shown = await self._passed(asked, await self._verdicts.at_pull(repository, manifest, through))
        return passed if passed.warning else shown

    async def _passed(self, asked: _Asked, verdict: Verdict) -> Passed:
        if not verdict.objections:
            return Passed()
        refusal = verdict.refusal
        if refusal is not None and not await self._is_held_from(asked.caller, asked.at):
            self._told(GateOutcome.HELD)
            return Passed(refusal.sentence(asked.words(refusal)), GateOutcome.HELD)
        if verdict.is_waiting:
            verdict = await self._waited(asked, verdict, hurried=refusal is None or not refusal.waiting)
            refusal = verdict.refusal
        if refusal is not None:
            raise await self._refused(asked, refusal)
        warning = verdict.warning
        if warning is None:
            return Passed()
        self._told(GateOutcome.WARNED)
        return Passed(warning.sentence(asked.words(warning)), GateOutcome.WARNED)

    async def check_shown(
        self, caller: Caller, repository: RepositoryName, reference: Reference, manifest: StoredManifest
    ) -> None:
        """Let somebody know that it is there, whatever gates say of it. Raises ManifestUnknown as `check`."""
        await self._look(caller, repository, reference, manifest)

    async def _look(
        self, caller: Caller, repository: RepositoryName, reference: Reference, manifest: StoredManifest
    ) -> Verdict:
        verdict = await self._verdicts.at_pull(repository, manifest)
        hidden = verdict.held is not None and not pushed_it(caller, verdict.held)
        if hidden and not await sees_quarantine(self._access, caller, repository):
            raise unknown_manifest(repository, reference)
        return verdict

    async def _is_held_from(self, caller: Caller, repository: RepositoryName) -> bool:
        """Whether gates concern somebody. Where anybody may do anything they concern everybody, and so they do while
        the catalog is away, which tells who has the right."""
        if self._access.everyone:
            return True
        try:
            async with asyncio.timeout(_PATIENCE):
                return not await self._access.allows(caller, Action.PULL_HELD, repository=repository)
        except (Unavailable, TimeoutError):
            return True

    async def _waited(self, asked: _Asked, verdict: Verdict, *, hurried: bool) -> Verdict:
        """The verdict once all is known, or after the longest wait of a gate that does not know. Nobody waits for what
        only warns, or where it is refused whatever comes."""
        await self._wanted(asked.repository, asked.manifest)
        until = self._clock.now() + verdict.wait * SECOND
        while not hurried and verdict.is_waiting and self._clock.now() < until:
            await asyncio.sleep(_LOOK)
            verdict = await self._verdicts.at_pull(asked.repository, asked.manifest, asked.at)
        return verdict

    async def _refused(self, asked: _Asked, refusal: Objection) -> Denied:
        image, reference = asked.words(refusal), asked.reference
        detail = {"gate": refusal.gate, "at": refusal.path, "digest": str(asked.manifest.digest)}
        if refusal.waiting:
            self._told(GateOutcome.WAITING)
            place = refusal.path or "the registry"
            sentence = f"gate {refusal.gate} on {place}: {image} is being scanned, try again in {_AGAIN} seconds"
            return NotJudged(sentence, detail, kind=GATES.kind, retry_after=_AGAIN)
        self._told(GateOutcome.REFUSED)
        sentence = (await self._mended(asked, refusal)).sentence(image)
        denied = Denied(sentence, detail, kind=GATES.kind)
        tag = str(reference) if isinstance(reference, Tag) else ""
        denied.refused = Refused(Action.PULL.value, asked.at, sentence, tag)
        return denied

    async def _mended(self, asked: _Asked, refusal: Objection) -> Objection:
        """With the newest tag as what to take, where that is another image that nothing holds back; while the catalog
        is away nobody knows of one."""
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._newer(asked, refusal)
        except (Unavailable, TimeoutError):
            return refusal

    async def _newer(self, asked: _Asked, refusal: Objection) -> Objection:
        newest = await self._newest(asked.repository)
        if newest is None or newest[1].digest == asked.manifest.digest:
            return refusal
        tag, other = newest
        parsed = read(other)
        if parsed is None or not (parsed.is_index or runs(parsed)):  # the tag of a signature, as cosign sets it
            return refusal
        for at in {asked.repository, asked.at}:
            if (await self._verdicts.at_pull(asked.repository, other, at)).objections:
                return refusal
        return msgspec.structs.replace(refusal, remedy=f"deploy {tag} or ask for an exception")
