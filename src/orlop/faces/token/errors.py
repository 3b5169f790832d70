"""Refusals of the token server: as the distribution API words them for GET, as OAuth 2 does for POST."""

import msgspec

from orlop.domain import errors
from orlop.domain.identity.devices import DeviceExpired, DevicePending, DeviceRefused, DeviceTooFast
from orlop.faces.http.errors import render, status_of
from orlop.faces.http.responses import Response, header
from orlop.faces.token.request import GrantUnsupported

#: The word of RFC 6749, section 5.2, for each error; the nearest class above an error decides.
WORDS: dict[type[errors.RegistryError], str] = {
    GrantUnsupported: "unsupported_grant_type",
    DevicePending: "authorization_pending",
    DeviceTooFast: "slow_down",
    DeviceExpired: "expired_token",
    DeviceRefused: "access_denied",
    errors.Unauthorized: "invalid_grant",
    errors.Denied: "invalid_grant",
    errors.TooManyRequests: "temporarily_unavailable",
    errors.Unavailable: "temporarily_unavailable",
    errors.Unsupported: "invalid_request",
    errors.TooLarge: "invalid_request",
    errors.BodyInterrupted: "invalid_request",
    errors.RegistryError: "server_error",
}


class _Entry(msgspec.Struct):
    code: str
    message: str


class _Body(msgspec.Struct):
    error: str
    error_description: str
    errors: list[_Entry]
    """Nothing of OAuth's: registry clients show what stands here."""


def refused_get(error: errors.RegistryError, request_id: str, basic: str) -> Response:
    """The error of the distribution API; 401 asks for a name and password."""
    response = render(error, request_id)
    if response.status != 401:
        return response
    return msgspec.structs.replace(response, headers=[*response.headers, header("www-authenticate", basic)])


def refused_post(error: errors.RegistryError, request_id: str) -> Response:
    """ "The authorization server responds with an HTTP 400 (Bad Request) status code (unless specified otherwise)"."""
    response = render(error, request_id)
    word = next(WORDS[kind] for kind in type(error).__mro__ if kind in WORDS)
    body = _Body(word, _described(error.message), [_Entry(error.code, error.message)])
    status = 400 if status_of(error) in {401, 403} else response.status
    return Response(status, response.headers, msgspec.json.encode(body))


def _described(message: str) -> str:
    r"""Values of error_description are printable ASCII without `"` and `\` (RFC 6749, section 5.2)."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in message)
