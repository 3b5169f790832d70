"""The memory of a worker."""

import hashlib
import re
import time
from collections.abc import Iterator
from pathlib import Path

from bench.field import Field
from bench.findings import Check, Finding
from bench.load import wrk
from bench.load.connection import Connection
from bench.load.pushing import push_blob
from bench.rounds import Series
from bench.servers.process import Running, children

_MIB = 1 << 20
_IDLE = 120.0
_BUSY = 200.0

#: How much more a worker may hold with ten times as many tags, as a factor: what it remembers is bounded.
_GROWTH = 1.1

#: Seconds that a server is left alone before it counts as idle.
_SETTLE = 3.0


def idle(field: Field) -> Finding:
    """A worker that has nothing to do, on the standard content."""
    with field.ours(field.standard()) as server:
        time.sleep(_SETTLE)
        figures = {"RSS": _held(server, "Rss"), "PSS": _held(server, "Pss")}
    check = Check("RSS, MiB", max(figures["RSS"].values), _IDLE, at_most=True)
    return Finding("memory of a worker, idle", "MiB", figures, [check])


def huge_blob(field: Field) -> Finding:
    """A worker at its highest, while one huge blob is pushed and then pulled."""
    size, block = field.plan.huge_blob, bytes(_MIB)
    digest = zeros_digest(size)
    with field.ours(field.empty()) as server:
        connection = Connection(server)
        push_blob(connection, "bench/huge", digest, _repeated(block, size), size)
        pushing = highest(server)
        connection.request("GET", f"/v2/bench/huge/blobs/{digest}", expect=200, keep=False)
        connection.close()
        figures = {"RSS, highest, pushing": pushing, "RSS, highest, pulling too": highest(server)}
    check = Check("RSS, MiB", max(figures["RSS, highest, pulling too"].values), _BUSY, at_most=True)
    return Finding(f"memory of a worker, one blob of {size >> 30} GiB", "MiB", figures, [check])


def large_catalog(field: Field) -> Finding:
    """A worker after the same load on two catalogs, one of them ten times as large: bounded, whatever there is."""
    plan = field.plan
    tags = plan.large_repositories * 9 + plan.large_tags
    usual, large = f"{plan.repositories * 5:,} tags", f"{tags:,} tags"
    figures = {}
    for name, storage, repositories in (
        (usual, field.standard(), plan.repositories),
        (large, field.large(), plan.large_repositories),
    ):
        with field.ours(storage) as server:
            for _ in range(3):
                wrk.measure(wrk.manifests(repositories), server, plan.seconds, field.folder)
            figures[name] = _held(server, "Rss")
    growth = max(figures[large].values) / max(figures[usual].values)
    check = Check("RSS, large / usual", growth, _GROWTH, at_most=True)
    return Finding("memory of a worker that served manifests", "MiB", figures, [check])


def zeros_digest(size: int) -> str:
    """The digest of so many zeros."""
    block, state = bytes(_MIB), hashlib.sha256()
    for _ in range(size // _MIB):
        state.update(block)
    return f"sha256:{state.hexdigest()}"


def _repeated(block: bytes, size: int) -> Iterator[bytes]:
    for _ in range(size // len(block)):
        yield block


def _held(server: Running, what: str) -> Series:
    """What every worker holds now, in MiB."""
    pattern = re.compile(rf"^{what}:\s+(\d+) kB", re.MULTILINE)
    return _of_workers(server, "smaps_rollup", pattern)


def highest(server: Running) -> Series:
    """The most that every worker ever held, in MiB."""
    return _of_workers(server, "status", re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE))


def _of_workers(server: Running, file: str, pattern: re.Pattern[str]) -> Series:
    found = [pattern.search(Path(f"/proc/{pid}/{file}").read_text()) for pid in children(server.pid)]
    return Series(tuple(int(match.group(1)) / 1024 for match in found if match is not None))
