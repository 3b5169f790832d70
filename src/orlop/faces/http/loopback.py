"""What an open registry asks of a request before anything else: that it was made on this machine, for this machine.

A registry that lets anybody do everything listens on loopback alone, and a proxy on the same machine would give that
away to everybody. So whatever came through one is refused, as far as a request shows it.
"""

import re
from collections.abc import Awaitable, Callable
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from orlop.domain.errors import Denied, RegistryError
from orlop.faces.app import Distribution
from orlop.faces.http.asgi import Application, Receive, Scope, Send
from orlop.faces.http.errors import render
from orlop.faces.http.responses import Response
from orlop.faces.http.shell import HttpExchange, Shell, socket_address
from orlop.telemetry.requests import RequestLog

#: What proxies add to tell for whom they ask: RFC 7239, RFC 9110 (section 7.6.3), and what stands beside X-Forwarded-*.
_FORWARDED = frozenset(
    {
        b"forwarded",
        b"via",
        b"x-real-ip",
        b"x-client-ip",
        b"x-original-host",
        b"x-original-forwarded-for",
        b"x-envoy-external-address",
        b"true-client-ip",
        b"cf-connecting-ip",
    }
)
_PREFIX = b"x-forwarded-"
_PORT = re.compile(r":[0-9]{0,5}$", re.ASCII)
#: Where a server lets us keep what we find out of a head (see distribution.plain), and under which name.
_SAME_HEAD, _LOCAL = "orlop.same_head", "loopback"


class LoopbackOnly:
    """A face that answers what was asked on this machine; the rest is refused, with a sentence that says why."""

    def __init__(self, face: Application, log: RequestLog, request_ids: Callable[[], str]) -> None:
        self._face = face
        self._refuse = Shell(_Refusal(), log, request_ids, socket_address)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """One request."""
        return (self._refuse if foreign(scope) else self._face)(scope, receive, send)


class _Refusal:
    """The face of those who are refused, whose bodies nobody reads."""

    route, idle = "unknown", 5.0

    async def answer(self, exchange: HttpExchange) -> Response:
        """See `Face`."""
        raise Denied(
            f"this registry is open, so it answers nobody but its own machine, and {foreign(exchange.scope)}; start it"
            " without --open (open = false), and let others sign in",
            kind="open",
        )

    def refusal(self, exchange: HttpExchange, error: RegistryError) -> Response:
        """See `Face`."""
        return render(error, exchange.request_id)


class LoopbackDistribution(LoopbackOnly):
    """The same for the distribution face, which answers many requests at once."""

    def __init__(self, face: Distribution, log: RequestLog, request_ids: Callable[[], str]) -> None:
        super().__init__(face, log, request_ids)
        self._at_once = face.at_once

    def at_once(self, scope: Scope) -> tuple[int, bytes, bytes] | None:
        """See DistributionApp; None for what is to be refused."""
        return None if foreign(scope) else self._at_once(scope)


def foreign(scope: Scope) -> str:
    """What shows that a request was not made on this machine for this machine; empty when nothing does."""
    same: dict[str, Any] | None = scope["extensions"].get(_SAME_HEAD) if "extensions" in scope else None
    if same is None:
        return _foreign(scope)
    found: str | None = same.get(_LOCAL)
    if found is None:
        found = same[_LOCAL] = _foreign(scope)
    return found


def _foreign(scope: Scope) -> str:
    host: bytes | None = None
    for name, value in scope["headers"]:
        if name in _FORWARDED or name.startswith(_PREFIX):
            return f"this request came through a proxy, as its header {name.decode('latin-1')} says"
        if name == b"host":
            host = value if host is None else b"%b, %b" % (host, value)
    if scope["http_version"] == "1.0":  # as nginx asks unless it is told otherwise, and no client of today
        return "this request came by HTTP/1.0, as proxies speak it"
    if host is None:
        return "this request does not say which host it is for"
    if not _is_loopback(host):
        return f"this request is for {_shown(host)}, which is no name of loopback such as localhost"
    return ""


@lru_cache(maxsize=64)
def _is_loopback(host: bytes) -> bool:
    """Whether a Host header names this machine alone: `localhost` and what lies below it (RFC 6761, section 6.3), or an
    address of loopback."""
    name = _PORT.sub("", host.decode("latin-1").strip()).lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _shown(host: bytes) -> str:
    return repr("".join(c if c.isprintable() else "?" for c in host[:80].decode("latin-1")))
