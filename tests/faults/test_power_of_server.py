"""The power of a live server is cut: a server started on what is left serves every push acknowledged before."""

import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.content import Pushable
from tests.faults.power import Recording, recording
from tests.faults.pushing import Client, assert_clean, small
from tests.faults.running import running
from tests.servers import ORLOP, environment, free_port, variables
from tests.volume import volume

pytestmark = pytest.mark.slow

IMAGES = 6
CUTS = volume(12, 120)


@contextmanager
def _recorded_server(folder: Path) -> Iterator[str]:
    """A server whose every change of files is recorded; its address."""
    address = f"127.0.0.1:{free_port()}"
    settings = variables({"open": True, "data": folder / "data", "listen": address, "workers": 1})
    with (folder / "log").open("wb") as log:
        tracer = subprocess.Popen(
            [*recording(folder / "trace"), *ORLOP, "serve"],
            env=environment(settings | {"TMPDIR": str(folder)}),
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + 60
        while b'"event":"serving"' not in (folder / "log").read_bytes():
            assert tracer.poll() is None
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.05)
        yield address
        (server,) = Path(f"/proc/{tracer.pid}/task/{tracer.pid}/children").read_text().split()
        subprocess.run(["kill", f"-{signal.SIGTERM.value}", server], check=True)
        assert tracer.wait(60) == 0
    finally:
        if tracer.poll() is None:
            tracer.kill()
            tracer.wait()


def test_power_lost_anywhere(tmp_path: Path) -> None:
    images: dict[str, Pushable] = {f"image-{number}": small(f"image {number}") for number in range(IMAGES)}
    with _recorded_server(tmp_path) as address, Client(address) as client:
        for number, (tag, image) in enumerate(images.items()):
            client.push(image, tag)
            client.ask("GET", f"/v2/acknowledged/{number}")
    record = Recording(tmp_path / "trace", tmp_path / "data", re.compile(rb"GET /v2/acknowledged/([0-9]+) "))
    assert set(record.marks) == set(range(IMAGES))
    pushing = [step for step in record.steps if step > record.marks[0]]
    for seed in range(CUTS):
        choice = random.Random(seed)
        cut = choice.choice(pushing if seed % 4 else record.steps)
        data = tmp_path / f"after-{seed}"
        record.rebuild(cut, choice, data)
        acknowledged = sum(step <= cut for step in record.marks.values())
        with running(tmp_path / f"server-{seed}", workers=1, data=data) as server, Client(server.address) as client:
            client.held = dict(list(images.items())[:acknowledged])
            client.pull_everything()
            client.push(small("after"), "after")
            client.pull_everything()
        assert_clean(data)
