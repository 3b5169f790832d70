"""Pulls of a manifest under two enforcing gates beside the same without any, in turns: `python -m bench.gates`."""

import json
import re
import statistics
import subprocess
import tempfile
from pathlib import Path

from tests.contract.advisories import advisory
from tests.managed import PASSWORD, Managed, _basic
from tests.servers import OrlopServer
from tests.wire.test_gates import GOOD
from tests.wire.test_inside import known

ROUNDS, SECONDS = 6, 4
FREE = ("rate_limits_requests", "rate_limits_pulls", "rate_limits_address_requests", "rate_limits_address_pulls")


def rate(port: int, who: str) -> float:
    """Manifests a second that wrk gets with sixteen connections."""
    url = f"http://127.0.0.1:{port}/v2/prod/app/manifests/1"
    line = _basic(who).replace("authorization", "Authorization")
    said = subprocess.run(
        ["wrk", "-t1", "-c16", f"-d{SECONDS}s", "-H", line, url], capture_output=True, text=True, check=True
    ).stdout
    assert "Non-2xx" not in said, said
    found = re.search(r"Requests/sec:\s+([0-9.]+)", said)
    assert found is not None
    return float(found[1])


def main() -> None:
    """Print both, and how they compare."""
    with tempfile.TemporaryDirectory() as folder:
        server = OrlopServer(
            Path(folder), {"open": False, "admin_password": PASSWORD, "workers": 1, **dict.fromkeys(FREE, 0)}
        )
        server.start()
        try:
            api = Managed(server)
            record = json.loads(advisory("TEST-1", "openssl9", "3.0.15", aliases=["CVE-2026-1234"]))
            api.ask("POST", "advisories", {"source": "test", "records": [record]})
            api.push("prod/app", GOOD, "1")
            known(api, "prod/app", "1")
            plain, gated = [], []
            body = {"deny_severity": "critical", "mode": "enforce"}
            for _ in range(ROUNDS):
                plain.append(rate(server.port, "admin"))
                api.put("gates/one?path=", body)
                api.put("gates/two?path=prod", body)
                api.pull("prod/app", "1")
                gated.append(rate(server.port, "admin"))
                api.ask("DELETE", "gates/one?path=")
                api.ask("DELETE", "gates/two?path=prod")
        finally:
            server.kill()
    without, with_ = statistics.median(plain), statistics.median(gated)
    print(*(f"{one:.0f} {other:.0f};" for one, other in zip(plain, gated, strict=True)))
    print(f"without {without:.0f}, under two gates {with_:.0f} a second: {with_ / without:.3f}")


if __name__ == "__main__":
    main()
