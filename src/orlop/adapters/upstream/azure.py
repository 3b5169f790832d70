"""Azure ACR: an access token of Microsoft Entra ID is exchanged for a refresh token of the registry, which buys access
tokens at `/oauth2/token` ("Azure Container Registry integration with Azure Active Directory", Azure/acr,
docs/AAD-OAuth.md)."""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from orlop.adapters.upstream.credentials import Credentials
from orlop.adapters.upstream.current import Lent
from orlop.adapters.upstream.lending import Ask, form, read, refuse_oauth
from orlop.adapters.upstream.machine import ask_machine
from orlop.domain.upstreams.clouds import azure_audience, azure_tokens
from orlop.ports.upstream import UpstreamError

#: "The null GUID tells the container registry that this is an ACR refresh token."
_USER = "00000000-0000-0000-0000-000000000000"
#: Assumed of a refresh token that does not say when it ends, in seconds.
_UNSAID = 3600.0
#: Names another metadata server, as Microsoft's own libraries have it.
_HOST = "AZURE_POD_IDENTITY_AUTHORITY_HOST"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class _Granted(msgspec.Struct):
    access_token: str


class _Exchanged(msgspec.Struct):
    refresh_token: str


class _Claims(msgspec.Struct):
    exp: float


class Entra(NamedTuple):
    """What Microsoft Entra ID is asked about."""

    ask: Ask
    registry: str
    """The host of the registry."""
    url: str
    """Where tokens are had, if not where the cloud of the registry has them."""
    tenant: str
    """The directory."""


class AzureLender:
    """Lends refresh tokens of the registry at `origin`, for the access tokens that `entra_token` gives."""

    def __init__(
        self, entra: Entra, origin: str, entra_token: Callable[[], Awaitable[str]], wall: Callable[[], float]
    ) -> None:
        self._entra = entra
        self._origin = origin
        self._entra_token = entra_token
        self._wall = wall

    async def __call__(self) -> Lent:
        """Raises Unauthorized, UpstreamError."""
        fields = {"grant_type": "access_token", "service": self._origin.partition("://")[2]}
        if self._entra.tenant:
            fields["tenant"] = self._entra.tenant
        fields["access_token"] = await self._entra_token()
        answer = await self._entra.ask(form(f"{self._origin}/oauth2/exchange", **fields))
        refuse_oauth(answer, self._entra.registry)
        token = read(answer, _Exchanged).refresh_token
        return Lent(Credentials(_USER, identity_token=token), self._seconds(token))

    def _seconds(self, token: str) -> float:
        """For how long a token is good, by its claim `exp`. The registry checks it, not we."""
        try:
            payload = token.split(".")[1]
            claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Claims)
        except (IndexError, binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
            return _UNSAID
        return claims.exp - self._wall()


async def token_by_secret(entra: Entra, client: str, secret: str) -> str:
    """An access token of a service principal ("Microsoft identity platform and the OAuth 2.0 client credentials flow",
    first case). Raises Unauthorized, UpstreamError."""
    return await _token(entra, client, client_secret=secret)


async def token_of_this_machine(entra: Entra, environment: Mapping[str, str]) -> str:
    """An access token of the workload identity of a pod, or of the identity of a machine. Raises UpstreamError."""
    if file := environment.get("AZURE_FEDERATED_TOKEN_FILE"):
        try:
            assertion = await asyncio.to_thread(lambda: Path(file).read_text("ascii").strip())
        except (OSError, UnicodeDecodeError) as cause:
            raise UpstreamError("the token of this pod's workload identity cannot be read") from cause
        named = entra._replace(tenant=entra.tenant or environment.get("AZURE_TENANT_ID", ""))
        client = environment.get("AZURE_CLIENT_ID", "")
        return await _token(named, client, client_assertion_type=_ASSERTION, client_assertion=assertion)
    server = (environment.get(_HOST) or "http://169.254.169.254").rstrip("/")
    query = f"api-version=2018-02-01&resource={quote(azure_audience(entra.registry), safe='')}"
    if chosen := environment.get("AZURE_CLIENT_ID"):
        query += f"&client_id={quote(chosen, safe='')}"
    url = f"{server}/metadata/identity/oauth2/token?{query}"
    return (await ask_machine(url, {"Metadata": "true"}, _Granted, "Azure's metadata server")).access_token


async def _token(entra: Entra, client: str, **proof: str) -> str:
    url = entra.url or azure_tokens(entra.registry, entra.tenant)
    scope = f"{azure_audience(entra.registry)}/.default"
    answer = await entra.ask(form(url, grant_type="client_credentials", client_id=client, scope=scope, **proof))
    refuse_oauth(answer, "Microsoft Entra ID")
    return read(answer, _Granted).access_token
