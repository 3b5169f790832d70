"""What a collection costs those who push and pull meanwhile: `python -m bench.collecting [BLOBS] [--pace N]`.

A server on a million blobs, a tenth of which nothing needs: rows made in the catalog directly, and files for those that
go. Requests are sent one after another before the collection and while it runs; half-way through the server is killed
and started anew. What it prints stands in docs/performance.md.
"""

import argparse
import hashlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import apsw

from orlop.adapters.filesystem import open_data_folder
from orlop.adapters.sql.catalog import DATABASE
from orlop.adapters.sql.migrations.sqlite import migrate

REPOSITORIES = 1_000
#: Every so many-th blob is garbage.
EVERY = 10
SIZE = 16
BEFORE = 10.0


def fill(folder: Path, blobs: int) -> None:
    """Make the store."""
    tree = open_data_folder(folder)
    database = tree.catalog / DATABASE
    migrate(database, lambda: 1)
    connection = apsw.Connection(str(database))
    for pragma in ("synchronous = OFF", "journal_mode = MEMORY", "cache_size = -600000"):
        connection.execute(f"PRAGMA {pragma}")
    with connection:
        connection.executemany(
            "INSERT INTO repositories (id, name, namespace_id, created_at, created_by, blob_count, blob_bytes)"
            " VALUES (?, ?, 1, 1, 'bench', ?, ?)",
            ((n + 1, f"r{n}", blobs // REPOSITORIES, SIZE * blobs // REPOSITORIES) for n in range(REPOSITORIES)),
        )
        connection.executemany(
            "INSERT INTO blobs (id, digest, copy, size, state, state_at, created_at, created_by)"
            f" VALUES (?, ?, ?, {SIZE}, 'live', 1, 1, 'bench')",
            ((number + 1, digest(number), f"{number:032x}") for number in range(blobs)),
        )
        connection.executemany(
            "INSERT INTO blob_links (repository_id, digest, blob_id, linked_at, linked_by, loose_since)"
            " VALUES (?, ?, ?, 1, 'bench', ?)",
            (
                (number % REPOSITORIES + 1, digest(number), number + 1, 1 if number % EVERY == 0 else None)
                for number in range(blobs)
            ),
        )
        connection.execute(
            "UPDATE totals SET repositories = ?, blobs = ?, blob_bytes = ?", (REPOSITORIES, blobs, blobs * SIZE)
        )
    connection.close()
    for number in range(0, blobs, EVERY):
        digits = digest(number).partition(":")[2]
        Path(tree.blobs, "sha256", digits[:2], f"{digits}.{number:032x}").write_bytes(b"x" * SIZE)


def digest(number: int) -> str:
    """Of a blob whose bytes nobody asks for."""
    return f"sha256:{hashlib.sha256(str(number).encode()).hexdigest()}"


class Server:
    """`orlop serve` with one worker. `every`: how often it collects; `password`: that of the user admin, without one
    anybody may do what clients do."""

    def __init__(self, folder: Path, pace: int, every: str, password: str = "") -> None:
        settings = {"GC_GRACE": "0s", "GC_INTERVAL": every, "GC_PACE": str(pace)}
        settings |= {"LOG_ACCESS": "false", "SCRUB_PERIOD": "0s"}  # what stays has no files here
        environment = os.environ | {f"ORLOP_{name}": value for name, value in settings.items()}
        arguments = [sys.executable, "-m", "orlop", "serve", "--data", str(folder), "--workers", "1"]
        if password:
            environment["ORLOP_ADMIN_PASSWORD"] = password
        else:
            arguments.append("--open")
        self._log = (folder.parent / "log").open("ab")
        self.process = subprocess.Popen([*arguments, "--listen", "127.0.0.1:0"], env=environment, stderr=self._log)
        self.port = 0
        while not self.port:
            time.sleep(0.1)
            for line in (folder.parent / "log").read_text().splitlines():
                event = json.loads(line) if line.startswith("{") else {}
                if event.get("event") == "serving":
                    self.port = int(event["url"].rpartition(":")[2])

    def memory(self) -> int:
        """MiB that its worker has in memory."""
        pids = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        status = Path(f"/proc/{pids[-1]}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) // 1024

    def end(self, how: int = signal.SIGTERM) -> None:
        """End it, and its worker."""
        self.process.send_signal(how)
        self.process.wait()
        (Path(self._log.name)).unlink()
        self._log.close()


def requests(server: Server, start: int, headers: Mapping[str, str] = {}) -> Iterator[tuple[str, float]]:
    """Push small blobs and an image, look at them and get them: what each took, in seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    number = start
    while True:
        content = f"bench {number}".encode()
        name = f"sha256:{hashlib.sha256(content).hexdigest()}"
        for kind, method, target, body in (
            ("push", "POST", f"/v2/bench/app/blobs/uploads/?digest={name}", content),
            ("HEAD", "HEAD", f"/v2/bench/app/blobs/{name}", None),
            ("GET", "GET", f"/v2/bench/app/blobs/{name}", None),
            ("mount", "POST", f"/v2/bench/lib/blobs/uploads/?mount={name}&from=bench/app", b""),
        ):
            began = time.perf_counter()
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status in (200, 201, 404 if kind != "push" else 201, 202), (kind, answer.status)
            yield kind, time.perf_counter() - began
        number += 1
        time.sleep(0.005)


def left(folder: Path) -> dict[str, int]:
    """Garbage that is still there, by where it stands."""
    connection = apsw.Connection(str(folder / "catalog" / DATABASE), flags=apsw.SQLITE_OPEN_READONLY)
    found = {
        "links": "SELECT count(*) FROM blob_links WHERE loose_since = 1",
        "condemned": "SELECT count(*) FROM blobs WHERE created_by = 'bench' AND state = 'condemned'",
        "tombstoned": "SELECT count(*) FROM blobs WHERE created_by = 'bench' AND state = 'tombstoned'",
    }
    counts = {name: int(str(connection.execute(statement).fetchall()[0][0])) for name, statement in found.items()}
    connection.close()
    return counts


def measure(server: Server, folder: Path, start: int, *, seconds: float, until: int | None) -> None:
    """Send requests for so long, or until no more garbage is left than that; print the longest of each kind."""
    taken: dict[str, list[float]] = {}
    began = looked = time.monotonic()
    memory = server.memory()
    for kind, took in requests(server, start):
        taken.setdefault(kind, []).append(took)
        now = time.monotonic()
        if now - looked > 2 or (until is None and now - began > seconds):
            looked = now
            memory = max(memory, server.memory())
            if now - began > seconds or (until is not None and sum(left(folder).values()) <= until):
                break
    for kind, each in taken.items():
        each.sort()
        print(
            f"  {kind:6} {len(each):7} requests, median {each[len(each) // 2] * 1e3:6.2f} ms,"
            f" p99 {each[len(each) * 99 // 100] * 1e3:7.2f} ms, longest {each[-1] * 1e3:7.2f} ms"
        )
    print(f"  {time.monotonic() - began:.0f} s, {memory} MiB at most, left: {left(folder)}")


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("blobs", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--pace", type=int, default=1_000)
    parser.add_argument("--kill", action="store_true", help="kill the server when half of the garbage is gone")
    asked = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="orlop-collecting-"))
    folder = place / "data"
    try:
        fill(folder, asked.blobs)
        server = Server(folder, asked.pace, "0s")
        print(f"{asked.blobs:,} blobs, one in {EVERY} garbage, at a pace of {asked.pace}; before:")
        measure(server, folder, 0, seconds=BEFORE, until=None)
        server.end()
        server = Server(folder, asked.pace, "10s")
        if asked.kill:
            print("collecting, until it is killed:")
            measure(server, folder, 10_000_000, seconds=3_600, until=asked.blobs // EVERY // 2)
            server.end(signal.SIGKILL)
            time.sleep(2)
            server = Server(folder, asked.pace, "10s")
        print("collecting, to the end:")
        measure(server, folder, 20_000_000, seconds=3_600, until=0)
        server.end()
        copies = sum(1 for _ in (folder / "blobs" / "sha256").glob("*/*"))
        print(f"copies left, all of them pushed meanwhile: {copies}")
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
