"""A registry whose namespace `hub` shows an upstream that misbehaves as told, with a clock that the test moves."""

import asyncio
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import structlog

from orlop.bootstrap.clocks import SystemClock
from orlop.config.outbound import Outbound
from orlop.config.settings import BlobStore, CatalogStore
from orlop.domain import media_types
from orlop.domain.durations import SECOND
from orlop.domain.names import RepositoryName
from orlop.ports.catalog import By
from orlop.ports.settings import Document
from tests.content import Piece, Pushable, blob, config
from tests.upstreams import UpstreamRegistry, upstream_registry
from tests.wire.answer import Answer
from tests.wire.inprocess import InProcess, Lines

#: What the upstream calls the repository that is `hub/app` here.
APP = "app"
HERE = f"hub/{APP}"


class Scene:
    """A registry, its upstream, and what tests do most."""

    def __init__(self, registry: InProcess, upstream: UpstreamRegistry) -> None:
        self.registry = registry
        self.upstream = upstream
        self.ahead = 0
        self.headers: Lines = ()

    def later(self, seconds: float) -> None:
        """Move the clock."""
        self.ahead += int(seconds * SECOND)

    def show(self, *, path: str = "hub", **more: Any) -> None:
        """Have a namespace show the upstream."""
        name = path.replace("/", "-")
        self.set("upstream", name, path, {"url": self.upstream.url, **more})

    def set(self, kind: str, name: str, path: str, body: object) -> None:
        """Make a setting."""
        document = Document(kind, name, json.dumps(body).encode(), path=path)
        self.registry.run(self.registry.stores.identity.documents.put(document, By("admin", 1)))

    def ask(self, method: str, target: str, body: bytes = b"", headers: Lines = ()) -> Answer:
        """A request."""
        return self.registry.ask(method, target, body, [*self.headers, *headers])

    def manifest(self, reference: str, *, repository: str = HERE, method: str = "GET") -> Answer:
        """A manifest, or what describes it."""
        return self.ask(method, f"/v2/{repository}/manifests/{reference}")

    def blob(self, piece: Piece, *, repository: str = HERE, method: str = "GET", headers: Lines = ()) -> Answer:
        """A blob, or whether there is one."""
        return self.ask(method, f"/v2/{repository}/blobs/{piece.digest}", b"", headers)

    def pull(self, what: Pushable, reference: str = "", *, repository: str = HERE) -> None:
        """As a client does: the manifest, its children, and every blob; all of it has to be right."""
        answer = self.manifest(reference or what.digest, repository=repository)
        assert (answer.status, answer.body, answer.header("content-type")) == (200, what.content, what.media_type)
        assert answer.header("docker-content-digest") == what.digest
        for child in what.children:
            self.pull(child, repository=repository)
        for piece in what.blobs:
            found = self.blob(piece, repository=repository)
            assert (found.status, found.body == piece.content) == (200, True), found.headers
            self.until_kept(piece, repository)

    def is_kept(self, piece: Piece, repository: str = HERE) -> bool:
        """Whether a repository holds a blob."""
        links = self.registry.stores.catalog.links
        return self.registry.run(links.find(RepositoryName(repository), piece.digest)) is not None

    def until_kept(self, piece: Piece, repository: str = HERE) -> None:
        """The last byte is told when all are verified, which is a moment before the blob is kept."""
        self.until(f"{piece.name} is kept", lambda: self.is_kept(piece, repository))

    def until(self, what: str, true: Callable[[], bool], seconds: float = 20) -> None:
        """Let the registry go on until something is true."""
        for _ in range(int(seconds * 50)):
            if true():
                return
            self.registry.run(asyncio.sleep(0.02))
        raise AssertionError(f"not within {seconds} seconds: {what}")


@contextmanager
def scene(folder: Path, monkeypatch: Any, **changes: Any) -> Iterator[Scene]:
    """One on stores of its own; `changes` as of InProcess."""
    settings = {"outbound": Outbound(networks="127.0.0.0/8"), **changes}
    with (
        structlog.testing.capture_logs(),
        upstream_registry() as upstream,
        InProcess(folder, **settings) as registry,
    ):
        made = Scene(registry, upstream)
        now = SystemClock.now
        monkeypatch.setattr(SystemClock, "now", lambda clock: now(clock) + made.ahead)
        yield made


def scaled_out(bucket: BlobStore, catalog: str) -> dict[str, Any]:
    """Stores that replicas share."""
    return {
        "catalog": CatalogStore(catalog),
        "blobs": msgspec.structs.replace(bucket, url=f"{bucket.url}/{uuid.uuid4()}"),
    }


def docker_image(name: str) -> Pushable:
    """An image as Docker wrote them before there was a specification, with spaces where it had them."""
    own = Piece(f"{name}.config", "application/vnd.docker.container.image.v1+json", config(name).content)
    layer = blob(f"{name}.layer", media_type="application/vnd.docker.image.rootfs.diff.tar.gzip")
    document = {
        "schemaVersion": 2,
        "mediaType": media_types.DOCKER_MANIFEST,
        "config": own.descriptor(),
        "layers": [layer.descriptor()],
    }
    text = json.dumps(document, indent=3).encode()
    return Pushable(Piece(name, media_types.DOCKER_MANIFEST, text), (own, layer))
