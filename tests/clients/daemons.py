"""containerd and the Docker Engine, started by hand with every folder their own, ended by their process ids."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.clients.programs import Station
from tests.needs import lack, need

_PATIENCE = 60.0


@contextmanager
def containerd(folder: Path) -> Iterator[Path]:
    """A containerd; its socket. The path of `folder` must leave room for a socket's name: 107 bytes in all."""
    program = need("containerd", "ctr")["containerd"]
    _only_root()
    socket = folder / "c.sock"
    config = folder / "config.toml"
    config.write_text(
        "version = 2\n"
        f'root = "{folder}/root"\n'
        f'state = "{folder}/state"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        f'[grpc]\n  address = "{socket}"\n'
    )
    station = Station(folder)

    def is_ready() -> bool:
        return socket.exists() and _succeeds([need("ctr")["ctr"], "-a", str(socket), "version"])

    with _running([program, "--config", str(config)], station, is_ready):
        yield socket
        _end_tasks(station, socket)


@contextmanager
def dockerd(folder: Path, containerd: Path, mirror: str) -> Iterator[Path]:
    """A Docker Engine on a containerd, without a network of its own; its socket."""
    program = need("dockerd", "docker")["dockerd"]
    _only_root()
    socket = folder / "d.sock"
    config = folder / "daemon.json"
    config.write_text(json.dumps({"registry-mirrors": [mirror]}))
    command = [
        program,
        *("--config-file", str(config), "--containerd", str(containerd), "--host", f"unix://{socket}"),
        *("--data-root", str(folder / "root"), "--exec-root", str(folder / "exec")),
        *("--pidfile", str(folder / "dockerd.pid"), "--iptables=false", "--ip6tables=false", "--bridge=none"),
    ]

    def is_ready() -> bool:
        return socket.exists() and _succeeds([need("docker")["docker"], "-H", f"unix://{socket}", "info"])

    with _running(command, Station(folder), is_ready):
        yield socket


@contextmanager
def _running(command: Sequence[str], station: Station, is_ready: Callable[[], bool]) -> Iterator[None]:
    log = station.folder / "daemon.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=station.folder, env=station.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + _PATIENCE
        while not is_ready():
            said = log.read_text(errors="replace")[-4000:]
            assert process.poll() is None, f"{command[0]} ended with {process.returncode}:\n{said}"
            assert time.monotonic() < deadline, f"{command[0]} does not become ready:\n{said}"
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_PATIENCE)
        unmount(station.folder)


def _end_tasks(station: Station, socket: Path) -> None:
    """Containers outlive the daemon that started them; none of ours may."""
    for namespace in station.text("ctr", "-a", socket, "namespaces", "ls", "-q").split():
        for task in station.text("ctr", "-a", socket, "-n", namespace, "tasks", "ls", "-q").split():
            station.run("ctr", "-a", socket, "-n", namespace, "tasks", "rm", "--force", task)


def unmount(folder: Path) -> None:
    """Release whatever is still mounted below a folder, so that it can be removed."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in sorted((mount for mount in mounts if mount.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", mount], check=True, timeout=30)


def _succeeds(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, timeout=30).returncode == 0


def _only_root() -> None:
    if os.geteuid() != 0:
        lack("only root runs containers with daemons of its own")
