"""Which upstream shows a repository, and which one answers for the name of a registry."""

from orlop.domain.names import RepositoryName
from orlop.domain.upstreams.showing import Showing
from orlop.services.settings.in_force import InForce
from orlop.services.settings.placed import PlacedSettings


class Shown:
    """Every upstream there is."""

    def __init__(self, settings: PlacedSettings) -> None:
        self._settings = settings

    async def of(self, repository: str) -> Showing | None:
        """The upstream that shows a repository, whether or not it has one of that name. Raises Unavailable."""
        found = await self._settings.nearest(repository)
        return _showing(found) if found is not None else None

    async def at(self, path: str, name: str) -> Showing | None:
        """The upstream of exactly this place and name. Raises Unavailable."""
        found = (await self._settings.by_place()).get(path)
        return _showing(found) if found is not None and found.name == name else None

    async def serving(self, host: str) -> Showing | None:
        """The upstream that answers for a registry; of several the one that is nearest to the root, and first by name.
        Raises Unavailable."""
        for _, found in sorted((await self._settings.by_place()).items(), key=lambda each: (each[0].count("/"), each)):
            if host.lower() in found.body.serves:
                return _showing(found)
        return None

    async def serves_any(self) -> bool:
        """Whether there is one that answers for other registries."""
        return any(found.body.serves for found in (await self._settings.by_place()).values())

    async def named(self, host: str, repository: RepositoryName) -> RepositoryName | None:
        """What a repository of another registry is called here; None where no upstream answers for that registry."""
        showing = await self.serving(host)
        return showing.local(repository) if showing is not None else None


def _showing(found: InForce) -> Showing:
    return Showing(found.path, found.name, found.identity, found.body)
