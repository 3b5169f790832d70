"""A bucket that is full: the store's refusal becomes a clear one, nothing is damaged, and all goes on afterwards."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.content import blob
from tests.faults.pushing import Client, Refused, assert_unavailable, small
from tests.faults.running import running
from tests.needs import lack, need
from tests.s3 import versitygw

pytestmark = pytest.mark.slow

MIB = 1024 * 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MiB for the store."""
    programs = need("mount", "umount")
    place = tmp_path / "disk"
    place.mkdir()
    command = [programs["mount"], "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        lack("a disk cannot be mounted here")
    yield place
    subprocess.run([programs["umount"], "-l", str(place)], check=True)


def test_a_push_into_a_full_bucket(disk: Path, tmp_path: Path) -> None:
    with versitygw(disk / "store") as store:
        settings = store.settings(store.made("full"))
        with running(tmp_path / "server", **settings) as server, Client(server.address) as client:
            client.push(small("first"), "first")
            with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
                while True:
                    filler.write(bytes(4096))
            with pytest.raises(Refused) as refused:
                client.push_blob(blob("too large", 2 * MIB))
            assert_unavailable(refused.value.answer)
            assert "full" in refused.value.answer.errors()[0]["message"]
            client.pull_everything()
            assert client.ask("GET", "/healthz").status == 200
            (disk / "filler").unlink()
            client.push_blob(blob("too large", 2 * MIB))
            client.push(small("second"), "second")
            client.pull_everything()
            server.verify()
