"""What backups cost: `python -m bench.backup [full] [incremental] [pushes]`; `--help` names options.

`full`: a first backup, against `cp -a` of the same data folder and `sync` of what it wrote, in turns. `incremental`:
one percent of the blobs is pushed anew, and backed up beside what was there, against a first backup. `pushes`: small
images are pushed one after another, alone and while backups are made, in turns. What is in memory of the source is the
same for both of a pair; all commands include their start.
"""

import argparse
import hashlib
import http.client
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from bench.advisories import push_image
from bench.collecting import Server

_OCTETS = "application/octet-stream"


def main() -> None:
    """Measure what is named, or all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measures", nargs="*", choices=["full", "incremental", "pushes", []])
    parser.add_argument("--blobs", type=int, default=200, help="how many, each of --size")
    parser.add_argument("--size", type=int, default=8 << 20, help="of a blob, in bytes")
    parser.add_argument("--small", type=int, default=400, help="how many blobs of 2 KiB beside them, as configs are")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--pushes", type=int, default=300, help="of a measure")
    parser.add_argument("--folder", type=Path, help="where all of it lies, on the disk that is meant")
    chosen = parser.parse_args()
    print(f"{os.cpu_count()} cores, a load of {os.getloadavg()[0]:.1f}")
    wanted = chosen.measures or ["full", "incremental", "pushes"]
    with tempfile.TemporaryDirectory(prefix="orlop-backup-", dir=chosen.folder) as name:
        folder = Path(name)
        server = Server(folder / "data", 0, "0s")
        try:
            before = _push(server.port, "first", chosen.blobs, chosen.size)
            before += _push(server.port, "small", chosen.small, 2048)
            print(f"{before / 1e6:,.0f} MB in {chosen.blobs + chosen.small:,} blobs", flush=True)
            if "full" in wanted:
                full(folder, chosen.pairs)
            if "incremental" in wanted:
                incremental(folder, server, chosen.pairs, max(1, chosen.blobs // 100), chosen.size)
            if "pushes" in wanted:
                pushes(folder, server, chosen.pairs, chosen.pushes)
        finally:
            server.end()


def full(folder: Path, pairs: int) -> None:
    """Copies and first backups, in turns."""
    ratios, speeds = [], []
    for number in range(pairs):
        copied = _copied(folder)
        took, said = _first(folder)
        ratios.append(copied / took)
        speeds.append(said["new_size"] / took / 1e6)
        print(
            f"  copied in {copied:.2f} s, backed up in {took:.2f} s ({speeds[-1]:.0f} MB/s), pair {number + 1},"
            f" a load of {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    print(f"full: {_of(ratios)} x the speed of cp -a and sync, {statistics.median(speeds):.0f} MB/s", flush=True)


def incremental(folder: Path, server: Server, pairs: int, new: int, size: int) -> None:
    """First backups, and what one percent more takes beside them, in turns."""
    ratios = []
    for number in range(pairs):
        first, _ = _first(folder, keep=True)
        _push(server.port, f"more {number}", new, size)
        os.sync()
        again, said = _backup(folder)
        _removed(folder / "bk")
        ratios.append(first / again)
        print(
            f"  first in {first:.2f} s, then {said['new_blobs']} blobs in {again:.2f} s, pair {number + 1},"
            f" a load of {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    print(f"incremental: {_of(ratios)} x as fast as a first one", flush=True)


def pushes(folder: Path, server: Server, pairs: int, count: int) -> None:
    """Pushes alone, and beside backups that begin again and again, in turns."""
    _pushed(server.port, "warm", count)
    ratios, halves = [], []
    for number in range(pairs):
        alone = _pushed(server.port, f"alone {number}", count)
        with _Backups(folder):
            beside = _pushed(server.port, f"beside {number}", count)
        ratios.append(_at(beside, 99) / _at(alone, 99))
        halves.append(_at(beside, 50) / _at(alone, 50))
        print(
            f"  p99 alone {_at(alone, 99):.1f} ms, beside {_at(beside, 99):.1f} ms; medians {_at(alone, 50):.1f} and"
            f" {_at(beside, 50):.1f} ms, pair {number + 1}, a load of {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    print(f"pushes: p99 {_of(ratios)} x that alone, median {_of(halves)} x", flush=True)


class _Backups:
    """First backups, one after the other, until the block ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> None:
        self._thread.start()
        while not (self._folder / "bk" / "blobs").is_dir():  # the first one has begun to write
            time.sleep(0.01)

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._is_over.is_set():
            _first(self._folder)


def _first(folder: Path, *, keep: bool = False) -> tuple[float, Any]:
    os.sync()
    found = _backup(folder)
    if not keep:
        _removed(folder / "bk")
    return found


def _backup(folder: Path) -> tuple[float, Any]:
    """The command, from its start to its end."""
    command = [sys.executable, "-m", "orlop", "backup", "create", folder / "bk", "--data", folder / "data", "--json"]
    began = time.perf_counter()
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return time.perf_counter() - began, json.loads(said)


def _copied(folder: Path) -> float:
    os.sync()
    copy = folder / "copy"
    began = time.perf_counter()
    subprocess.run(["cp", "-a", folder / "data", copy], check=True)
    for root, folders, files in os.walk(copy):
        del folders
        subprocess.run(["sync", root, *(os.path.join(root, file) for file in files)], check=True) if files else None
    took = time.perf_counter() - began
    _removed(copy)
    return took


def _removed(folder: Path) -> None:
    shutil.rmtree(folder)
    os.sync()


def _push(port: int, what: str, count: int, size: int) -> int:
    """Blobs of random bytes; how many bytes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    for number in range(count):
        content = random.Random(f"{what} {number}").randbytes(size)
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        target = f"/v2/bench/app/blobs/uploads/?digest={digest}"
        connection.request("POST", target, content, {"Content-Type": _OCTETS})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 201, answer.status
    return count * size


def _pushed(port: int, what: str, count: int) -> list[float]:
    """Small images, one after the other: what each took, in milliseconds, in order."""
    taken = []
    for number in range(count):
        began = time.perf_counter()
        push_image(port, "pushed", f"{what} {number}".encode())
        taken.append((time.perf_counter() - began) * 1e3)
    return sorted(taken)


def _at(times: list[float], percent: int) -> float:
    return times[min(len(times) - 1, len(times) * percent // 100)]


def _of(ratios: list[float]) -> str:
    ordered = sorted(ratios)
    return f"{statistics.median(ordered):.2f} ({ordered[0]:.2f} to {ordered[-1]:.2f}, median of {len(ordered)} pairs)"


if __name__ == "__main__":
    main()
