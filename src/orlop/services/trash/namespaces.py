"""The way back of a deleted namespace: what it had is made anew, by the rules of whoever makes it."""

from typing import Any

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import Conflict, NotFound, RegistryError
from orlop.domain.settings import checked_path
from orlop.ports.catalog import by
from orlop.ports.identity import DeletedNamespace, Document, Namespace, Namespaces
from orlop.ports.trash import NamespaceTrash, Restored, Trashed
from orlop.services.management.grants import GrantsOnPlaces
from orlop.services.management.namespaces import NamespaceTree
from orlop.services.management.operations import Gate, Operation
from orlop.services.settings.kept import KeptSettings


class NamespaceRestoration:
    """Nobody restores what they could not make: visibility, settings and grants."""

    def __init__(
        self,
        gate: Gate,
        tree: NamespaceTree,
        settings: KeptSettings,
        grants: GrantsOnPlaces,
        rows: Namespaces,
        trash: NamespaceTrash,
    ) -> None:
        self._gate = gate
        self._tree = tree
        self._settings = settings
        self._grants = grants
        self._rows = rows
        self._trash = trash

    async def restore(self, caller: Caller, path: str) -> Restored:
        """Make a namespace as it was when it was deleted last, or not at all.

        Raises NotFound; Conflict where there is one again; what making it, its settings or its grants is refused with.
        """
        await self._gate.check(caller, Operation.NAMESPACE_CHANGE, namespace=checked_path(path))
        found = await self._trash.newest(path)
        if found is None:
            raise NotFound(f"there is no namespace {path} in the trash; orlop trash ls lists what is", {"path": path})
        number, body = found
        gone = msgspec.json.decode(body, type=DeletedNamespace)
        if await self._rows.get(path) is not None:
            raise Conflict(f"there is a namespace {path} again, and it is not overwritten", {"path": path})
        namespace = Namespace(path=path, visibility=gone.visibility, description=gone.description)
        now = self._gate.now()
        grants = [grant for grant in gone.grants if not 0 < grant.expires_at <= now]
        await self._tree.check(caller, namespace)
        for document in gone.documents:
            await self._settings.check(caller, *_setting(document), document.path)
        for grant in grants:
            await self._grants.check(caller, grant)
        await self._tree.put(caller, namespace, 0)
        try:
            for document in gone.documents:
                await self._settings.put(caller, *_setting(document), 0, document.path)
            for grant in grants:
                await self._grants.add(caller, grant)
        except RegistryError:
            # Somebody whom a grant names is gone, or rights changed just now: it goes again.
            await self._rows.remove(path, by(caller, self._gate.now()))
            raise
        await self._trash.restored(number, by(caller, self._gate.now()))
        return Restored(Trashed.NAMESPACE, (), {})


def _setting(document: Document) -> tuple[str, str, dict[str, Any]]:
    """Its kind, name and body."""
    return document.kind, document.name, msgspec.json.decode(document.body)
