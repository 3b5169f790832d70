"""The board of a pipeline: what stands in each stage, image by image; and of one image what differs from stage to
stage, what holds it back, and the forms that promote it, approve and refuse."""

from collections.abc import Awaitable, Callable

from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError, RequestInvalid, Stale
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.domain.promotion.bundle import Bundle
from orlop.domain.promotion.pipeline import PIPELINES
from orlop.domain.settings import place_words
from orlop.faces.ui.account import number
from orlop.faces.ui.addresses import image_address, settings_address
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.promotion.addresses import board_address, board_image_address, bundle_address, promotions_address
from orlop.faces.ui.promotion.reasons import reason_of
from orlop.faces.ui.promotion.steps import BoardSteps
from orlop.faces.ui.routes import Route
from orlop.services.desks import Desks
from orlop.services.promotion.boards import BoardCell, BoardRow

_ROWS = 50
#: What stands before the name of a row in the name of its box.
_ROW = "row."


def _name(cell: BoardCell) -> str:
    return f"{cell.repository}:{cell.standing.tag}"


def _shown(row: BoardRow) -> str:
    """What a row has, stage by stage: the beginnings of digests."""
    return " ".join(cell.standing.digest.partition(":")[2][:16] if cell is not None else "-" for cell in row.cells)


class BoardPages:
    """A reader sees what stands in the stages from which they may pull."""

    def __init__(self, pages: Pages, desks: Desks) -> None:
        self._pages = pages
        self._boards = desks.promotion_boards
        self._steps = BoardSteps(desks)
        self._desk = desks.promotions
        self._bundles = desks.bundles
        self._settings = desks.management.settings

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/boards/{name}", self.show),
            Route("GET", "/boards/{name}/image", self.image),
            Route("POST", "/boards/{name}/promote", self.promote),
            Route("POST", "/boards/{name}/bundle", self.bundle),
            Route("POST", "/boards/{name}/approve", self.approve),
            Route("POST", "/boards/{name}/refuse", self.refuse),
        )

    async def show(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """All images, a page at a time."""
        name, path = exchange.params["name"], exchange.query.get("path", exchange.field("path")).strip("/")
        asked = PageRequest(_ROWS, exchange.query.get("last", ""))
        board = await self._boards.page(exchange.caller, path, name, asked)
        return self._pages.page(
            exchange,
            "promotion/board",
            refusal=refusal,
            parts=("rows",),
            board=board,
            shown=_shown,
            example=next((_name(cell) for row in board.rows for cell in row.cells if cell is not None), "team/app:1.4"),
            typed=exchange.form,
            words=place_words(path),
            address=image_address,
            image_board=lambda image: board_image_address(name, path, image),
            more=board_address(name, path, board.goes_on) if board.goes_on else "",
            promotions=promotions_address(name, path),
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

    async def bundle(self, exchange: UiExchange) -> Reply:
        """Make a bundle of what the rows that were chosen have in a stage, where that is what was shown."""
        try:
            bundle = await self._bundled(exchange)
        except RegistryError as refusal:
            return await self.show(exchange, refusal)
        return redirect(bundle_address(bundle.name, bundle.path))

    async def _bundled(self, exchange: UiExchange) -> Bundle:
        chosen = {key.removeprefix(_ROW): value for key, value in exchange.form.items() if key.startswith(_ROW)}
        if not chosen:
            raise RequestInvalid("choose the images that go together")
        path, stage = exchange.field("path").strip("/"), exchange.field("stage")
        board = await self._boards.rows(exchange.caller, path, exchange.params["name"], list(chosen))
        at = next((at for at, column in enumerate(board.stages) if column.stage.name == stage), None)
        if at is None:
            raise RequestInvalid("name the stage that the images are taken from")
        cells = []
        for row in board.rows:
            cell = row.cells[at]
            if cell is None:
                raise RequestInvalid(f"{row.name} has nothing in {stage}")
            if _shown(row).split()[at : at + 1] != chosen[row.name].split()[at : at + 1]:
                raise Stale(f"{_name(cell)} is not what was shown", {"image": row.name})
            cells.append(cell)
        images = [(cell.repository, Tag.stored(cell.standing.tag)) for cell in cells]
        digests = [Digest.stored(cell.standing.digest) for cell in cells]
        return await self._bundles.make(exchange.caller, exchange.field("name"), images, digests)

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
