"""Rules name users, robots and groups by their names; who is made anew under an old name is somebody else, for whom
nobody has spoken yet."""

from functools import partial

import msgspec

from orlop.domain.errors import Stale
from orlop.domain.tag_rules import TAG_RULES, TagRule
from orlop.ports.catalog import By
from orlop.ports.settings import Document, Documents
from orlop.services.management.pages import every

#: How often it is tried while somebody changes a rule.
_TRIES = 4


class NamedInRules:
    """Takes those out of rules who are gone."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def forget(self, principal: str, by: By) -> None:
        """Take somebody out of every rule that names them."""
        found = every(partial(self._documents.page, TAG_RULES.kind), lambda document: document.key)
        for document in [each async for each in found if _without(each, principal) is not None]:
            await self._forget(document, principal, by)

    async def _forget(self, document: Document, principal: str, by: By) -> None:
        there: Document | None = document
        for left in reversed(range(_TRIES)):
            changed = _without(there, principal) if there is not None else None
            if there is None or changed is None:
                return
            new = Document(there.kind, there.name, msgspec.json.encode(changed), path=there.path)
            try:
                await self._documents.put(new, by, expected=there.version, rights=TAG_RULES.rights)
            except Stale:
                if not left:
                    raise
                there = await self._documents.get(there.kind, there.name, there.path)
            else:
                return


def _without(document: Document, principal: str) -> TagRule | None:
    """A rule without somebody whom it names; None where it names them not, or where only another release reads it."""
    try:
        rule = msgspec.json.decode(document.body, type=TagRule)
    except msgspec.MsgspecError:
        return None
    changed = rule.without(principal)
    return changed if changed != rule else None
