"""The way back of a deleted namespace: what it had is made anew, by the rules of whoever makes it."""

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import Conflict, NotFound, RegistryError
from orlop.domain.settings import checked_path, place_words
from orlop.ports.catalog import by
from orlop.ports.identity import DeletedNamespace, Namespace, Namespaces
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
        await self._tree.put(caller, Namespace(path=path, visibility=gone.visibility, description=gone.description), 0)
        try:
            await self._fill(caller, gone)
        except RegistryError:
            # What nobody could have seen yet goes again: it was not there before.
            await self._rows.remove(path, by(caller, self._gate.now()))
            raise
        await self._trash.restored(number, by(caller, self._gate.now()))
        return Restored(Trashed.NAMESPACE, (), {})

    async def _fill(self, caller: Caller, gone: DeletedNamespace) -> None:
        for document in gone.documents:
            if document.kind not in self._settings.kinds:
                raise Conflict(f"this release keeps no {document.kind} of {place_words(document.path)}")
            fields = msgspec.json.decode(document.body)
            await self._settings.put(caller, document.kind, document.name, fields, 0, document.path)
        now = self._gate.now()
        for grant in gone.grants:
            if not 0 < grant.expires_at <= now:
                await self._grants.add(caller, grant)
