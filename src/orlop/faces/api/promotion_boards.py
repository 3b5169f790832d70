"""End points about what stands in the stages of pipelines, and what would become of a promotion."""

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, QueryParameter

from orlop.faces.api import values
from orlop.faces.api.exchange import PAGE, ApiRequest, Last, Size, caller_of, going_on, page_of
from orlop.faces.api.promotion import NewPromotionValue, PromotedImageValue
from orlop.services.management.operations import Operation
from orlop.services.promotion.asking import PromotionTrial, PromotionTrials
from orlop.services.promotion.boards import Board, BoardCell, BoardRow, PromotionBoards


class StandingValue(msgspec.Struct, frozen=True):
    """What stands in a stage: of a namespace the tag that was set last, and since when. `differs`: the stage before has
    another image."""

    stage: str
    repository: str
    tag: str
    digest: str
    since: values.Time
    differs: bool

    @classmethod
    def of(cls, stage: str, cell: BoardCell) -> "StandingValue":
        """As clients see it."""
        one = cell.standing
        return cls(stage, cell.repository, one.tag, one.digest, values.time(one.since), cell.differs)


class BoardRowValue(msgspec.Struct, frozen=True):
    """An image by its name below its stages: what stands in those stages that have it, and the numbers of promotions
    of it that wait."""

    image: str
    stages: list[StandingValue]
    waiting: list[int]

    @classmethod
    def of(cls, board: Board, row: BoardRow) -> "BoardRowValue":
        """As clients see it."""
        cells = zip(board.stages, row.cells, strict=True)
        standing = [StandingValue.of(column.stage.name, cell) for column, cell in cells if cell is not None]
        return cls(row.name, standing, [one.id for one in row.waiting])


class PromotionTrialValue(msgspec.Struct, frozen=True):
    """What would become of a promotion. `needed`: how many approvals it takes; `opens_at`: when its stage opens for it,
    null: it is open; `refusal`: what it would be refused with, null: with nothing."""

    pipeline: str
    path: str
    source: str
    stage: str
    images: list[PromotedImageValue]
    needed: int
    opens_at: values.Time
    refusal: str | None

    @classmethod
    def of(cls, trial: PromotionTrial) -> "PromotionTrialValue":
        """As clients see it."""
        asked = trial.asked
        return cls(
            pipeline=asked.pipeline,
            path=asked.path,
            source=asked.source,
            stage=asked.stage,
            images=[PromotedImageValue.of(image) for image in asked.images],
            needed=asked.needed,
            opens_at=values.time(trial.opens_at),
            refusal=trial.refusal or None,
        )


def promotion_boards(boards: PromotionBoards, trials: PromotionTrials) -> list[HTTPRouteHandler]:
    """`/promotion-boards/{name}` and `/promotion-trials`."""

    @get(
        "/promotion-boards/{name:str}",
        operation_id="showPromotionBoard",
        tags=["promotion"],
        operation=Operation.PROMOTION_READ,
    )
    async def show_board(
        request: ApiRequest,
        name: Annotated[str, PathParameter(max_length=64, description="The pipeline.")],
        path: Annotated[
            str,
            QueryParameter(
                name="path", max_length=255, description="The place at which it is set; empty: the registry."
            ),
        ] = "",
        n: Size = PAGE,
        last: Last = "",
    ) -> Response[list[BoardRowValue]]:
        """What stands in each stage of a pipeline, by image, as far as the caller may pull it."""
        board = await boards.page(caller_of(request), path, name, page_of(n, last))
        return going_on(request, board.rows, lambda row: BoardRowValue.of(board, row), board.goes_on, n)

    @post(
        "/promotion-trials",
        operation_id="tryPromotion",
        tags=["promotion"],
        status_code=200,
        operation=Operation.PROMOTION_ASK,
    )
    async def try_promotion(request: ApiRequest, data: JSONBody[NewPromotionValue]) -> PromotionTrialValue:
        """What would become of a promotion that was asked for now. Nothing is written."""
        return PromotionTrialValue.of(await data.asked(caller_of(request), trials.images, trials.bundle))

    return [show_board, try_promotion]
