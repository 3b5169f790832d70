"""The pipelines that images of a place pass: own ones and those of the places above."""

import msgspec

from orlop.domain.promotion.pipeline import PIPELINES, Pipeline
from orlop.domain.settings import place_words
from orlop.faces.ui.addresses import settings_address
from orlop.faces.ui.browse.frame import PlaceFrames
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.promotion.addresses import board_address
from orlop.services.desks import Desks
from orlop.services.settings.kept import Shown


class PipelineInForce(msgspec.Struct, frozen=True):
    """A pipeline. `own`: it is set at the place itself; `stages`: name, place and how many have to approve of each."""

    name: str
    place: str
    own: bool
    address: str
    board: str
    stages: tuple[tuple[str, str, int], ...]


class PromotionTab:
    """See `PlaceTab`."""

    def __init__(self, pages: Pages, desks: Desks, frames: PlaceFrames) -> None:
        self._pages = pages
        self._settings = desks.management.settings
        self._frames = frames

    async def show(self, exchange: UiExchange, name: str) -> Reply:
        """See `PlaceTab`."""
        frame = await self._frames.of(exchange, name)
        found = await self._settings.holding(exchange.caller, PIPELINES.kind, name)
        return self._pages.page(
            exchange,
            "promotion/place",
            frame=frame,
            pipelines=[_in_force(each.shown, name) for each in found],
            may_change=await self._settings.may_change(exchange.caller, PIPELINES.kind, name),
        )


def _in_force(shown: Shown, name: str) -> PipelineInForce:
    pipeline = msgspec.convert(shown.body, Pipeline)
    return PipelineInForce(
        name=shown.name,
        place=place_words(shown.path),
        own=shown.path == name,
        address=settings_address(PIPELINES.plural, shown.name, path=shown.path),
        board=board_address(shown.name, shown.path),
        stages=tuple((stage.name, stage.words, pipeline.needed(stage.name)) for stage in pipeline.parsed),
    )
