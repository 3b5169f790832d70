"""The terms of every write that concerns tags: what the caller may do, and what rules say of the tags."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from orlop.domain.access import Action, Caller
from orlop.domain.digest import Digest
from orlop.domain.errors import Denied, Refused, RegistryError, SettingsMoved
from orlop.domain.names import Tag
from orlop.domain.settings import place_words
from orlop.domain.tag_rules import TAG_RULES, TagRule
from orlop.ports.terms import Terms
from orlop.services.access.decisions import Access
from orlop.services.settings.in_force import InForce, SettingsInForce

#: How often a write is tried while settings change.
_TRIES = 4


class WriteTerms:
    """Whoever changes content asks here first, and passes what it gets into the transaction."""

    def __init__(self, access: Access, settings: SettingsInForce) -> None:
        self._access = access
        self._settings = settings

    async def keep(self, make: Callable[[], Awaitable[Terms]], write: Callable[[Terms], Awaitable[None]]) -> None:
        """Write on terms, and on new ones where a setting that they were made from changes before that takes effect.

        Raises SettingsMoved where settings change again and again.
        """
        for _ in range(_TRIES - 1):
            try:
                await write(await make())
            except SettingsMoved:
                self._settings.forget()
            else:
                return
        await write(await make())

    async def push(
        self,
        caller: Caller,
        repository: str,
        tags: Sequence[Tag] = (),
        expected: Mapping[Tag, Digest | None] | None = None,
    ) -> Terms:
        """Those of a push that sets tags, if they are what is expected."""
        terms = await self._access.push_terms(caller, repository, tags)
        if not tags:
            return terms
        version, rules = await self._settings.versioned(TAG_RULES, repository)
        fixed = {tag: refusal for tag in tags if (refusal := _moving(rules, repository, tag)) is not None}
        overwrite = {**fixed, **terms.overwrite}
        return msgspec.structs.replace(terms, overwrite=overwrite, expected=expected or {}, settings=version)

    async def removal(
        self, caller: Caller, repository: str, expected: Mapping[Tag, Digest | None] | None = None
    ) -> Terms:
        """Those of whatever removes tags, alone or with what they point at. Raises as `Access.removal_terms`."""
        terms = await self._access.removal_terms(caller, repository)
        version, rules = await self._settings.versioned(TAG_RULES, repository)

        def refusal(tag: Tag) -> RegistryError | None:
            refused = terms.untag(tag) if terms.untag is not None else None
            return refused or _removing(rules, repository, tag)

        untag = refusal if rules else terms.untag
        return msgspec.structs.replace(terms, untag=untag, expected=expected or {}, settings=version)


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
