"""Gates from a push to the pull: what they hold back is refused with a sentence, by every way to it, and to nobody who
needs it."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.content import Pushable, image, index
from tests.contract.advisories import advisory
from tests.managed import PASSWORD, Managed
from tests.servers import OrlopServer
from tests.wire.test_inside import known, layer

pytestmark = pytest.mark.slow

_STATUS = "Package: {0}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {1}\n\n"
_RELEASE = 'ID=debian\nVERSION_ID="12"\n'
ACCEPT = {"Accept": "*/*"}
ENFORCED = {"on": ["pull"], "deny_severity": "critical", "fixable": True, "mode": "enforce"}


def holding(package: str, version: str) -> Pushable:
    """An image that holds one package of Debian."""
    files = {"etc/os-release": _RELEASE, "var/lib/dpkg/status": _STATUS.format(package, version)}
    return image(f"image of {package} {version}", [layer(f"{package} {version}", files)])


BAD, GOOD = holding("openssl9", "3.0.11"), holding("openssl9", "3.0.15")


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    server = OrlopServer(tmp_path_factory.mktemp("gates"), {"open": False, "admin_password": PASSWORD, "workers": 2})
    server.start()
    try:
        made = Managed(server)
        record = json.loads(advisory("TEST-1", "openssl9", "3.0.15", aliases=["CVE-2026-1234"]))
        record["database_specific"] = {"severity": "CRITICAL"}
        made.ask("POST", "advisories", {"source": "test", "records": [record]})
        made.ask("POST", "users", {"name": "ann", "password": PASSWORD})
        made.ask("PUT", "users/ann/password", {"password": PASSWORD, "must_change": False})
        place = {"kind": "namespace", "path": "prod"}
        made.ask("POST", "grants", {"principal": "ann", "role": "reader", "place": place})
        yield made
    finally:
        server.kill()


def test_a_pull_is_refused_with_a_sentence_that_says_what_to_do(api: Managed) -> None:
    api.push("prod/app", BAD, "1.4")
    known(api, "prod/app", "1.4")
    api.put("gates/no-critical?path=prod", ENFORCED)
    print(api.manifest("prod/app", "1.4", "ann"))
    api.push("prod/app", GOOD, "1.5")
    known(api, "prod/app", "1.5")
    print(api.manifest("prod/app", "1.5", "ann"))
    print(api.manifest("prod/app", "1.4", "ann"))
    print(api.manifest("prod/app", "1.4"))
    assert 0
