"""The pages that set up and remove second factors. Each asks for the password: a browser left open is not enough."""

import msgspec

from orlop.domain.errors import Denied, RegistryError, RequestInvalid
from orlop.faces.ui.account import visitor_of
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.faces.ui.signing_in import Challenge, site_of
from orlop.services.identity.browser_steps import BrowserSteps
from orlop.services.identity.passkeys import Passkeys
from orlop.services.identity.passwords import PasswordSignIn
from orlop.services.identity.second_factors import SecondFactors
from orlop.services.identity.sessions import Visitor

_TOTP, _ADDING = "totp", "passkey-add"


class _Proposed(msgspec.Struct):
    secret: str


class OwnFactors:
    """Second factors of the visitor. A visitor who signed in through a provider has theirs there."""

    def __init__(
        self,
        pages: Pages,
        passwords: PasswordSignIn,
        factors: SecondFactors,
        passkeys: Passkeys,
        steps: BrowserSteps,
    ) -> None:
        self._pages = pages
        self._passwords = passwords
        self._factors = factors
        self._passkeys = passkeys
        self._steps = steps

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/account/totp", self.ask_totp),
            Route("POST", "/account/totp", self.propose_totp),
            Route("POST", "/account/totp/confirm", self.confirm_totp),
            Route("GET", "/account/totp/remove", self.ask_no_totp),
            Route("POST", "/account/totp/remove", self.no_totp),
            Route("GET", "/account/recovery", self.ask_recovery),
            Route("POST", "/account/recovery", self.recovery),
            Route("GET", "/account/passkeys", self.ask_passkey),
            Route("POST", "/account/passkeys", self.propose_passkey),
            Route("POST", "/account/passkeys/add", self.add_passkey),
            Route("POST", "/account/passkeys/remove", self.remove_passkey),
        )

    async def ask_totp(self, exchange: UiExchange) -> Reply:
        """Before an authenticator is set up."""
        return self._confirm(exchange, "Set up an authenticator", "/account/totp", "Continue")

    async def propose_totp(self, exchange: UiExchange) -> Reply:
        """Show a new shared secret."""
        refused = await self._refused(exchange, "Set up an authenticator", "/account/totp", "Continue")
        return refused or await self._proposed(exchange, self._factors.propose())

    async def confirm_totp(self, exchange: UiExchange) -> Reply:
        """Set it up, with a code of it."""
        visitor = self._own(exchange)
        proposed = await self._steps.take(_TOTP, exchange.field("step"), _Proposed, holder=exchange.secret)
        try:
            codes = await self._factors.enrol(visitor, proposed.secret, exchange.field("code"))
        except RequestInvalid as refusal:
            return await self._proposed(exchange, proposed.secret, refusal)
        return self._pages.page(exchange, "codes", codes=codes)

    async def ask_no_totp(self, exchange: UiExchange) -> Reply:
        """Before an authenticator is removed."""
        return self._confirm(exchange, "Remove the authenticator", "/account/totp/remove", "Remove it")

    async def no_totp(self, exchange: UiExchange) -> Reply:
        """Remove it."""
        refused = await self._refused(exchange, "Remove the authenticator", "/account/totp/remove", "Remove it")
        if refused is None:
            visitor = self._own(exchange)
            await self._factors.remove_totp(visitor.account, visitor.caller)
        return refused or redirect("/account")

    async def ask_recovery(self, exchange: UiExchange) -> Reply:
        """Before new recovery codes are made."""
        return self._confirm(exchange, "Make new recovery codes", "/account/recovery", "Make them")

    async def recovery(self, exchange: UiExchange) -> Reply:
        """New recovery codes, in the place of the old."""
        refused = await self._refused(exchange, "Make new recovery codes", "/account/recovery", "Make them")
        return refused or await self._recovery(exchange)

    async def ask_passkey(self, exchange: UiExchange) -> Reply:
        """Before a passkey is added."""
        return self._confirm(exchange, "Add a passkey", "/account/passkeys", "Continue")

    async def propose_passkey(self, exchange: UiExchange) -> Reply:
        """Ask the browser to make one."""
        refused = await self._refused(exchange, "Add a passkey", "/account/passkeys", "Continue")
        if refused is not None:
            return refused
        visitor, site = self._own(exchange), site_of(exchange)
        challenge = self._passkeys.challenge()
        step = await self._steps.begin(_ADDING, Challenge(challenge), holder=exchange.secret, address=exchange.address)
        return self._pages.page(
            exchange,
            "passkey",
            heading="Add a passkey",
            action="/account/passkeys/add",
            options=await self._passkeys.registration(visitor.account, challenge, site),
            step=step,
            naming="passkey",
            verb="Make a passkey",
            back="/account",
        )

    async def add_passkey(self, exchange: UiExchange) -> Reply:
        """Keep the one that the browser made; with the first factor there are recovery codes to write down."""
        visitor, site = self._own(exchange), site_of(exchange)
        asked = await self._steps.take(_ADDING, exchange.field("step"), Challenge, holder=exchange.secret)
        await self._passkeys.register(
            visitor, exchange.field("response"), asked.challenge, exchange.field("name"), site
        )
        has_codes = bool((await self._factors.of(visitor.account.name)).recovery)
        return redirect("/account") if has_codes else await self._recovery(exchange)

    async def remove_passkey(self, exchange: UiExchange) -> Reply:
        """Remove one, once the password was typed."""
        kept = {"id": exchange.field("id")}
        if "password" not in exchange.form:
            return self._confirm(exchange, "Remove the passkey", "/account/passkeys/remove", "Remove it", kept)
        refused = await self._refused(exchange, "Remove the passkey", "/account/passkeys/remove", "Remove it", kept)
        if refused is None:
            visitor = self._own(exchange)
            await self._passkeys.remove(visitor.account, kept["id"], visitor.caller)
        return refused or redirect("/account")

    async def _recovery(self, exchange: UiExchange) -> Reply:
        visitor = self._own(exchange)
        codes = await self._factors.renew_recovery(visitor.account, visitor.caller)
        return self._pages.page(exchange, "codes", codes=codes)

    async def _proposed(self, exchange: UiExchange, secret: str, refusal: RegistryError | None = None) -> Reply:
        import segno  # when somebody sets one up
        from markupsafe import Markup

        visitor = self._own(exchange)
        step = await self._steps.begin(_TOTP, _Proposed(secret), holder=exchange.secret, address=exchange.address)
        address = self._factors.address(visitor.account.name, secret)
        picture = segno.make(address, error="m").svg_inline(scale=5, dark="#000", light="#fff")
        return self._pages.page(
            exchange,
            "totp",
            refusal=refusal,
            step=step,
            secret=secret,
            address=address,
            picture=Markup(picture),  # noqa: S704 - drawn by us, and of squares alone
        )

    async def _refused(
        self, exchange: UiExchange, heading: str, action: str, verb: str, kept: dict[str, str] | None = None
    ) -> Reply | None:
        """None when the password is right; else the page that asks for it, once more."""
        visitor = self._own(exchange)
        try:
            caller = visitor.caller
            await self._passwords.confirm(
                visitor.account, exchange.field("password"), address=caller.address, request=caller.request
            )
        except RegistryError as refusal:
            return self._confirm(exchange, heading, action, verb, kept, refusal)
        return None

    def _confirm(
        self,
        exchange: UiExchange,
        heading: str,
        action: str,
        verb: str,
        kept: dict[str, str] | None = None,
        refusal: RegistryError | None = None,
    ) -> Reply:
        self._own(exchange)
        return self._pages.page(
            exchange,
            "confirm",
            refusal=refusal,
            heading=heading,
            text="Type your password, so that it is certain that this is you.",
            action=action,
            verb=verb,
            kept=kept or {},
        )

    def _own(self, exchange: UiExchange) -> Visitor:
        visitor = visitor_of(exchange)
        if visitor.session.provider:
            raise Denied(f"you sign in through {visitor.session.provider}, so your second factor is set up there")
        return visitor
