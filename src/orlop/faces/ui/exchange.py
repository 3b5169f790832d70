"""One request of a browser, parsed and bounded, and what is answered to it."""

from collections.abc import AsyncIterator, Callable, Mapping
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec

from orlop.domain.access import ANONYMOUS, Caller
from orlop.domain.errors import Denied, RequestInvalid
from orlop.faces.http.origins import origin_of
from orlop.services.identity.sessions import Visitor, is_form_token

#: The largest form, in bytes; an answer of a passkey is a few thousand.
FORM_MAX = 96 << 10

#: As many as there are boxes on a page, and what goes with them.
_FIELDS_MAX = 128
_QUERY_MAX = 8192
_NEXT_MAX = 2048


class UiExchange(msgspec.Struct, frozen=True, kw_only=True):
    """A request. `secret` is what the browser's cookie holds: of its session, or of its visit before it has one."""

    method: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    base: str
    """Where the registry is reached, without a slash at the end."""
    secret: str
    visitor: Visitor | None
    address: str
    request: str
    agent: str = ""
    csrf: str = ""
    """What forms on the answer's page are to bring back."""
    params: Mapping[str, str] = {}
    """What stands in the path where its route has a name in braces."""
    menu: tuple[tuple[str, str], ...] = ()
    """Addresses and words of the pages that concern the whole registry, as far as the visitor may see them."""

    banner: str = ""
    """What every page says on top: that the registry takes no writes, and why."""

    @property
    def caller(self) -> Caller:
        """Who asks."""
        return self.visitor.caller if self.visitor else Caller(ANONYMOUS, self.address, self.request)

    @property
    def host(self) -> str:
        """The registry as it stands before a name: `registry.example`."""
        return urlsplit(self.base).netloc

    @property
    def here(self) -> str:
        """The address of the page, to come back to."""
        kept = {name: value for name, value in self.query.items() if name != "part"}
        return f"{quote(self.path)}?{urlencode(kept)}" if kept else quote(self.path)

    @property
    def here_as_value(self) -> str:
        """The same as a value in a query."""
        return quote(self.here, safe="/")

    @property
    def secure(self) -> bool:
        """Whether cookies can be kept to https."""
        return self.base.startswith("https://")

    def field(self, name: str) -> str:
        """A field of the form; empty when it is absent."""
        return self.form.get(name, "")

    @property
    def next(self) -> str:
        """Where to go afterwards: a path of this site, whatever was asked."""
        return local_path(self.field("next") or self.query.get("next", ""))


class Cookie(msgspec.Struct, frozen=True):
    """A cookie to set; without a value: to forget. `name` is what it is called without its prefix."""

    name: str
    value: str = ""


class Reply(msgspec.Struct, frozen=True):
    """An answer."""

    status: int
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    location: str = ""
    cookies: tuple[Cookie, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    parts: AsyncIterator[bytes] | None = None
    """A body that goes on; see http.responses.LiveResponse."""
    leave: Callable[[], None] = lambda: None


def redirect(location: str, *cookies: Cookie) -> Reply:
    """Go there with GET."""
    return Reply(303, location=location, cookies=cookies)


def local_path(text: str, otherwise: str = "/") -> str:
    r"""A path of this site, or `otherwise`. What a browser might take for another site is none: `//host`, `/\host`,
    anything with a control character, which browsers leave out before they look."""
    fits = (
        1 <= len(text) <= _NEXT_MAX
        and text.startswith("/")
        and not text.startswith(("//", "/\\"))
        and text.isascii()
        and text.isprintable()
        and "\\" not in text
    )
    if not fits:
        return otherwise
    try:
        url = urlsplit(text)
    except ValueError:
        return otherwise
    return text if not url.scheme and not url.netloc else otherwise


def parse_query(raw: bytes) -> dict[str, str]:
    """The parameters of a query. Raises RequestInvalid for too many, and for one that comes twice."""
    if len(raw) > _QUERY_MAX:
        raise RequestInvalid("the address is too long")
    return _fields(raw)


def parse_form(raw: bytes, content_type: str) -> dict[str, str]:
    """The fields of a form. Raises RequestInvalid."""
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise RequestInvalid("forms are sent as application/x-www-form-urlencoded")
    return _fields(raw)


def _fields(raw: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_MAX)
    except ValueError as cause:
        raise RequestInvalid("the form or address cannot be read, or has too many fields") from cause
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise RequestInvalid("a field comes twice")
    return fields


def refuse_foreign(headers: Mapping[bytes, bytes], base: str) -> None:
    """Raises Denied unless a page of this site sent the request: a browser says which one did.

    "the Origin header … identifies the origin(s) that caused the user agent to issue the request" (RFC 6454, 7).
    """
    origin = headers.get(b"origin", b"").decode("latin-1")
    # Some browsers leave Origin out where the site is the same, and say so in another header.
    same = origin_of(origin) == origin_of(base) if origin else headers.get(b"sec-fetch-site") == b"same-origin"
    if not same:
        raise Denied(
            "the form was sent from another site; open the page here and try again"
            " (behind a proxy, auth.url has to say where this registry is reached)"
        )


def refuse_forged(form: Mapping[str, str], secret: str) -> None:
    """Raises Denied unless the form came from a page that this browser was given."""
    if not is_form_token(form.get("csrf", ""), secret):
        raise Denied("the page was open for too long, or in another browser; load it again and repeat")


def number_of(text: str) -> int | None:
    """A number in an address; None for what is none, or larger than any that is kept."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
