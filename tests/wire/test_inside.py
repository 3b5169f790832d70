"""What is inside images, from a push to the answer: each is read soon, layers once, and nobody's pull depends on it."""

import gzip
import io
import tarfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import apsw
import pytest

from orlop.domain import media_types
from tests.content import Piece, artifact, image, platform_index
from tests.managed import PASSWORD, Managed
from tests.servers import OrlopServer

pytestmark = pytest.mark.slow

_STATUS = "Package: {0}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {1}\n\n"
_RELEASE = 'ID=debian\nVERSION_ID="12"\n'


def layer(name: str, files: Mapping[str, str]) -> Piece:
    """A layer of files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content.encode()))
    return Piece(name, media_types.OCI_LAYER, gzip.compress(stream.getvalue(), mtime=0))


#: How often it is looked, ten times a second: readers stand back for everything else that a machine does.
_LOOKS = 1_800

BASE = layer("debian", {"etc/os-release": _RELEASE, "var/lib/dpkg/status": _STATUS.format("bash", "5.2.15-2")})


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    server = OrlopServer(tmp_path_factory.mktemp("inside"), {"open": False, "admin_password": PASSWORD, "workers": 2})
    server.start()
    try:
        yield Managed(server)
    finally:
        server.kill()


def known(api: Managed, repository: str, reference: str, **more: str) -> Any:
    """What is known of an image, once it was read."""
    query = "&".join(f"{name}={value}" for name, value in {"reference": reference, **more}.items())
    for _ in range(_LOOKS):
        found = api.ask("GET", f"image-packages?repository={repository}&{query}")
        if found["state"] in {"read", "unread"}:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{repository}:{reference} is {found['state']} after so many looks")


def attached(api: Managed, repository: str, reference: str) -> list[str]:
    """The types of the SBOMs that are attached to an image, once there is any."""
    for _ in range(_LOOKS):
        found = api.ask("GET", f"attached-sboms?repository={repository}&reference={reference}")["sboms"]
        if found:
            return [each["media_type"] for each in found]
        time.sleep(0.1)
    raise AssertionError(f"nothing is attached to {repository}:{reference} after so many looks")


def read_at(api: Managed, digest: str) -> list[int]:
    """When a layer was read, as the catalog has it."""
    [file] = Path(api.server.data).rglob("catalog.sqlite")
    connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        rows = connection.execute("SELECT read_at FROM inside_layers WHERE digest = ?", (digest,))
        return [at for (at,) in rows]
    finally:
        connection.close()


def test_fifty_pushed_at_once_are_all_read_and_their_layer_once(api: Managed) -> None:
    """And each gets its SBOM."""
    api.put("sbom-rules/all?path=many", {"attach": ["cyclonedx"]})
    for number in range(50):
        own = layer(f"own {number}", {f"lib/p{number}-1.0.dist-info/METADATA": f"Name: p{number}\nVersion: 1.0\n\n"})
        api.push("many/app", image(f"image {number}", [BASE, own]), f"t{number}")
    for number in range(50):
        found = known(api, "many/app", f"t{number}")
        assert found["state"] == "read"
        assert [each["purl"] for each in found["packages"]] == [
            "pkg:deb/debian/bash@5.2.15-2?arch=amd64&distro=debian-12",
            f"pkg:pypi/p{number}@1.0",
        ]
        assert attached(api, "many/app", f"t{number}") == ["application/vnd.cyclonedx+json"]
    report = api.server.verify()
    assert report["layers"] == 5
    assert report["packages"] > 0
    [first] = read_at(api, BASE.digest)
    api.ask("POST", "image-readings", {"image": "many/app:t0"})
    assert known(api, "many/app", "t0")["state"] == "read"
    assert read_at(api, BASE.digest) == [first]


def test_what_cannot_be_read_is_said_and_the_image_is_as_before(api: Managed) -> None:
    broken = Piece("broken", media_types.OCI_LAYER, b"no archive at all")
    api.push("bad/app", image("broken image", [BASE, broken], foreign=["elsewhere"]), "1")
    found = known(api, "bad/app", "1")
    assert found["state"] == "read"
    assert [each["name"] for each in found["packages"]] == ["bash"]
    second, third = found["unread"]
    assert second.startswith("layer 2 of 3: ")
    assert third == "layer 3 of 3: it lies elsewhere, as foreign layers do"
    api.pull("bad/app", "1")


def test_lists_tell_the_platform_of_a_single_image_once_it_was_read(api: Managed) -> None:
    api.push("platform/app", image("one platform", [BASE]), "1")
    api.push("platform/app", artifact("none at all"), "artifact")
    assert known(api, "platform/app", "1")["state"] == "read"
    found = api.ask("GET", "tags?repository=platform/app&sort=name")
    assert [(tag["name"], tag["platforms"]) for tag in found] == [("1", ["linux/amd64"]), ("artifact", [])]
    found = api.ask("GET", "tags?repository=platform/app&platform=linux/amd64")
    assert [tag["name"] for tag in found] == ["1"]


def test_an_image_without_a_package_manager_says_how_packages_were_found(api: Managed) -> None:
    own = layer("own", {"app/lib-1.dist-info/METADATA": "Name: lib\nVersion: 1\n\n"})
    api.push("scratch/app", image("scratch", [own]), "1")
    found = known(api, "scratch/app", "1")
    assert (found["distribution"], found["found_by"], len(found["packages"])) == (None, ["python"], 1)


def test_what_is_no_image_has_no_packages(api: Managed) -> None:
    api.push("what/app", platform_index("two platforms"), "index")
    said = api.refused("GET", "image-packages?repository=what/app&reference=index", status=400)
    assert "name one; there are linux/amd64, linux/arm64" in said["detail"]
    assert known(api, "what/app", "index", platform="linux/arm64")["digest"].startswith("sha256:")
    subject = image("subject")
    api.push("what/app", subject, "subject")
    api.push("what/app", artifact("a signature", subject=subject), "artifact")
    said = api.refused("GET", "image-packages?repository=what/app&reference=artifact", status=404)
    assert "holds no packages" in said["detail"]


def test_an_sbom_is_the_same_until_the_image_is_read_anew(api: Managed) -> None:
    api.push("sbom/app", image("for sboms", [BASE]), "1")
    known(api, "sbom/app", "1")
    one, two = (api.ask("GET", "sboms?repository=sbom/app&reference=1&format=spdx") for _ in range(2))
    assert one == two
    assert one["spdxVersion"] == "SPDX-2.3"
    cyclonedx = api.ask("GET", "sboms?repository=sbom/app&reference=1")
    assert cyclonedx["specVersion"] == "1.6"
    assert "pkg:deb/debian/bash@5.2.15-2?arch=amd64&distro=debian-12" in {
        each.get("purl") for each in cyclonedx["components"]
    }
