"""The upstreams of a server: a set of connections for each setting, opened when it is asked for and closed when it is
not any more."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from types import MappingProxyType

from orlop.adapters.addresses import named
from orlop.adapters.upstream.opened import OpenedUpstream, open_upstream
from orlop.adapters.upstream.patience import Patience, Surroundings
from orlop.adapters.upstream.registry import RemoteRepository
from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.identity.secret_references import SecretReference
from orlop.domain.names import RepositoryName
from orlop.domain.upstreams.budget import Need
from orlop.domain.upstreams.showing import Showing
from orlop.ports.upstream import ManifestContent, Origin, UpstreamError
from orlop.ports.upstreams import RemoteContent, RemoteObserver

#: Settings that connections are kept for, and for how many seconds after the last request.
_OPENED, _UNUSED = 64, 600.0

#: Of a server: whoever waits has something in the cache, or an own idea of trying again.
PATIENCE = Patience(
    attempts=2,
    first_delay=0.2,
    longest_delay=1.0,
    longest_retry_after=2.0,
    connect_timeout=5.0,
    read_timeout=30.0,
    careful=True,
)


class Indifferent:
    """See RemoteObserver: takes the first account, and no notice."""

    def account(self, showing: Showing, need: Need) -> int:
        return 0

    def observed(self, showing: Showing, account: int, status: int, headers: Mapping[str, str]) -> None:
        """Nothing is done about it."""

    def failed(self, showing: Showing, account: int, error: UpstreamError) -> None:
        """Nothing is done about it."""


class RemotePool:
    """See ports.upstreams.Remotes.

    `networks` are those that may be reached beside public addresses, `fetch` fetches the secrets that a setting says
    are kept elsewhere, and may block. The environment tells of the machine's own identity.
    """

    def __init__(
        self,
        networks: tuple[str, ...],
        fetch: Callable[[SecretReference], str],
        surroundings: Surroundings,
        observer: RemoteObserver | None = None,
        patience: Patience = PATIENCE,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._environment = environment
        self._permitted = named(networks)
        self._fetch = fetch
        self._surroundings = surroundings
        self._observer = observer or Indifferent()
        self._patience = patience
        self._opened: dict[Showing, OpenedUpstream] = {}
        self._left: list[OpenedUpstream] = []
        """Those whose place another took while they were in use."""

    async def repository(self, showing: Showing, name: RepositoryName, need: Need = Need.FIRST) -> RemoteContent:
        """See Remotes."""
        async with self._using(showing) as opened:
            return _Repository(self, showing, Origin(opened.authority, name), need)

    async def close(self) -> None:
        """See Remotes."""
        opened, self._opened, self._left = [*self._opened.values(), *self._left], {}, []
        for each in opened:
            await each.close()

    @asynccontextmanager
    async def connected(self, showing: Showing, origin: Origin, need: Need) -> AsyncGenerator[RemoteRepository, None]:
        """A repository as the account whose turn it is sees it, while the block lasts."""
        async with self._using(showing) as opened:
            connection = opened.connection(self._observer.account(showing, need))
            yield RemoteRepository(origin.registry, origin.repository, connection)

    @asynccontextmanager
    async def _using(self, showing: Showing) -> AsyncGenerator[OpenedUpstream, None]:
        while (opened := await self._current(showing)) is not self._opened.get(showing):
            pass  # it was let go of, or another took its place, while this one waited
        self._opened[showing] = self._opened.pop(showing)  # the last is what was used last
        opened.users += 1
        try:
            yield opened
        finally:
            opened.users -= 1
            opened.used_at = self._surroundings.monotonic()
            await self._let_go()

    async def _current(self, showing: Showing) -> OpenedUpstream:
        """What is opened for a setting, if it is as its secrets are now; else opened anew. Raises UpstreamError."""
        opened = self._opened.get(showing)
        if opened is not None and not await opened.is_stale():
            return opened
        made = await open_upstream(
            showing,
            self._permitted,
            self._fetch,
            self._surroundings,
            self._observer,
            self._patience,
            self._environment,
        )
        if self._opened.get(showing) is not opened:
            await made.close()
            return self._opened.get(showing, made)
        if opened is not None:
            self._left.append(opened)
        self._opened[showing] = made
        return made

    async def _let_go(self) -> None:
        """Close what nobody uses: for long, of a setting that was changed since, or more than is kept."""
        newest = {showing.identity: showing for showing in self._opened}
        unused = self._surroundings.monotonic() - _UNUSED
        beyond = list(self._opened)[: max(0, len(self._opened) - _OPENED)]
        going = [
            showing
            for showing, opened in self._opened.items()
            if not opened.users
            and (opened.used_at < unused or newest[showing.identity] is not showing or showing in beyond)
        ]
        left = [opened for opened in self._left if not opened.users]
        self._left = [opened for opened in self._left if opened.users]
        # Nobody else finds them while they are closed.
        for opened in [*left, *(self._opened.pop(showing) for showing in going)]:
            await opened.close()


class _Repository:
    """See ports.upstreams.RemoteContent: each call goes by the account whose turn it is."""

    def __init__(self, pool: RemotePool, showing: Showing, origin: Origin, need: Need) -> None:
        self._pool = pool
        self._showing = showing
        self._origin = origin
        self._need = need

    @property
    def origin(self) -> Origin:
        return self._origin

    async def resolve(self, reference: str) -> Descriptor:
        async with self._connected() as repository:
            return await repository.resolve(reference)

    async def fetch(self, reference: str) -> ManifestContent:
        async with self._connected() as repository:
            return await repository.fetch(reference)

    async def stat_blob(self, digest: Digest) -> int | None:
        async with self._connected() as repository:
            return await repository.stat_blob(digest)

    async def read_blob(self, digest: Digest, size: int, offset: int = 0) -> AsyncGenerator[bytes, None]:
        async with self._connected() as repository, aclosing(repository.read_blob(digest, size, offset)) as pieces:
            async for piece in pieces:
                yield piece

    async def referrers(self, subject: Digest, artifact_type: str = "") -> AsyncIterator[Descriptor]:
        async with self._connected() as repository:
            async for each in repository.referrers(subject, artifact_type):
                yield each

    async def tags(self, after: str = "") -> AsyncIterator[str]:
        async with self._connected() as repository:
            async for each in repository.tags(after):
                yield each

    def _connected(self) -> AbstractAsyncContextManager[RemoteRepository]:
        return self._pool.connected(self._showing, self._origin, self._need)
