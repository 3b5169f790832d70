"""What gates cost: `python -m bench.gates`. Pulls of a manifest under two enforcing gates beside the same without any,
in turns; and a dry run over ten thousand images that are read, with the packages that they hold looked up."""

import base64
import json
import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.gates.images import IMAGES, advisories, filled
from tests.contract.advisories import advisory
from tests.managed import PASSWORD, Managed
from tests.servers import OrlopServer
from tests.wire.test_gates import GOOD
from tests.wire.test_inside import known

ROUNDS, SECONDS = 6, 4
#: Times that all images are gone through.
DRY_RUNS = 3
#: The demands: of pulls without gates, and seconds of a dry run.
SHARE, LONGEST = 0.95, 10.0
FREE = ("rate_limits_requests", "rate_limits_pulls", "rate_limits_address_requests", "rate_limits_address_pulls")


def main() -> None:
    """Print both, and how they stand to what is asked for."""
    pulls()
    dry_runs()


def pulls() -> None:
    """Manifests a second, without gates and under two, in turns."""
    with serving() as api:
        record = json.loads(advisory("TEST-1", "openssl9", "3.0.15", aliases=["CVE-2026-1234"]))
        api.ask("POST", "advisories", {"source": "test", "records": [record]})
        api.push("prod/app", GOOD, "1")
        known(api, "prod/app", "1")
        plain, gated = [], []
        body = {"deny_severity": "critical", "mode": "enforce"}
        for _ in range(ROUNDS):
            load = loaded()
            plain.append(rate(api.server.port, "admin"))
            api.put("gates/one?path=", body)
            api.put("gates/two?path=prod", body)
            api.pull("prod/app", "1")
            gated.append(rate(api.server.port, "admin"))
            api.ask("DELETE", "gates/one?path=")
            api.ask("DELETE", "gates/two?path=prod")
            print(f"without {plain[-1]:.0f}, under two gates {gated[-1]:.0f} a second; load {load}", flush=True)
    share = statistics.median(under / without for under, without in zip(gated, plain, strict=True))
    print(f"pulls: {share:.3f} of those without gates, by the median of {ROUNDS} pairs; at least {SHARE} is asked for")


def dry_runs() -> None:
    """Seconds of a dry run over IMAGES images."""
    with serving() as api:
        api.ask("POST", "advisories", {"source": "test", "records": advisories()})
        began = time.monotonic()
        filled(api.server.port, credential("admin"))
        print(f"{IMAGES} images pushed in {time.monotonic() - began:.0f} s", flush=True)
        api.put("gates/bench?path=many", {"deny_severity": "critical", "fixable": True, "mode": "off"})
        while waiting := sum(one["waiting"] for one in gone_through(api)):
            print(f"{waiting} are not read yet, after {time.monotonic() - began:.0f} s", flush=True)
            time.sleep(5)
        taken = []
        for _ in range(DRY_RUNS):
            load, began, busy = loaded(), time.monotonic(), api.server.busy_seconds()
            held = gone_through(api)
            taken.append(time.monotonic() - began)
            busy = api.server.busy_seconds() - busy
            said = f"{taken[-1]:.2f} s, {busy:.2f} of a processor; load {load}"
            print(f"{len(held)} of {IMAGES} held back, found in {said}", flush=True)
    print(f"dry run over {IMAGES} images: {statistics.median(taken):.2f} s; at most {LONGEST:.0f} are asked for")


def gone_through(api: Managed) -> list[dict[str, object]]:
    """What a dry run says of all images, page by page."""
    held: list[dict[str, object]] = []
    looked, last = 0, ""
    while True:
        page = api.ask("GET", f"gate-dry-runs/bench?path=many&n=500&last={last}")
        looked += page["looked"]
        held += page["held"]
        last = page["last"]
        if not last:
            assert looked == IMAGES, looked
            return held


def rate(port: int, who: str) -> float:
    """Manifests a second that wrk gets with sixteen connections."""
    url = f"http://127.0.0.1:{port}/v2/prod/app/manifests/1"
    said = subprocess.run(
        ["wrk", "-t1", "-c16", f"-d{SECONDS}s", "-H", credential(who), url], capture_output=True, text=True, check=True
    ).stdout
    assert "Non-2xx" not in said, said
    found = re.search(r"Requests/sec:\s+([0-9.]+)", said)
    assert found is not None
    return float(found[1])


def credential(who: str) -> str:
    """The line of a request that somebody signs in with."""
    return f"Authorization: Basic {base64.b64encode(f'{who}:{PASSWORD}'.encode()).decode()}"


def loaded() -> str:
    """The load of the machine in the last minute."""
    return f"{os.getloadavg()[0]:.2f}"


@contextmanager
def serving() -> Iterator[Managed]:
    """A server that limits nobody."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"open": False, "admin_password": PASSWORD, "workers": 1, **dict.fromkeys(FREE, 0)}
        server = OrlopServer(Path(folder), settings)
        server.start()
        try:
            yield Managed(server)
        finally:
            server.kill()


if __name__ == "__main__":
    main()
