"""The challenge that a refusal for want of credentials carries: where to fetch a token, and for what.

"WWW-Authenticate: Bearer realm=…,service=…,scope=…" (distribution, "Token Authentication Specification"; RFC 6750,
section 3; RFC 9110, section 11.6.1).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from orlop.domain.errors import Unauthorized
from orlop.faces.http.proxies import Proxies

#: Longer values are left out: no client asks for such a scope, and headers have bounds.
_VALUE_MAX = 2_048

#: The errors that RFC 6750, section 3.1 knows; another reason would be one of our own.
_REASONS = frozenset({"invalid_request", "invalid_token", "insufficient_scope"})


class Challenges(msgspec.Struct, frozen=True):
    """Renders challenges for one registry; `service` is the audience of its tokens."""

    proxies: Proxies
    service: str

    def bearer(self, refusal: Unauthorized, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> str:
        """The value of WWW-Authenticate for a refusal of the request with this ASGI scope and these headers."""
        parameters = {"realm": f"{self.proxies.base(scope, headers)}/token", "service": self.service}
        if refusal.scope:
            parameters["scope"] = refusal.scope
        if refusal.reason in _REASONS:
            parameters["error"] = refusal.reason
        return _challenge("Bearer", parameters)

    def basic(self) -> str:
        """The value for where only a name with its password or secret will do, such as the token server."""
        return f'{_challenge("Basic", {"realm": self.service})},charset="UTF-8"'


def _challenge(scheme: str, parameters: Mapping[str, str]) -> str:
    shown = [f"{name}={_quoted(value)}" for name, value in parameters.items() if _fits(value)]
    return f"{scheme} {','.join(shown)}"


def _fits(value: str) -> bool:
    """Whether a value can stand in a header: nothing that ends a line, and nothing that only looks like text."""
    return len(value) <= _VALUE_MAX and value.isascii() and value.isprintable()


def _quoted(value: str) -> str:
    r"""A quoted-string (RFC 9110, section 5.6.4). Several clients do not read `\`, so values need none but of need."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
