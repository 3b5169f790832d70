"""Repositories of upstreams through the pool of a server: sign-in, accounts, what is told, what is let go of."""

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from orlop.domain import media_types
from orlop.domain.errors import Unauthorized
from orlop.domain.identity.secret_references import SecretPlaces
from orlop.domain.names import RepositoryName
from orlop.domain.upstreams.showing import Showing
from orlop.domain.upstreams.upstream import Credential, Upstream
from orlop.ports.upstream import UpstreamError
from tests import content
from tests.clientside.loopback import serving
from tests.clientside.memoryregistry import MemoryRegistry
from tests.clientside.tokenserver import PASSWORD, USER, TokenRealm, TokenRegistry, realm_of
from tests.remotes.scene import Hands, pooling, showing

IMAGE = content.image("app", layers=["base", "code"])
LAYER = IMAGE.blobs[1]


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class PasswordRegistry(MemoryRegistry):
    """Lets in those of the accounts, by Basic; whoever is let in sees everything."""

    def __init__(self, **accounts: str) -> None:
        super().__init__()
        self.accounts = accounts
        self.keep("team/app", IMAGE, "1")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        known = {basic(user, password) for user, password in self.accounts.items()}
        if request.headers.get("Authorization") not in known:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="registry"'})
        if request.path == "/v2/":
            return web.json_response({})
        return await super().handle(request)


async def test_a_manifest_and_its_blobs_come_verified() -> None:
    registry = MemoryRegistry()
    registry.keep("team/app", IMAGE, "1")
    async with serving(registry.handle) as server, pooling() as hands:
        remote = await hands.at(server.url)
        assert (await remote.resolve("1")).digest == IMAGE.digest
        assert (await remote.fetch("1")).content == IMAGE.piece.content
        assert await remote.stat_blob(LAYER.digest) == LAYER.size
        assert b"".join([piece async for piece in remote.read_blob(LAYER.digest, LAYER.size)]) == LAYER.content
        assert [tag async for tag in remote.tags()] == ["1"]
        assert [each async for each in remote.referrers(IMAGE.digest)] == []
        assert remote.origin is not None
        assert (remote.origin.registry, remote.origin.repository) == (server.host, "team/app")
    assert registry.faults == []
    assert hands.watch.failures == []


async def test_a_docker_schema_2_manifest_keeps_its_digest() -> None:
    document = {
        "schemaVersion": 2,
        "mediaType": media_types.DOCKER_MANIFEST,
        "config": IMAGE.blobs[0].descriptor(mediaType="application/vnd.docker.container.image.v1+json"),
        "layers": [LAYER.descriptor(mediaType="application/vnd.docker.image.rootfs.diff.tar.gzip")],
    }
    # As Docker writes it: by three spaces.
    piece = content.Piece("old", media_types.DOCKER_MANIFEST, json.dumps(document, indent=3).encode())
    registry, old = MemoryRegistry(), content.Pushable(piece, IMAGE.blobs)
    registry.keep("team/app", old, "1")
    async with serving(registry.handle) as server, pooling() as hands:
        found = await (await hands.at(server.url)).fetch("1")
    assert (found.digest, found.media_type, found.content) == (
        old.digest,
        media_types.DOCKER_MANIFEST,
        old.piece.content,
    )


@pytest.mark.parametrize("fault", ["405", "length", "digest", "type"])
async def test_a_head_that_is_answered_wrongly_is_followed_by_a_get(fault: str) -> None:
    registry = MemoryRegistry()
    registry.keep("team/app", IMAGE, "1")

    async def handle(request: web.Request) -> web.StreamResponse:
        answer = await registry.handle(request)
        if request.method == "HEAD" and "/manifests/" in request.path:
            if fault == "405":
                return web.Response(status=405)
            headers = {"Content-Type": IMAGE.media_type, "Docker-Content-Digest": IMAGE.digest}
            headers["Content-Length"] = str(IMAGE.piece.size)
            del headers[{"length": "Content-Length", "digest": "Docker-Content-Digest", "type": "Content-Type"}[fault]]
            return web.Response(headers=headers)
        return answer

    async with serving(handle) as server, pooling() as hands:
        found = await (await hands.at(server.url)).resolve("1")
    assert (found.digest, found.size) == (IMAGE.digest, IMAGE.piece.size)
    assert [seen.method for seen in server.seen] == ["HEAD", "GET"]


async def test_a_token_is_fetched_once_for_a_repository_and_anew_when_it_ran_out() -> None:
    realm = TokenRealm()
    async with serving(realm.handle) as tokens:
        registry = TokenRegistry(realm, realm_of(tokens))
        async with serving(registry.handle) as server, pooling() as hands:
            fields = {"user": USER, "password": PASSWORD}
            for _ in range(3):
                await (await hands.at(server.url, **fields)).fetch("1")
            assert len(tokens.seen) == 1
            hands.later = 299.0
            await (await hands.at(server.url, **fields)).fetch("1")
            assert len(tokens.seen) == 2
            registry.revoked |= set(realm.tokens)
            await (await hands.at(server.url, **fields)).fetch("1")
            assert len(tokens.seen) == 3
    assert realm.faults == []


async def test_tokens_for_several_repositories_are_fetched_side_by_side_once_a_password_was_right() -> None:
    realm = TokenRealm()
    waited_for, arrived, all_there = 1, 0, asyncio.Event()

    async def together(request: web.Request) -> web.StreamResponse:
        nonlocal arrived
        arrived += 1
        if arrived >= waited_for:
            all_there.set()
        await asyncio.wait_for(all_there.wait(), 30)
        return await realm.handle(request)

    async with serving(together) as tokens:
        registry = TokenRegistry(realm, realm_of(tokens))
        async with serving(registry.handle) as server, pooling() as hands:

            async def ask(name: str) -> None:
                await (await hands.at(server.url, name, user=USER, password=PASSWORD)).fetch("1")

            await asyncio.gather(*(ask(f"team/app{number // 2}") for number in range(8)))
            await ask("team/other")
            waited_for, arrived = 4, 0
            all_there.clear()
            await asyncio.gather(*(ask(f"team/late{number // 2}") for number in range(8)))
            assert len(tokens.seen) == 4 + 1 + 4
    assert realm.faults == []


async def test_what_nobody_is_refused_is_no_word_about_other_repositories() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path == "/token":
            private = "private" in request.query["scope"]
            return web.json_response({"token": "t"}, status=401 if private else 200)
        if "Authorization" not in request.headers:
            told = f'Bearer realm="{server.url}/token",service="s"'
            return web.Response(status=401, headers={"WWW-Authenticate": told})
        return await registry.handle(request)

    registry = MemoryRegistry()
    registry.keep("team/app", IMAGE, "1")
    async with serving(handle) as server, pooling() as hands:
        for number in range(5):
            with pytest.raises(Unauthorized):
                await (await hands.at(server.url, f"private/app{number}")).fetch("1")
        assert (await (await hands.at(server.url)).fetch("1")).digest == IMAGE.digest


async def test_a_wrong_password_is_tried_once_however_many_ask() -> None:
    realm = TokenRealm()
    async with serving(realm.handle) as tokens:
        registry = TokenRegistry(realm, realm_of(tokens))
        async with serving(registry.handle) as server, pooling() as hands:
            await _wrong_is_tried_once(hands, server.url, USER, lambda: len(tokens.seen))


async def test_a_wrong_password_by_basic_is_tried_once_however_many_ask() -> None:
    registry = PasswordRegistry(ada="right")
    async with serving(registry.handle) as server, pooling() as hands:
        await _wrong_is_tried_once(
            hands, server.url, "ada", lambda: sum(bool(one.authorization) for one in server.seen)
        )


async def _wrong_is_tried_once(hands: Hands, url: str, user: str, tried: Callable[[], int]) -> None:
    async def ask(name: str) -> None:
        with pytest.raises(Unauthorized, match=r"look at the user and the password of this upstream$"):
            await (await hands.at(url, name, user=user, password="wrong")).fetch("1")

    await asyncio.gather(*(ask(f"team/app{number}") for number in range(50)))
    assert tried() == 1
    hands.later = 61.0
    await asyncio.gather(*(ask(f"team/app{number}") for number in range(50)))
    assert tried() == 2
    hands.later = 122.0
    await ask("team/app")
    assert tried() == 2
    hands.later = 182.0
    await ask("team/app")
    assert tried() == 3


async def test_a_password_in_a_file_counts_as_soon_as_it_is_changed(tmp_path: Path) -> None:
    registry, file = PasswordRegistry(ada="right"), tmp_path / "token"
    places = SecretPlaces(folders=(str(tmp_path),))
    async with serving(registry.handle) as server, pooling(places=places) as hands:
        fields = {"user": "ada", "password": f"file:{file}"}
        with pytest.raises(UpstreamError, match=r"^the upstream hub cannot be asked: the file .* cannot be read$"):
            await (await hands.at(server.url, **fields)).fetch("1")
        file.write_text("right\n")
        await (await hands.at(server.url, **fields)).fetch("1")
        registry.accounts["ada"] = "another"
        file.write_text("another\n")
        assert (await (await hands.at(server.url, **fields)).fetch("1")).digest == IMAGE.digest


async def test_requests_go_by_the_account_whose_turn_it_is() -> None:
    registry = PasswordRegistry(ada="a", bob="b")
    async with serving(registry.handle) as server, pooling() as hands:
        more = (Credential(user="bob", password="b"),)
        remote = await hands.at(server.url, user="ada", password="a", credentials=more)
        for number, user in enumerate(("ada", "bob")):
            hands.watch.turn = number
            await remote.fetch("1")
            assert server.seen[-1].authorization == basic(user, user[0])
            assert hands.watch.answers[-1].account == number


async def test_an_observer_is_told_of_answers_with_their_headers_and_of_failures() -> None:
    limits = {
        "RateLimit-Limit": "100;w=21600",
        "RateLimit-Remaining": "7;w=21600",
        "Docker-RateLimit-Source": "1.2.3.4",
    }

    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(status=429, headers={**limits, "Retry-After": "60"})

    async with serving(handle) as server, pooling() as hands:
        with pytest.raises(Exception, match="429"):
            await (await hands.at(server.url)).fetch("1")
        (answer,) = hands.watch.answers
        assert (answer.account, answer.status, answer.headers["retry-after"]) == (0, 429, "60")
        assert {name: answer.headers[name.lower()] for name in limits} == limits
    async with pooling() as hands:
        with pytest.raises(UpstreamError, match="cannot be reached: connection refused"):
            await (await hands.at(server.url)).fetch("1")
        assert [words.partition(":")[0] for words in hands.watch.failures] == ["127.0.0.1"]


async def test_a_blob_elsewhere_is_fetched_without_credentials() -> None:
    registry = PasswordRegistry(ada="a")
    bucket = MemoryRegistry()
    bucket.keep("team/app", IMAGE)
    async with serving(bucket.handle) as elsewhere, pooling() as hands:

        async def handle(request: web.Request) -> web.StreamResponse:
            answer = await registry.handle(request)
            if answer.status == 200 and "/blobs/" in request.path:
                return web.Response(status=307, headers={"Location": f"{elsewhere.url}{request.path}?signed=1"})
            return answer

        async with serving(handle) as server:
            remote = await hands.at(server.url, user="ada", password="a")
            assert b"".join([piece async for piece in remote.read_blob(LAYER.digest, LAYER.size)]) == LAYER.content
    assert [(seen.path.endswith("?signed=1"), seen.authorization) for seen in elsewhere.seen] == [(True, None)]


async def test_connections_of_a_changed_setting_are_let_go_of_once_nobody_uses_them() -> None:
    registry = MemoryRegistry()
    large = content.blob("large", 3_000_000)
    registry.keep("team/app", IMAGE, "1")
    registry.blobs["team/app"][large.digest] = large.content
    async with serving(registry.handle) as server, pooling() as hands:
        pieces = (await hands.at(server.url)).read_blob(large.digest, large.size)
        read = [await anext(pieces)]
        changed = await hands.at(server.url, fresh="1m")
        await changed.fetch("1")
        assert len(hands.pool._opened) == 2
        read += [piece async for piece in pieces]
        assert b"".join(read) == large.content
        assert list(hands.pool._opened) == [showing(server.url, fresh="1m")]
        assert (await changed.resolve("1")).digest == IMAGE.digest


async def test_connections_are_bounded_in_number_and_in_time() -> None:
    registry = MemoryRegistry()
    registry.keep("team/app", IMAGE, "1")
    async with serving(registry.handle) as server, pooling() as hands:
        for number in range(100):
            one = Showing("hub", "hub", str(number), Upstream(url=server.url))
            await (await hands.pool.repository(one, RepositoryName("team/app"))).resolve("1")
        assert len(hands.pool._opened) == 64
        hands.later = 601.0
        await (await hands.at(server.url)).resolve("1")
        assert len(hands.pool._opened) == 1
