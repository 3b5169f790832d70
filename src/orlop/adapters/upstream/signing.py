"""Whom a setting signs in as: its secrets, from wherever they are kept, and who lends what they buy."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from orlop.adapters.upstream import azure, ecr, google
from orlop.adapters.upstream.credentials import Credentials
from orlop.adapters.upstream.current import HELD, CurrentCredentials, Fetched, Fixed, Lent, Renewed
from orlop.adapters.upstream.lending import Ask
from orlop.adapters.upstream.patience import Surroundings
from orlop.domain.errors import Unavailable
from orlop.domain.identity.secret_references import SecretReference, parse_secret
from orlop.domain.upstreams.clouds import GOOGLE_TOKENS, ecr_api
from orlop.domain.upstreams.showing import Showing
from orlop.domain.upstreams.sign_in import SignIn, is_kept
from orlop.domain.upstreams.upstream import check_proxy
from orlop.ports.upstream import UpstreamError

#: Fetches a secret from where it is kept. May block; raises Unavailable.
Fetch = Callable[[SecretReference], str]


class SettingSecrets:
    """The secrets of one setting."""

    def __init__(self, showing: Showing, fetch: Fetch) -> None:
        self.showing = showing
        self._fetch = fetch

    async def now(self, text: str) -> str:
        """What a text says or says where to find. Raises UpstreamError."""
        return await asyncio.to_thread(self.fetched, text) if is_kept(text) else text

    async def proxy(self) -> str:
        """The URL of the proxy; empty for none. Raises UpstreamError."""
        found = await self.now(self.showing.upstream.proxy)
        try:
            if found:
                check_proxy(found)
        except ValueError as cause:
            raise self._unusable(str(cause)) from cause
        return found

    def fetched(self, text: str) -> str:
        """What is kept elsewhere. Blocks; raises UpstreamError."""
        try:
            return self._fetch(parse_secret(text))
        except Unavailable as cause:
            raise self._unusable(cause.message) from cause
        except ValueError as cause:
            raise self._unusable(str(cause)) from cause

    def _unusable(self, why: str) -> UpstreamError:
        return UpstreamError(f"the upstream {self.showing.name} cannot be asked: {why}")


class Way:
    """The proxy and the key by which an upstream is reached, looked at again from time to time where they are kept
    elsewhere."""

    def __init__(self, secrets: SettingSecrets, monotonic: Callable[[], float]) -> None:
        self._secrets = secrets
        self._monotonic = monotonic
        self._found = ("", "")
        self._until = 0.0
        upstream = secrets.showing.upstream
        self._changes = is_kept(upstream.proxy) or is_kept(upstream.client_key)

    async def found(self) -> tuple[str, str]:
        """Both, as they are now; empty for none. Raises UpstreamError."""
        self._found = await self._secrets.proxy(), await self._secrets.now(self._secrets.showing.upstream.client_key)
        self._until = self._monotonic() + HELD
        return self._found

    async def is_another(self) -> bool:
        """Whether one of them is another than when they were last found. Raises UpstreamError."""
        if not self._changes or self._until > self._monotonic():
            return False
        before = self._found
        return await self.found() != before


def signing(
    secrets: SettingSecrets,
    user: str,
    password: str,
    ask: Ask,
    surroundings: Surroundings,
    environment: Mapping[str, str],
) -> CurrentCredentials:
    """Whom to be as one account of a setting; `ask` sends questions to those who lend credentials."""
    upstream = secrets.showing.upstream
    match upstream.sign_in:
        case SignIn.REGISTRY if not user:
            return Fixed(None)
        case SignIn.REGISTRY if is_kept(password):
            return Fetched(lambda: Credentials(user, secrets.fetched(password)), surroundings.monotonic)
        case SignIn.REGISTRY:
            return Fixed(Credentials(user, password))
        case SignIn.ECR:
            lend: Callable[[], Awaitable[Lent]] = _ecr(secrets, user, password, ask, surroundings)
        case SignIn.GOOGLE if user:
            url = upstream.sign_in_url or GOOGLE_TOKENS
            lend = google.GoogleLender(ask, url, lambda: secrets.now(password), surroundings.wall)
        case SignIn.GOOGLE:
            lend = google.GoogleMachineLender(environment)
        case SignIn.AZURE:
            lend = _azure(secrets, user, password, ask, surroundings, environment)
    return Renewed(lend, surroundings.monotonic)


def _ecr(secrets: SettingSecrets, user: str, password: str, ask: Ask, surroundings: Surroundings) -> ecr.EcrLender:
    upstream = secrets.showing.upstream
    api = ecr_api(upstream.host, upstream.region)
    assert api is not None  # see check_sign_in
    if upstream.sign_in_url:
        api = msgspec.structs.replace(api, url=upstream.sign_in_url)
    session = upstream.session_token if user == upstream.user else ""

    async def key() -> ecr.AccessKey:
        return ecr.AccessKey(user, await secrets.now(password), await secrets.now(session))

    return ecr.EcrLender(ask, api, key if user else ecr.key_of_this_machine, surroundings.wall)


def _azure(
    secrets: SettingSecrets,
    user: str,
    password: str,
    ask: Ask,
    surroundings: Surroundings,
    environment: Mapping[str, str],
) -> azure.AzureLender:
    upstream = secrets.showing.upstream
    entra = azure.Entra(ask, upstream.host, upstream.sign_in_url, upstream.tenant)

    async def token() -> str:
        if user:
            return await azure.token_by_secret(entra, user, await secrets.now(password))
        return await azure.token_of_this_machine(entra, environment)

    return azure.AzureLender(entra, upstream.origin, token, surroundings.wall)
