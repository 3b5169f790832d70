"""The pipelines that images of a place pass: own ones and those of the places above."""

import msgspec

from orlop.domain.promotion.pipeline import PIPELINES
from orlop.domain.settings import place_words
from orlop.faces.ui.addresses import settings_address
from orlop.faces.ui.browse.frame import PlaceFrame, PlaceFrames
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.promotion.addresses import board_address, board_image_address
from orlop.services.desks import Desks
from orlop.services.promotion.boards import Along


class PipelineInForce(msgspec.Struct, frozen=True):
    """A pipeline. `own`: it is set at the place itself; `stages`: name, place and how many have to approve of each."""

    name: str
    place: str
    own: bool
    address: str
    board: str
    stages: tuple[tuple[str, str, int], ...]
    row: str
    """Where a repository stands on the board; empty: the place is none, or in no stage."""


class PromotionTab:
    """See `PlaceTab`."""

    def __init__(self, pages: Pages, desks: Desks, frames: PlaceFrames) -> None:
        self._pages = pages
        self._boards = desks.promotion_boards
        self._settings = desks.management.settings
        self._frames = frames

    async def show(self, exchange: UiExchange, name: str) -> Reply:
        """See `PlaceTab`."""
        frame = await self._frames.of(exchange, name)
        found = await self._boards.along(exchange.caller, name)
        return self._pages.page(
            exchange,
            "promotion/place",
            frame=frame,
            pipelines=[_in_force(each, frame) for each in found],
            may_change=await self._settings.may_change(exchange.caller, PIPELINES.kind, name),
        )


def _in_force(along: Along, frame: PlaceFrame) -> PipelineInForce:
    pipeline = along.pipeline
    row = along.row(frame.name) if frame.is_repository else ""
    return PipelineInForce(
        name=along.name,
        place=place_words(along.path),
        own=along.path == frame.name,
        address=settings_address(PIPELINES.plural, along.name, path=along.path),
        board=board_address(along.name, along.path),
        stages=tuple((stage.name, stage.words, pipeline.needed(stage.name)) for stage in pipeline.parsed),
        row=board_image_address(along.name, along.path, row) if row else "",
    )
