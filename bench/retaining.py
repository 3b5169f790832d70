"""What a plan of retention costs, and what applying it costs those who push and pull meanwhile:
`python -m bench.retaining [--tags N] [--repositories N] [--deletions N]`.

A server on a million tags in ten thousand repositories, as rows made in the catalog directly, and a rule that deletes
some of them. A plan is made, and applied, by its jobs, while requests are sent one after another.
"""

import argparse
import asyncio
import base64
import hashlib
import http.client
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw

from bench.collecting import BEFORE, Server, requests
from orlop.adapters.filesystem import open_data_folder
from orlop.adapters.sql.catalog import DATABASE, open_sqlite
from orlop.adapters.sql.migrations.sqlite import migrate
from orlop.domain.retention.rules import RETENTION
from orlop.ports.catalog import By
from orlop.ports.settings import Document

_CONFIG, _LAYER = 100, 10_000
_IMAGE = "application/vnd.oci.image.manifest.v1+json"
PASSWORD = "correct-horse-battery"
_HEADERS = {"Authorization": f"Basic {base64.b64encode(f'admin:{PASSWORD}'.encode()).decode()}"}
#: Blobs that are counted at once.
_COUNTED = 50_000


def digest(what: str, number: int) -> str:
    """Of something whose bytes nobody asks for."""
    return f"sha256:{hashlib.sha256(f'{what} {number}'.encode()).hexdigest()}"


def fill(folder: Path, tags: int, repositories: int, deletions: int) -> None:
    """Make the catalog: images with a config of their own and a layer of their repository. As many tags as are to be
    deleted are called `build-`, all others `v`."""
    database = open_data_folder(folder).catalog / DATABASE
    migrate(database, lambda: 1)
    connection = apsw.Connection(str(database))
    for pragma in ("synchronous = OFF", "journal_mode = MEMORY", "cache_size = -600000"):
        connection.execute(f"PRAGMA {pragma}")
    each = tags // repositories
    size = each * _CONFIG + _LAYER
    with connection:
        connection.executemany(
            "INSERT INTO repositories (id, name, namespace_id, created_at, created_by, pushed_at, manifest_count,"
            " manifest_bytes, tag_count, blob_count, blob_bytes) VALUES (?, ?, 1, 1, 'bench', 1, ?, ?, ?, ?, ?)",
            ((n + 1, f"r{n:05}", each, 2 * each, each, each + 1, size) for n in range(repositories)),
        )
        connection.executemany(
            "INSERT INTO blobs (id, digest, copy, size, state, state_at, created_at, created_by)"
            " VALUES (?, ?, ?, ?, 'live', 1, 1, 'bench')",
            ((row, name, f"{row:032x}", length) for row, _, name, length in _blobs(tags, repositories)),
        )
        connection.executemany(
            "INSERT INTO blob_links (repository_id, digest, blob_id, linked_at, linked_by, loose_since)"
            " VALUES (?, ?, ?, 1, 'bench', NULL)",
            ((repository, name, row) for row, repository, name, _ in _blobs(tags, repositories)),
        )
        connection.executemany(
            "INSERT INTO manifests (id, repository_id, digest, media_type, artifact_type, size, content_size,"
            " pushed_at, pushed_by, annotations, content) VALUES (?, ?, ?, ?, '', 2, ?, 1, 'bench', '{}', x'7b7d')",
            (
                (n + 1, n % repositories + 1, digest("manifest", n), _IMAGE, _CONFIG + _LAYER)
                for n in range(each * repositories)
            ),
        )
        connection.executemany(
            "INSERT INTO edges (manifest_id, position, repository_id, kind, child_digest, child_size, media_type,"
            " optional) VALUES (?, ?, ?, ?, ?, ?, '', 0)",
            (
                edge
                for n in range(each * repositories)
                for edge in (
                    (n + 1, 0, n % repositories + 1, "config", digest("config", n), _CONFIG),
                    (n + 1, 1, n % repositories + 1, "layer", digest("layer", n % repositories), _LAYER),
                )
            ),
        )
        connection.executemany(
            "INSERT INTO tags (repository_id, name, manifest_id, created_at, updated_at, updated_by)"
            " VALUES (?, ?, ?, 1, 1, 'bench')",
            (
                (n % repositories + 1, f"{'build' if n < deletions else 'v'}-{n}", n + 1)
                for n in range(each * repositories)
            ),
        )
        connection.execute(
            "UPDATE totals SET repositories = ?, manifests = ?, tags = ?, blobs = ?, blob_bytes = ?",
            (repositories, tags, tags, tags + repositories, tags * _CONFIG + repositories * _LAYER),
        )
    connection.close()
    asyncio.run(_finish(database.parent))


def _blobs(tags: int, repositories: int) -> Iterator[tuple[int, int, str, int]]:
    """Row, repository, digest and size of each."""
    for n in range(tags):
        yield n + 1, n % repositories + 1, digest("config", n), _CONFIG
    for n in range(repositories):
        yield tags + n + 1, n + 1, digest("layer", n), _LAYER


async def _finish(catalog: Path) -> None:
    """Count what was made, and set the rule."""
    opened = open_sqlite(catalog)
    try:
        keeping = opened.catalog.usage_keeping
        last = await keeping.last_blob()
        for first in range(0, last + 1, _COUNTED):
            await keeping.recount_blobs(first, first + _COUNTED)
        await keeping.recount_nodes()
        rule = {"delete": [{"tags": ["build-*"]}], "keep": [{"tags": ["v-*"]}], "brake": 100}
        document = Document(RETENTION.kind, "builds", json.dumps(rule).encode())
        await opened.identity.documents.put(document, By("bench", 1))
    finally:
        await opened.engine.close()


def ask(server: Server, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """One request to the API."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        headers = _HEADERS | {"Content-Type": "application/json"}
        connection.request(method, f"/api/v1/{path}", json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status < 300, (answer.status, content)
        found: dict[str, Any] = json.loads(content)
        return found
    finally:
        connection.close()


def measure(server: Server, start: int, is_done: Callable[[float], bool]) -> None:
    """Send requests until it is done, which is asked every second; print how long they took, and the memory."""
    taken: dict[str, list[float]] = {}
    began = looked = time.monotonic()
    memory = server.memory()
    for kind, took in requests(server, start, _HEADERS):
        taken.setdefault(kind, []).append(took)
        now = time.monotonic()
        if now - looked > 1:
            looked, memory = now, max(memory, server.memory())
            if is_done(now - began):
                break
    for kind, each in taken.items():
        each.sort()
        print(
            f"  {kind:6} {len(each):7} requests, median {each[len(each) // 2] * 1e3:6.2f} ms,"
            f" p99 {each[len(each) * 99 // 100] * 1e3:7.2f} ms, longest {each[-1] * 1e3:7.2f} ms"
        )
    print(f"  {time.monotonic() - began:.0f} s, {memory} MiB at most", flush=True)


def until(server: Server, plan: int, state: str) -> Callable[[float], bool]:
    """Whether a plan is that far. Fails when its job does."""

    def is_done(_: float) -> bool:
        found = ask(server, "GET", f"retention-plans/{plan}")
        assert not found["trouble"], found["trouble"]
        return bool(found["state"] == state)

    return is_done


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tags", type=int, default=1_000_000)
    parser.add_argument("--repositories", type=int, default=10_000)
    parser.add_argument("--deletions", type=int, default=100_000)
    asked = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="orlop-retaining-"))
    try:
        fill(place / "data", asked.tags, asked.repositories, asked.deletions)
        server = Server(place / "data", 0, "0s", PASSWORD)
        try:
            print(f"{asked.tags:,} tags in {asked.repositories:,} repositories; before:")
            measure(server, 0, lambda seconds: seconds > BEFORE)
            plan = ask(server, "POST", "retention-plans", {"path": ""})["id"]
            print("planning:")
            measure(server, 10_000_000, until(server, plan, "planned"))
            found = ask(server, "GET", f"retention-plans/{plan}")
            print(f"  {found['deleted_tags']:,} of {found['tags']:,} tags go")
            ask(server, "POST", f"retention-plans/{plan}/apply", {})
            print("applying:")
            measure(server, 20_000_000, until(server, plan, "applied"))
            found = ask(server, "GET", f"retention-plans/{plan}")
            print(f"  {found['done']:,} were deleted, {found['skipped']:,} were left")
        finally:
            server.end()
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
