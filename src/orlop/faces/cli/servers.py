"""What management commands need of the world: a server to ask and the sign-ins that are kept; how they are named."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Protocol
from urllib.parse import quote

from cyclopts import Parameter

from orlop.domain.errors import NameInvalid
from orlop.domain.references import DEFAULT_REGISTRY, parse_registry
from orlop.faces.cli.running import UsageError
from orlop.ports.management import DeviceServer, ManagementServer, SavedSignIn, SavedSignIns

_Flag = Parameter(negative="")


@Parameter(name="*")
@dataclass(frozen=True)
class ServerChoice:
    """Options of every management command."""

    server: str = ""
    """The server, as HOST:PORT or URL [default: where `orlop login` was last]."""
    plain_http: Annotated[bool, _Flag] = False
    """Talk to it over http rather than https, as is always done on this machine."""
    insecure: Annotated[bool, _Flag] = False
    """Do not check its TLS certificate; on this machine, use TLS at all."""
    ca: str = ""
    """PEM file with the authorities to trust, rather than those of the machine; on this machine, use TLS at all."""


class Servers(Protocol):
    """Opens servers, and knows where sign-ins are kept."""

    def open(
        self, url: str, name: str, secret: str, choice: ServerChoice
    ) -> AbstractAsyncContextManager[ManagementServer]:
        """A server until a block ends, asked as somebody; without a name as nobody. `choice` says whom to trust."""
        ...

    def device(self, url: str, choice: ServerChoice) -> AbstractAsyncContextManager[DeviceServer]:
        """The token server there until a block ends."""
        ...

    def saved(self) -> SavedSignIns:
        """The sign-ins that are kept."""
        ...


def url_of(choice: ServerChoice) -> str:
    """The URL of the server that was named; empty when none was. Raises UsageError."""
    text = choice.server
    if not text:
        return ""
    scheme, separator, rest = text.partition("://")
    host = (rest if separator else text).rstrip("/")
    if separator and scheme not in ("http", "https"):
        raise UsageError(f"{text[:160]!r} is no server: write HOST:PORT, or a URL that begins with https://")
    try:
        host = parse_registry(host)
    except NameInvalid as error:
        raise UsageError(f"{text[:160]!r} is no server: {error.message}") from error
    if not separator:
        local = host.partition(":")[0] in {"localhost", "127.0.0.1"} or host.startswith("[::1]")
        scheme = "http" if choice.plain_http or (local and not choice.insecure and not choice.ca) else "https"
    return f"{scheme}://{host}"


def kept(servers: Servers, choice: ServerChoice) -> SavedSignIn | None:
    """The sign-in for the server that was named, or the last. On this machine one over TLS will do, too, where nothing
    was said of it. Raises UsageError."""
    url, saved = url_of(choice), servers.saved()
    found = saved.find(url)
    if found is None and "://" not in choice.server and not choice.plain_http and url.startswith("http://"):
        found = saved.find(f"https://{url.removeprefix('http://')}")
    return found


@asynccontextmanager
async def signed_in(servers: Servers, choice: ServerChoice) -> AsyncIterator[ManagementServer]:
    """The server that was named, asked as whoever signed in there last. Raises UsageError when nobody has."""
    saved = kept(servers, choice)
    if saved is None:
        if choice.server == DEFAULT_REGISTRY:
            asked = servers.saved().find("")
            host = asked.server.partition("://")[2] if asked else "HOST:PORT"
            raise UsageError(
                f"no registry is named, which means {DEFAULT_REGISTRY}: write {host}/ in front of the name"
            )
        where = f" at {choice.server}" if choice.server else ""
        raise UsageError(f"nobody is signed in{where}; run orlop login {choice.server or 'HOST:PORT'}")
    async with servers.open(saved.server, saved.name, saved.secret, choice) as server:
        yield server


async def everything(server: ManagementServer, path: str, /, **query: str) -> list[Any]:
    """All pages of a list."""
    reply = await server.ask("GET", path, query=query)
    found = list(reply.value)
    while reply.next:
        reply = await server.ask("GET", reply.next)
        found += reply.value
    return found


def part(text: str) -> str:
    """A name as a part of a path."""
    return quote(text, safe="+@")


def setting_at(plural: str, name: str, path: str, what: str = "") -> str:
    """Where the API has a setting of a kind that is named in the plural; `path` is its node, or empty for the root, and
    `what` the end of the address of something about it."""
    query = f"?path={part(path)}" if path else ""
    return f"/{plural}/{part(name)}{what}{query}"


def path_of(text: str) -> str:
    """A path of several components as the end of a path; the root is `-`."""
    return quote(text.strip("/"), safe="/") or "-"
