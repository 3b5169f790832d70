"""What the pages take on a large registry: `python -m bench.pages [--repositories N] [--tags N] [--rounds N]`.

A server on a hundred thousand repositories in one namespace and a million tags, as rows made in the catalog directly,
with a thousand grants. One browser opens each page again and again; what it waits for is measured, from the first byte
of the request to the last of the answer.
"""

import argparse
import asyncio
import http.client
import re
import shutil
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

from bench.collecting import Server
from bench.retaining import PASSWORD, fill
from orlop.adapters.filesystem import open_data_folder
from orlop.adapters.sql.catalog import open_sqlite
from orlop.domain.access import Place, PlaceKind
from orlop.ports.catalog import By
from orlop.ports.identity import Account, NewGrant

GRANTS = 1_000
PAGES = (
    "/",
    "/help",
    "/account",
    "/r/r00042",
    "/r/r00042/-/history",
    "/r/r00042/-/rules",
    "/r/r00042/-/people",
    "/r/r00042/-/usage",
    "/search?q=r00042",
    "/search?q=v-4242",
    "/people",
    "/grants",
    "/rules",
    "/trash",
    "/plans",
    "/world",
    "/jobs",
    "/webhooks",
    "/audit",
    "/health",
)


async def grant(catalog: Path) -> None:
    """A thousand accounts, each with a right on a repository of its own."""
    opened = open_sqlite(catalog)
    by = By("bench", 1)
    try:
        for number in range(GRANTS):
            await opened.identity.accounts.add(Account(name=f"user-{number:04}"), by)
            place = Place(PlaceKind.REPOSITORIES, f"r{number:05}")
            await opened.identity.grants.add(NewGrant(principal=f"user-{number:04}", role="reader", place=place), by)
    finally:
        await opened.engine.close()


class Browser:
    """One connection, signed in."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._cookies: dict[str, str] = {}
        self._origin = f"http://127.0.0.1:{port}"

    def ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, bytes, float]:
        """Its status, what came over the wire, and after how many seconds."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if fields is None:
            headers["Accept-Encoding"] = "gzip"
        else:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": self._origin}
        began = time.perf_counter()
        self._connection.request(method, path, urlencode(fields) if fields is not None else None, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        took = time.perf_counter() - began
        for value in answer.headers.get_all("Set-Cookie") or ():
            name, _, rest = value.partition("=")
            self._cookies[name] = rest.partition(";")[0]
        return answer.status, content, took

    def sign_in(self) -> None:
        """As the administrator, with the form."""
        self._connection.request("GET", "/login")
        answer = self._connection.getresponse()
        token = re.search(rb'name="csrf" value="([^"]*)"', answer.read())
        assert token is not None
        cookie = answer.headers["Set-Cookie"].partition(";")[0].partition("=")
        self._cookies[cookie[0]] = cookie[2]
        status, _, _ = self.ask("POST", "/login", {"csrf": token[1].decode(), "name": "admin", "password": PASSWORD})
        assert status == 303, status


def measure(port: int, rounds: int) -> None:
    """Print a line for each page."""
    browser = Browser(port)
    browser.sign_in()
    print(f"{'page':32} {'median':>9} {'p99':>9} {'zipped':>9}")
    for page in PAGES:
        status, content, _ = browser.ask("GET", page)
        if status != 200:
            print(f"{page:32} answers {status}")
            continue
        taken = sorted(browser.ask("GET", page)[2] for _ in range(rounds))
        median, late = taken[len(taken) // 2], taken[int(len(taken) * 0.99)]
        print(f"{page:32} {median * 1e3:6.1f} ms {late * 1e3:6.1f} ms {len(content):7,} B", flush=True)


def main() -> None:
    """Make it, measure, and remove it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repositories", type=int, default=100_000)
    parser.add_argument("--tags", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=100)
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="orlop-pages-"))
    try:
        fill(folder / "data", chosen.tags, chosen.repositories, 0)
        server = Server(folder / "data", 0, "0s", PASSWORD)
        try:
            asyncio.run(grant(open_data_folder(folder / "data").catalog))
            measure(server.port, chosen.rounds)
        finally:
            server.end()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
