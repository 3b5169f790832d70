"""Settings of which there are few in all: every one of them in memory, so that the nearest is found without a query."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from orlop.domain.errors import Unavailable
from orlop.domain.settings import SettingKind
from orlop.ports.events import Changes
from orlop.ports.settings import Documents
from orlop.services.settings.in_force import InForce, holding

#: For how long the catalog is asked again for what it said before, in seconds.
_PATIENCE = 0.5


class _Known(msgspec.Struct, frozen=True):
    """All settings of the kind by their places, at a count of changes."""

    count: int | None
    by_place: Mapping[str, InForce]
    targets: tuple[bytes, ...] = ()
    """How the targets of the distribution API begin that are about these places."""


class PlacedSettings:
    """The settings of a kind of which each node has one at most. `changes` moves with every change of a setting."""

    def __init__(self, kind: SettingKind, documents: Documents, changes: Changes) -> None:
        self._kind = kind
        self._documents = documents
        self._changes = changes
        self._known = _Known(None, {})
        self._bodies: dict[tuple[str, str], tuple[int, Any]] = {}

    def may_concern(self, target: bytes) -> bool:
        """Whether one may be about the repository that a target of the distribution API names; True, too, while that is
        not known. Costs about a microsecond."""
        known = self._known
        if known.count is None or known.count != self._changes.current():
            return True
        return target.startswith(known.targets)

    async def nearest(self, path: str) -> InForce | None:
        """The setting of a node or repository, or of the nearest node above it that has one. Raises Unavailable."""
        by_place = await self.by_place()
        if not by_place:
            return None
        while True:
            found = by_place.get(path)
            if found is not None or not path:
                return found
            path = path.rpartition("/")[0]

    async def by_place(self) -> Mapping[str, InForce]:
        """All of them. Raises Unavailable.

        While the catalog is away they are what they were: what is asked of it then fails anyway, and what is remembered
        of it, by digest, is no older.
        """
        known, count = self._known, self._changes.current()
        if count is not None and count == known.count:
            return known.by_place
        last = self._changes.last()
        if last is None or last[0] != known.count:
            return await self._read(count)
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._read(count)
        except (Unavailable, TimeoutError):
            return known.by_place

    async def _read(self, count: int | None) -> Mapping[str, InForce]:
        documents = await self._documents.all(self._kind.kind)
        found = {each.path: each for document in documents for each in holding(self._kind, (document,), self._bodies)}
        if count is not None and count == self._changes.current():
            targets = tuple(f"/v2/{path}/".encode() if path else b"/v2/" for path in found)
            self._known = _Known(count, found, targets)
        return found
