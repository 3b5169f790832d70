"""Bytes that change or vanish on the disk: verification finds every one, and no reader is told that they are fine."""

import errno
import http.client
import json
import os
import random
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from orlop.domain.digest import digest_of
from orlop.faces.http.responses import INLINE
from tests.content import blob, image
from tests.faults.pushing import REPOSITORY, Client, assert_clean, orlop
from tests.faults.running import running
from tests.faults.strace import failing

pytestmark = pytest.mark.slow

BLOBS = 200
SHORTER = 20
PROGRAM = [sys.executable, "-m", "orlop"]


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


def test_scrub_finds_every_damaged_blob_and_the_next_push_heals_it(tmp_path: Path) -> None:
    choice = random.Random(1)
    pieces = [blob(f"blob {number}", choice.randrange(1, 40_000)) for number in range(BLOBS + SHORTER + 10)]
    rotten, shorter, gone = pieces[:BLOBS], pieces[BLOBS : BLOBS + SHORTER], pieces[BLOBS + SHORTER :][:3]
    whole = pieces[BLOBS + SHORTER + 3 :]
    with running(tmp_path) as server, Client(server.address) as client:
        for piece in pieces:
            client.push_blob(piece)
        copies = _copies(server.data)
        for piece in rotten:
            _rot(copies[piece.digest], choice)
        for piece in shorter:
            os.truncate(copies[piece.digest], piece.size - 1)
        for piece in gone:
            copies[piece.digest].unlink()
        code, said = orlop("scrub run", server.data)
        damaged = {piece.digest for piece in (*rotten, *shorter, *gone)}
        assert code == 1
        assert {copy["digest"] for copy in said["quarantine"]} == damaged
        assert {tuple(copy["repositories"]) for copy in said["quarantine"]} == {(REPOSITORY,)}
        last = said["status"]["last"]
        assert (last["blobs"], last["rotten"], last["failed"]) == (len(pieces), len(damaged), 0)
        for piece in pieces:
            target = f"/v2/{REPOSITORY}/blobs/{piece.digest}"
            expected = 404 if piece.digest in damaged else 200
            assert client.ask("HEAD", target).status == expected
            assert client.ask("GET", target).status == expected
        for piece in (rotten[0], shorter[0], gone[0]):
            target = f"/v2/team/other/blobs/uploads/?mount={piece.digest}&from={REPOSITORY}"
            assert client.ask("POST", target, b"").status == 202
        for piece in pieces:
            client.push_blob(piece)
            assert client.ask("GET", f"/v2/{REPOSITORY}/blobs/{piece.digest}").body == piece.content
        code, said = orlop("scrub status", server.data)
        assert (code, said["quarantine"]) == (0, [])
        code, _ = orlop("gc", server.data, "--grace", "1d")
        assert code == 0
        assert len(list((server.data / "blobs" / "sha256").glob("*/*"))) == len(pieces), "damaged copies go"
        assert whole
    code, report = orlop("verify", server.data)
    assert (code, report["findings"]) == (0, [])


def test_a_blob_whose_file_is_gone_was_never_there(tmp_path: Path) -> None:
    """Before scrub: HEAD, GET, a mount and a push come first here, in turn. What a worker has in memory it still gives
    out, rightly."""
    what = image("what", [blob("small", 100), blob("middle", 100_000), blob("large", 3_000_000)])
    with running(tmp_path) as server, Client(server.address) as client:
        client.push(what, "v1")
        client.pull_everything()
        for first in ("HEAD", "GET", "mount", "push"):
            copies = _copies(server.data)
            for piece in what.blobs:
                copies[piece.digest].unlink()
            for piece in what.blobs:
                target = f"/v2/{REPOSITORY}/blobs/{piece.digest}"
                if first in ("HEAD", "GET") and piece.size > INLINE:
                    assert client.ask(first, target).status == 404
                elif first == "mount":
                    mount = f"/v2/team/other/blobs/uploads/?mount={piece.digest}&from={REPOSITORY}"
                    assert client.ask("POST", mount, b"").status == 202
                client.push_blob(piece)
                assert digest_of(client.fetch(target).body) == piece.digest
            client.pull_everything()
    assert_clean(server.data)


def test_what_workers_have_in_memory_goes_when_a_copy_goes_into_quarantine(tmp_path: Path) -> None:
    """Blobs that a manifest names are answered from memory, by each worker; scrub runs in another process."""
    what = image("what", [blob("small", 100), blob("middle", 100_000)])
    with running(tmp_path, workers=2) as server, ExitStack() as open_clients:
        clients = [open_clients.enter_context(Client(server.address)) for _ in range(12)]
        clients[0].push(what, "v1")
        asked = [
            (method, f"/v2/{REPOSITORY}/blobs/{piece.digest}") for piece in what.blobs for method in ("HEAD", "GET")
        ]

        def answers() -> set[int]:
            return {client.ask(*each).status for each in asked for client in clients for _ in range(3)}

        assert answers() == {200}
        for path in _copies(server.data).values():
            path.unlink()
        code, said = orlop("scrub run", server.data)
        assert (code, len(said["quarantine"])) == (1, len(what.blobs))
        assert answers() == {404}
        for piece in what.blobs:
            clients[0].push_blob(piece)
        assert answers() == {200}
    assert_clean(server.data)


def test_what_the_disk_does_not_give_is_not_called_damaged(tmp_path: Path) -> None:
    what, lost = blob("what", 200_000), blob("other", 200_000)
    with running(tmp_path) as server, Client(server.address) as client:
        client.push_blob(what)
        client.push_blob(lost)
        path = str(_copies(server.data)[what.digest])
    command = [*PROGRAM, "scrub", "run", "--json", "--data", str(server.data)]
    for call in ("pread64", "openat"):
        traced = [*failing(call, errno.EIO, "1+", paths=[path]), *command]
        ran = subprocess.run(traced, capture_output=True, text=True, timeout=300, check=False)
        assert ran.returncode == 0, ran.stderr
        last = json.loads(ran.stdout)["status"]["last"]
        assert (last["blobs"], last["rotten"], last["failed"]) == (2, 0, 1)
    code, said = orlop("scrub run", server.data)
    assert (code, said["status"]["last"]["failed"], said["status"]["quarantined"]) == (0, 0, 0)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_takes_no_note_stops_scrub_with_a_sentence(tmp_path: Path, error: int) -> None:
    piece = blob("what", 200_000)
    with running(tmp_path) as server, Client(server.address) as client:
        client.push_blob(piece)
        _copies(server.data)[piece.digest].unlink()
    command = [*PROGRAM, "scrub", "run", "--json", "--data", str(server.data)]
    ran = subprocess.run(
        [*failing("pwrite64", error, "1+"), *command], capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].startswith("orlop: ")
    assert "Traceback" not in ran.stderr
    code, said = orlop("scrub run", server.data)
    assert (code, [copy["digest"] for copy in said["quarantine"]]) == (1, [piece.digest])
