"""How long single requests take, one after another on one connection."""

import time
from collections.abc import Callable, Iterator
from statistics import quantiles
from typing import NamedTuple

from bench.load.connection import Connection
from bench.servers.process import Running

Target = Callable[[], str]


class Latency(NamedTuple):
    """Seconds."""

    median: float
    p99: float
    longest: float


def measure(
    server: Running, method: str, target: Target, *, seconds: float, headers: str = "", pause: float = 0.0
) -> Latency:
    """Ask for `target()` again and again, `pause` seconds apart."""
    connection = Connection(server)
    try:
        taken = sorted(_taken(connection, method, target, seconds, headers, pause))
    finally:
        connection.close()
    return Latency(taken[len(taken) // 2], quantiles(taken, n=100)[98], taken[-1])


def _taken(
    connection: Connection, method: str, target: Target, seconds: float, headers: str, pause: float
) -> Iterator[float]:
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        connection.request(method, target(), headers=headers, expect=200, keep=False)
        yield time.perf_counter() - began
        if pause:
            time.sleep(pause)
