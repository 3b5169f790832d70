"""deploy/systemd/orlop.service: systemd reads it and finds little exposed, its command is one of Orlop, and a server
that works makes no system call that it forbids."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.clients.programs import Station
from tests.deploy.images import push_and_pull
from tests.deploy.pythons import ROOT
from tests.needs import need
from tests.servers import free_port
from tests.serving import environment, eventually, ready

pytestmark = pytest.mark.slow

_UNIT = ROOT / "deploy" / "systemd" / "orlop.service"
_PROGRAM = str(Path(sys.executable).parent / "orlop")
_PASSWORD = "correct horse battery"


def _settings(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", _UNIT.read_text(), re.MULTILINE)


def test_systemd_has_no_complaint(tmp_path: Path) -> None:
    program = need("systemd-analyze")["systemd-analyze"]
    unit = tmp_path / _UNIT.name
    # It complains of a program that is not there, as it has to: Orlop is not installed where the unit expects it.
    unit.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={_PROGRAM}", _UNIT.read_text(), flags=re.MULTILINE))
    done = subprocess.run([program, "verify", unit], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_little_is_exposed() -> None:
    program = need("systemd-analyze")["systemd-analyze"]
    # In tenths: 20 is 2.0, of 10 at most.
    command = [program, "security", "--offline=true", "--threshold=20", "--no-pager", str(_UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_the_command_is_one_of_ours(tmp_path: Path) -> None:
    (command,) = _settings("ExecStart")
    _, subcommand, flag, _ = command.split()
    assert subcommand == "serve"
    settings = tmp_path / "orlop.toml"
    settings.write_text('data = "data"\n')
    done = subprocess.run(
        [_PROGRAM, "config", "show", flag, settings], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_a_server_calls_nothing_that_is_forbidden(tmp_path: Path) -> None:
    """No systemd forbids it in a test: what the server asks of the kernel is written down and compared."""
    need("strace", "systemd-analyze", "crane")
    port, calls = free_port(), tmp_path / "calls"
    calls.mkdir()
    command = ["strace", "-ff", "--quiet=all", "--output", str(calls / "of"), _PROGRAM, "serve", "--workers", "1"]
    command += ["--data", str(tmp_path / "data"), "--listen", f"127.0.0.1:{port}"]
    settings = environment({"ORLOP_ADMIN_PASSWORD": _PASSWORD})
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=settings, stdout=log, stderr=log)
    try:
        eventually("it serves", lambda: ready(port))
        push_and_pull(Station(tmp_path / "station"), f"127.0.0.1:{port}", _PASSWORD)
    finally:
        (server,) = (int(pid) for pid in _children(process.pid))
        os.kill(server, signal.SIGTERM)
        process.wait(60)
    lines = [line for file in calls.iterdir() for line in file.read_text(errors="replace").splitlines()]
    called = {match[1] for line in lines if (match := re.match(r"(\w+)\(", line))}
    assert {"accept4", "fsync", "prlimit64"} <= called
    if os.geteuid() == 0:
        called.discard("fchown")  # of SQLite, where it is root: os_unix.c, robustFchown
    assert called - _allowed() == set()

    # MemoryDenyWriteExecute: memory that is written to is never run.
    mapped = [line for line in lines if line.startswith(("mmap", "mprotect", "shmat", "pkey_mprotect"))]
    assert not [line for line in mapped if "PROT_WRITE" in line and "PROT_EXEC" in line]
    assert not [line for line in mapped if not line.startswith("mmap") and "PROT_EXEC" in line]
    # RestrictAddressFamilies
    families = {match[1] for line in lines if (match := re.match(r"socket\((AF_\w+)", line))}
    assert families <= set(_settings("RestrictAddressFamilies")[0].split())
    # RestrictNamespaces, RestrictSUIDSGID
    assert not [line for line in lines if re.search(r"CLONE_NEW|S_ISUID|S_ISGID", line)]


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _allowed() -> set[str]:
    """The system calls that the unit lets through."""
    allowed: set[str] = set()
    for line in _settings("SystemCallFilter"):
        named = _members(line.removeprefix("~").split())
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed


def _members(names: Iterable[str]) -> set[str]:
    """The system calls of sets."""
    found: set[str] = set()
    for name in names:
        if name.startswith("@"):
            shown = subprocess.run(
                ["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, timeout=60
            )
            listed = [line.strip() for line in shown.stdout.splitlines()[1:]]
            found |= _members(line for line in listed if line and not line.startswith("#"))
        else:
            found.add(name)
    return found
