"""Cookies: one for a session, one for a visit before there is a session. Both are random and of this host alone."""

import re

from orlop.faces.ui.exchange import Cookie

SESSION, VISIT = "orlop-session", "orlop-visit"

#: "If a cookie's name begins with … __Host-, then the cookie will have been set with a Secure attribute, a Path
#: attribute with a value of /, and no Domain attribute" (RFC 6265bis, section 4.1.3.2): no other host can set it.
_PREFIX = "__Host-"

_VALUE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_HEADER_MAX = 16 << 10


def read(header: bytes, name: str, *, secure: bool) -> str:
    """The value of a cookie of ours; empty when there is none, or more than one, or it cannot be ours."""
    wanted = _full(name, secure=secure)
    pairs = (pair.strip().partition("=") for pair in header[:_HEADER_MAX].decode("latin-1").split(";"))
    values = [value for key, _, value in pairs if key == wanted]
    return values[0] if len(values) == 1 and _VALUE.fullmatch(values[0]) else ""


def render(cookie: Cookie, *, secure: bool) -> str:
    """The value of Set-Cookie. Not sent with requests that other sites cause, but for following a link (`Lax`)."""
    parts = [f"{_full(cookie.name, secure=secure)}={cookie.value}", "Path=/", "HttpOnly", "SameSite=Lax"]
    if secure:
        parts.append("Secure")
    if not cookie.value:
        parts.append("Max-Age=0")
    return "; ".join(parts)


def _full(name: str, *, secure: bool) -> str:
    return _PREFIX + name if secure else name
