"""Docker itself: it loads what we write, and we read what it saves. A daemon of the test's own, without a network."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clientside.test_commands import orlop, orlop_json, real_image
from tests.needs import lack, need

__all__ = ["real_image"]

pytestmark = pytest.mark.slow

Docker = Callable[..., str]


@pytest.fixture
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docker]:
    """Runs the docker client against a daemon that ends with the test."""
    programs = need("dockerd", "docker")
    folder = tmp_path_factory.mktemp("dockerd")
    host = f"unix://{folder}/socket"
    log = folder / "log"
    arguments = ["--data-root", folder / "root", "--exec-root", folder / "exec", "--pidfile", folder / "pid"]
    options = ["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs", "-H", host]

    def run(*command: str) -> str:
        """One command; its output."""
        environment = {**os.environ, "DOCKER_HOST": host, "DOCKER_CONFIG": str(folder)}
        done = subprocess.run(
            [programs["docker"], *command], env=environment, capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout

    with log.open("wb") as output:
        daemon = subprocess.Popen(
            [programs["dockerd"], *map(str, arguments), *options], stdout=output, stderr=output, cwd=folder
        )
        try:
            for _ in range(300):
                if (folder / "socket").exists() or daemon.poll() is not None:
                    break
                time.sleep(0.1)
            if daemon.poll() is not None:
                lack(f"dockerd does not run here: {log.read_text(errors='replace')[-500:]}")
            yield run
        finally:
            daemon.terminate()
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait(10)


def test_docker_loads_what_is_written_and_saves_what_is_read(real_image: Path, docker: Docker, tmp_path: Path) -> None:
    written, saved, again = tmp_path / "written.tar", tmp_path / "saved.tar", tmp_path / "again.tar"
    orlop("cp", f"oci:{real_image}:v1", f"docker-archive:{written}:team/app:v1")
    assert "team/app:v1" in docker("load", "-i", str(written))
    image_id = docker("image", "inspect", "--format", "{{.Id}}", "team/app:v1").strip()
    docker("save", "-o", str(saved), "team/app:v1")
    assert orlop("ls", f"docker-archive:{saved}").stdout.split() == ["team/app:v1"]
    shown = orlop_json("inspect", f"docker-archive:{saved}:team/app:v1")
    assert len(shown["layers"]) == 2
    orlop("cp", f"docker-archive:{saved}", f"docker-archive:{again}:renamed:v2")
    docker("load", "-i", str(again))
    assert docker("image", "inspect", "--format", "{{.Id}}", "renamed:v2").strip() == image_id
