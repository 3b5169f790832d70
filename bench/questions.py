"""What questions about all images take on a large registry: `python -m bench.questions [--images N] [--rounds N]`.

Images of 300 packages, as rows made in the catalog directly: of each 200 are from one of a hundred bases and 100 from
one of ten thousand applications, whose layers images share. Each question is asked again and again by the
administrator, through the API; what is measured is from the first byte of the request to the last of the answer.
"""

import argparse
import base64
import http.client
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import apsw

from bench.collecting import Server
from bench.retaining import PASSWORD, fill
from orlop.adapters.filesystem import open_data_folder
from orlop.adapters.sql.catalog import DATABASE

BASES, APPLICATIONS = 100, 10_000
OF_BASE, OF_APPLICATION = 200, 100
#: Names of packages, each in so many versions.
NAMES, VERSIONS = 20_000, 10
#: An advisory for each name, which hits the older half of its versions.
HIT = VERSIONS // 2

#: Held by every base, by one image in a hundred or so, by one application alone, and by none.
QUESTIONS = {
    "a package that all images hold": ("/package-search", {"package": "pkg:npm/p00000"}),
    "the same in a range, at a place": ("/package-search", {"package": "pkg:npm/p00000@<1.5.0", "at": "r00042"}),
    "a package of some applications": ("/package-search", {"package": "pkg:npm/p19000@<1.5.0"}),
    "a package by its name": ("/package-search", {"package": "p19000@>=1.3,<1.4"}),
    "a package that nothing holds": ("/package-search", {"package": "pkg:npm/nothing"}),
    "a vulnerability that all may have": ("/vulnerability-search", {"id": "CVE-2026-00000"}),
    "a vulnerability of some": ("/vulnerability-search", {"id": "CVE-2026-19000"}),
    "a vulnerability nobody knows": ("/vulnerability-search", {"id": "CVE-1999-1"}),
    "tags with counts": ("/tags", {"repository": "r00042", "findings": "true"}),
    "how a hundred repositories stand": ("/vulnerability-reports", {}),
}


def _package(number: int) -> tuple[str, str]:
    return f"p{number // VERSIONS:05}", f"1.{number % VERSIONS}.0"


def _packages() -> Iterator[tuple[int, str, str, str, str]]:
    for number in range(NAMES * VERSIONS):
        name, version = _package(number)
        yield number + 1, f"{number:064x}", name, version, f"pkg:npm/{name}@{version}"


def _of_units() -> Iterator[tuple[int, int]]:
    """Each base has the first names in some version, each application some of the others."""
    for base in range(BASES):
        for place in range(OF_BASE):
            yield base + 1, place * VERSIONS + base % VERSIONS + 1
    for application in range(APPLICATIONS):
        for place in range(OF_APPLICATION):
            name = OF_BASE + (application * 37 + place * 197) % (NAMES - OF_BASE)
            yield BASES + application + 1, name * VERSIONS + application % VERSIONS + 1


def seed(folder: Path) -> None:
    """Have every manifest be an image that was read, of one base and one application."""
    connection = apsw.Connection(str(open_data_folder(folder).catalog / DATABASE))
    for pragma in ("synchronous = OFF", "journal_mode = MEMORY", "cache_size = -600000"):
        connection.execute(f"PRAGMA {pragma}")
    with connection:
        connection.executemany(
            "INSERT INTO packages (id, identity, type, name, version, purl, body, matched)"
            " VALUES (?1, ?2, 'npm', ?3, ?4, ?5, '{}', 99)",
            _packages(),
        )
        connection.executemany(
            "INSERT INTO units (id, hash, complete) VALUES (?1, ?2, 1)",
            ((number + 1, f"{number:064x}") for number in range(BASES + APPLICATIONS)),
        )
        connection.executemany("INSERT OR IGNORE INTO unit_packages VALUES (?1, ?2, '')", _of_units())
        connection.execute(
            "INSERT INTO inside_images (id, digest, state, since, lease_until, tries, assembler, distribution, unread)"
            " SELECT id, digest, 2, 1, 0, 1, 99, '', '[]' FROM manifests"
        )
        for unit in (f"id % {BASES} + 1", f"{BASES} + id % {APPLICATIONS} + 1"):
            connection.execute(f"INSERT INTO image_units SELECT id, 0, {unit}, 'npm' FROM inside_images")
        connection.executemany(
            "INSERT INTO advisories (id, name, hash, source, modified, withdrawn, severity, summary, body, matched)"
            " VALUES (?1, ?2, '', 'bench', 1, 0, 'high', '', x'', 99)",
            ((number + 1, f"CVE-2026-{number:05}") for number in range(NAMES)),
        )
        connection.executemany(
            "INSERT INTO findings (package_id, advisory_id, fixed, severity, source, how)"
            " VALUES (?1, ?2, '1.5.0', 'high', 'bench', '<1.5.0')",
            ((name * VERSIONS + version + 1, name + 1) for name in range(NAMES) for version in range(HIT)),
        )
    connection.execute("ANALYZE")
    connection.close()


def measure(port: int, rounds: int) -> None:
    """Print a line for each question."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    headers = {"Authorization": f"Basic {base64.b64encode(f'admin:{PASSWORD}'.encode()).decode()}"}
    print(f"{'question':36} {'median':>10} {'slowest':>10} {'answer':>10}")
    for name, (path, query) in QUESTIONS.items():
        taken, content = [], b""
        for _ in range(rounds):
            began = time.perf_counter()
            connection.request("GET", f"/api/v1{path}?{urlencode(query)}", headers=headers)
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == 200, (name, answer.status, content)
            taken.append(time.perf_counter() - began)
        taken.sort()
        print(
            f"{name:36} {taken[len(taken) // 2] * 1e3:7.1f} ms {taken[-1] * 1e3:7.1f} ms {len(content):8,} B",
            flush=True,
        )


def main() -> None:
    """Make it, measure, and remove it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--repositories", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=20)
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="orlop-questions-"))
    try:
        fill(folder / "data", chosen.images, chosen.repositories, 0)
        seed(folder / "data")
        server = Server(folder / "data", 0, "0s", PASSWORD)
        try:
            measure(server.port, chosen.rounds)
        finally:
            server.end()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
