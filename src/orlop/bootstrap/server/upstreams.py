"""How upstreams are reached. The HTTP client is imported with the first of them, not by a start."""

import asyncio
import random
import time
from contextlib import AsyncExitStack

from orlop.config import Settings
from orlop.domain.names import RepositoryName
from orlop.domain.upstreams.showing import Showing
from orlop.ports.upstreams import RemoteContent, Remotes


def build_remotes(settings: Settings) -> Remotes:
    """Those of one process."""
    return _Remotes()


class _Remotes:
    """See ports.upstreams.Remotes."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()

    async def repository(self, showing: Showing, name: RepositoryName) -> RemoteContent:
        from orlop.adapters.upstream.client import ClientOptions, open_client
        from orlop.adapters.upstream.credentials import Credentials, OneCredential
        from orlop.adapters.upstream.patience import Surroundings

        upstream = showing.upstream
        surroundings = Surroundings(time.monotonic, time.time, asyncio.sleep, random.random, lambda _: None)
        client = await self._stack.enter_async_context(
            open_client(
                ClientOptions(plain_http=upstream.url.startswith("http:")),
                OneCredential(Credentials(upstream.user, upstream.password)),
                surroundings,
                lambda scheme, host: None,
            )
        )
        return await client.repository(upstream.origin.partition("://")[2], name)

    async def close(self) -> None:
        await self._stack.aclose()
