"""Registries that allow less than others, or answer in ways of their own: a copy finds another way, or says why not."""

import asyncio
import base64
import gzip
import json
import os
import time
import zlib
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey

from orlop.domain.digest import digest_of
from orlop.domain.errors import Unauthorized
from orlop.domain.manifest import parse_index_entries
from orlop.domain.names import RepositoryName
from orlop.ports.upstream import UpstreamError
from orlop.services.content.copy import CopyReport, CopyRequest, Outcome, copy
from orlop.services.content.inspection import inspect
from tests import content
from tests.clientside.clients import client, manifest_of, push, read_all
from tests.clientside.loopback import serving
from tests.clientside.memoryregistry import MemoryRegistry, Stored
from tests.clientside.peers import distribution
from tests.clientside.test_auth import docker_config, password_entry
from tests.clientside.test_commands import orlop, orlop_json
from tests.clientside.test_ref_pin import orlop_ref
from tests.clientside.tokenserver import SERVICE, TokenRealm

HERE, THERE = RepositoryName("team/here"), RepositoryName("team/there")
LARGE = content.blob("large", 700_000)  # too large for a single request
IMAGE = content.image("app", layers=["base", LARGE])


class MountsNothing(MemoryRegistry):
    """Refuses to mount."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status

    async def mount(self, request: web.Request, name: str, digest: str, source: str) -> web.StreamResponse:
        """See above."""
        return web.json_response({"errors": [{"code": "DENIED", "message": "no mounts"}]}, status=self.status)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 500])
async def test_a_mount_that_is_refused_is_an_upload(status: int) -> None:
    rules = MountsNothing(status)
    rules.keep(HERE, IMAGE, "v1")
    async with serving(rules.handle) as registry, client() as registries:
        source = await registries.repository(registry.host, HERE)
        target = await registries.repository(registry.host, THERE, writing=True)
        report = await copy(source, target, CopyRequest(reference="v1", tags=("v1",)))
    assert set(report.blobs.values()) == {Outcome.COPIED}
    assert rules.holds(THERE, IMAGE)
    assert rules.faults == []


class Guarded(MemoryRegistry):
    """Wants a token for whatever is asked, that for a mount for both repositories, as distribution 3 does."""

    def __init__(self, realm: TokenRealm, realm_url: str) -> None:
        super().__init__()
        self._realm = realm
        self._realm_url = realm_url

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request, if its token covers it."""
        name = request.path.removeprefix("/v2/").partition("/blobs/")[0].partition("/manifests/")[0]
        needed = [f"repository:{name}:{'pull' if request.method in ('GET', 'HEAD') else 'pull,push'}"]
        if "from" in request.query:
            needed.append(f"repository:{request.query['from']}:pull")
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        granted = self._realm.tokens.get(token, set())
        if not all(self.covered(scope, granted) for scope in needed):
            challenge = f'Bearer realm="{self._realm_url}",service="{SERVICE}",scope="{" ".join(needed)}"'
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        return await super().handle(request)

    def covered(self, needed: str, granted: set[str]) -> bool:
        """Whether a token gives what is needed."""
        name, actions = needed.rsplit(":", 1)
        return any(
            scope.rsplit(":", 1)[0] == name and set(actions.split(",")) <= set(scope.rsplit(":", 1)[1].split(","))
            for scope in granted
        )


class NotYet(Guarded):
    """As Quay: who may only pull may not know that a repository is not there yet."""

    def covered(self, needed: str, granted: set[str]) -> bool:
        """See above."""
        name = needed.split(":")[1]
        return super().covered(needed if name in self.manifests else f"repository:{name}:pull,push", granted)


class Narrow(TokenRealm):
    """Gives tokens for one repository alone, as to an account that has no right in another."""

    def __init__(self, refusal: int | None) -> None:
        super().__init__()
        self.refusal = refusal
        self.asked: list[Sequence[str]] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request for a token."""
        scopes = request.query.getall("scope", [])
        self.asked.append(scopes)
        if len(scopes) > 1 and self.refusal is not None:
            return web.json_response({"details": "not both"}, status=self.refusal)
        answer = await super().handle(request)
        if len(scopes) > 1:
            newest = list(self.tokens)[-1]
            self.tokens[newest] = {scope for scope in self.tokens[newest] if THERE in scope}
        return answer


@pytest.mark.parametrize("refusal", [None, 401, 403])
async def test_a_mount_from_where_one_may_not_pull_is_an_upload(tmp_path: Path, refusal: int | None) -> None:
    realm = Narrow(refusal)
    async with serving(realm.handle) as realm_server:
        rules = Guarded(realm, f"{realm_server.url}/token")
        rules.keep(HERE, IMAGE, "v1")
        async with serving(rules.handle) as registry:
            environment = docker_config(tmp_path, registry.host, password_entry())
            async with client(environment=environment) as registries:
                source = await registries.repository(registry.host, HERE)
                target = await registries.repository(registry.host, THERE, writing=True)
                report = await copy(source, target, CopyRequest(reference="v1", tags=("v1",)))
    assert set(report.blobs.values()) == {Outcome.COPIED}
    assert rules.holds(THERE, IMAGE)
    assert [f"repository:{HERE}:pull", f"repository:{THERE}:pull,push"] in realm.asked, "both at once come first"
    assert realm.faults == []


async def copied(rules: MemoryRegistry, host: str, environment: dict[str, str] | None = None) -> CopyReport:
    """The image, from one registry that keeps it to a repository that is not there yet."""
    keeping = MemoryRegistry()
    keeping.keep(HERE, IMAGE, "v1")
    async with serving(keeping.handle) as other, client(environment=environment) as registries:
        source = await registries.repository(other.host, HERE)
        target = await registries.repository(host, THERE, writing=True)
        report = await copy(source, target, CopyRequest(reference="v1", tags=("v1",)))
    assert rules.holds(THERE, IMAGE)
    assert rules.faults == []
    return report


async def test_a_push_begins_with_the_right_to_push(tmp_path: Path) -> None:
    realm = TokenRealm()
    async with serving(realm.handle) as realm_server:
        rules = NotYet(realm, f"{realm_server.url}/token")
        async with serving(rules.handle) as registry:
            environment = docker_config(tmp_path, registry.host, password_entry())
            await copied(rules, registry.host, environment)
        assert len(realm_server.seen) == 1, "one token is enough"
    assert realm.faults == []


class Secretive(MemoryRegistry):
    """As GitLab: refuses to say what is in a repository that is not there yet."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        if request.method in ("GET", "HEAD") and THERE in request.path and THERE not in self.manifests:
            return web.Response(status=self.status)
        return await super().handle(request)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_registry_that_does_not_tell_what_is_there_is_pushed_to(status: int) -> None:
    rules = Secretive(status)
    async with serving(rules.handle) as registry:
        report = await copied(rules, registry.host)
    assert set(report.blobs.values()) == {Outcome.COPIED}


class Unlinked(MemoryRegistry):
    """Names no next page. Gives at most `most` names; with `ignoring` the first page over and over."""

    def __init__(self, most: int, *, ignoring: bool = False, inclusive: bool = False) -> None:
        super().__init__()
        self.most = most
        self.ignoring = ignoring
        self.inclusive = inclusive
        self.names: list[str] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Tags and repositories."""
        size = min(int(request.query.get("n", self.most)), self.most)
        last = "" if self.ignoring else request.query.get("last", "")
        left = [name for name in self.names if name > last or (self.inclusive and name == last)]
        key = "repositories" if request.path == "/v2/_catalog" else "tags"
        return web.json_response({"name": HERE, key: left[:size]})


@pytest.mark.parametrize(
    ("number", "most", "inclusive", "requests"),
    [
        (2_500, 1_000, False, 3),
        (2_000, 1_000, False, 3),
        (2_500, 1_000, True, 3),
        (1_000, 1_000, True, 2),
        (250, 100, False, 3),
        (999, 1_000, False, 1),
        (0, 1_000, False, 1),
        (2_500, 10_000, False, 3),
    ],
)
@pytest.mark.parametrize("catalog", [False, True])
async def test_a_list_without_links_is_asked_for_to_its_end(
    number: int, most: int, inclusive: bool, requests: int, catalog: bool
) -> None:
    rules = Unlinked(most, inclusive=inclusive)
    rules.names = [f"name{position:05}" for position in range(number)]
    notes: list[str] = []
    async with serving(rules.handle) as registry, client(notes=notes) as registries:
        if catalog:
            names = [str(name) async for name in (await registries.registry(registry.host)).repositories()]
        else:
            names = [tag async for tag in (await registries.repository(registry.host, HERE)).tags()]
        assert names == rules.names
        assert len(registry.seen) == requests
    assert len(notes) == (1 if number > min(most, 1_000) else 0), notes


async def test_a_list_that_cannot_be_asked_to_its_end_is_said_to_be_cut_off() -> None:
    rules = Unlinked(1_000, ignoring=True)
    rules.names = [f"name{position:05}" for position in range(2_000)]
    notes: list[str] = []
    async with serving(rules.handle) as registry, client(notes=notes) as registries:
        repository = await registries.repository(registry.host, HERE)
        assert [tag async for tag in repository.tags()] == rules.names[:1_000]
        assert len(registry.seen) == 2
    assert len(notes) == 1
    assert "1000" in notes[0]


async def test_a_whole_list_at_once_is_not_asked_for_again() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.json_response({"name": HERE, "tags": [f"t{number:04}" for number in range(3_000)]})

    notes: list[str] = []
    async with serving(handle) as registry, client(notes=notes) as registries:
        repository = await registries.repository(registry.host, HERE)
        assert len([tag async for tag in repository.tags()]) == 3_000
        assert len(registry.seen) == 1
    assert notes == []


class Mute(MemoryRegistry):
    """Its HEAD of a blob is refused, or does not say how large the blob is; its GET tells only by `Range`, or whole."""

    def __init__(self, status: int, *, ranges: bool) -> None:
        super().__init__()
        self.status = status
        self.ranges = ranges
        self.sent = 0

    async def head_blob(self, request: web.Request, name: str, digest: str) -> web.StreamResponse:
        """See above."""
        if self.status != 200:
            return web.Response(status=self.status)
        response = web.StreamResponse(status=200 if digest in self.blobs.get(name, {}) else 404)
        response.enable_chunked_encoding()
        return response

    async def get_blob(self, request: web.Request, name: str, digest: str) -> web.StreamResponse:
        """See above."""
        if not self.ranges and "Range" in request.headers:
            return web.Response(body=self.blobs[name][digest])
        return await super().get_blob(request, name, digest)


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("status", [200, 403, 405, 501])
async def test_a_size_that_no_head_tells_is_asked_for_by_get(status: int, ranges: bool) -> None:
    rules = Mute(status, ranges=ranges)
    rules.keep(HERE, IMAGE, "v1")
    rules.blobs[HERE][digest_of(b"")] = b""
    async with serving(rules.handle) as registry, client() as registries:
        repository = await registries.repository(registry.host, HERE)
        assert await repository.stat_blob(LARGE.digest) == LARGE.size
        assert await repository.stat_blob(digest_of(b"")) == 0
        if ranges:
            assert await repository.stat_blob(digest_of(b"absent")) is None


async def test_an_empty_blob_may_have_no_first_byte() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        if request.method == "HEAD":
            return web.Response(status=405)
        return web.Response(status=416, headers={"Content-Range": "bytes */0"})

    async with serving(handle) as registry, client() as registries:
        assert await (await registries.repository(registry.host, HERE)).stat_blob(digest_of(b"")) == 0


class Sizeless(MemoryRegistry):
    """Never says how large anything is."""

    async def get_blob(self, request: web.Request, name: str, digest: str) -> web.StreamResponse:
        """See above."""
        if digest not in self.blobs.get(name, {}):
            return web.Response(status=404)
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        if request.method == "GET":
            await response.write(self.blobs[name][digest])
        return response


async def test_a_target_that_tells_no_size_is_pushed_to() -> None:
    rules = Sizeless()
    rules.blobs[THERE] = {LARGE.digest: LARGE.content}
    async with serving(rules.handle) as registry:
        report = await copied(rules, registry.host)
    assert report.blobs[LARGE.digest] is Outcome.COPIED


class Zipping(MemoryRegistry):
    """Compresses what it sends although nobody asked for that; `lengths`: it knows the size of what it sends."""

    def __init__(self, coding: str, *, lengths: bool) -> None:
        super().__init__()
        self.coding = coding
        self.lengths = lengths

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        answer = await super().handle(request)
        if not isinstance(answer, web.Response) or not answer.body:
            return answer
        assert isinstance(answer.body, bytes)
        zipped = gzip.compress(answer.body) if "gzip" in self.coding else zlib.compress(answer.body)
        answer.body = zipped
        answer.headers["Content-Encoding"] = self.coding
        if not self.lengths:
            answer.enable_chunked_encoding()
        return answer


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "GZIP"])
@pytest.mark.parametrize("lengths", [True, False])
async def test_what_comes_compressed_unasked_is_read(coding: str, lengths: bool) -> None:
    rules = Zipping(coding, lengths=lengths)
    rules.keep(HERE, IMAGE, "v1")
    async with serving(rules.handle) as registry, client() as registries:
        repository = await registries.repository(registry.host, HERE)
        assert await repository.fetch("v1") == manifest_of(IMAGE.piece)
        described = await repository.resolve("v1")
        assert (described.digest, described.size) == (IMAGE.digest, IMAGE.size)
        assert [tag async for tag in repository.tags()] == ["v1"]
        for piece in IMAGE.blobs:
            assert await read_all(repository, piece.digest, piece.size) == piece.content


@pytest.mark.parametrize("lengths", [True, False])
@pytest.mark.parametrize("size", [1_000, 1_500_000])
async def test_a_compressed_layer_that_is_called_so_stays_as_it_is(lengths: bool, size: int) -> None:
    layer = gzip.compress(os.urandom(size))

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Encoding": "gzip"})
        if lengths:
            response.content_length = len(layer)
        await response.prepare(request)
        await response.write(layer)
        return response

    async with serving(handle) as registry, client() as registries:
        repository = await registries.repository(registry.host, HERE)
        assert await read_all(repository, digest_of(layer), len(layer)) == layer


@pytest.mark.parametrize(
    ("coding", "body", "says"),
    [
        ("gzip", gzip.compress(IMAGE.content)[:-9], "broke off"),
        ("gzip", b"not at all", "gzip"),
        ("br", b"whatever", "'br'"),
        ("gzip", gzip.compress(bytes(64 * 1024 * 1024)), "more than"),
    ],
)
async def test_what_comes_compressed_and_cannot_be_read_is_an_error(coding: str, body: bytes, says: str) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, headers={"Content-Encoding": coding})

    async with serving(handle) as registry, client() as registries:
        with pytest.raises(UpstreamError, match=says):
            await (await registries.repository(registry.host, HERE)).fetch("v1")


class Literal(MemoryRegistry):
    """Takes `sha256-<hex>` for the digest; `api`: and gives an index for its own referrers."""

    def __init__(self, *, api: bool) -> None:
        super().__init__()
        self.api = api

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        if self.api and "/referrers/" in request.path and request.method == "GET":
            return await self.manifest(request, HERE, request.path.rpartition("/")[2])
        return await super().handle(request)

    async def manifest(self, request: web.Request, name: str, reference: str) -> web.StreamResponse:
        """See above."""
        return await super().manifest(request, name, reference.replace("sha256-", "sha256:"))


ALL = content.platform_index()


@pytest.mark.parametrize("api", [False, True])
async def test_an_index_is_no_list_of_its_own_referrers(api: bool) -> None:
    rules = Literal(api=api)
    rules.keep(HERE, ALL, "v1")
    async with serving(rules.handle) as registry, client() as registries:
        repository = await registries.repository(registry.host, HERE)
        assert [entry async for entry in repository.referrers(ALL.digest)] == []
        assert (await inspect(repository, "v1")).referrers == []
        sbom = content.artifact("sbom", subject=ALL)
        await push(repository, sbom)
    written = rules.manifests[HERE][f"sha256-{ALL.digest.hex}"].body
    assert [entry.digest for entry in parse_index_entries(written)] == [sbom.digest]


@pytest.mark.parametrize(
    ("tagged", "media_type"),
    [
        (content.image("app").content, "application/vnd.oci.image.manifest.v1+json"),
        (content.platform_index("other").content, "application/vnd.oci.image.index.v1+json"),
        (b'{"schemaVersion": 1, "name": "old"}', "application/vnd.docker.distribution.manifest.v1+json"),
        (
            content.platform_index("other").content.replace(
                b"vnd.oci.image.index.v1", b"vnd.docker.distribution.manifest.list.v2"
            ),
            "application/vnd.docker.distribution.manifest.list.v2+json",
        ),
    ],
)
async def test_what_is_no_list_of_referrers_under_the_tag_is_none(tagged: bytes, media_type: str) -> None:
    rules = MemoryRegistry()
    rules.keep(HERE, ALL, "v1")
    rules.manifests[HERE][f"sha256-{ALL.digest.hex}"] = Stored(media_type, tagged)
    async with serving(rules.handle) as registry, client() as registries:
        repository = await registries.repository(registry.host, HERE)
        assert [entry async for entry in repository.referrers(ALL.digest)] == []


async def test_a_list_of_referrers_under_the_tag_is_one() -> None:
    rules = MemoryRegistry()
    rules.keep(HERE, ALL, "v1")
    sbom, old = content.artifact("sbom", subject=ALL), content.artifact("old", subject=ALL)
    async with serving(rules.handle) as registry, client() as registries:
        repository = await registries.repository(registry.host, HERE)
        await push(repository, sbom)
        # Clients of before wrote no type of artifact.
        written = json.loads(rules.manifests[HERE][f"sha256-{ALL.digest.hex}"].body)
        written["manifests"].append(old.piece.descriptor())
        body = json.dumps(written).encode()
        rules.manifests[HERE][f"sha256-{ALL.digest.hex}"] = Stored("application/vnd.oci.image.index.v1+json", body)
        found = [entry.digest async for entry in repository.referrers(ALL.digest)]
    assert found == [sbom.digest, old.digest]


class Careless(MemoryRegistry):
    """Says of what it has something wrong in the headers of its answers."""

    def __init__(self, *methods: str) -> None:
        super().__init__()
        self.methods = methods

    async def manifest(self, request: web.Request, name: str, reference: str) -> web.StreamResponse:
        """See above."""
        answer = await super().manifest(request, name, reference)
        if request.method in self.methods and answer.status == 200:
            answer.headers["Docker-Content-Digest"] = digest_of(b"something else")
            if request.method == "HEAD":
                answer.headers["Content-Length"] = "7"
        return answer


async def test_a_digest_is_computed_rather_than_repeated() -> None:
    rules = Careless("HEAD")
    rules.keep(HERE, IMAGE, "v1")
    async with serving(rules.handle) as registry:
        reference = f"{registry.host}/{HERE}:v1"
        assert (await asyncio.to_thread(orlop, "digest", reference)).stdout.strip() == IMAGE.digest
        assert await asyncio.to_thread(orlop_json, "digest", reference) == {
            "reference": reference,
            "digest": IMAGE.digest,
            "mediaType": IMAGE.media_type,
            "size": IMAGE.size,
        }


async def test_a_digest_that_is_not_that_of_what_came_is_refused() -> None:
    rules = Careless("HEAD", "GET")
    rules.keep(HERE, IMAGE, "v1")
    async with serving(rules.handle) as registry:
        for command in ("digest", "inspect"):
            done = await asyncio.to_thread(orlop, command, f"{registry.host}/{HERE}:v1", code=1)
            assert "does not match its digest" in done.stderr
            assert done.stdout == ""


async def test_a_digest_that_the_registry_does_not_have_is_not_pinned(tmp_path: Path) -> None:
    rules = Careless("HEAD")
    rules.keep(HERE, IMAGE, "v1")
    async with serving(rules.handle) as registry:
        (tmp_path / "Dockerfile").write_text(f"FROM {registry.host}/{HERE}:v1\n")
        done = await asyncio.to_thread(orlop_ref, tmp_path, "pin", "Dockerfile")
        assert done.returncode == 1
        assert (tmp_path / "Dockerfile").read_text() == f"FROM {registry.host}/{HERE}:v1\n"


class Signing:
    """A token server for distribution: ada gets what she asks of the one repository, bob of the other."""

    rights: ClassVar = {"ada": HERE, "bob": THERE}

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "key", "use": "sig", "alg": "ES256"})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request for a token."""
        account = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode().partition(":")[0]
        scopes = [scope.split(":") for scope in request.query.getall("scope", [])]
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": "realm",
            "sub": account,
            "aud": SERVICE,
            "nbf": now - 60,
            "exp": now + 300,
            "access": [
                {"type": kind, "name": name, "actions": actions.split(",")}
                for kind, name, actions in scopes
                if name == self.rights[account]
            ],
        }
        return web.json_response({"token": jwt.encode({"alg": "ES256", "kid": "key"}, claims, self.key)})


@pytest.mark.slow
async def test_two_accounts_of_one_distribution_copy_from_one_repository_to_the_other(tmp_path: Path) -> None:
    """As it was seen on an unmodified distribution 3: whoever pushes here may not mount from there."""
    realm = Signing()
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [realm.key.as_dict(private=False)]}))
    async with serving(realm.handle) as realm_server, AsyncExitStack() as stack:
        token = {"realm": f"{realm_server.url}/token", "service": SERVICE, "issuer": "realm", "jwks": str(keys)}
        token["signingalgorithms"] = ["ES256"]
        host = stack.enter_context(distribution(tmp_path, "registry", auth={"token": token}))
        opened = []
        for account, name in Signing.rights.items():
            folder = tmp_path / account
            folder.mkdir()
            environment = docker_config(folder, host, password_entry(account, "secret"))
            registries = await stack.enter_async_context(client(environment=environment))
            opened.append(await registries.repository(host, name, writing=True))
        source, target = opened
        await push(source, IMAGE, "v1")
        report = await copy(source, target, CopyRequest(reference="v1", tags=("v1",)))
        assert set(report.blobs.values()) == {Outcome.COPIED}
        assert (await target.fetch("v1")).digest == IMAGE.digest


@pytest.mark.parametrize(("number", "cut"), [(256, False), (257, True)])
async def test_an_inspection_says_that_it_does_not_list_everything(tmp_path: Path, number: int, cut: bool) -> None:
    subject = content.image("app")
    every = content.index("all", [content.artifact(f"a{each}", subject=subject) for each in range(number)])
    rules = MemoryRegistry()
    rules.keep(HERE, subject, "app")
    rules.manifests[HERE]["all"] = Stored(every.media_type, every.content)
    listed = Stored(every.media_type, every.content)
    rules.manifests[HERE][f"sha256-{subject.digest.hex}"] = listed
    async with serving(rules.handle) as registry:
        for tag, key in (("app", "referrers"), ("all", "platforms")):
            done = await asyncio.to_thread(orlop, "inspect", f"{registry.host}/{HERE}:{tag}", "--json")
            shown = json.loads(done.stdout)
            assert len(shown[key]) == 256
            assert shown["truncated"] is cut
            assert ("256" in done.stderr) is cut


@pytest.mark.parametrize("basic", [False, True])
async def test_a_wrong_password_is_not_tried_for_everything(tmp_path: Path, basic: bool) -> None:
    """A refusal to tell what is there may be one of the sign-in; accounts are locked after a few of those."""
    keeping = MemoryRegistry()
    every = content.index("all", [content.image(f"app{number}", layers=[f"l{number}"]) for number in range(8)])
    keeping.keep(HERE, every, "v1")
    realm = TokenRealm()

    async def wants_basic(request: web.Request) -> web.StreamResponse:
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="here"'})

    async with serving(keeping.handle) as other, serving(realm.handle) as realm_server:
        rules = Guarded(realm, f"{realm_server.url}/token")
        async with serving(wants_basic if basic else rules.handle) as registry:
            environment = docker_config(tmp_path, registry.host, password_entry(password="wrong"))
            async with client(environment=environment) as registries:
                source = await registries.repository(other.host, HERE)
                target = await registries.repository(registry.host, THERE, writing=True)
                with pytest.raises(Unauthorized):
                    await copy(source, target, CopyRequest(reference="v1", tags=("v1",)))
            tried = [seen for seen in registry.seen if seen.authorization] if basic else realm_server.seen
    assert len(tried) <= (3 if basic else 1)
