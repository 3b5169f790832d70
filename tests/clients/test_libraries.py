"""Clients that are libraries, and what is built on them: oras-py, python-dxf, jib-core, ko. Each signs in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.conftest import PASSWORD
from tests.clients.programs import Station, go_cache, jib
from tests.needs import need
from tests.servers import OrlopServer
from tests.serving import serving

pytestmark = pytest.mark.slow

#: What oras-py is told; it keeps the first token that it gets, so one client pushes and another pulls.
_ORAS = """
import sys

import oras.client

address, password, target = sys.argv[1:]


def signed_in():
    client = oras.client.OrasClient(hostname=address, insecure=True)
    client.login(hostname=address, username="admin", password=password)
    return client


signed_in().push(target, files=["note.txt:text/plain", "numbers.bin"])
signed_in().pull(target, outdir="pulled")
print(*signed_in().get_tags(target))
"""

_GO = 'package main\n\nfunc main() {\n\tprintln("built")\n}\n'


@pytest.fixture
def base(private: OrlopServer, station: Station, single: Path) -> str:
    """An image to build on, pushed by somebody who stays signed in."""
    login = ("auth", "login", private.address, "-u", "admin", "--password-stdin")
    station.run("crane", *login, sent=PASSWORD.encode())
    image = f"{private.address}/team/base:1"
    station.run("crane", "push", single, image)
    return image


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a server with TLS, and its certificate."""
    folder = tmp_path_factory.mktemp("secure")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    request = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    names = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    Station(folder).run("openssl", *request, *names, "-keyout", key, "-out", certificate)
    given = ("--tls-cert", str(certificate), "--tls-key", str(key))
    with serving(folder, *given, settings={"ORLOP_ADMIN_PASSWORD": PASSWORD}, opened=False) as server:
        yield f"127.0.0.1:{server.port}", certificate


def test_oras_py_pushes_files_and_pulls_them(private: OrlopServer, station: Station) -> None:
    """Its first request is HEAD of a blob, and what it is challenged for there is all that it ever fetches."""
    files = {"note.txt": b"a note\n", "numbers.bin": bytes(range(256)) * 4_000}
    for name, content in files.items():
        (station.folder / name).write_bytes(content)
    python = Path(need("dxf")["dxf"]).with_name("python")
    target = f"{private.address}/team/oras-py:1"
    assert station.text(str(python), "-c", _ORAS, private.address, PASSWORD, target) == "1"
    assert {name: (station.folder / "pulled" / name).read_bytes() for name in files} == files


def test_dxf_pushes_blobs_and_gives_them_names(secure: tuple[str, Path], station: Station) -> None:
    """It signs in over https alone."""
    address, certificate = secure
    signed_in = {"DXF_HOST": address, "DXF_TLSVERIFY": str(certificate), "DXF_USERNAME": "admin"}
    station.environment.update(signed_in, DXF_PASSWORD=PASSWORD)
    content = b"dxf " * 500_000
    (station.folder / "file").write_bytes(content)
    digest = station.text("dxf", "push-blob", "team/dxf", "file")
    station.run("dxf", "set-alias", "team/dxf", "1", digest)
    assert station.text("dxf", "get-alias", "team/dxf", "1") == digest
    assert station.text("dxf", "list-aliases", "team/dxf") == "1"
    assert station.text("dxf", "list-repos") == "team/dxf"
    assert station.run("dxf", "pull-blob", "team/dxf", digest) == content
    station.environment["DXF_PASSWORD"] = "wrong"
    assert "unauthorized" in station.refused("dxf", "get-alias", "team/dxf", "1")


def test_jib_builds_an_image_on_another(private: OrlopServer, station: Station, base: str) -> None:
    (station.folder / "file").write_text("added by jib\n")
    image = f"{private.address}/team/jib:1"
    digest = station.text(
        "java",
        # jib sends no password over http unless it is told to.
        *("-DsendCredentialsOverHttp=true", "-cp", f"{jib()}/*", Path(__file__).with_name("jib") / "Carry.java"),
        *(base, image, "file", "admin", PASSWORD),
    )
    assert station.text("crane", "digest", image) == digest
    station.run("crane", "validate", "--remote", image)
    assert b"added by jib" in station.run("crane", "export", image, "-")


def test_ko_builds_a_program_into_an_image(private: OrlopServer, station: Station, base: str) -> None:
    source = station.folder / "source"
    source.mkdir()
    (source / "go.mod").write_text("module example.com/built\n\ngo 1.21\n")
    (source / "main.go").write_text(_GO)
    variables = {
        "KO_DOCKER_REPO": f"{private.address}/team/ko",
        "KO_DEFAULTBASEIMAGE": base,
        "GOCACHE": go_cache(),
        "GOTOOLCHAIN": "local",
    }
    build = (need("ko")["ko"], "build", "--bare", "--tags", "1", "--platform", "linux/amd64", ".")
    named = station.text("sh", "-c", 'cd source && exec "$@"', "sh", *build, **variables)
    image = f"{private.address}/team/ko:1"
    assert named == f"{image}@{station.text('crane', 'digest', image)}"
    station.run("crane", "validate", "--remote", image)
    assert b"ko-app" in station.run("crane", "export", image, "-")
