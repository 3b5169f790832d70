"""A large blob: streamed in one request and finished in chunks, pulled again, in bounded memory."""

import shutil
from pathlib import Path

import pytest

from tests.clients.streams import PIECE, Large, ask, copies, pulled_digest
from tests.needs import lack
from tests.servers import OrlopServer, orlop_server
from tests.volume import volume

pytestmark = pytest.mark.slow

_GIB = volume(1, 5)
_LARGE = Large(_GIB << 10)
_CHUNK = volume(32, 128) * PIECE

#: How much of it comes in one request: in the long run more than 32 bits can count.
_STREAMED = _LARGE.size - 4 * _CHUNK
_DISK = 3 * _GIB << 30

#: What a process of the server may hold at most, in bytes, whatever the size of the blob.
_MEMORY = 200 << 20


def test_a_large_blob_in_bounded_memory(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    if free < _DISK:
        lack(f"needs {_DISK >> 30} GiB of free disk, there are {free >> 30}")
    digest = _LARGE.digest()
    with orlop_server(tmp_path / "server", workers=2) as server:
        _push(server, "large/blob", digest)
        assert copies(server) == {digest: 1}
        found = ask(server, "HEAD", f"/v2/large/blob/blobs/{digest}")
        assert (found.status, found.headers["content-length"]) == (200, str(_LARGE.size))
        assert pulled_digest(server, "large/blob", digest) == (_LARGE.size, digest)
        peaks = server.peak_memory()
        assert len(peaks) == 3
        assert max(peaks.values()) < _MEMORY
        server.verify()
    shutil.rmtree(server.data)


def _push(server: OrlopServer, repository: str, digest: str) -> None:
    """A long stream, then chunks that say where they belong, each on a connection of its own: any worker may get it."""
    session = ask(server, "POST", f"/v2/{repository}/blobs/uploads/").headers["location"]
    received = ask(server, "PATCH", session, _LARGE.stream(0, _STREAMED))
    assert (received.status, received.offset) == (202, _STREAMED)
    for start in range(_STREAMED, _LARGE.size, _CHUNK):
        received = ask(
            server,
            "PATCH",
            received.headers["location"],
            _LARGE.stream(start, start + _CHUNK),
            Content_Length=str(_CHUNK),
            Content_Range=f"{start}-{start + _CHUNK - 1}",
        )
        assert (received.status, received.offset) == (202, start + _CHUNK)
    assert ask(server, "PUT", f"{received.headers['location']}?digest={digest}").status == 201
