"""Registries that the tests of a module share, and what they have to leave as they found it."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import structlog

from orlop.config.audit import Audit
from orlop.config.settings import BlobStore, CatalogStore
from tests.content import image
from tests.memory import folders_in_memory
from tests.s3 import ACCESS_KEY, SECRET_KEY, versitygw
from tests.servers import OrlopServer, orlop_server
from tests.wire.footprint import footprint
from tests.wire.inprocess import InProcess

__all__ = ["folders_in_memory"]

#: What is in the registry before any test: an image with a tag, in the repository "app".
APP = image("app", layers=["base", "code"])


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """A registry, SQLite and files, that nothing a test does may change, and that may log no failure."""
    data = tmp_path_factory.mktemp("refusing") / "data"
    # Of pulls, which may be told of at random, none leaves anything.
    with structlog.testing.capture_logs() as log, InProcess(data, audit=Audit(pulls="none")) as registry:
        registry.push("app", APP, "v1")
        before = footprint(data)
        yield registry
        assert footprint(data) == before
    assert [entry for entry in log if entry["log_level"] not in {"debug", "info"}] == []


#: Stores to run on: both in memory, SQLite with files, PostgreSQL with a bucket.
_ENGINES = ["memory", "disk", pytest.param("scaled out", marks=pytest.mark.slow)]


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlobStore]:
    """A bucket on a real S3 server."""
    with versitygw(tmp_path_factory.mktemp("versitygw")) as server:
        yield BlobStore(
            url=f"s3://{server.made('in-process')}",
            endpoint=server.endpoint,
            access_key_id=ACCESS_KEY,
            secret_access_key=SECRET_KEY,
        )


@pytest.fixture(params=_ENGINES)
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[InProcess]:
    """An empty registry, on each of the stores."""
    with structlog.testing.capture_logs(), _on(request, tmp_path / "data") as registry:
        yield registry


@pytest.fixture(scope="module", params=_ENGINES)
def lasting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """A registry on each of the stores for many small cases that do not mind what others left in it."""
    with (
        structlog.testing.capture_logs(),
        _on(request, tmp_path_factory.mktemp("lasting") / "data") as registry,
    ):
        yield registry


def _on(request: pytest.FixtureRequest, data: Path) -> InProcess:
    if request.param != "scaled out":
        return InProcess(None if request.param == "memory" else data)
    bucket: BlobStore = request.getfixturevalue("bucket")
    return InProcess(
        data,
        catalog=CatalogStore(request.getfixturevalue("postgres").catalog()),
        blobs=msgspec.structs.replace(bucket, url=f"{bucket.url}/{uuid.uuid4()}"),
    )


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrlopServer]:
    """A real server with two workers for tests over sockets: blobs of 1 MiB at most, bodies idle for 2 s at most."""
    with orlop_server(
        tmp_path_factory.mktemp("server"),
        workers=2,
        limits_body_idle="2s",
        limits_blob_bytes="1MiB",
        audit_pulls="none",  # what is told at random would look like something that a refusal left
    ) as server:
        yield server
