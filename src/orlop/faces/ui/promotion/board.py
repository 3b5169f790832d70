"""The board of a pipeline: what stands in each stage, image by image; and of one image what differs from stage to
stage, what holds it back, and the forms that promote it, approve and refuse."""

from collections.abc import Awaitable, Callable

from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.domain.promotion.pipeline import PIPELINES
from orlop.domain.settings import place_words
from orlop.faces.ui.account import number
from orlop.faces.ui.addresses import image_address, settings_address
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.promotion.addresses import board_address, board_image_address
from orlop.faces.ui.promotion.reasons import reason_of
from orlop.faces.ui.promotion.steps import BoardSteps
from orlop.faces.ui.routes import Route
from orlop.services.desks import Desks

_ROWS = 50


class BoardPages:
    """A reader sees what stands in the stages from which they may pull."""

    def __init__(self, pages: Pages, desks: Desks) -> None:
        self._pages = pages
        self._boards = desks.promotion_boards
        self._steps = BoardSteps(desks)
        self._desk = desks.promotions
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
            reason = reason_of(exchange, "asked for it")
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
            steps=await self._steps.of(exchange.caller, board),
            waiting=waiting,
            may={one.id: await self._desk.may_decide(exchange.caller, one) for one in waiting},
            address=image_address,
            back=board_address(name, path),
            typed=exchange.form,
        )
