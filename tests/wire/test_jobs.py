"""A server that leaves jobs to `orlop worker`, and a worker that ends well."""

import base64
import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.servers import ORLOP, OrlopServer, environment, orlop_server, variables

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery"


def ask(server: OrlopServer, method: str, path: str, body: Any = None) -> Any:
    """What the API answers to the first account."""
    request = urllib.request.Request(
        f"{server.url}/api/v1{path}",
        method=method,
        data=json.dumps(body).encode() if body is not None else None,
        headers={
            "authorization": f"Basic {base64.b64encode(f'admin:{PASSWORD}'.encode()).decode()}",
            "content-type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


@contextmanager
def worker(folder: Path, settings: dict[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    """`orlop worker`, which ends well."""
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen([*ORLOP, "worker"], cwd=folder, env=environment(variables(settings)), stderr=log)
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert "Traceback" not in (folder / "worker.log").read_text()
    finally:
        process.kill()
        process.wait(10)


def test_a_server_leaves_its_jobs_to_a_worker(tmp_path: Path) -> None:
    settings = {"open": False, "admin_password": PASSWORD, "jobs_serve": False, "workers": 1}
    with orlop_server(tmp_path, **settings) as server:
        job = ask(server, "POST", "/jobs", {"kind": "collection"})
        time.sleep(1)
        assert ask(server, "GET", f"/jobs/{job['id']}")["state"] == "waiting"
        assert all(kind["last_at"] is None for kind in ask(server, "GET", "/job-kinds"))
        with worker(tmp_path, {"data": server.data}):
            deadline = time.monotonic() + 60
            while (job := ask(server, "GET", f"/jobs/{job['id']}"))["state"] != "done":
                assert time.monotonic() < deadline, job
                time.sleep(0.1)
            assert job["result"].startswith("removed 0 blobs")
            while any(kind["last_at"] is None for kind in ask(server, "GET", "/job-kinds") if kind["schedule"]):
                assert time.monotonic() < deadline
                time.sleep(0.1)
        metrics = urllib.request.urlopen(f"{server.url}/metrics", timeout=60).read().decode()
        assert "# TYPE orlop_jobs_waiting gauge" in metrics
