"""Opens registries: one HTTP session for all of them, credentials looked up per repository."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import msgspec
from yarl import URL

from orlop.adapters.tls import client_context
from orlop.adapters.upstream.connection import Connection
from orlop.adapters.upstream.credentials import CredentialSource
from orlop.adapters.upstream.current import Fixed
from orlop.adapters.upstream.patience import Patience, Surroundings
from orlop.adapters.upstream.registry import RemoteRegistry, RemoteRepository
from orlop.adapters.upstream.transport import CommandRoutes, ProxyFor, Transport, is_loopback
from orlop.domain.names import RepositoryName


class ClientOptions(msgspec.Struct, frozen=True):
    """How registries are talked to."""

    plain_http: bool = False
    """Use http for every registry, not only for this machine."""
    verify_tls: bool = True
    ca: str = ""
    """File with the authorities to trust; empty: those of the machine."""
    trusted_realms: frozenset[str] = frozenset()
    """Hosts of token servers that may see credentials wherever they stand."""
    patience: Patience = Patience()

    def base_url(self, registry: str) -> URL:
        """Where the API of a registry (`host[:port]`) is.

        Plain http is used where asked for and for this machine itself, unless something is said of certificates:
        whoever does has TLS in mind.
        """
        host = "registry-1.docker.io" if registry == "docker.io" else registry
        url = URL(f"http://{host}")
        plain = self.plain_http or (self.verify_tls and not self.ca and is_loopback(url.host or ""))
        return url if plain else URL(f"https://{host}")


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

    async def repository(self, registry: str, repository: RepositoryName, *, writing: bool = False) -> RemoteRepository:
        """One repository of the registry at `host[:port]`; `writing`: one to push to, which need not be there yet."""
        return RemoteRepository(registry, repository, await self._connect(registry, repository), writing=writing)

    async def _connect(self, registry: str, repository: RepositoryName | None) -> Connection:
        return Connection(
            self._options.base_url(registry),
            self._transport,
            self._options.patience,
            self._surroundings,
            Fixed(await self._credentials.find(registry, repository)),
            self._options.trusted_realms,
        )


@asynccontextmanager
async def open_client(
    options: ClientOptions, credentials: CredentialSource, surroundings: Surroundings, proxy_for: ProxyFor
) -> AsyncGenerator[RegistryClient, None]:
    """A client until the block ends."""
    # No limit here: how much runs at once is the caller's to say.
    connector = aiohttp.TCPConnector(limit=0, ssl=client_context(verify=options.verify_tls, ca=options.ca))
    async with aiohttp.ClientSession(
        connector=connector,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    ) as session:
        transport = Transport(session, options.patience, CommandRoutes(proxy_for, verify_tls=options.verify_tls))
        yield RegistryClient(transport, options, credentials, surroundings)
