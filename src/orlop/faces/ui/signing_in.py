"""The pages of signing in and out: with a password and a second factor, with a passkey, through a provider."""

from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

from orlop.domain.errors import Denied, NotFound, RegistryError, RequestInvalid, TooManyRequests, Unauthorized
from orlop.faces.ui.cookies import SESSION, VISIT
from orlop.faces.ui.exchange import Cookie, Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.ports.identity import Account, Accounts
from orlop.services.identity.browser_steps import BrowserSteps
from orlop.services.identity.failures import OnFailure, ProofKind, failure
from orlop.services.identity.passkeys import Passkeys, Site
from orlop.services.identity.passwords import PasswordSignIn
from orlop.services.identity.second_factors import SecondFactors
from orlop.services.identity.sessions import BrowserSessions
from orlop.services.identity.sign_on import BrowserSignOn, Returned

_SECOND_FACTOR, _PASSKEY = "second-factor", "passkey"


class _Halfway(msgspec.Struct):
    """The password was right."""

    account: int
    name: str
    version: int
    """Of the account then: what was right before a change is not right after it."""
    next: str


class Challenge(msgspec.Struct):
    """What a passkey is to sign."""

    challenge: bytes
    next: str = ""


class SigningIn:
    """Every way in ends in a session of a new id."""

    def __init__(
        self,
        pages: Pages,
        passwords: PasswordSignIn,
        accounts: Accounts,
        factors: SecondFactors,
        passkeys: Passkeys,
        sessions: BrowserSessions,
        steps: BrowserSteps,
        sign_on: BrowserSignOn,
        on_failure: OnFailure,
    ) -> None:
        self._pages = pages
        self._passwords = passwords
        self._accounts = accounts
        self._factors = factors
        self._passkeys = passkeys
        self._sessions = sessions
        self._steps = steps
        self._sign_on = sign_on
        self._on_failure = on_failure

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/login", self.show, open=True),
            Route("POST", "/login", self.with_password, open=True),
            Route("POST", "/login/totp", self.with_code, open=True),
            Route("GET", "/login/passkey", self.ask_passkey, open=True),
            Route("POST", "/login/passkey", self.with_passkey, open=True),
            Route("GET", "/login/oidc/{provider}", self.to_provider, open=True),
            Route("GET", "/login/callback/{provider}", self.from_provider, open=True),
            # A provider's server sends it, without a cookie, and with a signed token of its own.
            Route("POST", "/login/backchannel/{provider}", self.backchannel, open=True, foreign=True),
            Route("GET", "/logout", self.ask_out, open=True),
            Route("POST", "/logout", self.out, open=True),
        )

    async def show(self, exchange: UiExchange) -> Reply:
        """The login page."""
        return redirect(exchange.next) if exchange.visitor else await self._login(exchange)

    async def with_password(self, exchange: UiExchange) -> Reply:
        """Name and password; whoever has a second factor is asked for it next."""
        name = exchange.field("name").strip()
        try:
            account = await self._passwords.account(
                name, exchange.field("password"), address=exchange.address, request=exchange.request
            )
        except RegistryError as refusal:
            return await self._login(exchange, refusal)
        if not account.second_factors:
            return await self._enter(exchange, account, exchange.next)
        step = await self._steps.begin(
            _SECOND_FACTOR,
            _Halfway(account.id, account.name, account.version, exchange.next),
            holder=exchange.secret,
            address=exchange.address,
        )
        return self._code(exchange, account, step, exchange.next)

    async def with_code(self, exchange: UiExchange) -> Reply:
        """The second factor of somebody whose password was right."""
        step = exchange.field("step")
        halfway = await self._steps.look(_SECOND_FACTOR, step, _Halfway, holder=exchange.secret)
        account = await self._accounts.get(halfway.name)
        if account is None or (account.id, account.version) != (halfway.account, halfway.version):
            raise Unauthorized("the account was changed meanwhile; start over")
        try:
            await self._factors.verify(account, exchange.field("code"), exchange.caller)
        except (Unauthorized, TooManyRequests) as refusal:
            return self._code(exchange, account, step, halfway.next, refusal)
        await self._steps.take(_SECOND_FACTOR, step, _Halfway, holder=exchange.secret)
        return await self._enter(exchange, account, halfway.next)

    async def ask_passkey(self, exchange: UiExchange) -> Reply:
        """The page that asks the browser for a passkey."""
        site = site_of(exchange)
        challenge = self._passkeys.challenge()
        step = await self._steps.begin(
            _PASSKEY, Challenge(challenge, exchange.next), holder=exchange.secret, address=exchange.address
        )
        return self._pages.page(
            exchange,
            "passkey",
            heading="Sign in with a passkey",
            action="/login/passkey",
            options=self._passkeys.authentication(challenge, site),
            step=step,
            naming="",
            verb="Use a passkey",
            back="/login",
        )

    async def with_passkey(self, exchange: UiExchange) -> Reply:
        """What a passkey signed. It stands for both factors: something held, and whoever it recognised."""
        asked = await self._steps.take(_PASSKEY, exchange.field("step"), Challenge, holder=exchange.secret)
        site = site_of(exchange)
        account = await self._passkeys.authenticate(exchange.field("response"), asked.challenge, site, exchange.caller)
        return await self._enter(exchange, account, asked.next)

    async def to_provider(self, exchange: UiExchange) -> Reply:
        """Send the browser to a provider."""
        address = await self._sign_on.begin(
            exchange.params["provider"],
            base=exchange.base,
            visit=exchange.secret,
            next_=exchange.next,
            caller=exchange.caller,
        )
        return redirect(address)

    async def from_provider(self, exchange: UiExchange) -> Reply:
        """The browser came back from a provider."""
        name, query = exchange.params["provider"], exchange.query
        returned = Returned(query.get("state", ""), query.get("code", ""), query.get("iss"), query.get("error", ""))
        try:
            done = await self._sign_on.finish(name, returned, visit=exchange.secret, caller=exchange.caller)
        except (Unauthorized, Denied) as refusal:
            told = failure("", exchange.address, exchange.request, refusal.message, ProofKind.PROVIDER)
            self._on_failure(told)
            raise
        return await self._enter(exchange, done.account, done.next, provider=name, provider_session=done.session)

    async def backchannel(self, exchange: UiExchange) -> Reply:
        """A provider says that somebody signed out there (OpenID Connect Back-Channel Logout 1.0, section 2.8)."""
        headers = (("cache-control", "no-store"),)
        try:
            await self._sign_on.notice(exchange.params["provider"], exchange.field("logout_token"), exchange.caller)
        except (Unauthorized, NotFound, RequestInvalid) as refusal:
            body = msgspec.json.encode({"error": "invalid_request", "error_description": refusal.message})
            return Reply(400, body, "application/json", headers=headers)
        return Reply(200, b"", "text/plain; charset=utf-8", headers=headers)

    async def ask_out(self, exchange: UiExchange) -> Reply:
        """Asks before signing out: following a link changes nothing."""
        return self._pages.page(exchange, "logout") if exchange.visitor else redirect("/login")

    async def out(self, exchange: UiExchange) -> Reply:
        """End the session of this browser."""
        if exchange.visitor:
            await self._sessions.end(exchange.visitor, exchange.visitor.session.id)
        return redirect("/login", Cookie(SESSION), Cookie(VISIT))

    async def _enter(
        self, exchange: UiExchange, account: Account, next_: str, *, provider: str = "", provider_session: str = ""
    ) -> Reply:
        secret = await self._sessions.start(
            account, exchange.caller, agent=exchange.agent, provider=provider, provider_session=provider_session
        )
        if exchange.visitor:
            await self._sessions.end(exchange.visitor, exchange.visitor.session.id)
        return redirect(next_, Cookie(SESSION, secret), Cookie(VISIT))

    async def _login(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        return self._pages.page(
            exchange,
            "login",
            refusal=refusal,
            headers=_again(refusal),
            links=await self._sign_on.links(),
            next=exchange.next,
            passkeys=has_passkeys(exchange),
        )

    def _code(
        self, exchange: UiExchange, account: Account, step: str, next_: str, refusal: RegistryError | None = None
    ) -> Reply:
        return self._pages.page(
            exchange,
            "code",
            refusal=refusal,
            headers=_again(refusal),
            step=step,
            next=next_,
            has_passkey="passkey" in account.second_factors,
            passkeys=has_passkeys(exchange),
        )


def has_passkeys(exchange: UiExchange) -> bool:
    """Whether browsers allow passkeys here: they are bound to a name, not to an address, and need https or loopback."""
    url = urlsplit(exchange.base)
    host = url.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return url.scheme == "https" or host == "localhost"
    return False


def site_of(exchange: UiExchange) -> Site:
    """Where this is, to a passkey. Raises Denied where browsers allow none."""
    if not has_passkeys(exchange):
        raise Denied("passkeys need https and a name; open this registry by its name instead of its address")
    url = urlsplit(exchange.base)
    return Site(f"{url.scheme}://{url.netloc}", url.hostname or "")


def _again(refusal: RegistryError | None) -> tuple[tuple[str, str], ...]:
    return (("retry-after", str(refusal.retry_after)),) if isinstance(refusal, TooManyRequests) else ()
