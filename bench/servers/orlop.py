"""Orlop as its users start it: two workers, accounts, everything else at its default, the access log in a file.

Nobody's requests are limited in number, but counted as if they were.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.findings import OURS
from bench.scenes import people
from bench.servers.process import Running, free_port, started

#: More than any load here makes of one client in a minute.
_COUNTED = {
    f"ORLOP_RATE_LIMITS_{name}": "100000000" for name in ("REQUESTS", "PULLS", "ADDRESS_REQUESTS", "ADDRESS_PULLS")
}
#: Python keeps what it compiled, as where Orlop is installed, whatever the shell says; else each start compiles all.
_COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}


def command(storage: Path, port: int) -> list[str]:
    """The command line."""
    listen = f"127.0.0.1:{port}"
    return [
        *(sys.executable, "-m", "orlop", "serve", "--workers", "2"),
        *("--listen", listen, "--data", str(storage)),
    ]


@contextmanager
def serving(folder: Path, storage: Path, more: Mapping[str, str] = {}) -> Iterator[Running]:
    """The server on this data folder; its logs go to `folder`. `more` are variables."""
    port = free_port()
    environment = {**_COUNTED, **_COMPILED, **more}
    with started(OURS, command(storage, port), port, folder, ready="/readyz", environment=environment) as running:
        yield running._replace(authorization=people.authorization())
