"""TLS and proxies: certificates are checked, and nothing steps down from https to plain http with a secret."""

import asyncio
import base64
import json
import ssl
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from orlop.domain.errors import Unauthorized
from orlop.domain.names import RepositoryName
from orlop.ports.upstream import UpstreamError
from tests import content
from tests.clientside.clients import client
from tests.clientside.loopback import Handler, Loopback, serving
from tests.needs import need

APP = RepositoryName("team/app")
IMAGE = content.image("app")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server context with a certificate that nobody vouches for."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=registry.internal", "-addext", "subjectAltName=DNS:registry.internal"]
    command = [need("openssl")["openssl"], *request, *names, "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


@asynccontextmanager
async def behind_proxy(handler: Handler, certificate: ssl.SSLContext) -> AsyncGenerator[tuple[Loopback, str], None]:
    """A registry on https, and a proxy through which any host name leads to it."""
    async with serving(handler, certificate) as registry:
        port = int(registry.host.rpartition(":")[2])

        async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"CONNECT registry.internal:443 "):
                writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
                writer.close()
                return
            writer.write(b"HTTP/1.1 200 Established\r\n\r\n")
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)

            async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
                try:
                    while piece := await source.read(65_536):
                        sink.write(piece)
                        await sink.drain()
                except OSError:
                    pass
                finally:
                    sink.close()

            await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

        server = await asyncio.start_server(tunnel, "127.0.0.1", 0)
        try:
            yield registry, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()


def signed_in(folder: Path) -> dict[str, str]:
    """Credentials for registry.internal."""
    entry = {"auth": base64.b64encode(b"ada:secret").decode()}
    (folder / "config.json").write_text(json.dumps({"auths": {"registry.internal": entry}}))
    return {"DOCKER_CONFIG": str(folder)}


async def test_an_unknown_certificate_is_refused_before_anything_is_sent(
    certificate: ssl.SSLContext, tmp_path: Path
) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(body=IMAGE.content)

    async with behind_proxy(handle, certificate) as (registry, proxy):
        async with client(environment=signed_in(tmp_path), proxy=proxy) as registries:
            with pytest.raises(UpstreamError, match="TLS failed"):
                await (await registries.repository("registry.internal", APP)).fetch("v1")
        assert registry.seen == []
        async with client(environment=signed_in(tmp_path), proxy=proxy, verify_tls=False) as registries:
            found = await (await registries.repository("registry.internal", APP)).fetch("v1")
        assert found.digest == IMAGE.digest


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_a_realm_on_plain_http_sees_nothing(certificate: ssl.SSLContext, tmp_path: Path, scheme: str) -> None:
    async def realm(request: web.Request) -> web.StreamResponse:
        return web.json_response({"token": "x"})

    async with serving(realm) as thief:

        async def handle(request: web.Request) -> web.StreamResponse:
            challenge = f'{scheme} realm="http://registry.internal/token",service="x"'
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})

        async with behind_proxy(handle, certificate) as (_, proxy):
            options = {"environment": signed_in(tmp_path), "proxy": proxy, "verify_tls": False}
            async with client(**options) as registries:
                with pytest.raises(UpstreamError, match="plain http"):
                    await (await registries.repository("registry.internal", APP)).fetch("v1")
        assert thief.seen == []


async def test_a_redirect_down_to_plain_http_is_refused(certificate: ssl.SSLContext, tmp_path: Path) -> None:
    async def elsewhere(request: web.Request) -> web.StreamResponse:
        return web.Response(body=IMAGE.content)

    async with serving(elsewhere) as plain:

        async def handle(request: web.Request) -> web.StreamResponse:
            if "Authorization" not in request.headers:
                return web.Response(status=401, headers={"WWW-Authenticate": "Basic"})
            return web.Response(status=307, headers={"Location": plain.url})

        async with behind_proxy(handle, certificate) as (_, proxy):
            async with client(environment=signed_in(tmp_path), proxy=proxy, verify_tls=False) as registries:
                with pytest.raises(UpstreamError, match="from https to plain http"):
                    await (await registries.repository("registry.internal", APP)).fetch("v1")
            async with client(proxy=proxy, verify_tls=False) as registries:
                with pytest.raises(Unauthorized):
                    await (await registries.repository("registry.internal", APP)).fetch("v1")
        assert plain.seen == []


async def test_this_machine_is_never_asked_through_a_proxy() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(body=IMAGE.content)

    async with serving(handle) as registry, client(proxy="http://user:secret@127.0.0.1:1") as registries:
        assert (await (await registries.repository(registry.host, APP)).fetch("v1")).digest == IMAGE.digest
        with pytest.raises(UpstreamError, match="through the proxy") as caught:
            await (await registries.repository("registry.internal", APP)).fetch("v1")
        assert "secret" not in caught.value.message


async def test_on_this_machine_tls_is_used_by_those_who_do_not_check_it(certificate: ssl.SSLContext) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(body=IMAGE.content)

    async with serving(handle, certificate) as registry, client(verify_tls=False) as registries:
        found = await (await registries.repository(registry.host, APP)).fetch("v1")
    assert found.digest == IMAGE.digest
