"""cosign signs in one stage, and the promoted image verifies in the next by its digest, with all that refers to it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.contents import in_layout
from tests.clients.programs import Station
from tests.managed import PASSWORD, Managed
from tests.servers import OrlopServer

pytestmark = pytest.mark.slow

_OFFLINE = ("--insecure-ignore-tlog=true", "--key=cosign.pub")
_OFFLINE_3 = ("--yes", "--tlog-upload=false", "--use-signing-config=false")
_AS_REFERRERS = {"COSIGN_EXPERIMENTAL": "1"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    server = OrlopServer(tmp_path_factory.mktemp("promoted"), {"open": False, "admin_password": PASSWORD})
    server.start()
    try:
        made = Managed(server)
        made.put("pipelines/app", {"stages": ["dev=dev/", "prod=prod/"]})
        yield made
    finally:
        server.kill()


@pytest.mark.parametrize("form", ["tags", "referrers"])
def test_what_cosign_signed_verifies_where_it_was_promoted(
    api: Managed, tmp_path: Path, single: Path, form: str
) -> None:
    server, station = api.server, Station(tmp_path, COSIGN_PASSWORD="secret")
    (tmp_path / "sbom.json").write_text('{"spdxVersion": "SPDX-2.3"}')
    for program in ("cosign", "crane"):
        login = ("login", server.address, "--username", "admin", "--password-stdin")
        station.run(program, *(("auth", *login) if program == "crane" else login), sent=PASSWORD.encode())
    station.run("cosign", "generate-key-pair")
    station.run("crane", "push", single, f"{server.address}/dev/{form}:1")
    image = f"{form}@{in_layout(single).digest}"
    variables = _AS_REFERRERS if form == "referrers" else {}
    mode = ("--registry-referrers-mode=oci-1-1",) if form == "referrers" else ()
    looking = ("--experimental-oci11",) if form == "referrers" else ()
    sign = ("--yes", "--tlog-upload=false", "--key=cosign.key", *mode, f"{server.address}/dev/{image}")
    station.run("cosign", "sign", *sign, variables=variables)
    attest = ("--yes", "--tlog-upload=false", "--key=cosign.key", "--type=spdxjson", "--predicate=sbom.json")
    station.run("cosign", "attest", *attest, f"{server.address}/dev/{image}")
    api.ask("POST", "promotions", {"images": [f"dev/{form}:1"], "stage": "prod"})
    there = f"{server.address}/prod/{image}"
    assert json.loads(station.run("cosign", "verify", *_OFFLINE, *looking, there, variables=variables))
    assert json.loads(station.run("cosign", "verify-attestation", *_OFFLINE, "--type=spdxjson", there))
    trees = [
        station.text("cosign", "tree", f"{server.address}/{stage}/{image}").replace(f"/{stage}/", "/")
        for stage in ("dev", "prod")
    ]
    assert sorted(trees[0].splitlines()) == sorted(trees[1].splitlines())  # cosign tells them in any order


def test_a_gate_that_asks_for_a_signature_opens_seconds_after_it(api: Managed, tmp_path: Path, single: Path) -> None:
    server, station = api.server, Station(tmp_path, COSIGN_PASSWORD="secret")
    station.run("cosign", "login", server.address, "--username", "admin", "--password-stdin", sent=PASSWORD.encode())
    login = ("login", server.address, "--username", "admin", "--password-stdin")
    station.run("crane", "auth", *login, sent=PASSWORD.encode())
    station.run("cosign", "generate-key-pair")
    station.run("crane", "push", single, f"{server.address}/dev/gated/app:1")
    signers = {"keys": [(tmp_path / "cosign.pub").read_text()]}
    api.put("signers/team?path=prod/gated", signers)
    api.put("gates/signed?path=prod/gated", {"on": ["promotion"], "signed_by": ["team"], "mode": "enforce"})
    asked = {"images": ["dev/gated/app:1"], "stage": "prod"}
    said = api.refused("POST", "promotions", asked, status=403)
    assert said["detail"].startswith("gate signed on prod/gated refuses app:1"), said
    image = f"{server.address}/dev/gated/app@{in_layout(single).digest}"
    station.run("cosign", "sign", "--yes", "--tlog-upload=false", "--key=cosign.key", image)
    assert api.ask("POST", "promotions", asked)["promotion"]["state"] == "done"
    assert json.loads(station.run("cosign", "verify", *_OFFLINE, image.replace("/dev/", "/prod/")))


def test_what_cosign_3_signed_without_tags_has_equal_referrers_at_both_ends(
    api: Managed, tmp_path: Path, single: Path
) -> None:
    server, station = api.server, Station(tmp_path, COSIGN_PASSWORD="secret")
    (tmp_path / "sbom.json").write_text('{"spdxVersion": "SPDX-2.3"}')
    login = ("login", server.address, "--username", "admin", "--password-stdin")
    station.run("cosign3", *login, sent=PASSWORD.encode())
    station.run("crane", "auth", *login, sent=PASSWORD.encode())
    station.run("cosign", "generate-key-pair")
    station.run("crane", "push", single, f"{server.address}/dev/bundled:1")
    digest = in_layout(single).digest
    here, there = (f"{server.address}/{stage}/bundled@{digest}" for stage in ("dev", "prod"))
    signing = (*_OFFLINE_3, "--key=cosign.key", "--new-bundle-format=true")
    station.run("cosign3", "sign", *signing, here)
    station.run("cosign3", "attest", *signing, "--type=spdxjson", "--predicate=sbom.json", here)
    api.ask("POST", "promotions", {"images": ["dev/bundled:1"], "stage": "prod"})
    looking = (*_OFFLINE, "--new-bundle-format=true")
    assert json.loads(station.run("cosign3", "verify", *looking, there))
    assert station.run("cosign3", "verify-attestation", *looking, "--type=spdxjson", there)
    lists = [api.referrers(f"{stage}/bundled", digest) for stage in ("dev", "prod")]
    assert len(lists[0]) == 2
    assert lists[0] == lists[1]
