"""Both ends of an import, as `orlop import` opens them."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from orlop.bootstrap.commands.clients import ContentClients
from orlop.domain.importing.plan import ImportedFrom, System
from orlop.domain.names import RepositoryName
from orlop.domain.references import ImageReference
from orlop.faces.cli.content.stores import Connecting
from orlop.faces.cli.importing.opening import OldRegistry
from orlop.faces.cli.locations import Location, StoreKind
from orlop.ports.importing import ImportSource, ImportTargets
from orlop.ports.upstream import ContentRepository


class Imports:
    """See faces.cli.importing.opening.Importing."""

    @asynccontextmanager
    async def source(self, where: ImportedFrom, old: OldRegistry) -> AsyncIterator[ImportSource]:
        """Another registry, running or as its storage lies there."""
        if where.at.startswith("/"):
            from orlop.adapters.importing.distribution import DistributionStorage
            from orlop.adapters.importing.folder import FolderTree
            from orlop.adapters.importing.zot import ZotStorage

            tree = FolderTree(Path(where.at))
            yield ZotStorage(tree) if where.system is System.ZOT else DistributionStorage(tree)
            return
        from orlop.services.importing.running import RunningRegistry

        async with ContentClients().registry(where.at, old.connecting) as registry:
            yield RunningRegistry(registry, _Opened(where.at, old.connecting, writing=False).repository)

    @asynccontextmanager
    async def targets(self, server: str, connecting: Connecting) -> AsyncIterator[ImportTargets]:
        """The registry that everything comes to."""
        yield _Opened(server, connecting, writing=True)


class _Opened:
    """The repositories of a registry, each opened by its name. See ports.importing.ImportTargets."""

    def __init__(self, registry: str, connecting: Connecting, *, writing: bool) -> None:
        self._registry = registry
        self._connecting = connecting
        self._writing = writing

    def repository(self, name: str) -> AbstractAsyncContextManager[ContentRepository]:
        """A repository until the block ends. Raises NameInvalid."""
        repository = RepositoryName(name)
        image = ImageReference(registry=self._registry, repository=repository, tag=None)
        location = Location(StoreKind.REGISTRY, "", image=image)
        return ContentClients().repository(location, self._connecting, writing=self._writing)
