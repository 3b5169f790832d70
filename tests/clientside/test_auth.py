"""Signing in, against a token server that checks what it is sent; and all the ways in which secrets must not leak."""

import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from orlop.domain.digest import digest_of
from orlop.domain.errors import Denied, Unauthorized
from orlop.domain.names import RepositoryName
from orlop.ports.upstream import ManifestContent, UpstreamError
from tests.clientside.clients import client, read_all
from tests.clientside.loopback import Loopback, serving
from tests.clientside.tokenserver import IDENTITY, MANIFEST, PASSWORD, USER, TokenRealm, TokenRegistry, realm_of

PUBLIC, PRIVATE = RepositoryName("public/app"), RepositoryName("private/app")
LAYER = b"layer" * 1000


def docker_config(folder: Path, host: str, entry: dict[str, str]) -> dict[str, str]:
    """The environment of somebody who has signed in to `host`."""
    (folder / "config.json").write_text(json.dumps({"auths": {host: entry}}))
    return {"DOCKER_CONFIG": str(folder)}


def password_entry(user: str = USER, password: str = PASSWORD) -> dict[str, str]:
    """What `docker login` writes."""
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


class Pair:
    """A registry and its token server."""

    def __init__(self, registry: Loopback, realm_server: Loopback, realm: TokenRealm, rules: TokenRegistry) -> None:
        self.registry = registry
        self.realm_server = realm_server
        self.realm = realm
        self.rules = rules


@asynccontextmanager
async def signed(realm_host: str | None = None) -> AsyncGenerator[Pair, None]:
    """Both servers; the realm is announced under `realm_host`."""
    realm = TokenRealm()
    async with serving(realm.handle) as realm_server:
        rules = TokenRegistry(realm, realm_of(realm_server, realm_host))
        async with serving(rules.handle) as registry:
            yield Pair(registry, realm_server, realm, rules)


async def test_nobody_gets_a_token_for_what_is_public() -> None:
    async with signed() as pair, client() as registries:
        repository = await registries.repository(pair.registry.host, PUBLIC)
        assert (await repository.fetch("v1")).content == MANIFEST
        await repository.fetch("v2")
        assert pair.realm.faults == []
        assert len(pair.realm_server.seen) == 1, "the second request uses the token of the first"
        assert [seen.authorization is None for seen in pair.registry.seen] == [True, False, False]


async def test_nobody_is_turned_away_from_what_is_private() -> None:
    async with signed() as pair, client() as registries:
        with pytest.raises(Unauthorized, match=f"; run docker login {pair.registry.host}$"):
            await (await registries.repository(pair.registry.host, PRIVATE)).fetch("v1")
        assert pair.realm.faults == []


@pytest.mark.parametrize("key", ["token", "access_token"])
async def test_a_password_is_traded_for_a_token(tmp_path: Path, key: str) -> None:
    async with signed() as pair:
        pair.realm.key = key
        environment = docker_config(tmp_path, pair.registry.host, password_entry())
        async with client(environment=environment) as registries:
            repository = await registries.repository(pair.registry.host, PRIVATE)
            await repository.fetch("v1")
            await repository.put_manifest(
                ManifestContent(digest_of(MANIFEST), "application/vnd.oci.image.manifest.v1+json", MANIFEST), ("v1",)
            )
        assert pair.realm.faults == []
        assert {seen.authorization.split()[0] for seen in pair.registry.seen if seen.authorization} == {"Bearer"}


async def test_an_identity_token_is_traded_by_post(tmp_path: Path) -> None:
    async with signed() as pair:
        environment = docker_config(tmp_path, pair.registry.host, {"identitytoken": IDENTITY})
        async with client(environment=environment) as registries:
            await (await registries.repository(pair.registry.host, PRIVATE)).fetch("v1")
        assert pair.realm.faults == []
        assert [seen.method for seen in pair.realm_server.seen] == ["POST"]


async def test_a_wrong_password_is_said_to_be_wrong(tmp_path: Path) -> None:
    async with signed() as pair:
        environment = docker_config(tmp_path, pair.registry.host, password_entry(password="wrong"))
        async with client(environment=environment) as registries:
            with pytest.raises(Unauthorized, match="password") as caught:
                await (await registries.repository(pair.registry.host, PRIVATE)).fetch("v1")
        assert "wrong" not in caught.value.message.replace("are wrong", "")


async def test_a_token_that_was_revoked_is_replaced(tmp_path: Path) -> None:
    async with signed() as pair:
        environment = docker_config(tmp_path, pair.registry.host, password_entry())
        async with client(environment=environment) as registries:
            repository = await registries.repository(pair.registry.host, PRIVATE)
            await repository.fetch("v1")
            pair.rules.revoked.update(pair.realm.tokens)
            await repository.fetch("v1")
        assert len(pair.realm_server.seen) == 2


@pytest.mark.parametrize("kind", ["password", "identity token"])
async def test_a_realm_elsewhere_never_sees_credentials(tmp_path: Path, kind: str) -> None:
    """CVE-2026-33540: a registry, or who answers in its name, sends the client's secrets to a server of its choice."""
    entry = password_entry() if kind == "password" else {"identitytoken": IDENTITY}
    async with signed("localhost") as pair:
        environment = docker_config(tmp_path, pair.registry.host, entry)
        async with client(environment=environment) as registries:
            with pytest.raises(Denied, match="--trust-realm localhost"):
                await (await registries.repository(pair.registry.host, PRIVATE)).fetch("v1")
        assert pair.realm_server.seen == []
        async with client(environment=environment, trusted_realms=["localhost"]) as registries:
            await (await registries.repository(pair.registry.host, PRIVATE)).fetch("v1")


@pytest.mark.parametrize(
    "realm",
    [
        "",
        "/token",
        "file:///etc/passwd",
        "http://user:pass@127.0.0.1/token",
        "http://",
        "javascript:alert(1)",
        "http://[",
        "ftp://127.0.0.1/",
    ],
)
async def test_a_realm_that_is_no_url_is_refused(tmp_path: Path, realm: str) -> None:
    async with signed() as pair:
        pair.rules.realm_url = realm
        environment = docker_config(tmp_path, pair.registry.host, password_entry())
        async with client(environment=environment) as registries:
            with pytest.raises(UpstreamError, match="token server"):
                await (await registries.repository(pair.registry.host, PRIVATE)).fetch("v1")


async def test_a_token_server_that_redirects_is_not_followed(tmp_path: Path) -> None:
    async def elsewhere(request: web.Request) -> web.StreamResponse:
        return web.json_response({"token": "stolen"})

    async with serving(elsewhere) as thief:

        async def redirect(request: web.Request) -> web.StreamResponse:
            return web.Response(status=307, headers={"Location": thief.url})

        async with serving(redirect) as realm_server:
            rules = TokenRegistry(TokenRealm(), f"{realm_server.url}/token")
            async with serving(rules.handle) as registry:
                environment = docker_config(tmp_path, registry.host, password_entry())
                async with client(environment=environment) as registries:
                    with pytest.raises(UpstreamError):
                        await (await registries.repository(registry.host, PRIVATE)).fetch("v1")
        assert thief.seen == []


@pytest.mark.parametrize(
    "body", ["", "{}", "[]", '{"token": 5}', '{"token": "a\\r\\nb"}', '{"token": ""}', "x" * 2_000_000]
)
async def test_a_token_server_that_gives_no_token_is_an_error(body: str) -> None:
    async def nonsense(request: web.Request) -> web.StreamResponse:
        return web.Response(text=body)

    async with serving(nonsense) as realm_server:
        rules = TokenRegistry(TokenRealm(), f"{realm_server.url}/token")
        async with serving(rules.handle) as registry, client() as registries:
            with pytest.raises(UpstreamError):
                await (await registries.repository(registry.host, PRIVATE)).fetch("v1")


def basic_registry(answer: web.StreamResponse | None = None, layer_at: str = ""):  # type: ignore[no-untyped-def]
    """A handler that wants Basic, and serves the layer or redirects to it."""
    expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != expected:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="here"'})
        if "/blobs/" in request.path and layer_at:
            return web.Response(status=307, headers={"Location": layer_at})
        return web.Response(body=LAYER if "/blobs/" in request.path else MANIFEST)

    return handle


async def test_basic_is_sent_when_asked_for(tmp_path: Path) -> None:
    async with serving(basic_registry()) as registry:
        environment = docker_config(tmp_path, registry.host, password_entry())
        async with client(environment=environment) as registries:
            repository = await registries.repository(registry.host, PRIVATE)
            await repository.fetch("v1")
            await repository.fetch("v1")
        assert [seen.authorization is None for seen in registry.seen] == [True, False, False]
        async with client() as registries:
            with pytest.raises(Unauthorized):
                await (await registries.repository(registry.host, PRIVATE)).fetch("v1")


async def test_a_redirect_to_another_origin_leaves_credentials_behind(tmp_path: Path) -> None:
    async def storage(request: web.Request) -> web.StreamResponse:
        return web.Response(body=LAYER)

    async with serving(storage) as elsewhere:
        signature = "/bucket/layer?X-Sig=a%2Fb%3D%3D&Expires=1"
        async with serving(basic_registry(layer_at=elsewhere.url + signature)) as registry:
            environment = docker_config(tmp_path, registry.host, password_entry())
            async with client(environment=environment) as registries:
                repository = await registries.repository(registry.host, PRIVATE)
                assert await read_all(repository, digest_of(LAYER), len(LAYER)) == LAYER
        assert [(seen.authorization, seen.path) for seen in elsewhere.seen] == [(None, signature)]


async def test_a_challenge_of_another_origin_is_not_answered(tmp_path: Path) -> None:
    """CVE-2020-15157: the server that a registry redirects to asks for the credentials of the registry."""

    async def asks(request: web.Request) -> web.StreamResponse:
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="give"'})

    async with serving(asks) as thief, serving(basic_registry(layer_at=f"{thief.url}/layer")) as registry:
        environment = docker_config(tmp_path, registry.host, password_entry())
        async with client(environment=environment) as registries:
            with pytest.raises(Unauthorized):
                await read_all(await registries.repository(registry.host, PRIVATE), digest_of(LAYER), len(LAYER))
        assert [seen.authorization for seen in thief.seen] == [None]


async def test_credentials_do_not_come_back_through_a_detour(tmp_path: Path) -> None:
    back: list[str] = []

    async def detour(request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": back[0]})

    async with serving(detour) as elsewhere, serving(basic_registry(layer_at=f"{elsewhere.url}/x")) as registry:
        back.append(f"{registry.url}/v2/private/app/manifests/other")
        environment = docker_config(tmp_path, registry.host, password_entry())
        async with client(environment=environment) as registries:
            with pytest.raises(Unauthorized):
                await read_all(await registries.repository(registry.host, PRIVATE), digest_of(LAYER), len(LAYER))
        assert registry.seen[-1].authorization is None


@pytest.mark.parametrize(
    "location", ["", "file:///etc/passwd", "//", "http://a b/", "http://u:p@127.0.0.1/", "\\\\host\\x", "http://[::1/"]
)
async def test_a_redirect_to_nowhere_is_refused(location: str) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": location})

    async with serving(handle) as registry, client() as registries:
        with pytest.raises(UpstreamError):
            await (await registries.repository(registry.host, PUBLIC)).fetch("v1")


async def test_redirects_in_a_circle_end() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": request.path})

    async with serving(handle) as registry, client() as registries:
        with pytest.raises(UpstreamError, match="redirects more than"):
            await (await registries.repository(registry.host, PUBLIC)).fetch("v1")
        assert len(registry.seen) == 6
