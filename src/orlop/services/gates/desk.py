"""What gates say, for whoever asks before a client does: of one image, and of all that a place holds."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from orlop.domain.access import Action, Caller
from orlop.domain.access.spans import EVERYTHING, NameSpan, after, at_or_below, common
from orlop.domain.digest import Digest
from orlop.domain.errors import NotFound, PageInvalid
from orlop.domain.gates.gate import GATES, Gate, GateAt, GateMode
from orlop.domain.gates.judging import Objection
from orlop.domain.names import Reference, RepositoryName
from orlop.domain.pages import PageRequest
from orlop.domain.settings import checked_name, checked_path, place_words
from orlop.ports.catalog import Manifests as ManifestRows
from orlop.ports.gates import GateRows, TaggedImage
from orlop.ports.search import SearchRows
from orlop.services.access.decisions import Access
from orlop.services.content.manifests import Manifests
from orlop.services.content.repositories import Repositories
from orlop.services.gates.naming import image_words
from orlop.services.gates.verdicts import GateVerdicts
from orlop.services.management.operations import Gate as Permission
from orlop.services.management.operations import Operation
from orlop.services.settings.in_force import InForce, SettingsInForce

#: Images that one answer looks at, at most, and names of repositories that are read at once.
PAGE_MOST, _NAMES = 500, 100


class GateWord(msgspec.Struct, frozen=True):
    """What one gate says: `outcome` is passes, refuses, warns, waits or off; `sentence`: why, empty where it passes."""

    gate: str
    path: str
    mode: GateMode
    outcome: str
    sentence: str


class GatesExplained(msgspec.Struct, frozen=True):
    """What all gates of its place say of an image. `held`: whether it is held back; `from_caller`: also from whoever
    asks."""

    repository: RepositoryName
    reference: Reference
    digest: Digest
    held: bool
    from_caller: bool
    gates: tuple[GateWord, ...]


class HeldImage(msgspec.Struct, frozen=True):
    """A tag that a gate would hold back, and what it would say."""

    repository: RepositoryName
    tag: str
    digest: Digest
    waiting: bool
    sentence: str


class DryRun(msgspec.Struct, frozen=True):
    """What a gate would do to some of what a place holds. `looked`: at how many tags; `goes_on`: where the next answer
    begins, empty: nowhere."""

    looked: int
    held: tuple[HeldImage, ...]
    goes_on: str


class GateDesk:
    """See the module."""

    def __init__(
        self,
        permission: Permission,
        access: Access,
        settings: SettingsInForce,
        manifests: Manifests,
        stored: ManifestRows,
        verdicts: GateVerdicts,
        rows: GateRows,
        repositories: Repositories,
        names: SearchRows,
    ) -> None:
        self._permission = permission
        self._access = access
        self._settings = settings
        self._manifests = manifests
        self._stored = stored
        self._verdicts = verdicts
        self._rows = rows
        self._repositories = repositories
        self._names = names

    async def explain(
        self, caller: Caller, repository: RepositoryName, reference: Reference, at: GateAt
    ) -> GatesExplained:
        """What each gate says of an image, those that are off too. Raises as Access.check; ManifestUnknown."""
        await self._access.check(caller, Action.PULL, repository=repository)
        manifest = await self._manifests.seen(repository, reference, caller)
        words, held = [], False
        for gate in await self._settings.covering(GATES, repository):
            if at not in gate.body.on:
                continue
            mode: GateMode = gate.body.mode
            said = await self._said(repository, reference, manifest.digest, gate)
            outcome = "passes"
            if mode is GateMode.OFF:
                outcome = "off"
            elif said is not None:
                outcome = "waits" if said.waiting else "refuses" if mode is GateMode.ENFORCE else "warns"
                held = held or mode is GateMode.ENFORCE
            sentence = said.sentence(image_words(repository, reference, said.path)) if said is not None else ""
            words.append(GateWord(gate.name, gate.path, mode, outcome, sentence))
        passes = (
            at is GateAt.PULL
            and not self._access.everyone
            and await self._access.allows(caller, Action.PULL_HELD, repository=repository)
        )
        return GatesExplained(repository, reference, manifest.digest, held, held and not passes, tuple(words))

    async def dry_run(self, caller: Caller, path: str, name: str, page: PageRequest) -> DryRun:
        """What a gate of a place would hold back today, whatever its mode is, by repository and tag, of those where the
        caller may read what was found. Raises Unauthorized, Denied, RequestInvalid, NotFound, PageInvalid."""
        path, name = await self._may_try(caller, path, name)
        gates = [each for each in await self._settings.covering(GATES, path) if each.path == path]
        gate = next((each for each in gates if each.name == name), None)
        if gate is None:
            raise NotFound(f"there is no gate {name} of {place_words(path)}", {"name": name, "path": path})
        return await self._run(caller, gate, page)

    async def trial(self, caller: Caller, path: str, name: str, body: dict[str, Any], page: PageRequest) -> DryRun:
        """The same of a gate that is not kept: what it would hold back if it said this. Raises as dry_run."""
        path, name = await self._may_try(caller, path, name)
        return await self._run(caller, InForce(path, name, GATES.parse(name, body), ""), page)

    async def _may_try(self, caller: Caller, path: str, name: str) -> tuple[str, str]:
        path, name = checked_path(path.strip("/")), checked_name(GATES.kind, name)
        await self._permission.check(caller, Operation.GATE_TRY, namespace=path)
        return path, name

    async def _run(self, caller: Caller, gate: InForce, page: PageRequest) -> DryRun:
        path, most, looked = gate.path, min(page.size, PAGE_MOST), 0
        held: list[HeldImage] = []
        last, known = "", dict[tuple[str, str], Objection | None]()
        async for tags in self._tagged(caller, path, page.after, most):
            for one in tags:
                if looked == most:
                    return DryRun(looked, tuple(held), last)
                key = one.repository, str(one.digest)
                if key not in known:
                    known[key] = await self._said(one.repository, one.digest, one.digest, gate)
                looked, last = looked + 1, f"{one.repository}:{one.tag}"
                said = known[key]
                if said is not None:
                    sentence = said.sentence(f"{_within(one.repository, path)}:{one.tag}")
                    held.append(HeldImage(one.repository, one.tag, one.digest, said.waiting, sentence))
        return DryRun(looked, tuple(held), "")

    async def _said(
        self, repository: RepositoryName, reference: Reference, digest: Digest, gate: InForce
    ) -> Objection | None:
        """What a gate would say if it enforced, or warned where it does that."""
        manifest = await self._stored.resolve(repository, digest)
        if manifest is None:
            manifest = await self._manifests.resolve(repository, reference)
        body: Gate = gate.body
        if body.mode is GateMode.OFF:
            gate = msgspec.structs.replace(gate, body=msgspec.structs.replace(body, mode=GateMode.ENFORCE))
        verdict = await self._verdicts.of(repository, manifest, (gate,))
        return verdict.objections[0] if verdict.objections else None

    async def _tagged(self, caller: Caller, path: str, start: str, most: int) -> AsyncIterator[Sequence[TaggedImage]]:
        """Tags behind a place in the list, some at a time."""
        repository, separator, tag = start.rpartition(":")
        if start and not separator:
            raise PageInvalid("a dry run goes on after REPOSITORY:TAG, as it says", {"after": start[:64]})
        within = at_or_below(path)
        if (
            repository
            and any(span.low <= repository < span.high for span in within)
            and await self._access.allows(caller, Action.SCAN_READ, repository=repository)
        ):
            async for tags in self._of(RepositoryName(repository), tag, most):
                yield tags
        async for spans, sees in self._repositories.visible_between(
            caller, Action.SCAN_READ, repository, within[-1].high
        ):
            left = common(spans, common(within, (NameSpan(after(repository), EVERYTHING.high),)))
            while left:
                names = await self._names.names((), left, _NAMES)
                for name in names:
                    if sees(name):
                        async for tags in self._of(name, "", most):
                            yield tags
                if len(names) < _NAMES:
                    break
                left = common(left, (NameSpan(after(names[-1]), EVERYTHING.high),))

    async def _of(self, repository: RepositoryName, behind: str, most: int) -> AsyncIterator[Sequence[TaggedImage]]:
        """The tags of a repository, some at a time."""
        while tags := await self._rows.tags(repository, behind, most + 1):
            yield tags
            behind = tags[-1].tag
            if len(tags) <= most:
                return


def _within(repository: str, path: str) -> str:
    return repository.removeprefix(f"{path}/") if path else repository
