"""Orlop as its users start it: two workers, open, everything else at its default, the access log in a file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.findings import OURS
from bench.servers.process import Running, free_port, started


def command(storage: Path, port: int) -> list[str]:
    """The command line."""
    listen = f"127.0.0.1:{port}"
    return [
        *(sys.executable, "-m", "orlop", "serve", "--open", "--workers", "2"),
        *("--listen", listen, "--data", str(storage)),
    ]


@contextmanager
def serving(folder: Path, storage: Path) -> Iterator[Running]:
    """The server on this data folder; its logs go to `folder`."""
    port = free_port()
    with started(OURS, command(storage, port), port, folder, ready="/readyz") as running:
        yield running
