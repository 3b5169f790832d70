"""Opens registries: one HTTP session for all of them, credentials looked up per repository."""

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import msgspec

from orlop.adapters.upstream.connection import Connection
from orlop.adapters.upstream.credentials import CredentialSource
from orlop.adapters.upstream.patience import Patience, Surroundings
from orlop.adapters.upstream.registry import RemoteRegistry, RemoteRepository, base_url
from orlop.adapters.upstream.transport import ProxyFor, Transport
from orlop.domain.names import RepositoryName


class ClientOptions(msgspec.Struct, frozen=True):
    """How registries are talked to."""

    plain_http: bool = False
    """Use http for every registry, not only for this machine."""
    verify_tls: bool = True
    trusted_realms: frozenset[str] = frozenset()
    """Hosts of token servers that may see credentials wherever they stand."""
    patience: Patience = Patience()


class RegistryClient:
    """Talks to any number of registries. Made by `open_client`."""

    def __init__(
        self,
        transport: Transport,
        options: ClientOptions,
        credentials: CredentialSource,
        surroundings: Surroundings,
    ) -> None:
        self._transport = transport
        self._options = options
        self._credentials = credentials
        self._surroundings = surroundings

    async def registry(self, name: str) -> RemoteRegistry:
        """The registry at `host[:port]`."""
        return RemoteRegistry(name, await self._connect(name, None))

    async def repository(self, registry: str, repository: RepositoryName) -> RemoteRepository:
        """One repository of the registry at `host[:port]`."""
        return RemoteRepository(registry, repository, await self._connect(registry, repository))

    async def _connect(self, registry: str, repository: RepositoryName | None) -> Connection:
        return Connection(
            base_url(registry, plain_http=self._options.plain_http, verify_tls=self._options.verify_tls),
            self._transport,
            self._options.patience,
            self._surroundings,
            await self._credentials.find(registry, repository),
            self._options.trusted_realms,
        )


@asynccontextmanager
async def open_client(
    options: ClientOptions, credentials: CredentialSource, surroundings: Surroundings, proxy_for: ProxyFor
) -> AsyncGenerator[RegistryClient, None]:
    """A client until the block ends."""
    # No limit here: how much runs at once is the caller's to say. TLS below 1.2 is refused by the default context.
    connector = aiohttp.TCPConnector(limit=0, ssl=ssl.create_default_context() if options.verify_tls else False)
    async with aiohttp.ClientSession(
        connector=connector,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    ) as session:
        transport = Transport(session, options.patience, proxy_for, verify_tls=options.verify_tls)
        yield RegistryClient(transport, options, credentials, surroundings)
