"""The face of the pages: `/login`, `/logout`, `/account`, `/static`, and `/`, which leads there.

A visitor gets a page, whatever goes wrong; nothing of a query or a form is logged.
"""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from orlop.domain.errors import NotFound, RegistryError, TooManyRequests, Unavailable
from orlop.domain.identity.secrets import Draw
from orlop.faces.http.errors import status_of
from orlop.faces.http.proxies import Proxies
from orlop.faces.http.responses import Response
from orlop.faces.http.shell import HttpExchange
from orlop.faces.ui import cookies
from orlop.faces.ui.account import OwnAccount
from orlop.faces.ui.exchange import (
    FORM_MAX,
    Cookie,
    Reply,
    UiExchange,
    parse_form,
    parse_query,
    redirect,
    refuse_foreign,
    refuse_forged,
)
from orlop.faces.ui.factors import OwnFactors
from orlop.faces.ui.pages import Pages, static_files
from orlop.faces.ui.signing_in import SigningIn
from orlop.services.identity.sessions import BrowserSessions, form_token, new_secret

Handler = Callable[[UiExchange], Awaitable[Reply]]
ProviderHandler = Callable[[UiExchange, str], Awaitable[Reply]]

#: Nothing but our own files, no script or style within a page, no frame around it, and forms that stay here.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_GUARDS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"publickey-credentials-get=(self), publickey-credentials-create=(self)"),
)

#: What somebody may do who has to choose another password first.
_BEFORE_CHANGE = frozenset({"/account/password", "/logout"})

#: Where a provider's server asks, not a browser: without a cookie, and with a signed token of its own.
_BACKCHANNEL = "/login/backchannel/"

_HEADINGS = {401: "Not signed in", 403: "Not allowed", 404: "Nothing here", 429: "Too many attempts", 503: "Not now"}


class UiHandlers(msgspec.Struct, frozen=True):
    """Who answers."""

    signing_in: SigningIn
    account: OwnAccount
    factors: OwnFactors


class UiFace:
    """Finds out who asks, refuses what another site sent, and hands the rest to the handler of the path."""

    route, idle = "ui", 10.0

    def __init__(
        self,
        handlers: UiHandlers,
        pages: Pages,
        sessions: BrowserSessions,
        proxies: Proxies,
        draw: Draw,
    ) -> None:
        self._pages = pages
        self._sessions = sessions
        self._proxies = proxies
        self._draw = draw
        self._static = static_files()
        self._open, self._own, self._of_provider = _tables(handlers)

    async def answer(self, exchange: HttpExchange) -> Response:
        """See `Face`."""
        secure = self._base(exchange).startswith("https://")
        if exchange.path.startswith("/static/"):
            return _rendered(self._file(exchange.method, exchange.path, exchange.headers), secure=secure)
        content = await exchange.content(FORM_MAX, "a form")
        page, fresh = await self._exchange(exchange, content)
        if page.visitor:
            exchange.caller = page.visitor.caller
        return _rendered(_with_visit(await self._answer(page, exchange.headers), fresh), secure=secure)

    def refusal(self, exchange: HttpExchange, error: RegistryError) -> Response:
        """See `Face`."""
        base = self._base(exchange)
        return _rendered(self._refusal(_nobody(exchange, base), error), secure=base.startswith("https://"))

    def _base(self, exchange: HttpExchange) -> str:
        return self._proxies.base(exchange.scope, exchange.headers)

    async def _exchange(self, asked: HttpExchange, content: bytes) -> tuple[UiExchange, str]:
        """The request, and what a new visitor's cookie is to hold; empty when they have one."""
        scope, base, address, request = asked.scope, self._base(asked), asked.caller.address, asked.request_id
        secure = base.startswith("https://")
        # "concatenated into a single octet string using the two-octet delimiter of 0x3b, 0x20" (RFC 9113, 8.2.3)
        sent = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
        session = cookies.read(sent, cookies.SESSION, secure=secure)
        visitor = await self._sessions.visitor(session, address=address, request=request)
        secret, fresh = session, ""
        if visitor is None:
            secret = cookies.read(sent, cookies.VISIT, secure=secure)
            if not secret:
                secret = fresh = new_secret(self._draw)
        post = asked.method == "POST"
        exchange = UiExchange(
            method="GET" if asked.method == "HEAD" else asked.method,
            path=asked.path,
            query=parse_query(scope.get("query_string", b"")),
            form=parse_form(content, asked.header(b"content-type")) if post else {},
            base=base,
            secret=secret,
            visitor=visitor,
            address=address,
            request=request,
            agent=asked.header(b"user-agent"),
            csrf=form_token(secret),
        )
        return exchange, fresh

    async def _answer(self, exchange: UiExchange, headers: Mapping[bytes, bytes]) -> Reply:
        try:
            from_server = exchange.path.startswith(_BACKCHANNEL)
            if exchange.method == "POST" and not from_server:
                refuse_foreign(headers, exchange.base)
                refuse_forged(exchange.form, exchange.secret)
            return await self._handle(exchange)
        except RegistryError as refusal:
            return self._refusal(exchange, refusal)

    async def _handle(self, exchange: UiExchange) -> Reply:
        visitor = exchange.visitor
        if visitor and visitor.account.must_change and exchange.path not in _BEFORE_CHANGE:
            return redirect("/account/password")
        found = self._open.get((exchange.method, exchange.path))
        if found is not None:
            return await found(exchange)
        own = self._own.get((exchange.method, exchange.path))
        if own is not None:
            if visitor is None:
                return redirect("/login" if exchange.method == "POST" else f"/login?next={exchange.path}")
            return await own(exchange)
        before, _, name = exchange.path.rpartition("/")
        of_provider = self._of_provider.get((exchange.method, before))
        if of_provider is not None:
            return await of_provider(exchange, name)
        raise NotFound("there is no such page")

    def _file(self, method: str, path: str, headers: Mapping[bytes, bytes]) -> Reply:
        file = self._static.get(path.removeprefix("/static/"))
        if file is None or method not in {"GET", "HEAD"}:
            return Reply(404, b"there is no such file\n", "text/plain; charset=utf-8")
        kept = (("etag", file.etag), ("cache-control", "public, max-age=300"))
        if headers.get(b"if-none-match", b"").decode("latin-1") == file.etag:
            return Reply(304, content_type=file.content_type, headers=kept)
        return Reply(200, file.content, file.content_type, headers=kept)

    def _refusal(self, exchange: UiExchange, refusal: RegistryError) -> Reply:
        status = status_of(refusal)
        again = refusal.retry_after if isinstance(refusal, TooManyRequests | Unavailable) else 0
        return self._pages.page(
            exchange,
            "error",
            status=status,
            headers=(("retry-after", str(again)),) if again else (),
            heading=_HEADINGS.get(status, "That did not work"),
            message=refusal.message,
            request=exchange.request,
        )


def _tables(
    handlers: UiHandlers,
) -> tuple[
    Mapping[tuple[str, str], Handler], Mapping[tuple[str, str], Handler], Mapping[tuple[str, str], ProviderHandler]
]:
    """Pages for everybody, pages for those who are signed in, and pages of a provider, whose name ends the path."""
    entry, own, factors = handlers.signing_in, handlers.account, handlers.factors
    return (
        {
            ("GET", "/"): own.home,
            ("GET", "/login"): entry.show,
            ("POST", "/login"): entry.with_password,
            ("POST", "/login/totp"): entry.with_code,
            ("GET", "/login/passkey"): entry.ask_passkey,
            ("POST", "/login/passkey"): entry.with_passkey,
            ("GET", "/logout"): entry.ask_out,
            ("POST", "/logout"): entry.out,
        },
        {
            ("GET", "/account"): own.show,
            ("POST", "/account/tokens"): own.make_token,
            ("POST", "/account/tokens/revoke"): own.revoke_token,
            ("GET", "/account/password"): own.show_password,
            ("POST", "/account/password"): own.change_password,
            ("POST", "/account/sessions/end"): own.end_session,
            ("GET", "/account/totp"): factors.ask_totp,
            ("POST", "/account/totp"): factors.propose_totp,
            ("POST", "/account/totp/confirm"): factors.confirm_totp,
            ("GET", "/account/totp/remove"): factors.ask_no_totp,
            ("POST", "/account/totp/remove"): factors.no_totp,
            ("GET", "/account/recovery"): factors.ask_recovery,
            ("POST", "/account/recovery"): factors.recovery,
            ("GET", "/account/passkeys"): factors.ask_passkey,
            ("POST", "/account/passkeys"): factors.propose_passkey,
            ("POST", "/account/passkeys/add"): factors.add_passkey,
            ("POST", "/account/passkeys/remove"): factors.remove_passkey,
        },
        {
            ("GET", "/login/oidc"): entry.to_provider,
            ("GET", "/login/callback"): entry.from_provider,
            ("POST", _BACKCHANNEL.rstrip("/")): entry.backchannel,
        },
    )


def _nobody(asked: HttpExchange, base: str) -> UiExchange:
    """A request of which nothing more is known, to answer it with an error."""
    return UiExchange(
        method=asked.method,
        path=asked.path,
        query={},
        form={},
        base=base,
        secret="",
        visitor=None,
        address=asked.caller.address,
        request=asked.request_id,
    )


def _with_visit(reply: Reply, fresh: str) -> Reply:
    """Set the cookie of a new visit, unless the answer has something else to say of it."""
    if not fresh or any(cookie.name == cookies.VISIT for cookie in reply.cookies):
        return reply
    return msgspec.structs.replace(reply, cookies=(*reply.cookies, Cookie(cookies.VISIT, fresh)))


def _rendered(reply: Reply, *, secure: bool) -> Response:
    headers = [
        *_GUARDS,
        (b"content-type", reply.content_type.encode()),
        *((name.encode(), value.encode("latin-1")) for name, value in reply.headers),
        *((b"set-cookie", cookies.render(cookie, secure=secure).encode()) for cookie in reply.cookies),
    ]
    if not any(name == "cache-control" for name, _ in reply.headers):
        headers.append((b"cache-control", b"no-store"))
    if reply.location:
        headers.append((b"location", reply.location.encode("ascii")))
    return Response(reply.status, headers, reply.body)
