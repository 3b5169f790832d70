"""Clients that have a certificate in place of a password: in the folders and flags in which each looks for it.

Docker shows none to an address of loopback, which it takes for one without TLS that can be trusted; podman and skopeo
read the same folders as it does.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.authorities import Authority, loopback
from tests.clients.conftest import PASSWORD
from tests.clients.programs import Station
from tests.serving import serving

pytestmark = pytest.mark.slow


class Secured(NamedTuple):
    """A registry that knows the certificate `ci`; `folder` has it as docker, podman and skopeo look for it."""

    address: str
    folder: Path
    log: Path


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    authority = Authority(folder)
    authority.issue("server", *loopback(), server=True)
    ci, lost = authority.issue("ci"), authority.issue("lost")
    certs = folder / "certs"
    certs.mkdir()
    for source, name in ((authority.file, "ca.crt"), (ci, "client.cert"), (ci.with_suffix(".key"), "client.key")):
        shutil.copy(source, certs / name)
    flags = ("--tls-cert", str(folder / "server.crt"), "--tls-key", str(folder / "server.key"), "--workers", "1")
    settings = {
        "ORLOP_ADMIN_PASSWORD": PASSWORD,
        "ORLOP_TLS_CLIENTS": str(authority.file),
        "ORLOP_TLS_REVOKED": str(authority.revoke(lost.stem)),
    }
    with serving(folder, *flags, settings=settings, opened=False) as server:
        station = Station(folder)
        at = f"https://127.0.0.1:{server.port}"
        admin = ("--silent", "--show-error", "--fail", "--cacert", authority.file, "-u", f"admin:{PASSWORD}")
        content = ("-H", "content-type: application/json")
        station.run("curl", *admin, *content, "-d", '{"name": "robot+ci"}', f"{at}/api/v1/robots")
        grant = '{"principal": "robot+ci", "role": "maintainer", "place": {"kind": "namespace", "path": "team"}}'
        station.run("curl", *admin, *content, "-d", grant, f"{at}/api/v1/grants")
        rule = '{"match": "subject:CN=ci,O=Example", "account": "robot+ci"}'
        new = (*content, "-H", "if-none-match: *", "-X", "PUT")
        station.run("curl", *admin, *new, "-d", rule, f"{at}/api/v1/certificate-rules/ci")
        yield Secured(f"127.0.0.1:{server.port}", folder, server.output)


def test_curl(secured: Secured, station: Station) -> None:
    folder, certs = secured.folder, secured.folder / "certs"
    asked = ("--silent", "--show-error", "--cacert", certs / "ca.crt", f"https://{secured.address}/v2/")
    shown = ("--cert", certs / "client.cert", "--key", certs / "client.key")
    assert station.text("curl", "--fail", *shown, *asked) in ("", "{}")
    assert "sign in" in station.text("curl", *asked)
    refused = station.refused("curl", "--cert", folder / "lost.crt", "--key", folder / "lost.key", *asked)
    assert "revoked" in refused


def test_skopeo(secured: Secured, station: Station, single: Path) -> None:
    certs, image = secured.folder / "certs", f"{secured.address}/team/skopeo:1"
    pushed = ("copy", "--quiet", "--dest-cert-dir", certs, f"oci:{single}:one", f"docker://{image}")
    station.run("skopeo", *pushed)
    station.run("skopeo", "copy", "--quiet", "--src-cert-dir", certs, f"docker://{image}", "dir:pulled")
    bare = secured.folder / "bare"
    bare.mkdir(exist_ok=True)
    shutil.copy(certs / "ca.crt", bare)
    said = station.refused("skopeo", "inspect", "--cert-dir", bare, f"docker://{image}")
    assert "sign in" in said or "unauthorized" in said.lower()


def test_oras(secured: Secured, station: Station, single: Path) -> None:
    certs, image = secured.folder / "certs", f"{secured.address}/team/oras:1"
    shown = {"ca-file": certs / "ca.crt", "cert-file": certs / "client.cert", "key-file": certs / "client.key"}
    to = [f"--to-{name}={file}" for name, file in shown.items()]
    station.run("oras", "copy", "--from-oci-layout", f"{single}:one", *to, image)
    station.run("oras", "manifest", "fetch", *(f"--{name}={file}" for name, file in shown.items()), image)
