"""The pages of places and images: everything below `/r/`, led to who shows it."""

from collections.abc import Mapping
from typing import Protocol

from orlop.domain.errors import NotFound
from orlop.domain.names import Reference, RepositoryName
from orlop.faces.ui.addresses import ImageAddress, PlaceAddress, parse_address, place_address
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.routes import Route


class PlaceTab(Protocol):
    """Shows one side of a namespace or repository."""

    async def show(self, exchange: UiExchange, name: str) -> Reply:
        """Raises NotFound for what the reader may not know of."""
        ...


class ImageTab(Protocol):
    """Shows one side of an image."""

    async def show(self, exchange: UiExchange, repository: RepositoryName, reference: Reference) -> Reply:
        """Raises NotFound for what the reader may not know of."""
        ...


class PlacePages:
    """`tabs` of places and those of images, by their names in addresses; the one of the empty name is shown first."""

    def __init__(self, tabs: Mapping[str, PlaceTab], images: Mapping[str, ImageTab]) -> None:
        self._tabs = tabs
        self._images = images

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (Route("GET", "/r/{address:rest}", self.show, open=True),)

    async def show(self, exchange: UiExchange) -> Reply:
        """What the address says."""
        text = exchange.params["address"]
        found = parse_address(text)
        if isinstance(found, ImageAddress):
            image = self._images.get(found.tab)
            if image is None:
                raise NotFound("there is no such page")
            return await image.show(exchange, found.repository, found.reference)
        if text != found.name and not found.tab:  # with a slash at the end
            return redirect(place_address(found.name))
        return await self._tab(exchange, found)

    async def _tab(self, exchange: UiExchange, place: PlaceAddress) -> Reply:
        tab = self._tabs.get(place.tab)
        if tab is None:
            raise NotFound("there is no such page")
        return await tab.show(exchange, place.name)
