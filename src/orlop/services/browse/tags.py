"""The tags of a repository in any order, for whoever may pull from it, with the rules that they are under."""

import msgspec

from orlop.domain.access import Action, Caller, SubjectKind
from orlop.domain.errors import NameUnknown
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import Page, PageRequest
from orlop.domain.tag_lists import TagFilter, TagOrder
from orlop.domain.tag_rules import TAG_RULES
from orlop.ports.browse import ListedTag, TagLists
from orlop.ports.identity import AccessFacts
from orlop.services.access.decisions import Access
from orlop.services.management.operations import Gate, Operation
from orlop.services.settings.in_force import InForce, SettingsInForce


class RuledTag(msgspec.Struct, frozen=True):
    """A tag with the rules for tags that are about it, from the root down: their names and places. `immutable`: one of
    them keeps it what it is."""

    tag: ListedTag
    rules: tuple[tuple[str, str], ...]
    immutable: bool


class RepositoryTags:
    """See ports.browse.TagLists. Who pushed is told to those who read the audit log of the repository."""

    def __init__(
        self, gate: Gate, access: Access, facts: AccessFacts, lists: TagLists, settings: SettingsInForce
    ) -> None:
        self._gate = gate
        self._access = access
        self._facts = facts
        self._lists = lists
        self._settings = settings

    async def check(self, caller: Caller, repository: RepositoryName) -> None:
        """Raises what `page` raises for a repository of which the caller may not see the tags, or that is not there."""
        await self._access.check(caller, Action.PULL, repository=repository)
        if not (await self._facts.place(repository)).exists:
            raise NameUnknown(f"there is no repository {repository}", {"name": repository})

    async def page(
        self, caller: Caller, repository: RepositoryName, order: TagOrder, wanted: TagFilter, page: PageRequest
    ) -> Page[RuledTag]:
        """Raises NameUnknown, Denied, Unauthorized, PageInvalid."""
        await self._access.check(caller, Action.PULL, repository=repository)
        found = await self._lists.page(repository, order, wanted, page)
        rules = await self._settings.covering(TAG_RULES, repository)
        told = await self._tells(caller, repository)
        return Page(tuple(_ruled(tag, rules, caller, told=told) for tag in found.items), found.more)

    async def _tells(self, caller: Caller, repository: RepositoryName) -> bool:
        if caller.subject.kind is SubjectKind.ANONYMOUS or self._access.everyone:
            return self._access.everyone
        return await self._gate.may(caller, Operation.AUDIT_READ, repository=repository)


def _ruled(tag: ListedTag, rules: tuple[InForce, ...], caller: Caller, *, told: bool) -> RuledTag:
    about = [rule for rule in rules if rule.body.concerns(Tag.stored(tag.name))]
    if not told and tag.pushed_by != caller.subject.name:
        tag = msgspec.structs.replace(tag, pushed_by="")
    return RuledTag(tag, tuple((rule.name, rule.path) for rule in about), any(rule.body.immutable for rule in about))
