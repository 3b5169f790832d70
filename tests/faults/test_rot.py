"""Bytes that change or vanish on the disk: verification finds every one, and no reader is told that they are fine."""

import http.client
import os
import random
from pathlib import Path

import pytest

from tests.content import blob
from tests.faults.pushing import REPOSITORY, Client, orlop
from tests.faults.running import running

pytestmark = pytest.mark.slow

BLOBS = 200
SHORTER = 20


def _copies(data: Path) -> dict[str, Path]:
    """Every stored copy, by digest."""
    return {f"sha256:{path.stem}": path for path in (data / "blobs" / "sha256").glob("*/*")}


def _rot(path: Path, choice: random.Random) -> None:
    """Flip one bit."""
    content = bytearray(path.read_bytes())
    content[choice.randrange(len(content))] ^= 1 << choice.randrange(8)
    path.write_bytes(content)


def test_verification_finds_every_damaged_blob(tmp_path: Path) -> None:
    choice = random.Random(0)
    pieces = [blob(f"blob {number}", choice.randrange(1, 40_000)) for number in range(BLOBS + SHORTER + 10)]
    large = blob("large", 3_000_000)
    with running(tmp_path) as server, Client(server.address) as client:
        for piece in (*pieces, large):
            client.push_blob(piece)
        copies = _copies(server.data)
        assert set(copies) == {piece.digest for piece in (*pieces, large)}
        rotten, shorter, gone = pieces[:BLOBS], pieces[BLOBS : BLOBS + SHORTER], pieces[BLOBS + SHORTER :][:3]
        for piece in rotten:
            _rot(copies[piece.digest], choice)
        for piece in (*shorter, large):
            os.truncate(copies[piece.digest], piece.size - 1)
        for piece in gone:
            copies[piece.digest].unlink()
        code, report = orlop("verify", server.data)
        assert code == 1
        found = {finding["where"].split("/")[0] for finding in report["findings"] if finding["invariant"] == 1}
        assert found == {piece.digest for piece in (*rotten, *shorter, *gone, large)}
        for piece in (*shorter, *gone, large):
            _assert_refused(client, piece.digest, piece.size)
        for piece in rotten:
            assert client.ask("GET", f"/v2/{REPOSITORY}/blobs/{piece.digest}").status == 404, (
                "it is small enough to tell"
            )
        for piece in pieces[BLOBS + SHORTER + 3 :]:
            assert client.ask("GET", f"/v2/{REPOSITORY}/blobs/{piece.digest}").body == piece.content


def _assert_refused(client: Client, digest: str, size: int) -> None:
    """No answer looks like a complete one: not whole, not in part, not from what a worker remembers."""
    for headers in ({}, {"range": f"bytes=0-{size - 1}"}, {"range": f"bytes={size - 1}-"}):
        try:
            answer = client.ask("GET", f"/v2/{REPOSITORY}/blobs/{digest}", **headers)
        except http.client.IncompleteRead:
            continue
        assert answer.status == 404, answer.status
        assert answer.errors()


def test_a_blob_that_is_cut_off_while_it_is_read(tmp_path: Path) -> None:
    """It was whole when it was opened, and the headers are out: the connection has to break."""
    piece = blob("large", 60_000_000)
    with running(tmp_path) as server, Client(server.address) as client:
        client.push_blob(piece)
        (copy,) = _copies(server.data).values()
        for headers in ({}, {"range": f"bytes=1-{piece.size - 1}"}):
            connection = http.client.HTTPConnection(server.address, timeout=60)
            connection.request("GET", f"/v2/{REPOSITORY}/blobs/{piece.digest}", headers=headers)
            answer = connection.getresponse()
            assert answer.status in (200, 206)
            answer.read(100_000)
            os.truncate(copy, piece.size // 2)
            with pytest.raises((http.client.IncompleteRead, ConnectionError)):
                answer.read()
            connection.close()
            copy.write_bytes(piece.content)
