"""The nodes of the tree that have a setting of a kind of which there are few: all of them, in memory.

For kinds that most requests have nothing to do with: that there is none is found out without a look at the catalog.
"""

import asyncio

import msgspec

from orlop.domain.errors import Unavailable
from orlop.domain.settings import SettingKind
from orlop.ports.events import Changes
from orlop.ports.settings import Documents
from orlop.services.settings.in_force import InForce, holding

#: For how long the catalog is asked again for what it said before, in seconds.
_PATIENCE = 0.5


class _Kept(msgspec.Struct, frozen=True):
    """What there was at a count of changes: by node, and how targets below these nodes begin."""

    count: int | None
    nodes: dict[str, InForce]
    prefixes: tuple[bytes, ...]


class Places:
    """Those of one kind, of which a node has at most one. `changes` moves with every change of a setting."""

    def __init__(self, kind: SettingKind, documents: Documents, changes: Changes) -> None:
        self._kind = kind
        self._documents = documents
        self._changes = changes
        self._kept: _Kept | None = None

    def may_be(self, target: bytes) -> bool:
        """Whether the repository that a target of the distribution API names may be at or below such a node; True, too,
        while that is not known."""
        kept = self._kept
        if kept is None or kept.count is None or kept.count != self._changes.current():
            return True
        return target.startswith(kept.prefixes)

    async def of(self, repository: str) -> InForce | None:
        """The setting of the nearest node that a repository is at or below. Raises Unavailable as
        SettingsInForce.covering, and where the catalog is away and was never asked."""
        kept = self._kept
        if kept is None or kept.count is None or kept.count != self._changes.current():
            kept = await self._renewed(kept)
        if not kept.nodes:
            return None
        node: str = repository
        while node:
            found = kept.nodes.get(node)
            if found is not None:
                return found
            node = node.rpartition("/")[0]
        return kept.nodes.get("")

    async def _renewed(self, before: _Kept | None) -> _Kept:
        """What there is now. While the catalog is away it is what there was: what is asked of the catalog then fails
        anyway, and what is remembered of it is no older."""
        if before is None:
            return await self._read()
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._read()
        except (Unavailable, TimeoutError):
            last = self._changes.last()
            if last is None or last[0] != before.count:
                raise
            return before

    async def _read(self) -> _Kept:
        count = self._changes.current()
        documents = await self._documents.all(self._kind.kind)
        found = {document.path: holding(self._kind, (document,))[0] for document in documents}
        prefixes = tuple(f"/v2/{path}/".encode() if path else b"/v2/" for path in found)
        kept = _Kept(count if count == self._changes.current() else None, found, prefixes)
        self._kept = kept
        return kept
