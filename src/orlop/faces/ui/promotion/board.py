"""The board of a pipeline: what stands in each stage, image by image; and of one image what differs from stage to
stage, what holds it back, and the forms that promote it, approve and refuse."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.errors import NotFound, RegistryError, RequestInvalid, Unavailable
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.domain.promotion.pipeline import PIPELINES
from orlop.domain.promotion.promotion import Promotion
from orlop.domain.settings import place_words
from orlop.faces.ui.account import number
from orlop.faces.ui.addresses import image_address, settings_address
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.promotion.addresses import board_address, board_image_address
from orlop.faces.ui.routes import Route
from orlop.services.advisories.differences import InsideDifferences
from orlop.services.desks import Desks
from orlop.services.promotion.asking import PromotionTrial
from orlop.services.promotion.boards import Board, BoardCell, BoardStage
from orlop.services.promotion.desk import MayDecide

_ROWS = 50


class BoardStep(msgspec.Struct, frozen=True):
    """From one stage to the next that is filled, or is to be. `inside`: what differs, None where that is not known;
    `trial`: what would become of promoting what stands in the first, None where the second has the same."""

    before: BoardCell
    source: BoardStage
    target: BoardStage
    after: BoardCell | None
    inside: InsideDifferences | None
    trial: PromotionTrial | None


class BoardPages:
    """A reader sees what stands in the stages from which they may pull."""

    def __init__(self, pages: Pages, desks: Desks) -> None:
        self._pages = pages
        self._boards = desks.promotion_boards
        self._trials = desks.promotion_trials
        self._desk = desks.promotions
        self._inside = desks.comparison
        self._settings = desks.management.settings

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/boards/{name}", self.show),
            Route("GET", "/boards/{name}/image", self.image),
            Route("POST", "/boards/{name}/promote", self.promote),
            Route("POST", "/boards/{name}/approve", self.approve),
            Route("POST", "/boards/{name}/refuse", self.refuse),
        )

    async def show(self, exchange: UiExchange) -> Reply:
        """All images, a page at a time."""
        name, path = exchange.params["name"], exchange.query.get("path", "").strip("/")
        asked = PageRequest(_ROWS, exchange.query.get("last", ""))
        board = await self._boards.page(exchange.caller, path, name, asked)
        return self._pages.page(
            exchange,
            "promotion/board",
            parts=("rows",),
            board=board,
            words=place_words(path),
            address=image_address,
            image_board=lambda image: board_image_address(name, path, image),
            more=board_address(name, path, board.rows[-1].name) if board.more else "",
            setting=settings_address(PIPELINES.plural, name, path=path),
            may_change=await self._settings.may_change(exchange.caller, PIPELINES.kind, path),
        )

    async def image(self, exchange: UiExchange) -> Reply:
        """One image in all stages. Its part `below` is what a script puts below its row."""
        query = exchange.query
        return await self._image(exchange, query.get("path", "").strip("/"), query.get("image", ""))

    async def promote(self, exchange: UiExchange) -> Reply:
        """Promote what was shown to stand in a stage."""

        async def done() -> None:
            image = RepositoryName(exchange.field("repository")), Tag(exchange.field("tag"))
            shown = (Digest(exchange.field("digest")),)
            stage, pipeline = exchange.field("stage"), exchange.params["name"]
            await self._desk.promote(exchange.caller, [image], stage, pipeline, shown)

        return await self._decided(exchange, done)

    async def approve(self, exchange: UiExchange) -> Reply:
        """Agree to one that waits."""
        return await self._decided(
            exchange, lambda: self._desk.approve(exchange.caller, number(exchange.field("number")))
        )

    async def refuse(self, exchange: UiExchange) -> Reply:
        """End one that waits; the reason that has to be given stands for a second question."""

        async def done() -> None:
            reason = " ".join(exchange.field("reason").split())
            if not reason:
                raise RequestInvalid("say why, for whoever asked for it")
            await self._desk.refuse(exchange.caller, number(exchange.field("number")), reason)

        return await self._decided(exchange, done)

    async def _decided(self, exchange: UiExchange, do: Callable[[], Awaitable[object]]) -> Reply:
        path, image = exchange.field("path").strip("/"), exchange.field("image")
        try:
            await do()
        except RegistryError as refusal:
            return await self._image(exchange, path, image, refusal)
        return redirect(board_image_address(exchange.params["name"], path, image))

    async def _image(self, exchange: UiExchange, path: str, image: str, refusal: RegistryError | None = None) -> Reply:
        name = exchange.params["name"]
        board = await self._boards.row(exchange.caller, path, name, image)
        waiting = board.rows[0].waiting
        return self._pages.page(
            exchange,
            "promotion/image",
            refusal=refusal,
            parts=("below",),
            board=board,
            row=board.rows[0],
            path=path,
            words=place_words(path),
            steps=[await self._step(exchange, name, *each) for each in _pairs(board)],
            waiting=waiting,
            may={one.id: await self._may(exchange, one) for one in waiting},
            address=image_address,
            back=board_address(name, path),
            typed=exchange.form,
        )

    async def _may(self, exchange: UiExchange, promotion: Promotion) -> MayDecide:
        return await self._desk.may_decide(exchange.caller, promotion)

    async def _step(
        self,
        exchange: UiExchange,
        name: str,
        before: BoardCell,
        source: BoardStage,
        target: BoardStage,
        after: BoardCell | None,
    ) -> BoardStep:
        inside, trial = None, None
        one = before.repository, Digest.stored(before.standing.digest)
        if after is not None and after.standing.digest != before.standing.digest:
            with suppress(NotFound, RequestInvalid, Unavailable):  # no images, or for no platform that both have
                other = after.repository, Digest.stored(after.standing.digest)
                inside = await self._inside.of(exchange.caller, other, one)
        if after is None or after.standing.digest != before.standing.digest:
            held = before.repository, Tag.stored(before.standing.tag)
            trial = await self._trials.images(exchange.caller, [held], target.stage.name, name)
        return BoardStep(before, source, target, after, inside, trial)


def _pairs(board: Board) -> list[tuple[BoardCell, BoardStage, BoardStage, BoardCell | None]]:
    """Each stage that is filled, and the next, whether that is or not."""
    cells = board.rows[0].cells
    return [
        (cell, board.stages[at], board.stages[at + 1], cells[at + 1])
        for at, cell in enumerate(cells[:-1])
        if cell is not None
    ]
