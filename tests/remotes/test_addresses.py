"""Where upstreams may lead: to addresses that may be connected to, at each hop, and credentials to nobody but whom they
are for. What must not be reached is a server that counts whoever connects."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from orlop.domain.errors import Denied, RegistryError
from orlop.ports.upstream import UpstreamError
from tests import content
from tests.clientside.loopback import Seen, serving
from tests.clientside.memoryregistry import MemoryRegistry
from tests.remotes.scene import Hands, pooling, showing

IMAGE = content.image("app", layers=["base"])
LAYER = IMAGE.blobs[1]
#: What may be reached here; the server that must not be is at 127.0.0.2.
ALLOWED = ("127.0.0.1/32",)

#: However that server, and others that must not be reached, are written in the hosts of URLs.
FORBIDDEN = [
    *("127.0.0.2", "127.2", "2130706434", "0x7f000002", "0177.0.0.2", "[::ffff:127.0.0.2]", "[::ffff:7f00:2]"),
    *("[64:ff9b::7f00:2]", "[2002:7f00:2::]", "0.0.0.0", "[::]", "[::1]", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
    *("100.64.0.1", "[fd00::1]", "[::ffff:10.0.0.1]", "167772161", "169.254.169.254", "[fe80::1]", "2852039166"),
    *("[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "100.100.100.200", "[fd00:ec2::254]", "168.63.129.16"),
    *("224.0.0.1", "255.255.255.255"),
]


class Trap:
    """Counts connections, and keeps what comes over them."""

    def __init__(self) -> None:
        self.connections = 0
        self.got = b""
        self.port = 0

    @asynccontextmanager
    async def set(self) -> AsyncGenerator["Trap", None]:
        """Until the block ends."""
        server = await asyncio.start_server(self._serve, "127.0.0.2", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.got += await reader.read(65_536)
        writer.close()


async def _refused(hands: Hands, url: str, **fields: Any) -> str:
    """What is said where manifest or tags are refused."""
    with pytest.raises(RegistryError) as caught:
        await _read(hands, url, **fields)
    return caught.value.message


async def _read(hands: Hands, url: str, **fields: Any) -> None:
    remote = await hands.at(url, **fields)
    await remote.fetch("1")
    async for _ in remote.tags():
        pass


def _is_told(message: str) -> bool:
    """Names outside the grammar of addresses are refused before anything is connected to, and others because."""
    return "may not be connected to" in message or "cannot be reached" in message


@pytest.mark.parametrize("host", FORBIDDEN)
async def test_an_upstream_at_a_forbidden_address_is_not_connected_to(host: str) -> None:
    async with Trap().set() as trap, pooling(ALLOWED) as hands:
        assert _is_told(await _refused(hands, f"http://{host}:{trap.port}"))
    assert trap.connections == 0


@pytest.mark.parametrize("host", FORBIDDEN)
@pytest.mark.parametrize("fields", [{}, {"user": "ada", "password": "hunter22"}])
async def test_a_realm_at_a_forbidden_address_is_not_connected_to(host: str, fields: dict[str, Any]) -> None:
    async with Trap().set() as trap, pooling(ALLOWED) as hands:

        async def handle(request: web.Request) -> web.StreamResponse:
            told = f'Bearer realm="http://{host}:{trap.port}/token",service="s"'
            return web.Response(status=401, headers={"WWW-Authenticate": told})

        async with serving(handle) as server:
            # Even where the setting says that it may see credentials.
            trusting = {"trust_realms": (host,)} if fields and "::" not in host else {}
            assert _is_told(await _refused(hands, server.url, **fields, **trusting)) or (fields and not trusting)
    assert trap.connections == 0


@pytest.mark.parametrize("host", FORBIDDEN)
@pytest.mark.parametrize("hops", [1, 3])
async def test_a_redirect_to_a_forbidden_address_is_not_followed(host: str, hops: int) -> None:
    async with Trap().set() as trap, pooling(ALLOWED) as hands:

        async def handle(request: web.Request) -> web.StreamResponse:
            hop = int(request.query.get("hop", "1"))
            there = f"http://{host}:{trap.port}/x" if hop == hops else f"{request.path}?hop={hop + 1}"
            return web.Response(status=307, headers={"Location": there})

        async with serving(handle) as server:
            assert _is_told(await _refused(hands, server.url))
            assert len(server.seen) == hops
    assert trap.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.2", "2130706434", "[::ffff:127.0.0.2]"])
async def test_a_next_page_at_a_forbidden_address_is_not_asked_for(host: str) -> None:
    registry = MemoryRegistry()
    registry.keep("team/app", IMAGE, "1")
    async with Trap().set() as trap, pooling(ALLOWED) as hands:

        async def handle(request: web.Request) -> web.StreamResponse:
            answer = await registry.handle(request)
            if "/tags/" in request.path:
                answer.headers["Link"] = f'<http://{host}:{trap.port}/x>; rel="next"'
            return answer

        async with serving(handle) as server:
            assert _is_told(await _refused(hands, server.url))
    assert trap.connections == 0


class _Names(AbstractResolver):
    """Resolves every name to what the list says next: what a name server does that rebinds."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [ResolveResult(hostname=host, host=answer, port=port, family=2, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_name_that_leads_elsewhere_the_second_time_gains_nothing() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        there = f"http://rebinding.example:{trap.port}/x"
        return web.Response(status=307, headers={"Location": there, "Connection": "close"})

    async with Trap().set() as trap, serving(handle) as server, pooling(ALLOWED) as hands:
        url = f"http://rebinding.example:{server.host.rpartition(':')[2]}"
        await hands.at(url)
        session = hands.pool._opened[showing(url)]._session
        session.connector._resolver = _Names("127.0.0.1", "127.0.0.2")  # type: ignore[union-attr]
        assert "127.0.0.2 is a loopback address (see outbound.networks)" in await _refused(hands, url)
        assert len(server.seen) == 1
    assert trap.connections == 0


def _credentials_of(seen: list[Seen]) -> list[str]:
    return [each.authorization for each in seen if each.authorization]


@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
async def test_no_credential_is_sent_to_another_origin(scheme: str) -> None:
    """CVE-2020-15157: a blob elsewhere that asks for a sign-in, a page elsewhere, and a way back to where it began."""
    registry = MemoryRegistry()
    registry.keep("team/app", IMAGE, "1")

    async def other(request: web.Request) -> web.StreamResponse:
        if "back" in request.query:
            return web.Response(status=307, headers={"Location": f"{server.url}{request.path}?came=back"})
        return web.Response(status=401, headers={"WWW-Authenticate": challenge})

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path == "/token":
            return web.json_response({"token": "secret-token"})
        if request.query.get("came") == "back":
            assert "Authorization" not in request.headers
            return await registry.handle(request)
        if "Authorization" not in request.headers:
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        if request.path == "/v2/":
            return web.json_response({})
        if "/blobs/" in request.path:
            there = f"{elsewhere.url}{request.path}" + ("?back=1" if request.method == "HEAD" else "")
            return web.Response(status=307, headers={"Location": there})
        answer = await registry.handle(request)
        if "/tags/" in request.path:
            answer.headers["Link"] = f'<{elsewhere.url}/more>; rel="next"'
        return answer

    async with serving(other) as elsewhere, serving(handle) as server, pooling(ALLOWED) as hands:
        realm = f'realm="{server.url}/token"' if scheme == "Bearer" else 'realm="r"'
        challenge = f'{scheme} {realm},service="s"'
        remote = await hands.at(server.url, user="ada", password="hunter22")
        assert await remote.stat_blob(LAYER.digest) == LAYER.size
        with pytest.raises(RegistryError):
            await anext(remote.read_blob(LAYER.digest, LAYER.size))
        tags = remote.tags()
        assert await anext(tags) == "1"
        with pytest.raises(RegistryError):
            await anext(tags)
    assert len(elsewhere.seen) == 3
    assert _credentials_of(elsewhere.seen) == []


async def test_credentials_are_for_no_realm_that_an_upstream_invents() -> None:
    """CVE-2026-33540."""

    async def realm(request: web.Request) -> web.StreamResponse:
        return web.json_response({"token": "t"})

    async def handle(request: web.Request) -> web.StreamResponse:
        port = tokens.host.rpartition(":")[2]
        told = f'Bearer realm="http://localhost:{port}/token",service="s"'
        return web.Response(status=401, headers={"WWW-Authenticate": told})

    async with serving(realm) as tokens, serving(handle) as server, pooling(ALLOWED) as hands:
        with pytest.raises(Denied, match=r"not beside it; name localhost in trust_realms if it is right, or leave out"):
            await (await hands.at(server.url, user="ada", password="hunter22")).fetch("1")
        assert tokens.seen == []
        with pytest.raises(RegistryError):
            await (await hands.at(server.url)).fetch("1")  # as nobody one may ask whomever it names
        assert [seen.authorization for seen in tokens.seen] == [None]
        await _refused(hands, server.url, user="ada", password="hunter22", trust_realms=("localhost",))
        assert len(_credentials_of(tokens.seen)) == 1


async def test_a_token_server_that_redirects_is_not_followed() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path == "/token":
            return web.Response(status=307, headers={"Location": f"{elsewhere.url}/token"})
        told = f'Bearer realm="{server.url}/token",service="s"'
        return web.Response(status=401, headers={"WWW-Authenticate": told})

    async def other(request: web.Request) -> web.StreamResponse:
        return web.json_response({"token": "t"})

    async with serving(other) as elsewhere, serving(handle) as server, pooling(ALLOWED) as hands:
        with pytest.raises(UpstreamError, match="the registry answered 307"):
            await (await hands.at(server.url, user="ada", password="hunter22")).fetch("1")
    assert elsewhere.seen == []


async def test_redirects_in_a_circle_end() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": request.path})

    async with serving(handle) as server, pooling(ALLOWED) as hands:
        with pytest.raises(UpstreamError, match="redirects more than 5 times"):
            await (await hands.at(server.url)).resolve("1")
    assert len(server.seen) == 6
