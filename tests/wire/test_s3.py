"""Orlop as a program with its blobs in a bucket: what it refuses to start on, and where a pull comes from."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit

import pytest

from orlop.adapters.s3 import BucketRefused, prepare_bucket
from tests.content import Piece, blob
from tests.needs import need
from tests.s3 import S3Server, versitygw
from tests.servers import ORLOP, OrlopServer, environment, free_port, orlop_server

pytestmark = pytest.mark.slow

LARGE, SMALL = blob("large", 40 * 1024 * 1024 + 17), blob("small", 64 * 1024)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A client that does not follow."""

    def redirect_request(self, *_: object) -> None:
        """Leave the answer as it is."""


OPENER = urllib.request.build_opener(NoRedirect, urllib.request.ProxyHandler({}))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with versitygw(tmp_path_factory.mktemp("versitygw")) as server:
        server.made("wire")
        yield server


def push(server: OrlopServer, piece: Piece) -> None:
    """Push a blob in one request."""
    request = urllib.request.Request(
        f"{server.url}/v2/app/blobs/uploads/?digest={piece.digest}", piece.content, method="POST"
    )
    with OPENER.open(request, timeout=60) as answer:
        assert answer.status == 201


def get(server: OrlopServer, piece: Piece, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Get a blob without following anybody anywhere."""
    request = urllib.request.Request(f"{server.url}/v2/app/blobs/{piece.digest}", headers=headers)
    try:
        with OPENER.open(request, timeout=60) as answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
    except HTTPError as answer:
        with answer:
            return answer.code, {k.lower(): v for k, v in answer.headers.items()}, answer.read()


def test_large_blobs_come_from_the_store_and_small_ones_from_here(store: S3Server, tmp_path: Path) -> None:
    with orlop_server(tmp_path / "server", blobs_redirect="always", **store.settings("wire", "redirect")) as server:
        push(server, LARGE)
        push(server, SMALL)
        assert get(server, SMALL)[::2] == (200, SMALL.content)
        status, headers, body = get(server, LARGE)
        assert (status, body, headers["docker-content-digest"]) == (307, b"", LARGE.digest)
        assert headers["cache-control"] == "no-store"
        assert int(parse_qs(urlsplit(headers["location"]).query)["X-Amz-Expires"][0]) == 600
        with OPENER.open(headers["location"], timeout=60) as answer:
            assert answer.read() == LARGE.content
            assert answer.headers["content-type"] == "application/octet-stream"
        ranged = urllib.request.Request(headers["location"], headers={"Range": "bytes=5-9"})
        with OPENER.open(ranged, timeout=60) as answer:
            assert (answer.status, answer.read()) == (206, LARGE.content[5:10])
        server.verify()
        log = server.log_text() + (server.folder / "access.log").read_text()
        assert "X-Amz-Signature" not in log
        assert "Signature" not in log


def test_blobs_are_streamed_where_clients_do_not_reach_the_store(store: S3Server, tmp_path: Path) -> None:
    with orlop_server(tmp_path / "server", **store.settings("wire", "streamed")) as server:
        push(server, LARGE)
        assert get(server, LARGE)[::2] == (200, LARGE.content)
        status, headers, body = get(server, LARGE, Range="bytes=16777210-16777225")
        assert (status, body) == (206, LARGE.content[16777210:16777226])
        assert headers["content-range"] == f"bytes 16777210-16777225/{LARGE.size}"
        assert server.verify()["read"] == LARGE.size


def test_what_was_pulled_is_kept_here_and_served_while_the_store_is_away(tmp_path: Path) -> None:
    with ExitStack() as running:
        store = running.enter_context(versitygw(tmp_path / "versitygw"))
        settings = store.settings(store.made("cached")) | {"blobs_cache_bytes": "200MiB", "workers": 2}
        with orlop_server(tmp_path / "server", **settings) as server:
            push(server, LARGE)
            push(server, SMALL)
            for piece in (LARGE, SMALL):
                assert get(server, piece)[::2] == (200, piece.content)
            kept = next(
                file for file in (server.data / "cache" / "kept").glob("*/*") if file.stat().st_size > LARGE.size
            )
            with kept.open("r+b") as file:
                file.seek(30_000_000)
                file.write(b"rot")
            assert get(server, LARGE)[::2] == (200, LARGE.content)
            assert not kept.exists()
            assert get(server, LARGE)[::2] == (200, LARGE.content)
            server.kill()
            (server.data / "cache" / "parts" / "leftover").write_bytes(b"of a process that was killed")
            server.start()
            assert list((server.data / "cache" / "parts").iterdir()) == []
            server.verify()

            running.close()  # the store
            assert get(server, LARGE)[::2] == (200, LARGE.content)
            assert get(server, SMALL)[::2] == (200, SMALL.content)
            assert get(server, LARGE, Range="bytes=30000000-")[2] == LARGE.content[30_000_000:]
            with OPENER.open(f"{server.url}/metrics", timeout=60) as answer:
                counts = answer.read().decode()
            assert 'orlop_blob_cache_reads_total{outcome="kept"} 3.0' in counts


def refused(folder: Path, **settings: str) -> str:
    """What Orlop says when it does not start."""
    variables = {f"ORLOP_{name.upper()}": value for name, value in settings.items()}
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [*ORLOP, "serve", "--data", str(folder / "data"), "--listen", f"127.0.0.1:{free_port()}"],
        env=environment(variables),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("orlop: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert "no secret at all" not in done.stderr
    return done.stderr


def test_what_cannot_be_the_store_is_refused_in_one_sentence(store: S3Server, tmp_path: Path) -> None:
    right = store.settings("wire", "refused")
    secret = refused(tmp_path, **right | {"blobs_secret_access_key": "wrong"})
    assert "the secret access key is wrong" in secret
    key = refused(tmp_path, **right | {"blobs_access_key_id": "nobody"})
    assert "does not know the access key" in key
    assert "the bucket does not exist" in refused(tmp_path, **store.settings("missing"))
    nobody = refused(tmp_path, **right | {"blobs_endpoint": f"http://127.0.0.1:{free_port()}"})
    assert "the store cannot be reached" in nobody


async def test_a_clock_that_is_wrong_is_named(store: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: datetime.now(UTC) - timedelta(hours=2))
    with pytest.raises(BucketRefused, match="the clock of this machine and that of the store differ too much; set it"):
        await prepare_bucket(store.options("wire", "skewed"), "a catalog")
    assert not (store.objects / "wire" / "skewed").exists()


def test_a_prefix_that_belongs_to_something_else_is_refused_and_left_alone(store: S3Server, tmp_path: Path) -> None:
    foreign = store.objects / "wire" / "foreign" / "photo.jpg"
    foreign.parent.mkdir()
    foreign.write_bytes(b"no blob")
    assert "is not empty and not a blob store of Orlop" in refused(tmp_path / "a", **store.settings("wire", "foreign"))
    assert [path.name for path in foreign.parent.iterdir()] == ["photo.jpg"]

    settings = store.settings("wire", "owned")
    with orlop_server(tmp_path / "owner", **settings):
        pass
    assert "belongs to another catalog" in refused(tmp_path / "b", **settings)
    marker = store.objects / "wire" / "owned" / "orlop.json"
    for content, sentence in (
        (json.dumps({"format": 2, "catalog": "", "kind": "orlop-blobs"}), "has format 2, and this program knows 1"),
        (json.dumps({"format": 1, "catalog": "", "kind": "other"}), "is not the marker of a blob store of Orlop"),
        ("{", "is damaged"),
    ):
        marker.write_text(content)
        assert sentence in refused(tmp_path / "b", **settings)


def test_a_store_whose_certificate_is_not_trusted_is_refused_until_its_authority_is_named(tmp_path: Path) -> None:
    certificate, key = tmp_path / "store.crt", tmp_path / "store.key"
    request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=store", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = [need("openssl")["openssl"], *request, *names, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    with versitygw(tmp_path / "versitygw", (certificate, key)) as store:
        (store.objects / "secure").mkdir()
        settings = store.settings("secure")
        assert "is not trusted; name its authority in blobs.ca" in refused(tmp_path / "a", **settings)
        with orlop_server(tmp_path / "server", **settings, blobs_ca=certificate) as server:
            push(server, SMALL)
            push(server, LARGE)
            assert get(server, LARGE)[::2] == (200, LARGE.content)
            server.verify()
