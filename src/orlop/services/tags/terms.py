"""The terms of every write that concerns tags: what the caller may do, and what rules say of the tags."""

from collections.abc import Mapping, Sequence

import msgspec

from orlop.domain.access import Caller
from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError
from orlop.domain.names import Tag
from orlop.domain.tag_rules import TAG_RULES
from orlop.ports.terms import FREELY, Terms
from orlop.services.access.decisions import Access
from orlop.services.settings.in_force import SettingsInForce
from orlop.services.tags.rules import RulesOfTags


class WriteTerms:
    """Whoever changes content asks here first, and passes what it gets into the transaction."""

    def __init__(self, access: Access, settings: SettingsInForce) -> None:
        self._access = access
        self._settings = settings

    async def push(
        self,
        caller: Caller,
        repository: str,
        tags: Sequence[Tag] = (),
        expected: Mapping[Tag, Digest | None] | None = None,
    ) -> Terms:
        """Those of a push that sets tags, if they are what is expected."""
        terms = await self._access.push_terms(caller, repository, tags)
        rules = await self._settings.covering(TAG_RULES, repository) if tags else ()
        if not rules and not expected:
            return terms
        said = RulesOfTags(rules, repository, await self._access.standing(caller, repository))
        new = {tag: refusal for tag in tags if (refusal := said.creating(tag)) is not None}
        fixed = {tag: refusal for tag in tags if (refusal := said.moving(tag)) is not None}
        return msgspec.structs.replace(
            terms, tag={**new, **terms.tag}, overwrite={**fixed, **terms.overwrite}, expected=expected or {}
        )

    async def removal(
        self, caller: Caller, repository: str, expected: Mapping[Tag, Digest | None] | None = None
    ) -> Terms:
        """Those of whatever removes tags, alone or with what they point at. Raises as `Access.removal_terms`."""
        terms = await self._access.removal_terms(caller, repository)
        rules = await self._settings.covering(TAG_RULES, repository)
        if not rules and not expected:
            return terms
        said = RulesOfTags(rules, repository, await self._access.standing(caller, repository))

        def refusal(tag: Tag) -> RegistryError | None:
            refused = terms.untag(tag) if terms.untag is not None else None
            return refused or said.removing(tag)

        return msgspec.structs.replace(FREELY, untag=refusal, expected=expected or {})
