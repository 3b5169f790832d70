"""What the figures were measured on."""

import os
import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from bench.field import Field
from bench.servers.programs import found, said


def hardware() -> Iterator[tuple[str, str]]:
    """(what, which) of the machine."""
    yield "processor", f"{_field('/proc/cpuinfo', 'model name')}, {len(os.sched_getaffinity(0))} cores"
    yield "memory", f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) >> 20} GiB"
    yield "system", f"{_system()}, Linux {platform.release()}"
    yield "file system", _filesystem(Path(__file__))
    yield "load before the run", " ".join(f"{load:.2f}" for load in os.getloadavg())


def software(field: Field) -> Iterator[tuple[str, str]]:
    """(what, which version) of the programs that were measured and of those that measured."""
    yield "orlop", version("orlop")
    yield "Python", platform.python_version()
    for package in ("httptools", "apsw", "uvloop", "msgspec"):
        yield package, version(package)
    for peer in field.peers:
        yield peer.name, f"{peer.describe()} ({peer.origin})"
    for peer in field.missing:
        yield peer.name, f"MISSING: no program {peer.program} ({peer.origin}) on this machine"
    wrk = found("wrk")
    yield "wrk", said([wrk, "-v"]).split(" Copyright")[0] if wrk else "MISSING"


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"


def _system() -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")


def _filesystem(path: Path) -> str:
    """The type of the file system that holds a path: that of the longest mount point above it."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    above = [(len(point), kind) for point, kind in mounts if path.resolve().is_relative_to(point)]
    return max(above)[1] if above else "unknown"
