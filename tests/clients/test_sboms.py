"""SBOMs as clients attach them: oras as referrers, cosign under tags and as referrers; each counts by a rule."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.programs import Station
from tests.managed import PASSWORD, Managed
from tests.servers import OrlopServer
from tests.wire.test_sboms import BASH, eventually, own, purls, spdx

pytestmark = pytest.mark.slow

_SPDX = "application/spdx+json"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    server = OrlopServer(tmp_path_factory.mktemp("attached"), {"open": False, "admin_password": PASSWORD, "workers": 1})
    server.start()
    try:
        made = Managed(server)
        made.put("sbom-rules/theirs", {"attached": "beside", "pushed_by": ["admin"]})
        yield made
    finally:
        server.kill()


@pytest.fixture
def station(tmp_path: Path) -> Station:
    made = Station(tmp_path, COSIGN_PASSWORD="secret")
    (tmp_path / "sbom.json").write_text(json.dumps({**spdx("pkg:npm/left-pad@1.3.0"), "SPDXID": "SPDXRef-DOCUMENT"}))
    return made


def test_oras_attaches_a_referrer(api: Managed, station: Station) -> None:
    api.push("sbom/oras", own("oras"), "1")
    assert purls(api, "sbom/oras") == {BASH}
    host = api.server.address
    station.run("oras", "login", "--plain-http", "-u", "admin", "--password-stdin", host, sent=PASSWORD.encode())
    at = f"{host}/sbom/oras:1"
    station.run("oras", "attach", "--plain-http", "--artifact-type", _SPDX, at, f"sbom.json:{_SPDX}")
    _counts(api, "sbom/oras", "referrer")


def test_cosign_attests_under_a_tag_and_attaches(api: Managed, station: Station) -> None:
    host = api.server.address
    station.run("cosign", "generate-key-pair")
    station.run("cosign", "login", host, "-u", "admin", "-p", PASSWORD)
    for name in ("attested", "attached", "referring"):
        api.push(f"sbom/{name}", own(name), "1")
    attest = ("attest", "--yes", "--tlog-upload=false", "--key=cosign.key", "--type=spdxjson", "--predicate=sbom.json")
    station.run("cosign", *attest, f"{host}/sbom/attested@{own('attested').digest}")
    _counts(api, "sbom/attested", "cosign")
    attach = ("attach", "sbom", "--type=spdx", "--input-format=json", "--sbom=sbom.json")
    station.run("cosign", *attach, f"{host}/sbom/attached@{own('attached').digest}")
    _counts(api, "sbom/attached", "cosign")
    station.run(
        "cosign",
        *(*attach, "--registry-referrers-mode=oci-1-1", f"{host}/sbom/referring@{own('referring').digest}"),
        variables={"COSIGN_EXPERIMENTAL": "1"},
    )
    _counts(api, "sbom/referring", "referrer")


def _counts(api: Managed, repository: str, way: str) -> None:
    eventually(lambda: purls(api, repository), lambda found: found == {BASH, "pkg:npm/left-pad@1.3.0"})
    [document] = api.ask("GET", f"attached-sboms?repository={repository}&reference=1")["sboms"]
    assert (document["way"], document["pushed_by"], document["counts"]) == (way, "admin", True)
