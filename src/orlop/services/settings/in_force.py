"""Which settings hold at a place, remembered for as long as none changes."""

from collections import OrderedDict
from typing import Any

import msgspec

from orlop.domain.errors import Unavailable
from orlop.domain.names import lineage
from orlop.domain.settings import Holds, SettingKind
from orlop.ports.events import Changes
from orlop.ports.settings import Document, Documents

#: How many places of each kind a process remembers.
REMEMBERED = 10_000

#: Of kinds with no more settings than these it remembers where they are: most places then have none of their own, and
#: are not asked about one by one.
FEW = 1_000


class InForce(msgspec.Struct, frozen=True):
    """A setting that holds somewhere."""

    path: str
    """The node that it is about: the place itself, or one above it."""
    name: str
    body: Any
    """In the type of its kind."""
    identity: str
    """See ports.settings.Document."""


class SettingsInForce:
    """`changes` moves with every change of a setting."""

    def __init__(self, documents: Documents, changes: Changes) -> None:
        self._documents = documents
        self._changes = changes
        self._count: int | None = None
        self._bodies: dict[tuple[str, str], tuple[int, Any]] = {}
        """By kind and identity, with the version: what holds at many places is there once."""
        self._paths: dict[str, tuple[int, frozenset[str] | None]] = {}
        """By kind, with the version: where there are any; None: they are too many to know."""
        self._known: OrderedDict[tuple[str, str], tuple[int, tuple[InForce, ...]]] = OrderedDict()

    async def covering(self, kind: SettingKind, path: str) -> tuple[InForce, ...]:
        """Those of a kind that hold for a node or a repository, from the root down, by name.

        Where the kind says so these are those of the nearest node that has any. Raises Unavailable for one that a
        newer release wrote: what it forbids is not allowed because it cannot be read.
        """
        return (await self.versioned(kind, path))[1]

    async def versioned(self, kind: SettingKind, path: str) -> tuple[int, tuple[InForce, ...]]:
        """The same, with the version of all settings as long as which they hold."""
        self._renew()
        known = self._recalled(kind, path)
        if known is not None:
            return known
        count = self._changes.current()
        # The version first: what is read after it is no older.
        version, paths = await self._placed(kind) if count is not None else (await self._documents.version(), None)
        nearest: str | None = path
        if paths is not None:
            nearest = next((node for node in reversed(lineage(path)) if node in paths), None)
        if nearest is None:
            found: tuple[int, tuple[InForce, ...]] = version, ()
        else:
            found = self._recalled(kind, nearest) or (
                version,
                holding(kind, await self._documents.covering(kind.kind, nearest), self._bodies),
            )
        if count is not None and count == self._changes.current() == self._count:
            self._remember(kind, path, found)
            if nearest is not None:
                self._remember(kind, nearest, found)
        return found

    def _recalled(self, kind: SettingKind, path: str) -> tuple[int, tuple[InForce, ...]] | None:
        key = kind.kind, path
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
        return known

    def _remember(self, kind: SettingKind, path: str, found: tuple[int, tuple[InForce, ...]]) -> None:
        self._known[kind.kind, path] = found
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    async def _placed(self, kind: SettingKind) -> tuple[int, frozenset[str] | None]:
        known = self._paths.get(kind.kind)
        if known is not None:
            return known
        count = self._changes.current()
        version = await self._documents.version()
        paths = await self._documents.paths(kind.kind, FEW + 1)
        found = version, frozenset(paths) if len(paths) <= FEW else None
        if count is not None and count == self._changes.current() == self._count:
            self._paths[kind.kind] = found
        return found

    def forget(self) -> None:
        """Read anew what holds: somebody changed it, and it is not told yet."""
        self._clear()

    def _renew(self) -> None:
        count = self._changes.current()
        if count is None or count != self._count:
            self._clear()
            self._count = count

    def _clear(self) -> None:
        self._known.clear()
        self._paths.clear()
        self._bodies.clear()


def holding(
    kind: SettingKind, documents: tuple[Document, ...], bodies: dict[tuple[str, str], tuple[int, Any]] | None = None
) -> tuple[InForce, ...]:
    """Which of the settings that cover a place hold there, from the root down. Raises as `SettingsInForce.covering`.

    `bodies`: those that are read already, by kind and identity, with their versions; others are added.
    """
    if kind.holds is Holds.NEAREST and documents:
        nearest = documents[-1].path
        documents = tuple(document for document in documents if document.path == nearest)
    read = bodies if bodies is not None else {}
    found = []
    for document in documents:
        key = kind.kind, document.identity
        known = read.get(key)
        if known is None or known[0] != document.version:
            known = read[key] = document.version, _body(kind, document)
        found.append(InForce(document.path, document.name, known[1], document.identity))
    return tuple(found)


def _body(kind: SettingKind, document: Document) -> Any:
    try:
        return msgspec.json.decode(document.body, type=kind.body)
    except msgspec.MsgspecError as cause:
        where = kind.where(document.path)
        raise Unavailable(f"the {kind.kind} {document.name}{where} cannot be read by this release: {cause}") from cause
