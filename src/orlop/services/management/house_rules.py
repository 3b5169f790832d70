"""House rules for people: what is in force at a place, said in sentences, as far as somebody may know it."""

from collections.abc import Iterable

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import NameUnknown, RequestInvalid
from orlop.domain.house_rules import Sentence, of_grants, of_repositories, of_retention, of_tags, of_trash
from orlop.domain.names import RepositoryName
from orlop.domain.pages import PAGE_BYTES, weight
from orlop.domain.repository_rules import REPOSITORY_RULES
from orlop.domain.retention.rules import RETENTION
from orlop.domain.settings import SettingKind, checked_path, place_words
from orlop.domain.tag_rules import TAG_RULES
from orlop.domain.trash_rules import TRASH_RULES
from orlop.ports.identity import AccessFacts
from orlop.ports.settings import Documents
from orlop.services.management.explain import Explaining
from orlop.services.management.operations import Gate, Operation
from orlop.services.settings.in_force import InForce, holding


class HouseRules(msgspec.Struct, frozen=True):
    """What holds at a place: rules from the root down, then grants."""

    place: str
    """As it is typed."""
    repositories: tuple[Sentence, ...]
    tags: tuple[Sentence, ...]
    retention: tuple[Sentence, ...]
    """How long images stay."""
    trash: tuple[Sentence, ...]
    people: tuple[Sentence, ...] | None
    """Who may push and retag, by grants; None: that is not for the caller to see."""
    complete: bool
    """Whether all grants were looked at, and nothing is left out that would be too much for one answer."""


class HouseRulesTold:
    """A caller who may pull at a place is told of every rule that holds there, wherever it is, as a refusal would tell
    it; of grants what `Explaining.able` tells."""

    def __init__(self, gate: Gate, documents: Documents, facts: AccessFacts, explaining: Explaining) -> None:
        self._gate = gate
        self._documents = documents
        self._facts = facts
        self._explaining = explaining

    async def show(self, caller: Caller, *, namespace: str | None = None, repository: str | None = None) -> HouseRules:
        """Of a namespace, or of a repository, which need not be there; neither: of the registry.

        Raises RequestInvalid for both; Unauthorized, Denied, NameUnknown; Unavailable for a rule of a newer release.
        """
        if namespace is not None and repository is not None:
            raise RequestInvalid("path is for a namespace, and repository for a repository: give one of them")
        if repository is not None:
            path = place = str(RepositoryName(repository))
        else:
            path = namespace = checked_path(namespace or "")
            place = place_words(path)
        await self._gate.check(caller, Operation.HOUSE_RULES_READ, namespace=namespace, repository=repository)
        if repository is not None:
            await self._refuse_unknown(caller, repository)
        told = _Told()
        repositories = told.of(
            said
            for rule in await self._holding(REPOSITORY_RULES, path)
            for said in of_repositories(rule.name, rule.path, rule.body)
        )
        tags = told.of(
            said for rule in await self._holding(TAG_RULES, path) for said in of_tags(rule.name, rule.path, rule.body)
        )
        retention = told.of(
            said
            for rule in await self._holding(RETENTION, path)
            for said in of_retention(rule.name, rule.path, rule.body)
        )
        trash = told.of(
            said
            for rule in await self._holding(TRASH_RULES, path)
            for said in of_trash(rule.name, rule.path, rule.body)
        )
        people, complete = None, True
        if await self._gate.may(caller, Operation.WHO, namespace=namespace, repository=repository):
            able, complete = await self._explaining.able(caller, namespace=namespace, repository=repository)
            people = told.of(said for one in able for said in of_grants(one.principal, one.actions, one.grants))
        return HouseRules(place, repositories, tags, retention, trash, people, complete and told.complete)

    async def _refuse_unknown(self, caller: Caller, repository: str) -> None:
        """Raises NameUnknown where a repository is not there, and nothing but visibility would let the caller pull: a
        private one is as one that is not there."""
        there = await self._facts.place(repository)
        if not there.exists and not (await self._gate.administers(caller)).knows(repository, there):
            raise NameUnknown(f"there is no repository {repository}", {"name": repository})

    async def _holding(self, kind: SettingKind, path: str) -> tuple[InForce, ...]:
        return holding(kind, await self._documents.covering(kind.kind, path))


class _Told:
    """Sentences, as many as one answer holds in bytes."""

    def __init__(self) -> None:
        self.complete = True
        self._left = PAGE_BYTES

    def of(self, sentences: Iterable[Sentence]) -> tuple[Sentence, ...]:
        """As many of these as there is room for."""
        told = []
        for said in sentences:
            self._left -= weight(said)
            if self._left < 0:
                self.complete = False
                break
            told.append(said)
        return tuple(told)
