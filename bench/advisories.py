"""What advisories cost: `python -m bench.advisories [import] [affected] [reading]`; `--help` names options.

`import`: advisories are taken in by the command, and by an update from a folder, each into an empty registry; those of
a folder of `*.jsonl` or `*.jsonl.zst`, or as many made-up ones. `affected`: a thousand new ones against images of 300
packages, until all images that they hit are listed, on SQLite or PostgreSQL. `reading`: pulls while ten images are
read for the first time, and when nothing else happens, in turns. Seconds of processors are those of the server and all
that it starts.
"""

import argparse
import base64
import gzip
import hashlib
import http.client
import io
import json
import os
import random
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import apsw

from bench.collecting import Server
from bench.on_postgres import copy
from bench.questions import NAMES, OF_BASE, seed
from bench.retaining import PASSWORD, ask, fill
from orlop.adapters.filesystem import open_data_folder
from orlop.adapters.sql.catalog import DATABASE
from orlop.domain.inside.licence_names import LICENCE_NAMES_VERSION
from orlop.domain.inside.matching import MATCHER_VERSION
from tests.postgres import postgres_server

#: Where advisories lie beside a checkout, how many are made up where none do, and how many come against images.
_BESIDE, _MADE, NEW = Path(__file__).parents[2] / "shared" / "advisories", 29_000, 1_000
_NO_RATES = [f"ORLOP_RATE_LIMITS_{name}" for name in ("REQUESTS", "PULLS", "ADDRESS_REQUESTS", "ADDRESS_PULLS")]
#: Images that are read, packages of each, and seconds for which pulls are measured at least.
TEN, PACKAGES, SECONDS = 10, 300, 5.0


def main() -> None:
    """Measure what is named, or all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measures", nargs="*", choices=["import", "affected", "reading", []])
    parser.add_argument("--advisories", type=Path, default=_BESIDE)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--postgres", action="store_true", help="what is affected, by a catalog there")
    parser.add_argument("--pairs", type=int, default=10, help="of pulls alone and beside readings")
    chosen = parser.parse_args()
    print(f"{os.cpu_count()} cores, a load of {os.getloadavg()[0]:.1f}")
    wanted = chosen.measures or ["import", "affected", "reading"]
    with tempfile.TemporaryDirectory(prefix="orlop-advisories-") as folder:
        if "import" in wanted:
            importing(Path(folder) / "import", chosen.advisories)
        if "affected" in wanted:
            affected(Path(folder) / "affected", chosen.images, chosen.postgres)
        if "reading" in wanted:
            reading(Path(folder) / "reading", chosen.pairs)


# --- Taking in ----------------------------------------------------------------------------------------------------


def importing(folder: Path, advisories: Path) -> None:
    """By the command, and by an update."""
    files = _files(folder / "files", advisories)
    with _served(folder / "command") as watched:
        _sign_in(watched.server.port, folder)
        began = time.perf_counter()
        used = _orlop(watched.server.port, folder, "advisories", "import", *map(str, files))
        took = time.perf_counter() - began
        told = watched.end()
    print(f"import: {took:.1f} s, {used:.1f} s of processors by the command, {told}")
    os.environ["ORLOP_ADVISORIES_FOLDER"] = str(folder / "files")
    with _served(folder / "update") as watched:
        _sign_in(watched.server.port, folder)
        for file in files:
            name = file.name.partition(".")[0].lower()
            _orlop(watched.server.port, folder, "advisory-source", "set", name, "--url", f"file:{file}")
        began = time.perf_counter()
        _orlop(watched.server.port, folder, "advisories", "update")
        took = time.perf_counter() - began
        found = ask(watched.server, "GET", "advisory-status")
        told = watched.end()
    print(f"update: {took:.1f} s for {found['advisories']:,} advisories, {told}")


def _files(target: Path, advisories: Path) -> list[Path]:
    """Unpacked, one for each source."""
    target.mkdir(parents=True)
    if not advisories.is_dir():
        lines = (_advisory(f"MADE-{number}", f"p{number:05}", "1.5.0") for number in range(_MADE))
        (target / "made.jsonl").write_bytes(b"\n".join(lines))
        return [target / "made.jsonl"]
    for path in sorted(advisories.glob("*.jsonl*")):
        content = path.read_bytes()
        if path.suffix == ".zst":
            from backports import zstd

            content = zstd.decompress(content)
        (target / path.name.removesuffix(".zst")).write_bytes(content)
    return sorted(target.iterdir())


# --- Against images -----------------------------------------------------------------------------------------------


def affected(folder: Path, images: int, postgres: bool) -> None:
    """New advisories, until the images that they hit are listed; a fifth is about what every base has in some version,
    the others about packages of applications."""
    data = folder / "data"
    fill(data, images, min(10_000, images // 10), 0)
    seed(data)
    database = apsw.Connection(str(open_data_folder(data).catalog / DATABASE))
    with database:
        database.execute("DELETE FROM findings")
        database.execute("DELETE FROM advisories")
        database.execute("INSERT INTO package_keys SELECT 'npm', name, id, version FROM packages")
        database.execute("UPDATE packages SET matched = ?1, licensed = ?2", (MATCHER_VERSION, LICENCE_NAMES_VERSION))
    database.execute("ANALYZE")
    database.close()
    names = [number if number < OF_BASE else number * (NAMES // NEW) % NAMES for number in range(NEW)]
    records = [
        _advisory(f"NEW-{number}", f"p{name:05}", "1.5.0", ecosystem="npm", aliases=[f"CVE-2027-{number:05}"])
        for number, name in enumerate(names)
    ]
    (folder / "new.jsonl").write_bytes(b"\n".join(records))
    if not postgres:
        _affected(folder, "SQLite", images)
        return
    with postgres_server(options=()) as server:
        url = server.database()
        copy(open_data_folder(data).catalog / DATABASE, url)
        os.environ["ORLOP_CATALOG_URL"] = url
        try:
            _affected(folder, "PostgreSQL", images)
        finally:
            del os.environ["ORLOP_CATALOG_URL"]


def _affected(folder: Path, engine: str, images: int) -> None:
    with _served(folder) as watched:
        _sign_in(watched.server.port, folder)
        start = datetime.now(UTC).isoformat()
        began = time.perf_counter()
        _orlop(watched.server.port, folder, "advisories", "import", str(folder / "new.jsonl"))
        taken = time.perf_counter() - began
        while (found := ask(watched.server, "GET", "advisory-status"))["waiting"]:
            time.sleep(0.02)
        matched = time.perf_counter() - began
        hit = {
            (one["repository"], one["digest"])
            for page in _pages(watched.server, f"new-findings?n=10000&packages=false&since={quote(start)}")
            for one in page["images"]
        }
        took = time.perf_counter() - began
        first = next(_pages(watched.server, f"new-findings?n=100&since={quote(start)}"))["images"]
        then = time.perf_counter() - began
        told = watched.end()
    print(
        f"affected, {engine}: {NEW:,} advisories against {images:,} images of {PACKAGES} packages: taken in after"
        f" {taken:.1f} s, {found['findings']:,} findings after {matched:.1f} s, all {len(hit):,} images that they hit"
        f" listed after {took:.1f} s; the first {len(first)} with what hits them took another {then - took:.1f} s;"
        f" {told}, a load of {os.getloadavg()[0]:.1f}"
    )


def _pages(server: Server, path: str) -> Iterator[Any]:
    """All pages of a list."""
    last = ""
    while True:
        page = ask(server, "GET", f"{path}&last={quote(last)}" if last else path)
        yield page
        last = page["last"]
        if not last:
            return


# --- Beside pulls -------------------------------------------------------------------------------------------------


def reading(folder: Path, pairs: int) -> None:
    """Pulls alone, and while images are read, in turns on one server: what else the machine does is beside both."""
    with _served(folder) as watched:
        for number in range(TEN):
            push_image(watched.server.port, f"app{number}", _layer(number))
        _read(watched.server)
        _pulls(watched.server.port, lambda: False)  # until what is in memory after a start is there
        found = [_pair(watched) for _ in range(pairs)]
        told = watched.end()
    for number, name in enumerate(("alone", f"while {TEN} images are read")):
        taken = [(pair.alone, pair.beside)[number] for pair in found]
        halves, most = ([_at(times, percent) for times in taken] for percent in (50, 99))
        print(f"pulls {name}: median {statistics.median(halves):.2f} ms, p99 {statistics.median(most):.2f} ms")
    ratios = sorted(_at(pair.beside, 99) / _at(pair.alone, 99) for pair in found)
    took, load = statistics.median(pair.took for pair in found), statistics.median(pair.load for pair in found)
    print(
        f"reading: p99 {statistics.median(ratios):.2f} x that of pulls alone ({ratios[0]:.2f} to {ratios[-1]:.2f},"
        f" median of {pairs} pairs), images read in {took:.1f} s, a load of {load:.1f}, {told}"
    )


class Pair(NamedTuple):
    """What pulls took alone and beside readings, in milliseconds, how many seconds these took, and the load."""

    alone: list[float]
    beside: list[float]
    took: float
    load: float


def _pair(watched: "Watched") -> Pair:
    alone = _pulls(watched.server.port, lambda: False)
    database = apsw.Connection(str(_of(watched.server) / "catalog" / DATABASE))
    database.set_busy_timeout(10_000)
    with database:  # as if none had been read yet
        database.execute("DELETE FROM inside_layers")
        database.execute("UPDATE inside_images SET state = 0, since = 1, lease_until = 0, tries = 0")
    database.close()
    ask(watched.server, "POST", "jobs", {"kind": "read-images"})
    began = time.perf_counter()
    beside = _pulls(watched.server.port, lambda: _waiting(watched.server) > 0, at_least=0.0)
    took, load = time.perf_counter() - began, os.getloadavg()[0]
    print(f"  p99 {_at(alone, 99):.2f} and {_at(beside, 99):.2f} ms, {took:.1f} s, a load of {load:.1f}", flush=True)
    return Pair(alone, beside, took, load)


def _pulls(port: int, more: Any, at_least: float = SECONDS) -> list[float]:
    """Manifests by tag and blobs, one after the other, so long: what each took, in milliseconds, in order."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = _basic()
    config = f"sha256:{hashlib.sha256(b'{}').hexdigest()}"
    taken: list[float] = []
    began = looked = time.perf_counter()
    while True:
        for target in ("/v2/team/app0/manifests/v1", f"/v2/team/app0/blobs/{config}"):
            start = time.perf_counter()
            connection.request("GET", target, headers=headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, (target, answer.status)
            taken.append((time.perf_counter() - start) * 1e3)
        time.sleep(0.002)
        now = time.perf_counter()
        if now - looked > 0.2:
            looked = now
            if now - began > at_least and not more():
                return sorted(taken)


def _waiting(server: Server) -> int:
    database = apsw.Connection(str(_of(server) / "catalog" / DATABASE), flags=apsw.SQLITE_OPEN_READONLY)
    [(count,)] = database.execute("SELECT count(*) FROM inside_images WHERE state < 2").fetchall()
    database.close()
    return int(str(count))


def _read(server: Server) -> None:
    """Until everything was read."""
    ask(server, "POST", "jobs", {"kind": "read-images"})
    while True:
        time.sleep(0.5)
        if not _waiting(server):
            return


def _at(times: list[float], percent: int) -> float:
    return times[min(len(times) - 1, len(times) * percent // 100)]


def _layer(number: int) -> bytes:
    """Some 40 MB of files as images have them, a hundred of them packages of Python, and the list of Debian's."""
    chosen = random.Random(number)
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        status = "".join(
            f"Package: lib{each}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.{number}-{each}\n\n"
            for each in range(PACKAGES - 100)
        )
        _add(tar, "etc/os-release", b"ID=debian\nVERSION_ID=12\n")
        _add(tar, "var/lib/dpkg/status", status.encode())
        for each in range(100):
            where = f"usr/lib/python3/dist-packages/p{each}-{number}.0.dist-info/METADATA"
            _add(tar, where, f"Metadata-Version: 2.1\nName: p{each}\nVersion: {number}.0\n".encode())
        for each in range(2_000):
            _add(tar, f"usr/share/files/{each}", chosen.randbytes(10_000) + b"words of a page\n" * 600)
    return gzip.compress(content.getvalue(), 1)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def push_image(port: int, name: str, layer: bytes) -> None:
    """Push an image of one layer as `v1`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    entries: list[dict[str, Any]] = []
    for content in (b"{}", layer):
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        headers = {**_basic(), "Content-Type": "application/octet-stream"}
        connection.request("POST", f"/v2/team/{name}/blobs/uploads/?digest={digest}", content, headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 201, answer.status
        entries.append({"mediaType": _LAYER if len(entries) else _CONFIG, "digest": digest, "size": len(content)})
    manifest = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": entries[0], "layers": entries[1:]}
    headers = {**_basic(), "Content-Type": _MANIFEST}
    connection.request("PUT", f"/v2/team/{name}/manifests/v1", json.dumps(manifest).encode(), headers)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 201, answer.status


_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG, _LAYER = "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip"


# --- Of the server ------------------------------------------------------------------------------------------------


class Watched:
    """A server, and what it takes, with all processes that it started."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.memory = 0
        self._is_over = threading.Event()
        self._before = self._seconds()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()

    def end(self) -> str:
        """What it took, in words."""
        self._is_over.set()
        self._watcher.join()
        return f"{self._seconds() - self._before:.1f} s of processors by the server, {self.memory} MiB at most"

    def _watch(self) -> None:
        while not self._is_over.wait(0.05):
            resident = sum(_resident(pid) for pid in _family(self.server.process.pid))
            self.memory = max(self.memory, resident)

    def _seconds(self) -> float:
        ticks = 0
        for pid in _family(self.server.process.pid):
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            ticks += sum(map(int, fields[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def _served(folder: Path) -> Iterator[Watched]:
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= dict.fromkeys(_NO_RATES, "0")
    server = Server(folder / "data", 0, "0s", PASSWORD)
    _FOLDERS[server.process.pid] = folder / "data"
    watched = Watched(server)
    try:
        yield watched
    finally:
        watched.end()
        server.end()


_FOLDERS: dict[int, Path] = {}


def _of(server: Server) -> Path:
    return _FOLDERS[server.process.pid]


def _family(pid: int) -> list[int]:
    """A process and those that it started, and so on."""
    try:
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(each for child in below for each in _family(int(child)))]


def _resident(pid: int) -> int:
    """MiB that a process has for itself: what processes share is counted once for each of those that have it."""
    try:
        found = Path(f"/proc/{pid}/smaps_rollup").read_text().partition("\nPss:")[2].split()
    except OSError:
        return 0
    return int(found[0]) >> 10 if found else 0


def _sign_in(port: int, folder: Path) -> None:
    environment = os.environ | {"XDG_CONFIG_HOME": str(folder / "config")}
    login = [sys.executable, "-m", "orlop", "login", f"127.0.0.1:{port}", "--user", "admin", "--password-stdin"]
    subprocess.run(login, env=environment, input=PASSWORD.encode(), check=True, stdout=subprocess.DEVNULL)


def _orlop(port: int, folder: Path, *arguments: str) -> float:
    """Run a command, signed in; the seconds of processors that it took."""
    environment = os.environ | {"XDG_CONFIG_HOME": str(folder / "config"), "ORLOP_SERVER": f"http://127.0.0.1:{port}"}
    command = [sys.executable, "-m", "orlop"]
    before = os.times()
    subprocess.run([*command, *arguments], env=environment, check=True, capture_output=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def _advisory(name: str, package: str, fixed: str, *, ecosystem: str = "PyPI", **more: Any) -> bytes:
    about = {
        "package": {"ecosystem": ecosystem, "name": package},
        "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
    }
    record = {"id": name, "modified": "2026-11-01T00:00:00Z", "summary": "made up", "affected": [about]}
    return json.dumps({**record, **more}).encode()


def _basic() -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'admin:{PASSWORD}'.encode()).decode()}"}


if __name__ == "__main__":
    main()
