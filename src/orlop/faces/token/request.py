"""What a client asks the token server for: (method, query or form) → typed request, a pure function."""

from enum import StrEnum
from urllib.parse import parse_qsl

import msgspec

from orlop.domain.access.scopes import Scope, parse_scopes
from orlop.domain.errors import RequestInvalid

#: More parameters than these are not looked at: each scope that counts may have one, and some are for others.
_FIELDS_MAX = 256

#: "application/x-www-form-urlencoded" (RFC 6749, section 4.3.2).
FORM = "application/x-www-form-urlencoded"


class Grant(StrEnum):
    """What a token is asked for with."""

    HEADER = "header"
    """GET: the Authorization header, or nothing."""
    PASSWORD = "password"  # noqa: S105 - the word of RFC 6749
    REFRESH_TOKEN = "refresh_token"  # noqa: S105
    DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


class GrantUnsupported(RequestInvalid):
    """The form asks for a token with something that is no grant here."""


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request for a token."""

    grant: Grant
    service: str
    scopes: tuple[Scope, ...]
    client: str = ""
    """What the client calls itself."""
    offline: bool = False
    """Whether it wants something to keep, instead of the password."""
    name: str = ""
    secret: str = ""
    """The password, what the client keeps, or its device code."""

    def __repr__(self) -> str:
        return f"TokenRequest({self.grant}, {self.client!r})"


def parse_query(query: str) -> TokenRequest:
    """GET ("Token Authentication Specification", "Requesting a Token"). Raises RequestInvalid."""
    fields = _Fields(query, "the query")
    return TokenRequest(
        grant=Grant.HEADER,
        service=fields.one("service"),
        scopes=parse_scopes(fields.all("scope")),
        client=fields.one("client_id"),
        offline=_offline(fields),
    )


def parse_form(content_type: str, form: bytes) -> TokenRequest:
    """POST ("OAuth2 Token Authentication"; RFC 6749, sections 4.3.2 and 6). Raises RequestInvalid."""
    fields = _form(content_type, form)
    kind = fields.one("grant_type")
    if kind not in {Grant.PASSWORD, Grant.REFRESH_TOKEN, Grant.DEVICE}:
        raise GrantUnsupported("grant_type is neither password nor refresh_token, nor that of a device code")
    grant = Grant(kind)
    name, secret = (fields.one("username"), fields.one("password")) if grant is Grant.PASSWORD else ("", "")
    if grant is Grant.PASSWORD and not name:
        raise RequestInvalid("the form has no username")
    if grant is Grant.REFRESH_TOKEN:
        secret = fields.one("refresh_token")
        if not secret:
            raise RequestInvalid("the form has no refresh_token")
    if grant is Grant.DEVICE:
        secret = fields.one("device_code")
        if not secret:
            raise RequestInvalid("the form has no device_code")
    return TokenRequest(
        grant=grant,
        service=fields.one("service"),
        scopes=parse_scopes(fields.all("scope")),
        client=fields.one("client_id"),
        offline=_offline(fields),
        name=name,
        secret=secret,
    )


def parse_device_form(content_type: str, form: bytes) -> str:
    """What a client calls itself that asks for a device code (RFC 8628, section 3.1). Raises RequestInvalid."""
    return _form(content_type, form).one("client_id")


def _form(content_type: str, form: bytes) -> "_Fields":
    if content_type.partition(";")[0].strip().lower() != FORM:
        raise RequestInvalid(f"a request for a token is a form; send Content-Type {FORM}")
    try:
        return _Fields(form.decode("ascii"), "the form")
    except UnicodeDecodeError as cause:
        raise RequestInvalid("the form is not URL-encoded") from cause


def _offline(fields: "_Fields") -> bool:
    return fields.one("offline_token").lower() in {"true", "1"} or fields.one("access_type") == "offline"


class _Fields:
    """URL-encoded fields. Values are UTF-8; what is not is taken for damage, not guessed at."""

    def __init__(self, text: str, where: str) -> None:
        self._where = where
        try:
            pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_MAX)
        except ValueError as cause:
            raise RequestInvalid(f"{where} is not URL-encoded, or has more than {_FIELDS_MAX} fields") from cause
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return self._values.get(name, [])

    def one(self, name: str) -> str:
        """The value of a field; empty when it is absent. "Parameters MUST NOT be included more than once" (RFC 6749,
        section 3.2)."""
        values = self.all(name)
        if len(values) > 1:
            raise RequestInvalid(f"{self._where} has {name} more than once")
        return values[0] if values else ""
