"""Settings of which there are few in all: every one of them in memory, so that the nearest is found without a query."""

from collections.abc import Mapping
from typing import Any

import msgspec

from orlop.domain.settings import SettingKind
from orlop.ports.events import Changes
from orlop.ports.settings import Documents
from orlop.services.settings.in_force import InForce, holding


class _Known(msgspec.Struct, frozen=True):
    """All settings of the kind by their places, at a count of changes."""

    count: int | None
    by_place: Mapping[str, InForce]


class PlacedSettings:
    """The settings of a kind of which each node has one at most. `changes` moves with every change of a setting."""

    def __init__(self, kind: SettingKind, documents: Documents, changes: Changes) -> None:
        self._kind = kind
        self._documents = documents
        self._changes = changes
        self._known = _Known(None, {})
        self._bodies: dict[tuple[str, str], tuple[int, Any]] = {}

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
        """All of them. Raises Unavailable."""
        count = self._changes.current()
        if count is not None and count == self._known.count:
            return self._known.by_place
        documents = await self._documents.all(self._kind.kind)
        found = {each.path: each for document in documents for each in holding(self._kind, (document,), self._bodies)}
        self._known = _Known(count if count == self._changes.current() else None, found)
        return found
