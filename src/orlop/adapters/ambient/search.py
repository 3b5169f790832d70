"""Looks for the identity of this program: first where it costs nothing, last where a network has to be asked."""

from collections.abc import Mapping

from orlop.adapters.ambient import aws, github, google, places
from orlop.ports.ambient import AmbientSearch, AmbientToken, AmbientUnusable, Surrounding


class Ambient:
    """See ports.ambient.AmbientIdentity. `default_file`: where a token lies if nobody says."""

    def __init__(self, environment: Mapping[str, str], default_file: str = places.FILE) -> None:
        self._environment = environment
        self._default_file = default_file

    async def find(self, audience: str, search: AmbientSearch) -> AmbientToken | None:
        named = Surrounding.TOKEN if search.variable or search.file else search.surrounding
        if named is not None:
            found = await self._find(named, audience, search)
            if found is None:
                raise AmbientUnusable(f"there is no identity of the kind {named.value!r} here")
            return found
        # A token that was laid ready was laid ready for this; then those whom the environment speaks of.
        for where in (Surrounding.TOKEN, Surrounding.GITHUB, Surrounding.AWS, Surrounding.GOOGLE):
            if where is Surrounding.AWS and not aws.is_likely(self._environment):
                continue
            if (found := await self._find(where, audience, search)) is not None:
                return found
        return None

    async def _find(self, where: Surrounding, audience: str, search: AmbientSearch) -> AmbientToken | None:
        match where:
            case Surrounding.TOKEN:
                return places.find(self._environment, search, self._default_file)
            case Surrounding.GITHUB:
                return await github.find(self._environment, audience)
            case Surrounding.AWS:
                return await aws.find(self._environment, audience)
            case Surrounding.GOOGLE:
                return await google.find(self._environment, audience)
