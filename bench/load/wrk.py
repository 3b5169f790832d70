"""wrk: one thread, sixteen connections, each request at a random one of the paths that a server holds."""

import random
import subprocess
from pathlib import Path
from typing import NamedTuple

from bench.scenes import content
from bench.servers.process import Running
from bench.servers.programs import found

THREADS = 1
CONNECTIONS = 16


class LoadFailed(Exception):
    """Some answers were not what the load asked for."""


class Load(NamedTuple):
    """What to ask for: the body of a Lua function that returns a random path."""

    name: str
    path: str

    def below(self, namespace: str) -> "Load":
        """The same of repositories below a namespace."""
        return Load(f"{self.name}-{namespace}", self.path.replace('"/v2/', f'"/v2/{namespace}/'))


def manifests(repositories: int) -> Load:
    """Manifests by tag, all repositories at random."""
    return Load(
        "manifests",
        f"local n = random({repositories}) - 1\n"
        f'return "/v2/team" .. (n % 100) .. "/app" .. n .. "/manifests/v" .. (random({len(content.TAGS)}) - 1)',
    )


def blobs(size: int) -> Load:
    """The blobs of one size, at random."""
    digests = ", ".join(f'"{each.digest}"' for each in content.blobs(size))
    return Load(
        f"blobs-{size}",
        f'local digests = {{{digests}}}\nreturn "/v2/{content.BLOBS}/blobs/" .. digests[random(#digests)]',
    )


_SCRIPT = """
local random = math.random
math.randomseed(%d)
local tail = " HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nAccept: %s\\r\\n%s\\r\\n"
local function path()
%s
end
function request()
    return "GET " .. path() .. tail
end
function done(summary)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.stderr:write(string.format("%%d %%d %%d %%d", summary.requests, summary.bytes, summary.duration, failed))
end
"""


def _signed(server: Running) -> str:
    """The header that lets the load in, as Lua writes it."""
    return f"Authorization: {server.authorization}\\r\\n" if server.authorization else ""


class Rate(NamedTuple):
    """What a server gave in a second."""

    requests: float
    bytes: float


def measure(load: Load, server: Running, seconds: int, folder: Path, *, connections: int = CONNECTIONS) -> Rate:
    """Put a server under load. Raises LoadFailed when a request failed."""
    script = folder / f"{load.name}.lua"
    script.write_text(_SCRIPT % (random.randrange(1 << 30), content.MANIFEST, _signed(server), load.path))
    wrk = found("wrk")
    if wrk is None:
        raise LoadFailed("wrk is not on this machine")
    command = [wrk, f"-t{THREADS}", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", str(script)]
    done = subprocess.run([*command, server.url], capture_output=True, text=True, check=False)
    try:
        requests, size, microseconds, failed = map(int, done.stderr.split())
    except ValueError as cause:
        raise LoadFailed(f"wrk: {done.stderr}{done.stdout}") from cause
    if failed or not requests:
        raise LoadFailed(f"{server.name}, {load.name}: {failed} of {requests} requests failed")
    return Rate(requests / microseconds * 1e6, size / microseconds * 1e6)
