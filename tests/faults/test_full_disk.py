"""A disk that is full: clear refusals, nothing damaged, and the server goes on when there is room again."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.content import blob
from tests.faults.pushing import REPOSITORY, Client, Refused, assert_clean, assert_unavailable, small
from tests.faults.running import running
from tests.needs import lack, need
from tests.serving import eventually

pytestmark = pytest.mark.slow

MIB = 1024 * 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MiB."""
    programs = need("mount", "umount")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        [programs["mount"], "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        lack("a disk cannot be mounted here")
    yield place
    subprocess.run([programs["umount"], "-l", str(place)], check=True)


def _fill(file: Path) -> None:
    """Take all room."""
    with file.open("wb", buffering=0) as filler:
        for size in (MIB, 4096, 1):
            with suppress(OSError):
                while True:
                    filler.write(bytes(size))


def _takes(client: Client) -> bool:
    """Whether every worker takes writes, as far as asking often tells."""
    asked = [client.ask("POST", f"/v2/{REPOSITORY}/blobs/uploads/", b"") for _ in range(8)]
    return all(answer.status == 202 for answer in asked)


def _await_readiness(client: Client, status: int) -> None:
    """What /readyz says may be a second old."""
    deadline = time.monotonic() + 10
    while client.ask("GET", "/readyz").status != status:
        assert time.monotonic() < deadline, f"/readyz does not come to say {status}"
        time.sleep(0.1)


def test_an_upload_that_does_not_fit(disk: Path, tmp_path: Path) -> None:
    with (
        running(tmp_path, data=disk / "data", workers=2, blobs_reserve=0) as server,
        Client(server.address) as client,
    ):
        client.push(small("first"), "first")
        for size in (26 * MIB, 23 * MIB):
            with pytest.raises(Refused) as refused:
                client.push_blob(blob("too large", size))
            assert_unavailable(refused.value.answer)
            assert "the disk is full" in refused.value.answer.errors()[0]["message"]
            client.push(small(f"after {size}"), f"after-{size}")
        client.pull_everything()
    assert_clean(disk / "data")


def test_a_session_that_does_not_fit_keeps_what_it_had_and_gives_the_rest_back(disk: Path, tmp_path: Path) -> None:
    with running(tmp_path, data=disk / "data", blobs_reserve=0) as server, Client(server.address) as client:
        location = client.ask("POST", f"/v2/{REPOSITORY}/blobs/uploads/", b"").headers["location"]
        answer = client.ask("PATCH", location, bytes(2 * MIB))
        assert answer.status == 202
        assert_unavailable(client.ask("PATCH", answer.headers["location"], bytes(24 * MIB)))
        assert client.ask("GET", location).headers["range"] == f"0-{2 * MIB - 1}"
        piece = blob("fits now", 10 * MIB)
        client.push_blob(piece)
    assert_clean(disk / "data")


def test_what_is_kept_free_is_left_alone_by_uploads(disk: Path, tmp_path: Path) -> None:
    """A tenth of the disk, which is less than is set: the catalog still writes, everything else goes on."""
    with running(tmp_path, data=disk / "data") as server, Client(server.address) as client:
        client.push(small("first"), "first")
        client.push_blob(blob("fits", 12 * MIB))
        (disk / "filler").write_bytes(bytes(8 * MIB))
        time.sleep(1.1)  # how much room there is may be known for a second
        with pytest.raises(Refused) as refused:
            client.push_blob(blob("too much", 100_000))
        assert_unavailable(refused.value.answer)
        assert "the disk is full but for what is kept free" in refused.value.answer.errors()[0]["message"]
        assert "2.3 MiB stay so" in refused.value.answer.errors()[0]["message"]
        client.pull_everything()
        assert client.ask("PUT", f"/v2/{REPOSITORY}/manifests/again", client.held["first"].content).status == 201
        _await_readiness(client, 200)
        (disk / "filler").unlink()
        time.sleep(1.1)
        client.push(small("after"), "after")
    assert_clean(disk / "data")


def test_no_room_for_the_catalog(disk: Path, tmp_path: Path) -> None:
    """The write-ahead log cannot grow: nothing is written, everything is still served."""
    with running(tmp_path, data=disk / "data", workers=2) as server, Client(server.address) as client:
        client.push(small("first"), "first")
        _fill(disk / "filler")
        refusals = 0
        for number in range(12):
            try:
                client.push(small(f"full {number}"), f"full-{number}")
            except Refused as refused:
                assert_unavailable(refused.answer)
                refusals += 1
            client.pull_everything()
        assert refusals >= 10
        # Both workers have found out by now, and balancers go on to let pulls through.
        refused = client.ask("POST", f"/v2/{REPOSITORY}/blobs/uploads/", b"").errors()[0]
        assert refused["message"].startswith("the registry is read-only: ")
        assert refused["message"].endswith("; it takes writes again once the store does")
        _await_readiness(client, 200)
        assert client.ask("GET", "/healthz").status == 200
        (disk / "filler").unlink()
        eventually("it takes no writes again", lambda: _takes(client), 40)
        client.push(small("after"), "after")
        client.pull_everything()
        _await_readiness(client, 200)
        assert len(server.workers()) == 2
    assert_clean(disk / "data")


def test_starting_on_a_full_disk_is_refused_in_one_sentence(disk: Path, tmp_path: Path) -> None:
    (disk / "data").mkdir()
    _fill(disk / "filler")
    with (
        pytest.raises(AssertionError, match="the server did not start") as failed,
        running(tmp_path, data=disk / "data"),
    ):
        pass
    assert "Traceback" not in str(failed.value)
    assert "no space left on device" in str(failed.value) or "disk is full" in str(failed.value)
    (disk / "filler").unlink()
    with running(tmp_path, data=disk / "data") as server, Client(server.address) as client:
        client.push(small("first"), "first")
    assert_clean(disk / "data")
