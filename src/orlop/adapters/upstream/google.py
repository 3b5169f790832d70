"""Google Artifact Registry: access tokens for an hour, for the key of a service account or for this machine.

"Using OAuth 2.0 for Server to Server Applications" (Google), section "HTTP/REST"; "Access token" under "Configure
authentication to Artifact Registry for Docker" (Google Cloud): they are the password of `oauth2accesstoken`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from orlop.adapters.upstream.credentials import Credentials
from orlop.adapters.upstream.current import Lent
from orlop.adapters.upstream.lending import Ask, form, read, refuse_oauth
from orlop.adapters.upstream.machine import ask_machine
from orlop.ports.upstream import UpstreamError

_USER = "oauth2accesstoken"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: "This value has a maximum of 1 hour after the issued time."
_HOUR = 3600
#: Names another metadata server, as Google's own libraries have it.
_HOST = "GCE_METADATA_HOST"
_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"


class _Key(msgspec.Struct):
    client_email: str
    private_key: str
    private_key_id: str = ""


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: float = _HOUR


class GoogleLender:
    """Lends access tokens for the key of a service account, a JSON text that `key` gives. `url`: where they are had;
    `wall` tells the seconds since 1970."""

    def __init__(self, ask: Ask, url: str, key: Callable[[], Awaitable[str]], wall: Callable[[], float]) -> None:
        self._ask = ask
        self._url = url
        self._key = key
        self._wall = wall

    async def __call__(self) -> Lent:
        """Raises Unauthorized, UpstreamError."""
        assertion = await asyncio.to_thread(self._assertion, await self._key())
        answer = await self._ask(form(self._url, grant_type=_GRANT, assertion=assertion))
        refuse_oauth(answer, "Google")
        granted = read(answer, _Granted)
        return Lent(Credentials(_USER, granted.access_token), granted.expires_in)

    def _assertion(self, text: str) -> str:
        try:
            key = msgspec.json.decode(text, type=_Key)
            private = RSAKey.import_key(key.private_key)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, JoseError, ValueError, TypeError) as cause:
            raise UpstreamError("the password of the upstream is no key of a service account, as JSON") from cause
        now = int(self._wall())
        claims = {"iss": key.client_email, "scope": _SCOPE, "aud": self._url, "iat": now, "exp": now + _HOUR}
        header = {"alg": "RS256", "typ": "JWT"} | ({"kid": key.private_key_id} if key.private_key_id else {})
        return jwt.encode(header, claims, private, algorithms=["RS256"])


class GoogleMachineLender:
    """Lends access tokens of the service account that this machine has, by its metadata server."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._host = environment.get(_HOST) or "metadata.google.internal"

    async def __call__(self) -> Lent:
        """Raises UpstreamError."""
        flavor = {"Metadata-Flavor": "Google"}
        granted = await ask_machine(f"http://{self._host}{_PATH}", flavor, _Granted, "Google's metadata server")
        return Lent(Credentials(_USER, granted.access_token), granted.expires_in)
