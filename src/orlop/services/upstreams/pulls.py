"""Pulls of repositories that show an upstream, counted beside all others."""

from collections.abc import Mapping

from orlop.domain.names import RepositoryName
from orlop.services.upstreams.shown import Upstreams
from orlop.services.upstreams.standing import Standings


class ShownPulls:
    """Which upstream they were of, once for many."""

    def __init__(self, shown: Upstreams, standings: Standings) -> None:
        self._shown = shown
        self._standings = standings

    async def count(self, pulls: Mapping[RepositoryName, int]) -> None:
        """So many pulls of each repository were answered."""
        for repository, times in pulls.items():
            showing = await self._shown.of(repository)
            if showing is not None:
                self._standings.pulled(showing, times)
