"""The face of the pages.

A visitor gets a page, whatever goes wrong; nothing of a query or a form is logged.
"""

import zlib
from collections.abc import Mapping

import msgspec

from orlop.domain.errors import NotFound, RegistryError, TooManyRequests, Unauthorized, Unavailable
from orlop.domain.identity.secrets import Draw
from orlop.faces.http.counted import Counted
from orlop.faces.http.errors import status_of
from orlop.faces.http.proxies import Proxies
from orlop.faces.http.responses import Headers, LiveResponse, Response
from orlop.faces.http.shell import HttpExchange
from orlop.faces.ui import cookies
from orlop.faces.ui.addresses import pasted_address
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
from orlop.faces.ui.menu import Menu
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route, Routes
from orlop.faces.ui.static_files import static_files
from orlop.services.identity.sessions import BrowserSessions, form_token, new_secret
from orlop.services.read_only.mode import ReadOnlyMode

#: Nothing but our own files, no script or style within a page, no frame around it, and forms that stay here.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
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

#: The first components of what is sent while the registry is read-only: who signs in or out, their own account, and
#: the switches themselves.
_GOES_ON = frozenset({"login", "logout", "account", "device", "access", "read-only"})

_HEADINGS = {401: "Not signed in", 403: "Not allowed", 404: "Nothing here", 429: "Too many attempts", 503: "Not now"}

#: Smaller answers are sent as they are, in bytes.
_ZIPPED_FROM = 1_000
_GZIP = zlib.MAX_WBITS | 16


class UiFace:
    """Finds out who asks, refuses what another site sent, and hands the rest to the handler of the path."""

    route, idle = "ui", 10.0

    def __init__(
        self,
        routes: Routes,
        pages: Pages,
        sessions: BrowserSessions,
        menu: Menu,
        proxies: Proxies,
        draw: Draw,
        counted: Counted,
        read_only: ReadOnlyMode,
    ) -> None:
        self._read_only = read_only
        #: The pages, for whoever wants to know which there are.
        self.routes = routes
        self._pages = pages
        self._sessions = sessions
        self._menu = menu
        self._proxies = proxies
        self._draw = draw
        self._counted = counted
        self._static = static_files()

    async def answer(self, exchange: HttpExchange) -> Response | LiveResponse:
        """See `Face`."""
        secure = self._base(exchange).startswith("https://")
        if exchange.path.startswith("/static/"):
            return _rendered(self._file(exchange), exchange, secure=secure)
        content = await exchange.content(FORM_MAX, "a form")
        page, fresh = await self._exchange(exchange, content)
        if page.visitor:
            exchange.caller = page.visitor.caller
        reply = await self._answer(page, exchange)
        if reply.parts is not None:
            return LiveResponse(reply.status, _head(reply, secure=secure), reply.parts, reply.leave)
        return _rendered(_with_visit(reply, fresh), exchange, secure=secure)

    def refusal(self, exchange: HttpExchange, error: RegistryError) -> Response:
        """See `Face`."""
        base = self._base(exchange)
        reply = self._refusal(_nobody(exchange, base), error)
        return _rendered(reply, exchange, secure=base.startswith("https://"))

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
            csrf=form_token(secret, self._draw),
        )
        return exchange, fresh

    async def _answer(self, exchange: UiExchange, asked: HttpExchange) -> Reply:
        try:
            self._counted.admit(exchange.caller)
            found = self.routes.find(exchange.method, exchange.path)
            if exchange.method == "POST" and not (found and found[0].foreign):
                refuse_foreign(asked.headers, exchange.base)
                refuse_forged(exchange.form, exchange.secret)
            standing = await self._read_only.standing()
            exchange = msgspec.structs.replace(
                exchange,
                params=found[1] if found else {},
                menu=await self._menu.of(exchange.visitor),
                banner=standing.sentence if standing is not None else "",
            )
            if exchange.method == "POST" and exchange.path.split("/")[1] not in _GOES_ON:
                await self._read_only.check()
            return await self._handle(exchange, found[0] if found else None)
        except RegistryError as refusal:
            asked.error = refusal.code
            self._counted.refused(exchange.caller, refusal)
            self._read_only.failed(refusal)
            if isinstance(refusal, Unauthorized) and _may_sign_in(exchange) and self.routes.has("/login"):
                return redirect(f"/login?next={exchange.here_as_value}")
            return self._refusal(exchange, refusal)

    async def _handle(self, exchange: UiExchange, route: Route | None) -> Reply:
        visitor = exchange.visitor
        if visitor and visitor.account.must_change and exchange.path not in _BEFORE_CHANGE:
            return redirect("/account/password")
        if route is None:
            pasted = pasted_address(exchange.path) if exchange.method == "GET" else None
            if pasted is not None:
                return redirect(pasted)
            raise NotFound("there is no such page")
        if visitor is None and not route.open:
            return redirect("/login" if exchange.method == "POST" else f"/login?next={exchange.here_as_value}")
        return await route.handler(exchange)

    def _file(self, exchange: HttpExchange) -> Reply:
        file = self._static.get(exchange.path.removeprefix("/static/"))
        if file is None or exchange.method not in {"GET", "HEAD"}:
            return Reply(404, b"there is no such file\n", "text/plain; charset=utf-8")
        tag = f'"{file.tag}"'
        # What is asked for by its content never changes; by its name alone it is what the release has.
        named = exchange.scope.get("query_string", b"").decode("latin-1") == file.tag
        kept = "public, max-age=31536000, immutable" if named else "public, max-age=300"
        headers = (("etag", tag), ("cache-control", kept), ("vary", "accept-encoding"))
        if exchange.header(b"if-none-match") == tag:
            return Reply(304, content_type=file.content_type, headers=headers)
        if _takes_gzip(exchange.headers):
            return Reply(200, file.zipped, file.content_type, headers=(*headers, ("content-encoding", "gzip")))
        return Reply(200, file.content, file.content_type, headers=headers)

    def _refusal(self, exchange: UiExchange, refusal: RegistryError) -> Reply:
        status = status_of(refusal)
        again = refusal.retry_after if isinstance(refusal, TooManyRequests | Unavailable) else 0
        return self._pages.page(
            exchange,
            "error",
            refusal=refusal,
            headers=(("retry-after", str(again)),) if again else (),
            heading=_HEADINGS.get(status, "That did not work"),
            request=exchange.request,
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


def _may_sign_in(exchange: UiExchange) -> bool:
    """Whether a page that was refused to somebody may be theirs once they are signed in."""
    return exchange.visitor is None and exchange.method == "GET" and not exchange.path.startswith("/login")


def _with_visit(reply: Reply, fresh: str) -> Reply:
    """Set the cookie of a new visit, unless the answer has something else to say of it."""
    if not fresh or any(cookie.name == cookies.VISIT for cookie in reply.cookies):
        return reply
    return msgspec.structs.replace(reply, cookies=(*reply.cookies, Cookie(cookies.VISIT, fresh)))


def _takes_gzip(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a browser takes it; no browser gives it a weight."""
    taken = headers.get(b"accept-encoding", b"").decode("latin-1").lower().split(",")
    return "gzip" in {each.strip() for each in taken}


def _head(reply: Reply, *, secure: bool) -> Headers:
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
    return headers


def _rendered(reply: Reply, exchange: HttpExchange, *, secure: bool) -> Response:
    body, headers = reply.body, _head(reply, secure=secure)
    is_page = reply.content_type.startswith("text/html")
    if is_page and len(body) >= _ZIPPED_FROM and _takes_gzip(exchange.headers):
        # What a page keeps secret is masked anew on each, so that nothing is to be learnt from how short it gets
        # (https://www.breachattack.com).
        packer = zlib.compressobj(6, wbits=_GZIP)
        body = packer.compress(body) + packer.flush()
        headers.append((b"content-encoding", b"gzip"))
    return Response(reply.status, headers, body)
