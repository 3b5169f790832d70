"""One upstream as it is reached: its connections, and whom each of its accounts is signed in as."""

import asyncio
from collections.abc import Callable, Mapping

import aiohttp
from yarl import URL

from orlop.adapters.addresses import Permitted
from orlop.adapters.upstream.advice import SETTING
from orlop.adapters.upstream.connection import Connection
from orlop.adapters.upstream.credentials import Credentials
from orlop.adapters.upstream.current import CurrentCredentials, Fetched, Fixed
from orlop.adapters.upstream.patience import Patience, Surroundings
from orlop.adapters.upstream.routes import SettingRoutes, connections, contexts
from orlop.adapters.upstream.transport import Transport, site
from orlop.domain.errors import Unavailable
from orlop.domain.identity.secret_references import SecretReference, parse_secret
from orlop.domain.upstreams.showing import Showing
from orlop.domain.upstreams.upstream import check_proxy, is_kept
from orlop.ports.upstream import UpstreamError
from orlop.ports.upstreams import RemoteObserver

#: Fetches a secret from where it is kept. May block; raises Unavailable.
Fetch = Callable[[SecretReference], str]


class OpenedUpstream:
    """Made by `open_upstream`; `users` counts who is using it."""

    def __init__(self, session: aiohttp.ClientSession, authority: str, accounts: tuple[Connection, ...]) -> None:
        self._session = session
        self._accounts = accounts
        self.authority = authority
        """`host[:port]`"""
        self.users = 0
        self.used_at = 0.0

    def connection(self, account: int) -> Connection:
        """As an account is connected; the first takes the place of one that there is not."""
        return self._accounts[account if account < len(self._accounts) else 0]

    async def close(self) -> None:
        """Let go of the connections."""
        await self._session.close()


async def open_upstream(
    showing: Showing,
    permitted: Permitted,
    fetch: Fetch,
    surroundings: Surroundings,
    observer: RemoteObserver,
    patience: Patience,
) -> OpenedUpstream:
    """Nothing is connected yet. Raises UpstreamError for a setting that cannot be used."""
    upstream = showing.upstream
    secrets = _Secrets(showing, fetch)
    proxy, key = await secrets.proxy(), await secrets.now(upstream.client_key)
    own, others = await asyncio.to_thread(contexts, upstream.ca_certificate, upstream.client_certificate, key)
    base = URL(upstream.origin)
    session = aiohttp.ClientSession(
        connector=connections(permitted, proxy),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )
    transport = Transport(session, patience, SettingRoutes(site(base), permitted, proxy, own, others), SETTING)
    pairs = ((upstream.user, upstream.password), *((each.user, each.password) for each in upstream.credentials))
    accounts = tuple(
        Connection(
            base,
            transport,
            patience,
            surroundings,
            secrets.credentials(user, password, surroundings.monotonic),
            frozenset(upstream.trust_realms),
            _Told(observer, showing, number),
        )
        for number, (user, password) in enumerate(pairs)
    )
    return OpenedUpstream(session, site(base).authority, accounts)


class _Secrets:
    """The secrets of one setting."""

    def __init__(self, showing: Showing, fetch: Fetch) -> None:
        self._showing = showing
        self._fetch = fetch

    async def now(self, text: str) -> str:
        """What a text says or says where to find. Raises UpstreamError."""
        return await asyncio.to_thread(self._fetched, text) if is_kept(text) else text

    async def proxy(self) -> str:
        """The URL of the proxy; empty for none. Raises UpstreamError."""
        found = await self.now(self._showing.upstream.proxy)
        try:
            if found:
                check_proxy(found)
        except ValueError as cause:
            raise self._unusable(str(cause)) from cause
        return found

    def credentials(self, user: str, password: str, monotonic: Callable[[], float]) -> CurrentCredentials:
        """Those of an account."""
        if not user:
            return Fixed(None)
        if not is_kept(password):
            return Fixed(Credentials(user, password))
        return Fetched(lambda: Credentials(user, self._fetched(password)), monotonic)

    def _fetched(self, text: str) -> str:
        try:
            return self._fetch(parse_secret(text))
        except Unavailable as cause:
            raise self._unusable(cause.message) from cause
        except ValueError as cause:
            raise self._unusable(str(cause)) from cause

    def _unusable(self, why: str) -> UpstreamError:
        return UpstreamError(f"the upstream {self._showing.name} cannot be asked: {why}")


class _Told:
    """See Witness: passes on what it is told, with whom it is about."""

    def __init__(self, observer: RemoteObserver, showing: Showing, account: int) -> None:
        self._observer = observer
        self._showing = showing
        self._account = account

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        self._observer.observed(self._showing, self._account, status, headers)

    def failed(self, error: UpstreamError) -> None:
        self._observer.failed(self._showing, self._account, error)
