"""Upstreams that break off, lie, are busy or never end, and what the client makes of them."""

import os
import re

import pytest
from aiohttp import web

from orlop.adapters.upstream.patience import Patience
from orlop.domain.digest import digest_of
from orlop.domain.errors import (
    ContentCorrupt,
    Denied,
    ManifestInvalid,
    ManifestUnknown,
    TooManyRequests,
    Unavailable,
    Unsupported,
)
from orlop.domain.names import RepositoryName
from orlop.ports.upstream import ContentRepository, UpstreamError
from tests import content
from tests.clientside.clients import Waits, client, opener, read_all
from tests.clientside.loopback import serving
from tests.clientside.peers import free_port

APP = RepositoryName("team/app")
LAYER = os.urandom(1_000_000)
DIGEST = digest_of(LAYER)


class Cutting:
    """Serves the layer, but breaks off after `step` bytes of every answer."""

    def __init__(self, step: int, *, ranges: bool = True, honest_length: bool = True) -> None:
        self.step = step
        self.ranges = ranges
        self.honest_length = honest_length

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        match = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        start = int(match[1]) if match and self.ranges else 0
        stop = min(start + self.step, len(LAYER))
        length = len(LAYER) - start if self.honest_length else stop - start
        response = web.StreamResponse(status=206 if start else 200, headers={"Content-Length": str(length)})
        if start:
            response.headers["Content-Range"] = f"bytes {start}-{len(LAYER) - 1}/{len(LAYER)}"
        await response.prepare(request)
        await response.write(LAYER[start:stop])
        if stop < len(LAYER) and self.honest_length:
            assert request.transport is not None
            request.transport.close()
        return response


@pytest.mark.parametrize("honest_length", [True, False])
async def test_a_download_goes_on_where_it_broke(honest_length: bool) -> None:
    # Eleven breaks are more than the patience for one that makes no progress. A short answer with a matching length
    # to a first request without Range names the wrong size, so that case starts from an offset.
    start = 0 if honest_length else 1
    async with serving(Cutting(90_000, honest_length=honest_length).handle) as registry, client() as registries:
        repository = await registries.repository(registry.host, APP)
        assert await read_all(repository, DIGEST, len(LAYER), start) == LAYER[start:]
        assert len(registry.seen) == 12


async def test_a_server_that_ignores_range_is_read_again_from_the_start() -> None:
    cutting = Cutting(400_000, ranges=False)
    async with serving(cutting.handle) as registry, client() as registries:
        repository = await registries.repository(registry.host, APP)
        with pytest.raises(UpstreamError, match="broke"):
            await read_all(repository, DIGEST, len(LAYER))
        seen = len(registry.seen)
        assert seen <= 6, "the same break over and over is no progress"
        cutting.step = len(LAYER)
        assert await read_all(repository, DIGEST, len(LAYER), 300_000) == LAYER[300_000:]


async def test_an_upstream_that_answers_another_range_is_refused() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(status=206, body=LAYER[:10], headers={"Content-Range": f"bytes 0-9/{len(LAYER)}"})

    async with serving(handle) as registry, client() as registries:
        with pytest.raises(UpstreamError, match="begins elsewhere"):
            await read_all(await registries.repository(registry.host, APP), DIGEST, len(LAYER), 5)


@pytest.mark.parametrize("where", [0, len(LAYER) // 2, len(LAYER) - 1])
async def test_the_last_bytes_of_wrong_content_are_never_given_out(where: int) -> None:
    wrong = bytearray(LAYER)
    wrong[where] ^= 1

    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(body=bytes(wrong))

    received = 0

    async def read(repository: ContentRepository) -> None:
        nonlocal received
        async for piece in repository.read_blob(DIGEST, len(LAYER)):
            received += len(piece)

    async with serving(handle) as registry, client() as registries:
        with pytest.raises(ContentCorrupt, match="does not match its digest"):
            await read(await registries.repository(registry.host, APP))
    assert received < len(LAYER)


async def test_an_endless_blob_stops_at_its_size() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        for _ in range(10_000):
            await response.write(b"x" * 65_536)
        return response

    async with serving(handle) as registry, client() as registries:
        with pytest.raises(ContentCorrupt):
            await read_all(await registries.repository(registry.host, APP), DIGEST, len(LAYER))


async def test_a_busy_upstream_is_asked_again_when_it_says() -> None:
    answers = iter([(429, "7"), (503, None), (200, None)])
    image = content.image("app")

    async def handle(request: web.Request) -> web.StreamResponse:
        status, retry_after = next(answers)
        headers = {"Retry-After": retry_after} if retry_after else {}
        body = image.content if status == 200 else b""
        return web.Response(status=status, body=body, headers=headers)

    waits, notes = Waits(), list[str]()
    async with serving(handle) as registry, client(waits=waits, notes=notes) as registries:
        fetched = await (await registries.repository(registry.host, APP)).fetch("v1")
        assert fetched.digest == image.digest
        assert waits.seconds[0] == 7
        assert len(waits.seconds) == 2
        said = f"{registry.host}: the registry answered 429 Too Many Requests; trying again, the next time in 7 s"
        assert notes == [said], "it is said once what is waited for"


async def test_a_short_wait_is_not_told_and_a_long_one_once() -> None:
    answers = iter([503, 200, *[503] * 3, 200])
    image = content.image("app")

    async def handle(request: web.Request) -> web.StreamResponse:
        status = next(answers)
        body = image.content if status == 200 else b'{"errors":[{"code":"UNAVAILABLE","message":"it is moving"}]}'
        return web.Response(status=status, body=body)

    notes: list[str] = []
    patience = Patience(attempts=4, first_delay=1.5)
    async with serving(handle) as registry, client(patience=patience, notes=notes) as registries:
        repository = await registries.repository(registry.host, APP)
        await repository.fetch("v1")
        assert notes == []
        await repository.fetch("v1")
        assert notes == [f"{registry.host}: it is moving; trying again, the next time in 2 s"]


@pytest.mark.parametrize(
    ("status", "retry_after", "error", "tries"),
    [
        (429, None, TooManyRequests, 4),
        (429, "100000", TooManyRequests, 1),
        (503, "soon", Unavailable, 4),
        (500, None, Unavailable, 4),
        (403, None, Denied, 1),
        (404, None, ManifestUnknown, 1),
        (405, None, Unsupported, 1),
        (418, None, UpstreamError, 1),
        (204, None, UpstreamError, 1),
    ],
)
async def test_refusals_are_passed_on(status: int, retry_after: str | None, error: type[Exception], tries: int) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Retry-After": retry_after} if retry_after else {})

    async with serving(handle) as registry, client() as registries:
        with pytest.raises(error):
            await (await registries.repository(registry.host, APP)).fetch("v1")
        assert len(registry.seen) == tries


async def test_what_an_upstream_says_is_shown_fit_for_a_terminal() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        said = {"errors": [{"code": "DENIED", "message": "\x1b[31mno\nway " + "x" * 5000}]}
        return web.json_response(said, status=403)

    async with serving(handle) as registry, client() as registries:
        with pytest.raises(Denied) as caught:
            await (await registries.repository(registry.host, APP)).fetch("v1")
    assert caught.value.message.isprintable()
    assert "no way" in caught.value.message
    assert len(caught.value.message) < 500


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"<html>sign in to the wireless network</html>", ManifestInvalid),
        (b"", ManifestInvalid),
        (b"[" * 100_000, ManifestInvalid),
        (b'{"schemaVersion": 1, "name": "old"}', ManifestInvalid),
        (b" " * (4 * 1024 * 1024 + 1), UpstreamError),
    ],
)
async def test_what_is_no_manifest_is_refused(body: bytes, error: type[Exception]) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body)

    async with serving(handle) as registry, client() as registries:
        with pytest.raises(error):
            await (await registries.repository(registry.host, APP)).fetch("v1")


async def test_a_manifest_that_is_not_what_was_named_is_refused() -> None:
    right, wrong = content.image("right"), content.image("wrong")

    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(body=wrong.content, headers={"Docker-Content-Digest": right.digest})

    async with serving(handle) as registry, client() as registries:
        repository = await registries.repository(registry.host, APP)
        for reference in ("v1", right.digest):
            with pytest.raises(ContentCorrupt):
                await repository.fetch(reference)


async def test_nobody_there_is_said_at_once() -> None:
    waits = Waits()
    async with client(waits=waits) as registries:
        with pytest.raises(UpstreamError, match="cannot be reached"):
            await (await registries.repository(f"127.0.0.1:{free_port()}", APP)).fetch("v1")
    assert waits.seconds == []


async def test_a_connection_cut_before_an_answer_is_tried_again() -> None:
    image = content.image("app")
    tries: list[int] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        tries.append(1)
        if len(tries) < 3:
            assert request.transport is not None
            request.transport.close()
        return web.Response(body=image.content)

    async with serving(handle) as registry, client() as registries:
        assert (await (await registries.repository(registry.host, APP)).fetch("v1")).digest == image.digest
    assert len(tries) == 3


class Sessions:
    """Upload sessions whose connection breaks after `step` bytes; the bytes that came are kept.

    `forgets`: what the first question after them is answered.
    """

    def __init__(self, step: int, *, forgets: int = 0) -> None:
        self.step = step
        self.forgets = forgets
        self.held = b""
        self.stored: bytes | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        at = {"Location": "/v2/team/app/blobs/uploads/one?_state=a%2Fb"}
        if request.method == "POST":
            self.held = b""
            return web.Response(status=202, headers=at)
        assert request.path_qs.startswith(at["Location"]), "the query of the location is kept"
        if request.method == "GET":
            if self.forgets:
                status, self.forgets = self.forgets, 0
                return web.Response(status=status)
            return web.Response(status=204, headers={**at, "Range": f"0-{max(len(self.held) - 1, 0)}"})
        if request.method == "PATCH":
            first = request.headers.get("Content-Range", "0-").partition("-")[0]
            if int(first) != len(self.held):
                return web.Response(status=416, headers=at)
            room = self.step
            async for piece in request.content.iter_any():
                self.held += piece[:room]
                room -= len(piece[:room])
                if not room:
                    assert request.transport is not None
                    request.transport.close()
                    return web.Response(status=500)
            return web.Response(status=202, headers=at)
        assert request.query["digest"] == digest_of(self.held)
        self.stored = self.held
        return web.Response(status=201)


@pytest.mark.parametrize("forgets", [0, 404, 405, 501])
async def test_an_upload_goes_on_where_the_session_stands(forgets: int) -> None:
    sessions = Sessions(150_000, forgets=forgets)
    async with serving(sessions.handle) as registry, client() as registries:
        repository = await registries.repository(registry.host, APP)
        await repository.push_blob(DIGEST, len(LAYER), opener(LAYER))
        assert sessions.stored == LAYER
        assert sum(seen.method == "PATCH" for seen in registry.seen) == (8 if forgets else 7)


async def test_an_upload_without_progress_ends() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        at = {"Location": "/v2/team/app/blobs/uploads/one", "Range": "0-0"}
        return web.Response(status={"POST": 202, "GET": 204}.get(request.method, 503), headers=at)

    async with serving(handle) as registry, client() as registries:
        with pytest.raises(Unavailable):
            await (await registries.repository(registry.host, APP)).push_blob(DIGEST, len(LAYER), opener(LAYER))
        assert len(registry.seen) < 20


async def test_lists_follow_their_links_and_never_turn_in_circles() -> None:
    circle: list[int] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        last = request.query.get("last", "")
        number = int(last[1:]) if last else 0
        tags = [f"t{n:03}" for n in range(number + 1, min(number + 3, 8) + 1)]
        following = "t000" if circle else f"t{number + 3:03}"
        link = f'<{request.path}?n=3&last={following}>; rel="next"'
        headers = {"Link": link} if number + 3 < 8 or circle else {}
        return web.json_response({"name": "team/app", "tags": [*tags, "not a tag"]}, headers=headers)

    async with serving(handle) as registry, client() as registries:
        repository = await registries.repository(registry.host, APP)
        assert [tag async for tag in repository.tags()] == [f"t{n:03}" for n in range(1, 9)]
        circle.append(1)
        with pytest.raises(UpstreamError, match="circle"):
            [tag async for tag in repository.tags()]


@pytest.mark.parametrize("body", ["", "[]", '{"tags": 5}', '{"tags": [5]}', "x" * 9_000_000])
async def test_a_list_that_is_none_is_an_error(body: str) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(text=body)

    async with serving(handle) as registry, client() as registries:
        with pytest.raises(UpstreamError):
            [tag async for tag in (await registries.repository(registry.host, APP)).tags()]


async def test_a_null_list_is_empty() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.json_response({"name": "team/app", "tags": None})

    async with serving(handle) as registry, client() as registries:
        assert [tag async for tag in (await registries.repository(registry.host, APP)).tags()] == []
