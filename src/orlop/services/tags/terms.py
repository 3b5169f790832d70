"""The terms of every write that concerns tags: what the caller may do, and what rules say of the tags."""

from collections.abc import Mapping, Sequence

import msgspec

from orlop.domain.access import Action, Caller
from orlop.domain.digest import Digest
from orlop.domain.errors import Denied, Refused, RegistryError
from orlop.domain.names import Tag
from orlop.domain.settings import place_words
from orlop.domain.tag_rules import TAG_RULES, TagRule
from orlop.ports.terms import FREELY, Terms
from orlop.services.access.decisions import Access
from orlop.services.settings.in_force import InForce, SettingsInForce


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
        fixed = {tag: refusal for tag in tags if (refusal := _moving(rules, repository, tag)) is not None}
        if not fixed and not expected:
            return terms
        return msgspec.structs.replace(terms, overwrite={**fixed, **terms.overwrite}, expected=expected or {})

    async def removal(
        self, caller: Caller, repository: str, expected: Mapping[Tag, Digest | None] | None = None
    ) -> Terms:
        """Those of whatever removes tags, alone or with what they point at. Raises as `Access.removal_terms`."""
        terms = await self._access.removal_terms(caller, repository)
        rules = await self._settings.covering(TAG_RULES, repository)
        if not rules and not expected:
            return terms

        def refusal(tag: Tag) -> RegistryError | None:
            refused = terms.untag(tag) if terms.untag is not None else None
            return refused or _removing(rules, repository, tag)

        return msgspec.structs.replace(FREELY, untag=refusal, expected=expected or {})


def _moving(rules: Sequence[InForce], repository: str, tag: Tag) -> RegistryError | None:
    return _refusal(rules, repository, tag, Action.OVERWRITE, "it stays what it points at; push under another tag")


def _removing(rules: Sequence[InForce], repository: str, tag: Tag) -> RegistryError | None:
    return _refusal(rules, repository, tag, Action.UNTAG, "it is not removed while that rule holds")


def _refusal(
    rules: Sequence[InForce], repository: str, tag: Tag, action: Action, consequence: str
) -> RegistryError | None:
    """What says that a tag is immutable: the nearest rule that does."""
    for rule in reversed(rules):
        body: TagRule = rule.body
        if body.immutable and body.concerns(tag):
            which = f"the tag rule {rule.name} of {place_words(rule.path)}"
            denied = Denied(
                f"the tag {tag} of {repository} is immutable by {which}: {consequence}",
                {"action": action.value, "rule": rule.name, "path": rule.path, "tag": tag},
                kind=TAG_RULES.kind,
            )
            denied.refused = Refused(action.value, repository, which, tag)
            return denied
    return None
