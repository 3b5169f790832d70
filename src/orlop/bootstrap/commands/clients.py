"""Stores of content for the command line: registries over HTTP, image layouts, docker archives."""

import asyncio
import os
import random
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orlop.faces.cli.content.stores import Connecting, KnownAs, Registry
from orlop.faces.cli.locations import Location, StoreKind
from orlop.faces.cli.running import tell
from orlop.faces.cli.servers import ServerChoice
from orlop.faces.cli.sign_in.ambient import USER
from orlop.ports.management import DeviceServer, ManagementServer, SavedSignIns
from orlop.ports.upstream import ContentRepository

if TYPE_CHECKING:
    from orlop.adapters.upstream.client import ClientOptions, RegistryClient
    from orlop.adapters.upstream.credentials import CredentialSource

# The adapters, and aiohttp with them, are imported where one is opened: `orlop --help` needs none of them.


class ContentClients:
    """See faces.cli.content.stores.ContentStores."""

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
                    opened = await client.repository(
                        location.image.registry, location.image.repository, writing=writing
                    )
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
    async def registry(self, name: str, connecting: Connecting) -> AsyncIterator[Registry]:
        """A registry as a whole."""
        async with _client(connecting) as client:
            yield await client.registry(name)

    async def known_as(self, name: str, connecting: Connecting) -> KnownAs | None:
        """Who one is at a registry."""
        found = await _credentials(connecting).find(name)
        return KnownAs(found.username, found.kept_by) if found is not None else None


class ManagementServers:
    """See faces.cli.servers.Servers."""

    @asynccontextmanager
    async def open(self, url: str, name: str, secret: str, choice: ServerChoice) -> AsyncIterator[ManagementServer]:
        """A server, asked as somebody."""
        from orlop.adapters.management.client import open_server

        async with open_server(url, name, secret, proxy_for, verify_tls=not choice.insecure, ca=choice.ca) as server:
            yield server

    @asynccontextmanager
    async def device(self, url: str, choice: ServerChoice) -> AsyncIterator[DeviceServer]:
        """A token server, asked by nobody."""
        from orlop.adapters.management.client import open_server

        async with open_server(url, "", "", proxy_for, verify_tls=not choice.insecure, ca=choice.ca) as server:
            yield server

    def saved(self) -> SavedSignIns:
        """Those of the person who runs this."""
        from orlop.adapters.management.saved import CredentialFile

        return CredentialFile(os.environ, Path.home())


@asynccontextmanager
async def _client(connecting: Connecting) -> AsyncIterator["RegistryClient"]:
    from orlop.adapters.upstream.client import open_client
    from orlop.adapters.upstream.patience import Surroundings

    surroundings = Surroundings(time.monotonic, time.time, asyncio.sleep, random.random, tell)
    async with open_client(client_options(connecting), _credentials(connecting), surroundings, proxy_for) as client:
        yield client


def client_options(connecting: Connecting) -> "ClientOptions":
    """How registries are talked to."""
    from orlop.adapters.upstream.client import ClientOptions

    return ClientOptions(
        plain_http=connecting.plain_http,
        verify_tls=not connecting.insecure,
        ca=connecting.ca,
        trusted_realms=frozenset(connecting.trust_realm),
    )


def _credentials(connecting: Connecting) -> "CredentialSource":
    """What `orlop login` keeps for a registry, then what docker and podman do."""
    from orlop.adapters.management.saved import CredentialFile
    from orlop.adapters.upstream.credentials import CredentialFiles
    from orlop.adapters.upstream.sign_ins import SignIns

    options = client_options(connecting)
    return SignIns(
        CredentialFile(os.environ, Path.home()),
        CredentialFiles(os.environ, Path.home()),
        lambda registry: str(options.base_url(registry).origin()),
        ambient=USER,
        wanted=connecting.name,
    )


def proxy_for(scheme: str, host: str) -> str | None:
    """The proxy that the environment names (`HTTPS_PROXY`, `NO_PROXY` and so on)."""
    if urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get(scheme)
