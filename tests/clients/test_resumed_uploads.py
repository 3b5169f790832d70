"""Uploads that the server's sudden death cut in two: resumed from the offset that it names, or begun again."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from orlop.ports.blobs import CHECKPOINT
from tests.clients.contents import in_layout, served
from tests.clients.layouts import Layout, layer, noise
from tests.clients.programs import Station
from tests.clients.streams import PIECE, Answer, Large, ask, copies, pulled_digest, requests
from tests.needs import need
from tests.servers import OrlopServer, orlop_server

pytestmark = pytest.mark.slow

_LARGE = Large(400)
_SENT = 300 * PIECE
_PATIENCE = 60.0


@pytest.mark.parametrize("form", ["streamed", "announced"])
def test_an_upload_is_resumed_after_the_server_was_killed(tmp_path: Path, form: str) -> None:
    digest = _LARGE.digest()
    announced = {"Content_Length": str(_LARGE.size)} if form == "announced" else {}
    with orlop_server(tmp_path / "server", workers=2, uploads_lease="3s") as server:
        session = ask(server, "POST", "/v2/resumed/blob/blobs/uploads/").headers["location"]
        with pytest.raises(OSError, match=r"Broken pipe|reset|closed"):
            ask(server, "PATCH", session, _cut(server, session), **announced)
        server.start()

        status = ask(server, "GET", session)
        assert status.status == 204
        # A session advances every so many bytes; what the server had not noted yet has to be sent again.
        assert _SENT - 2 * CHECKPOINT <= status.offset <= _SENT
        resumed = _until_free(server, session, status.offset)
        assert (resumed.status, resumed.offset) == (202, _LARGE.size)
        assert ask(server, "PUT", f"{resumed.headers['location']}?digest={digest}").status == 201
        assert pulled_digest(server, "resumed/blob", digest) == (_LARGE.size, digest)
        assert copies(server) == {digest: 1}
        server.verify()


def _cut(server: OrlopServer, session: str) -> Iterator[bytes]:
    """The first part; then, when the server has noted most of it, the server is killed and nothing more comes."""
    yield from _LARGE.stream(0, _SENT)
    deadline = time.monotonic() + _PATIENCE
    while ask(server, "GET", session).offset < _SENT - 2 * CHECKPOINT:
        assert time.monotonic() < deadline, "the session does not advance"
        time.sleep(0.05)
    server.kill()
    yield from _LARGE.stream(_SENT)


def _until_free(server: OrlopServer, session: str, offset: int) -> Answer:
    """Send the rest as soon as the lease of the writer that is gone has run out."""
    deadline = time.monotonic() + _PATIENCE
    # An empty chunk changes nothing, so it asks whether the session is free without sending the rest in vain.
    while (free := ask(server, "PATCH", session, Content_Length="0")).status == 429:
        assert time.monotonic() < deadline, "the session stays taken"
        time.sleep(float(free.headers["retry-after"]))
    assert (free.status, free.offset) == (202, offset)
    return ask(
        server,
        "PATCH",
        free.headers["location"],
        _LARGE.stream(offset),
        Content_Length=str(_LARGE.size - offset),
        Content_Range=f"{offset}-{_LARGE.size - 1}",
    )


def test_regctl_goes_on_where_a_worker_was_killed(tmp_path: Path) -> None:
    """regctl waits as long as it is told to, asks where the upload stands, and sends the rest of its chunk."""
    station = Station(tmp_path)
    with orlop_server(tmp_path / "server", workers=2) as server:
        station.run(
            "regctl",
            *("registry", "set", server.address, "--tls=disabled", "--blob-max=1", f"--blob-chunk={150 * PIECE}"),
        )
        with _running(station, "regctl", "blob", "put", f"{server.address}/resumed/regctl") as pushing:
            feeding = threading.Thread(target=_feed, args=(pushing,))
            feeding.start()
            os.kill(_writer(server, 250 * PIECE), signal.SIGKILL)
            feeding.join(_PATIENCE)
            assert pushing.wait(_PATIENCE) == 0
            assert pushing.stdout is not None
            assert pushing.stdout.read().decode().strip() == _LARGE.digest()
        assert pulled_digest(server, "resumed/regctl", _LARGE.digest()) == (_LARGE.size, _LARGE.digest())
        assert "a worker ended and is replaced" in server.log_text()
        server.verify()
    assert requests(server, "POST", "/v2/resumed/regctl/blobs/uploads/") == [202], "it began again"


def _feed(pushing: "subprocess.Popen[bytes]") -> None:
    assert pushing.stdin is not None
    with suppress(BrokenPipeError), pushing.stdin:  # one that gave up says so with its exit code
        for piece in _LARGE.stream():
            pushing.stdin.write(piece)


def test_crane_pushes_although_workers_are_killed(tmp_path: Path) -> None:
    """crane does not resume: it begins a layer again, as long as somebody listens."""
    layout = Layout(tmp_path / "layout")
    layout.tag(layout.image([layer({"large": noise("large", 150_000_000)}, level=0)]), "image")
    station = Station(tmp_path)
    with orlop_server(tmp_path / "server", workers=2) as server:
        with _running(station, "crane", "push", str(layout.folder), f"{server.address}/resumed/crane:1") as pushing:
            os.kill(_writer(server, PIECE), signal.SIGKILL)
            said, _ = pushing.communicate(timeout=_PATIENCE)
        assert pushing.returncode == 0, said
        assert served(server, "resumed/crane", "1") == in_layout(layout.folder)
        assert "a worker ended and is replaced" in server.log_text()
        server.verify()


def _writer(server: OrlopServer, size: int) -> int:
    """The worker that writes an upload of at least this size; waits for one."""
    uploads = str(server.data / "uploads")
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        for process in server.processes():
            for descriptor in Path(f"/proc/{process}/fd").iterdir():
                with suppress(OSError):  # closed since it was listed
                    if str(descriptor.readlink()).startswith(uploads) and descriptor.stat().st_size >= size:
                        return process
        time.sleep(0.005)
    raise AssertionError("no upload begins")


def _running(station: Station, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [need(program)[program], *arguments],
        cwd=station.folder,
        env=station.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None,
    )
