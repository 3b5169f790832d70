"""Quarantine at clients: whoever pushes is told, others get what was there before, and a signature lets it out."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.contents import in_layout
from tests.clients.programs import Station
from tests.content import image
from tests.managed import PASSWORD, Managed
from tests.servers import OrlopServer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    server = OrlopServer(tmp_path_factory.mktemp("held"), {"open": False, "admin_password": PASSWORD})
    server.start()
    try:
        made = Managed(server)
        actions = ["list", "pull", "pull-held", "create", "push-new", "tag", "overwrite"]
        made.put("roles/signer", {"actions": actions})
        for name, role in (("ann", "reader"), ("pat", "signer")):
            made.ask("POST", "users", {"name": name, "password": PASSWORD})
            made.ask("PUT", f"users/{name}/password", {"password": PASSWORD, "must_change": False})
            place = {"kind": "namespace", "path": "prod"}
            made.ask("POST", "grants", {"principal": name, "role": role, "place": place})
        yield made
    finally:
        server.kill()


def _signed_in(api: Managed, folder: Path, who: str) -> Station:
    folder.mkdir()
    station = Station(folder, COSIGN_PASSWORD="secret")
    for program in ("crane", "cosign", "skopeo", "oras"):
        words = ("auth", "login") if program == "crane" else ("login",)
        plain = {"skopeo": ("--tls-verify=false",), "oras": ("--plain-http",)}.get(program, ())
        login = (*words, *plain, api.server.address, "--username", who, "--password-stdin")
        station.run(program, *login, sent=PASSWORD.encode())
    return station


def test_a_signature_lets_out_what_others_did_not_see(api: Managed, tmp_path: Path, single: Path) -> None:
    before, name = image("before"), f"{api.server.address}/prod/app"
    api.push("prod/app", before, "1")
    pat, ann = _signed_in(api, tmp_path / "pat", "pat"), _signed_in(api, tmp_path / "ann", "ann")
    pat.run("cosign", "generate-key-pair")
    api.put("signers/release?path=prod", {"keys": [(pat.folder / "cosign.pub").read_text()]})
    api.put("gates/signed?path=prod", {"on": ["pull"], "signed_by": ["release"], "mode": "enforce"})
    api.put("quarantine-rules/in?path=prod", {})
    digest = in_layout(single).digest
    pat.run("crane", "push", single, f"{name}:1")
    # The tag is what it was, and the digest is known to whoever pushed it, who signs it, and to no other.
    assert pat.text("crane", "digest", f"{name}@{digest}") == digest
    assert ann.text("crane", "digest", f"{name}:1") == before.digest
    for said in (
        ann.refused("crane", "manifest", f"{name}@{digest}"),
        ann.refused("skopeo", "inspect", "--tls-verify=false", f"docker://{name}@{digest}"),
        ann.refused("oras", "manifest", "fetch", "--plain-http", f"{name}@{digest}"),
    ):
        assert "unknown" in said.lower() or "not found" in said.lower(), said
    assert ann.text("crane", "ls", name).split() == ["1"]
    [held] = api.ask("GET", "held-pushes?place=prod/")
    assert (held["digest"], held["tags"]) == (digest, ["1"])
    sign = ("--yes", "--tlog-upload=false", "--key=cosign.key", f"{name}@{digest}")
    pat.run("cosign", "sign", *sign)
    for _ in range(200):
        if not api.ask("GET", "held-pushes?place=prod/"):
            break
        time.sleep(0.05)
    assert ann.text("crane", "digest", f"{name}:1") == digest
    ann.run("skopeo", "copy", "--src-tls-verify=false", f"docker://{name}:1", f"oci:{ann.folder}/copy:1")
    ann.run("cosign", "verify", "--insecure-ignore-tlog=true", f"--key={pat.folder}/cosign.pub", f"{name}:1")
