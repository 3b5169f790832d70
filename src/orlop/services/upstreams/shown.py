"""Which upstream shows a repository, and which one answers for the name of a registry."""

from orlop.domain.errors import Denied
from orlop.domain.names import RepositoryName
from orlop.domain.settings import place_words
from orlop.domain.upstreams.showing import Showing
from orlop.domain.upstreams.upstream import UPSTREAMS
from orlop.ports.events import Changes
from orlop.ports.settings import Documents
from orlop.ports.upstreams import CachedContent
from orlop.services.settings.in_force import InForce
from orlop.services.settings.placed import PlacedSettings


class Upstreams:
    """Every upstream there is. `changes` moves with every change of a setting."""

    def __init__(self, documents: Documents, changes: Changes, cached: CachedContent) -> None:
        self._settings = PlacedSettings(UPSTREAMS, documents, changes)
        self._cached = cached

    async def of(self, repository: str) -> Showing | None:
        """The upstream that shows a repository, whether or not it has one of that name; none shows what is pushed here:
        of such a name no upstream is ever asked. Raises Unavailable."""
        found = await self._settings.nearest(repository)
        if found is None or await self._cached.is_cache(repository) is False:
            return None
        return _showing(found)

    async def check_push(self, repository: str) -> None:
        """Raises Denied for a push into what shows another registry. Below the root's own upstream a name that is not
        cached is free for everybody's own content."""
        found = await self._settings.nearest(repository)
        if found is None:
            return
        cached = await self._cached.is_cache(repository)
        if cached is False or (cached is None and not found.path):
            return
        raise Denied(
            f"{place_words(found.path)} shows {found.body.origin} and takes no pushes; push to another namespace",
            {"upstream": found.name, "at": found.path},
        )

    async def is_left(self, repository: str) -> bool:
        """Whether it is a cache, and the upstream whose it was is no more."""
        return bool(await self._cached.is_cache(repository)) and await self._settings.nearest(repository) is None

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
