"""The rules that are in force at a place, in sentences, and from where."""

from orlop.faces.ui.browse.frame import PlaceFrames
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.pages import Pages
from orlop.services.desks import Desks


class RulesTab:
    """See `PlaceTab`."""

    def __init__(self, pages: Pages, desks: Desks, frames: PlaceFrames) -> None:
        self._pages = pages
        self._told = desks.management.house_rules
        self._frames = frames

    async def show(self, exchange: UiExchange, name: str) -> Reply:
        """See `PlaceTab`."""
        frame = await self._frames.of(exchange, name)
        if frame.is_repository:
            rules = await self._told.show(exchange.caller, repository=name)
        else:
            rules = await self._told.show(exchange.caller, namespace=name)
        return self._pages.page(exchange, "browse/rules", frame=frame, rules=rules)
