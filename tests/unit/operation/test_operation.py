"""/healthz, /readyz, /metrics, and the root application."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from orlop.domain.errors import Unavailable
from orlop.faces.app import RootApp
from orlop.faces.http.shell import Shell, socket_address
from orlop.faces.operation.app import OperationFace
from orlop.faces.operation.readiness import StoreChecks
from orlop.ports.attesting import AttestationKey
from orlop.ports.catalog import Totals
from orlop.telemetry.metrics import Metrics
from orlop.telemetry.requests import RequestLog
from orlop.telemetry.waiting import FollowerLag, QueueDepth, Waiting

TOTALS = Totals(repositories=1, manifests=2, tags=3, blobs=4, blob_bytes=5, condemned=6, uploads=7)


class Store:
    """Stands for a store that works, fails or hangs; counts how often it was tried."""

    def __init__(self) -> None:
        self.tried = 0
        self.failure: Exception | None = None
        self.signing: tuple[AttestationKey, ...] = ()
        self.hangs = False

    async def check(self) -> None:
        self.tried += 1
        if self.hangs:
            await asyncio.sleep(60)
        if self.failure:
            raise self.failure

    async def totals(self) -> Totals:
        if self.failure:
            raise self.failure
        return TOTALS

    async def keys(self) -> Sequence[AttestationKey]:
        if self.failure:
            raise self.failure
        return self.signing

    async def waiting(self) -> Waiting:
        if self.failure:
            raise self.failure
        jobs = [QueueDepth("collection", 2, 1, 4, 3.5)]
        return Waiting((FollowerLag("webhooks", 7, 2.5, 3),), 5, 60.0, 2, 1, jobs)


class Operation:
    """The application with two stores, and a way to ask it."""

    def __init__(self) -> None:
        self.catalog, self.blobs = Store(), Store()
        self.draining = False
        metrics = Metrics()
        face = OperationFace(
            StoreChecks({"catalog": self.catalog.check, "blobs": self.blobs.check}, patience=0.1),
            self.catalog.totals,
            metrics,
            lambda: self.draining,
            self.catalog.waiting,
            self.catalog.keys,
        )
        self.app = Shell(face, RequestLog(metrics.requests, None), lambda: "r1", socket_address)

    async def ask(
        self,
        path: str,
        method: str = "GET",
        headers: tuple[tuple[bytes, bytes], ...] = (),
        body: tuple[bytes, ...] = (),
    ) -> tuple[int, dict[bytes, bytes], bytes]:
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": list(headers),
            "http_version": "1.1",
            "client": ("127.0.0.1", 1),
        }
        pieces = list(body)
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if not pieces:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        first, *rest = sent
        assert first["type"] == "http.response.start"
        assert {message["type"] for message in rest} == {"http.response.body"}
        return first["status"], dict(first["headers"]), b"".join(message["body"] for message in rest)


@pytest.fixture
def operation() -> Operation:
    return Operation()


async def test_alive(operation: Operation) -> None:
    operation.catalog.failure = Unavailable("gone")
    status, headers, body = await operation.ask("/healthz")
    assert (status, body) == (200, b'{"status":"alive"}\n')
    assert headers[b"content-length"] == str(len(body)).encode()


async def test_ready_when_both_stores_work(operation: Operation) -> None:
    status, _, body = await operation.ask("/readyz")
    assert status == 200
    assert msgspec.json.decode(body) == {"status": "ready", "checks": {"catalog": "ok", "blobs": "ok"}}


async def test_not_ready_says_which_part_fails(operation: Operation) -> None:
    operation.blobs.failure = Unavailable("no space left")
    operation.catalog.hangs = True
    status, _, body = await operation.ask("/readyz")
    assert status == 503
    assert msgspec.json.decode(body) == {
        "status": "not ready",
        "checks": {"catalog": "no answer within 0.1 seconds", "blobs": "no space left"},
    }


async def test_the_stores_are_not_tried_for_everybody_who_asks(operation: Operation) -> None:
    answers = await asyncio.gather(*(operation.ask("/readyz") for _ in range(50)))
    assert {status for status, _, _ in answers} == {200}
    assert operation.catalog.tried == operation.blobs.tried == 1


async def test_draining_is_not_ready(operation: Operation) -> None:
    operation.draining = True
    assert (await operation.ask("/readyz"))[0] == 503
    assert (await operation.ask("/healthz"))[0] == 200


async def test_metrics_show_the_sizes_of_the_store(operation: Operation) -> None:
    status, headers, body = await operation.ask("/metrics")
    assert status == 200
    assert headers[b"content-type"].startswith(b"text/plain; version=0.0.4")
    for line in (
        b"orlop_repositories 1.0",
        b"orlop_blob_bytes 5.0",
        b"orlop_condemned_blobs 6.0",
        b"orlop_uploads 7.0",
        b'orlop_jobs_waiting{kind="collection"} 2.0',
        b'orlop_jobs_running{kind="collection"} 1.0',
        b'orlop_jobs_oldest_seconds{kind="collection"} 3.5',
        b'orlop_jobs_failed{kind="collection"} 4.0',
    ):
        assert line in body.splitlines()


async def test_metrics_show_what_waits_to_be_done(operation: Operation) -> None:
    _, _, body = await operation.ask("/metrics")
    lines = body.decode().splitlines()
    for line in (
        'orlop_follower_behind_events{follower="webhooks"} 7.0',
        'orlop_follower_behind_seconds{follower="webhooks"} 2.5',
        'orlop_follower_failures{follower="webhooks"} 3.0',
        "orlop_webhook_pending 5.0",
        "orlop_webhook_oldest_seconds 60.0",
        "orlop_webhook_dead 2.0",
        "orlop_webhook_paused 1.0",
    ):
        assert line in lines


async def test_metrics_come_without_the_catalog(operation: Operation) -> None:
    operation.catalog.failure = Unavailable("gone")
    status, _, body = await operation.ask("/metrics")
    assert status == 200
    assert b"orlop_build_info" in body
    assert b"orlop_repositories" not in body


async def test_public_keys_are_served_with_the_times_between_which_they_sign(operation: Operation) -> None:
    assert (await operation.ask("/signing/key.pem"))[0] == 404
    assert (await operation.ask("/signing/keys.json"))[::2] == (200, b'{"keys":[]}\n')
    newer = AttestationKey("sha256:2", b"PEM 2", b"", 2_000_000)
    operation.catalog.signing = newer, AttestationKey("sha256:1", b"PEM 1", b"", 1_000_000, 2_000_000)
    status, headers, body = await operation.ask("/signing/key.pem")
    assert (status, headers[b"content-type"], body) == (200, b"application/x-pem-file", b"PEM 2")
    _, _, body = await operation.ask("/signing/keys.json")
    assert [(key["id"], key["from"], key["until"]) for key in msgspec.json.decode(body)["keys"]] == [
        ("sha256:2", "1970-01-01T00:00:02Z", None),
        ("sha256:1", "1970-01-01T00:00:01Z", "1970-01-01T00:00:02Z"),
    ]
    operation.catalog.failure = Unavailable("gone")
    status, _, body = await operation.ask("/signing/key.pem")
    assert (status, body) == (503, b'{"error":"gone"}\n')


@pytest.mark.parametrize("path", ["/", "/healthz/", "/v1/", "/metrics/x", ""])
async def test_the_rest_is_not_found(operation: Operation, path: str) -> None:
    status, headers, body = await operation.ask(path)
    assert status == 404
    assert "error" in msgspec.json.decode(body)
    assert b"connection" not in headers
    assert 'route="operation",status="404"' in (await operation.ask("/metrics"))[2].decode()


async def test_other_methods_are_refused(operation: Operation) -> None:
    status, headers, _ = await operation.ask("/metrics", "POST")
    assert status == 405
    assert headers[b"allow"] == b"GET, HEAD"


async def test_head_has_no_body(operation: Operation) -> None:
    _, headers, body = await operation.ask("/healthz", "HEAD")
    assert body == b""
    assert int(headers[b"content-length"]) > 0


async def test_a_body_is_read_before_the_answer_and_a_huge_one_closes(operation: Operation) -> None:
    _, headers, _ = await operation.ask("/x", "PUT", ((b"content-length", b"6"),), (b"abc", b"def"))
    assert b"connection" not in headers
    _, headers, _ = await operation.ask("/x", "PUT", ((b"content-length", b"99999999999"),))
    assert headers[b"connection"] == b"close"
    status, headers, _ = await operation.ask("/x", "PUT", ((b"content-length", b"many"),))
    assert (status, headers[b"connection"]) == (400, b"close")


@pytest.fixture
def lives() -> Callable[..., Any]:
    """Runs a lifespan with a startup and shutdown that may fail; the messages sent."""

    async def run(failing: str = "") -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        phases = iter(("lifespan.startup", "lifespan.shutdown"))

        async def receive() -> dict[str, Any]:
            return {"type": next(phases)}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        async def work(name: str) -> None:
            if name == failing:
                raise RuntimeError("no disk")

        never = Face(lambda: pytest.fail("no request was made"))
        root = RootApp(never, never, {}, never, lambda: work("startup"), lambda: work("shutdown"))
        await root({"type": "lifespan"}, receive, send)
        return sent

    return run


class Face:
    """A face that tells when it is asked."""

    def __init__(self, asked: Callable[[], object]) -> None:
        self._asked = asked

    async def __call__(self, *_: object) -> None:
        self._asked()

    def at_once(self, _: object) -> None:
        """Nothing."""


async def test_a_worker_begins_and_ends(lives: Callable[..., Any]) -> None:
    assert await lives() == [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]


@pytest.mark.parametrize("phase", ["startup", "shutdown"])
async def test_a_worker_that_fails_says_so(lives: Callable[..., Any], phase: str) -> None:
    assert (await lives(phase))[-1] == {"type": f"lifespan.{phase}.failed", "message": "no disk"}


@pytest.mark.parametrize(
    ("path", "face"),
    [
        ("/v2", "distribution"),
        ("/v2/", "distribution"),
        ("/v2/app/tags/list", "distribution"),
        ("/v2x", "operation"),
        ("/", "operation"),
        ("", "operation"),
        ("/V2/", "operation"),
        ("//v2/", "operation"),
        ("/token", "token"),
        ("/token/keys", "token"),
        ("/tokens", "operation"),
        ("//token", "operation"),
    ],
)
async def test_each_face_has_its_paths(path: str, face: str) -> None:
    taken: list[str] = []

    def named(name: str) -> Face:
        return Face(lambda: taken.append(name))

    async def nothing() -> None:
        return None

    root = RootApp(named("distribution"), named("operation"), {"token": named("token")}, print, nothing, nothing)
    await root({"type": "http", "path": path}, nothing, nothing)  # type: ignore[arg-type]
    assert taken == [face]
