"""Bundles: which there are, where the images of one stand, and the forms that promote it as one and remove it."""

from collections.abc import Mapping
from urllib.parse import urlencode

from orlop.domain.errors import RegistryError
from orlop.domain.pages import PageRequest
from orlop.faces.ui.addresses import image_address
from orlop.faces.ui.exchange import Reply, UiExchange, number_of, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.promotion.addresses import board_address, bundle_address, promotion_address
from orlop.faces.ui.routes import Route
from orlop.services.desks import Desks
from orlop.services.promotion.asking import PromotionTrial
from orlop.services.promotion.bundles import key_of

_MANY = 50


class BundlePages:
    """Each is seen by its author, and by whoever may pull all of its images."""

    def __init__(self, pages: Pages, desks: Desks) -> None:
        self._pages = pages
        self._bundles = desks.bundles
        self._standings = desks.bundle_standings
        self._trials = desks.promotion_trials
        self._promotions = desks.promotions

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/bundles", self.list),
            Route("GET", "/bundles/{name}", self.show),
            Route("GET", "/bundles/{name}/trial", self.trial),
            Route("POST", "/bundles/{name}/promote", self.promote),
            Route("POST", "/bundles/{name}/remove", self.remove),
        )

    async def list(self, exchange: UiExchange) -> Reply:
        """By name and place."""
        page = await self._bundles.page(exchange.caller, PageRequest(_MANY, exchange.query.get("last", "")))
        return self._pages.page(
            exchange,
            "promotion/bundles",
            parts=("rows",),
            bundles=page.items,
            more=f"/bundles?{urlencode({'last': key_of(page.items[-1])})}" if page.more else "",
            address=bundle_address,
        )

    async def show(self, exchange: UiExchange) -> Reply:
        """Its images, and where each stands."""
        return await self._shown(exchange)

    async def trial(self, exchange: UiExchange) -> Reply:
        """The same, with what would become of promoting it to a stage, before the button that does."""
        name, path = exchange.params["name"], exchange.query.get("path")
        stage, pipeline = exchange.query.get("stage", ""), exchange.query.get("pipeline", "")
        try:
            trial = await self._trials.bundle(exchange.caller, name, stage, pipeline, path)
        except RegistryError as refusal:
            return await self._shown(exchange, refusal)
        return await self._shown(exchange, trial=trial)

    async def promote(self, exchange: UiExchange) -> Reply:
        """Promote the one that was shown, as one or not at all."""
        name, path = exchange.params["name"], exchange.field("path")
        stage, pipeline = exchange.field("stage"), exchange.field("pipeline")
        made_at = number_of(exchange.field("made_at")) or 0
        try:
            outcome = await self._promotions.promote_bundle(exchange.caller, name, stage, pipeline, path, made_at)
        except RegistryError as refusal:
            return await self._shown(exchange, refusal)
        if outcome.promotion is None:  # it is all there already, as the page tells
            return redirect(bundle_address(name, path))
        return redirect(promotion_address(outcome.promotion.id))

    async def remove(self, exchange: UiExchange) -> Reply:
        """Ask whether, and then remove it."""
        name, path = exchange.params["name"], exchange.field("path")
        try:
            if not exchange.field("confirmed"):
                bundle = await self._bundles.get(exchange.caller, name, path)
                await self._bundles.check_remove(exchange.caller, bundle)
                back = bundle_address(name, path)
                return self._pages.page(exchange, "promotion/bundle_removal", bundle=bundle, back=back)
            await self._bundles.remove(exchange.caller, name, path)
        except RegistryError as refusal:
            return await self._shown(exchange, refusal)
        return redirect("/bundles")

    async def _shown(
        self, exchange: UiExchange, refusal: RegistryError | None = None, trial: PromotionTrial | None = None
    ) -> Reply:
        sent: Mapping[str, str] = exchange.form if exchange.method == "POST" else exchange.query
        bundle = await self._bundles.get(exchange.caller, exchange.params["name"], sent.get("path"))
        return self._pages.page(
            exchange,
            "promotion/bundle",
            refusal=refusal,
            bundle=bundle,
            standings=await self._standings.of(exchange.caller, bundle),
            trial=trial,
            may_remove=await self._bundles.may_remove(exchange.caller, bundle),
            board=board_address,
            address=image_address,
        )
