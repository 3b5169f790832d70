"""Fetches files of advisories from servers of the web, and from a folder of the machine, in bounds of size and time."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

import aiohttp
import msgspec
from yarl import URL

from orlop.adapters.addresses import Permitted, connector, literal, named, refusal, refuse
from orlop.adapters.advisories import listed
from orlop.adapters.advisories.files import RECORD
from orlop.domain.durations import DAY
from orlop.domain.errors import Unavailable
from orlop.domain.identity.secret_references import SecretReference, parse_secret
from orlop.domain.inside.sources import AdvisoryFeed
from orlop.ports.advisories import Fetched, SourceFailed

#: Bytes of a source, seconds for all of it and for silence, hops of redirects, and files of a folder.
SIZE, TOTAL, SILENCE, HOPS, FILES = 4 * 1024 * 1024 * 1024, 3600.0, 60.0, 5, 500_000
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PIECE = 256 * 1024


class _State(msgspec.Struct, omit_defaults=True):
    """What a server is told of what is known (RFC 9110 section 13.1)."""

    etag: str = ""
    modified: str = ""
    since: int = 0
    """Of a list: when the newest record was changed that is known."""


_state = msgspec.json.Decoder(_State)


class _Asked(NamedTuple):
    """One fetch of a source."""

    session: aiohttp.ClientSession
    feed: AdvisoryFeed
    authorization: str
    told: Callable[[int], None]


class _Missing(Exception):
    """A record that a list names is not there."""


class WebFetcher:
    """See ports.advisories.AdvisoryFetcher. `networks` are those that may be reached beside public addresses, `fetch`
    fetches secrets that a setting says are kept elsewhere, and may block."""

    def __init__(self, networks: tuple[str, ...], fetch: Callable[[SecretReference], str], *, size: int = SIZE) -> None:
        self._permitted: Permitted = named(networks)
        self._fetch = fetch
        self._size = size

    @asynccontextmanager
    async def fetch(
        self, feed: AdvisoryFeed, identity: str, state: str, told: Callable[[int], None]
    ) -> AsyncIterator[Fetched]:
        """See AdvisoryFetcher."""
        session = aiohttp.ClientSession(
            connector=connector(self._permitted),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=TOTAL, sock_connect=10.0, sock_read=SILENCE),
            headers={"User-Agent": "orlop", "Accept-Encoding": "identity"},
        )
        known, url, names = _known(state), URL(feed.url), None
        with TemporaryFile() as file:
            try:
                async with session:
                    asked = _Asked(session, feed, await self._authorization(feed), told)
                    now = await self._into(asked, url, known, file)
                    if now is not None and url.name == listed.NAME:
                        now, names = await self._changed(asked, url, known, now, file)
            except TimeoutError as cause:
                raise SourceFailed(f"{feed.origin} takes too long") from cause
            except (aiohttp.ClientError, OSError, ValueError) as cause:
                raise SourceFailed(f"{feed.origin} cannot be fetched: {_reason(cause)}") from cause
            if now is None:
                yield Fetched((), state)
                return
            empty = file.seek(0, os.SEEK_END) == 0  # a list that names nothing new
            file.seek(0)
            yield Fetched(() if empty else (file,), msgspec.json.encode(now).decode(), names)

    async def _changed(
        self, asked: "_Asked", url: URL, known: _State, now: _State, file: IO[bytes]
    ) -> tuple[_State, frozenset[str] | None]:
        """Put into a file, in place of a list, what was changed since the last time: record by record; where that are
        many, or all, or one of them is not there, the archive beside the list."""
        file.seek(0)
        found = await asyncio.to_thread(listed.listing, file, known.since)
        file.seek(0)
        file.truncate()
        if known.since and len(found.changed) <= listed.SINGLE:
            now = msgspec.structs.replace(now, since=found.newest)
            if await self._each(asked, url, found.changed, file):
                return now, found.names
            file.seek(0)
            file.truncate()
        # The archive may be of before the list.
        now = msgspec.structs.replace(now, since=max(1, found.newest - DAY))
        await self._into(asked, url.with_name(listed.ARCHIVE), _State(), file)
        return now, None

    async def _each(self, asked: "_Asked", url: URL, names: Sequence[str], file: IO[bytes]) -> bool:
        """Records as lines of a file; False where one of them is not there."""
        base = url.parent
        for name in names:
            with TemporaryFile() as one:
                try:
                    await self._into(asked, base.joinpath(*f"{name}.json".split("/")), _State(), one, most=RECORD)
                except _Missing:
                    return False
                one.seek(0)
                line = one.read().replace(b"\n", b" ").replace(b"\r", b" ")
            if file.tell() + len(line) > self._size:
                raise SourceFailed(f"{asked.feed.origin} gives more than {self._size >> 20} MiB, which is not taken")
            file.write(line + b"\n")
        return True

    async def _into(self, asked: "_Asked", url: URL, known: _State, file: IO[bytes], *, most: int = 0) -> _State | None:
        """Write what is there into a file, and what to ask with the next time; None: there is nothing new."""
        first, feed = url, asked.feed
        for _ in range(HOPS + 1):
            self._check(url, first)
            sent = asked.authorization and url.origin() == first.origin()
            headers = {"Authorization": asked.authorization} if sent else {}
            headers |= {"If-None-Match": known.etag} if known.etag else {}
            headers |= {"If-Modified-Since": known.modified} if known.modified else {}
            async with asked.session.get(url, headers=headers, allow_redirects=False) as response:
                if response.status in _REDIRECTS:
                    url = url.join(URL(response.headers.get("Location", "")))
                    continue
                if response.status == 304 and (known.etag or known.modified):
                    return None
                if response.status == 404 and most:
                    raise _Missing
                if response.status != 200:
                    raise SourceFailed(f"{feed.origin} answered {response.status} {response.reason or ''}".rstrip())
                await self._body(asked, response, file, most or self._size)
                etag, modified = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
                return _State(etag[:512], modified[:64])
        raise SourceFailed(f"{feed.origin} redirects more than {HOPS} times")

    def _check(self, url: URL, first: URL) -> None:
        """Raises OSError for where a redirect must not lead; a name's addresses are checked by the connection."""
        if url.scheme not in ("https", "http") or not url.host or (first.scheme == "https" and url.scheme != "https"):
            raise OSError(f"it redirects to {url.scheme}, which is not followed")
        address = literal(url.host)
        if address:
            refuse(address, self._permitted)

    async def _body(self, asked: "_Asked", response: aiohttp.ClientResponse, file: IO[bytes], most: int) -> None:
        came = 0
        async for piece in response.content.iter_chunked(_PIECE):
            came += len(piece)
            if came > most:
                raise SourceFailed(f"{asked.feed.origin} gives more than {most >> 20} MiB, which is not taken")
            await asyncio.to_thread(file.write, piece)
            asked.told(came)

    async def _authorization(self, feed: AdvisoryFeed) -> str:
        if not feed.user:
            return ""
        try:
            password = await asyncio.to_thread(self._fetch, parse_secret(feed.password))
        except (Unavailable, ValueError) as cause:
            raise SourceFailed(f"the password for {feed.origin} is not there: {cause}") from cause
        return aiohttp.encode_basic_auth(feed.user, password)


class FolderFetcher:
    """See ports.advisories.AdvisoryFetcher. Files lie below `allowed`; None: none may be read."""

    def __init__(self, allowed: Path | None, *, size: int = SIZE) -> None:
        self._allowed = allowed
        self._size = size

    @asynccontextmanager
    async def fetch(
        self, feed: AdvisoryFeed, identity: str, state: str, told: Callable[[int], None]
    ) -> AsyncIterator[Fetched]:
        """See AdvisoryFetcher."""
        with TemporaryFile() as gathered:
            try:
                file, now = await asyncio.to_thread(self._opened, Path(feed.path), state, gathered)
            except OSError as cause:
                raise SourceFailed(f"{feed.path} cannot be read: {cause.strerror or cause}") from cause
            if file is None:
                yield Fetched((), state)
                return
            with file:
                yield Fetched((file,), now)

    def _opened(self, path: Path, state: str, gathered: IO[bytes]) -> tuple[IO[bytes] | None, str]:
        """The file, or the records of a folder as lines; None: it is as it was. Raises OSError, SourceFailed."""
        if self._allowed is None:
            raise SourceFailed("no folder is allowed: advisories.folder in the configuration says which")
        within = self._allowed.resolve()
        if not path.resolve().is_relative_to(within):
            raise SourceFailed(f"{path} does not lie below {self._allowed}, which advisories.folder allows")
        if path.is_dir():
            return self._folder(path, within, state, gathered)
        file = _regular(path, within)
        found = os.fstat(file.fileno())
        now = f"{found.st_ino}-{found.st_size}-{found.st_mtime_ns}"
        if now == state or found.st_size > self._size:
            file.close()
            if now != state:
                raise SourceFailed(f"{path} has more than {self._size >> 20} MiB, which is not taken")
            return None, state
        return file, now

    def _folder(self, path: Path, within: Path, state: str, gathered: IO[bytes]) -> tuple[IO[bytes] | None, str]:
        files = sorted(each for each in path.rglob("*.json") if each.is_file())
        if len(files) > FILES:
            raise SourceFailed(f"{path} holds more than {FILES} files")
        newest = max((each.stat().st_mtime_ns for each in files), default=0)
        size = sum(each.stat().st_size for each in files)
        now = f"{len(files)}-{size}-{newest}"
        if now == state:
            return None, state
        if size > self._size:
            raise SourceFailed(f"{path} has more than {self._size >> 20} MiB, which is not taken")
        for each in files:
            with _regular(each, within) as file:
                gathered.write(file.read().replace(b"\n", b" ").replace(b"\r", b" ") + b"\n")
        gathered.seek(0)
        return os.fdopen(os.dup(gathered.fileno()), "rb"), now


def _regular(path: Path, within: Path) -> IO[bytes]:
    """A file that lies within a folder also by what links lead to. Raises OSError, SourceFailed."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    opened = Path(f"/proc/self/fd/{descriptor}").readlink()
    if not stat.S_ISREG(os.fstat(descriptor).st_mode) or not opened.is_relative_to(within):
        os.close(descriptor)
        raise SourceFailed(f"{path} is no file below {within}")
    return os.fdopen(descriptor, "rb")


def _known(state: str) -> _State:
    try:
        return _state.decode(state) if state else _State()
    except msgspec.DecodeError:
        return _State()


def _reason(cause: BaseException) -> str:
    said = refusal(cause)
    if said:
        return said
    inner = getattr(cause, "certificate_error", None) or getattr(cause, "os_error", None) or cause
    return getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
