"""One upstream as it is reached: its connections, and whom each of its accounts is signed in as."""

import asyncio
from collections.abc import Mapping

import aiohttp
from yarl import URL

from orlop.adapters.addresses import Permitted
from orlop.adapters.traced import traces_of
from orlop.adapters.upstream.advice import SETTING
from orlop.adapters.upstream.connection import Connection
from orlop.adapters.upstream.patience import Patience, Surroundings
from orlop.adapters.upstream.routes import SettingRoutes, connections, contexts
from orlop.adapters.upstream.signing import Fetch, SettingSecrets, Way, signing
from orlop.adapters.upstream.transport import Transport, site
from orlop.domain.upstreams.showing import Showing
from orlop.ports.upstream import UpstreamError
from orlop.ports.upstreams import RemoteObserver


class OpenedUpstream:
    """Made by `open_upstream`; `users` counts who is using it."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        authority: str,
        accounts: tuple[Connection, ...],
        way: Way,
    ) -> None:
        self._session = session
        self._accounts = accounts
        self._way = way
        self.authority = authority
        """`host[:port]`"""
        self.users = 0
        self.used_at = 0.0

    def connection(self, account: int) -> Connection:
        """As an account is connected; the first takes the place of one that there is not."""
        return self._accounts[account if account < len(self._accounts) else 0]

    async def is_stale(self) -> bool:
        """Whether a proxy or a key that is kept elsewhere is another one by now. Raises UpstreamError."""
        return await self._way.is_another()

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
    environment: Mapping[str, str],
) -> OpenedUpstream:
    """Nothing is connected yet. Raises UpstreamError for a setting that cannot be used."""
    upstream = showing.upstream
    secrets = SettingSecrets(showing, fetch)
    way = Way(secrets, surroundings.monotonic)
    proxy, key = await way.found()
    own, others = await asyncio.to_thread(contexts, upstream.ca_certificate, upstream.client_certificate, key)
    base = URL(upstream.origin)
    session = aiohttp.ClientSession(
        connector=connections(permitted, proxy),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        trace_configs=traces_of("upstream"),
    )
    transport = Transport(session, patience, SettingRoutes(site(base), permitted, proxy, own, others), SETTING)
    pairs = ((upstream.user, upstream.password), *((each.user, each.password) for each in upstream.credentials))
    accounts = []
    for number, (user, password) in enumerate(pairs):
        told = _Told(observer, showing, number)
        asking = Connection(base, transport, patience, surroundings, witness=told)
        credentials = signing(secrets, user, password, asking.ask, surroundings, environment)
        trusted = frozenset(upstream.trust_realms)
        accounts.append(Connection(base, transport, patience, surroundings, credentials, trusted, told))
    return OpenedUpstream(session, site(base).authority, tuple(accounts), way)


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
