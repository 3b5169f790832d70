"""Stores of content for the command line: registries over HTTP, image layouts, docker archives."""

import asyncio
import os
import random
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orlop.faces.cli.locations import Location, StoreKind
from orlop.faces.cli.stores import Connecting
from orlop.ports.management import ManagementServer, SavedSignIns
from orlop.ports.upstream import ContentRepository, RepositoryLister

if TYPE_CHECKING:
    from orlop.adapters.upstream.client import RegistryClient

# The adapters, and aiohttp with them, are imported where one is opened: `orlop --help` needs none of them.


class Stores:
    """See faces.cli.stores.ContentStores."""

    @asynccontextmanager
    async def repository(
        self, location: Location, connecting: Connecting, *, writing: bool = False
    ) -> AsyncIterator[ContentRepository]:
        """A repository of a registry, a folder or an archive."""
        path = Path(location.path)
        async with AsyncExitStack() as stack:
            opened: ContentRepository
            match location.kind:
                case StoreKind.REGISTRY:
                    assert location.image is not None
                    client = await stack.enter_async_context(_client(connecting))
                    opened = await client.repository(location.image.registry, location.image.repository)
                case StoreKind.OCI:
                    from orlop.adapters.layout.repository import open_folder

                    opened = await stack.enter_async_context(open_folder(path, writing=writing))
                case StoreKind.OCI_ARCHIVE:
                    from orlop.adapters.layout.repository import open_archive

                    opened = await stack.enter_async_context(open_archive(path, writing=writing))
                case StoreKind.DOCKER_ARCHIVE:
                    from orlop.adapters.dockerarchive.opening import open_reader, open_writer

                    if writing:
                        opened = await stack.enter_async_context(open_writer(path))
                    else:
                        opened = await stack.enter_async_context(open_reader(path))
            yield opened

    @asynccontextmanager
    async def registry(self, name: str, connecting: Connecting) -> AsyncIterator[RepositoryLister]:
        """A registry as a whole."""
        async with _client(connecting) as client:
            yield await client.registry(name)


class ManagementServers:
    """See faces.cli.servers.Servers."""

    @asynccontextmanager
    async def open(self, url: str, name: str, secret: str, *, insecure: bool) -> AsyncIterator[ManagementServer]:
        """A server, asked as somebody."""
        from orlop.adapters.management.client import open_server

        async with open_server(url, name, secret, proxy_for, verify_tls=not insecure) as server:
            yield server

    def saved(self) -> SavedSignIns:
        """Those of the person who runs this."""
        from orlop.adapters.management.saved import CredentialFile

        return CredentialFile(os.environ, Path.home())

    def normal_body(self, kind: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """What a server would keep."""
        import msgspec

        from orlop.domain.kinds import KINDS

        kept: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(KINDS[kind].parse(name, body)))
        return kept


@asynccontextmanager
async def _client(connecting: Connecting) -> AsyncIterator["RegistryClient"]:
    from orlop.adapters.upstream.client import ClientOptions, open_client
    from orlop.adapters.upstream.credentials import CredentialFiles
    from orlop.adapters.upstream.patience import Surroundings

    options = ClientOptions(
        plain_http=connecting.plain_http,
        verify_tls=not connecting.insecure,
        trusted_realms=frozenset(connecting.trust_realm),
    )
    credentials = CredentialFiles(os.environ, Path.home())
    surroundings = Surroundings(time.monotonic, time.time, asyncio.sleep, random.random)
    async with open_client(options, credentials, surroundings, proxy_for) as client:
        yield client


def proxy_for(scheme: str, host: str) -> str | None:
    """The proxy that the environment names (`HTTPS_PROXY`, `NO_PROXY` and so on)."""
    if urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get(scheme)
