"""skopeo: copies between registries, OCI layouts and plain folders, with every digest kept."""

import json
from pathlib import Path

import pytest

from tests.clients.contents import in_layout, served
from tests.clients.programs import Station
from tests.servers import OrlopServer

pytestmark = pytest.mark.slow

_COPY = ("copy", "--quiet", "--all", "--preserve-digests")
_IN, _OUT = "--dest-tls-verify=false", "--src-tls-verify=false"


@pytest.mark.parametrize("kind", ["oci", "dir"])
def test_an_index_goes_through_a_folder(server: OrlopServer, station: Station, platforms: Path, kind: str) -> None:
    repository = f"skopeo/through-{kind}"
    at = f"docker://{server.address}/{repository}"
    folder = f"{kind}:{station.folder / 'between'}"
    station.run("skopeo", *_COPY, _IN, f"oci:{platforms}:multi", f"{at}:first")
    station.run("skopeo", *_COPY, _OUT, f"{at}:first", folder)
    station.run("skopeo", *_COPY, _IN, folder, f"{at}/back:second")
    assert served(server, repository, "first") == served(server, f"{repository}/back", "second") == in_layout(platforms)


def test_a_system_image_arrives_as_it_is(server: OrlopServer, debian_served: str, debian: Path) -> None:
    assert served(server, debian_served, "12") == in_layout(debian)


def test_registry_to_registry(server: OrlopServer, station: Station, platforms: Path) -> None:
    first, second = (f"docker://{server.address}/skopeo/{name}:1" for name in ("source", "target"))
    station.run("skopeo", *_COPY, _IN, f"oci:{platforms}:multi", first)
    station.run("skopeo", *_COPY, _IN, _OUT, first, second)
    assert served(server, "skopeo/target", "1") == in_layout(platforms)


def test_a_conversion_to_docker_types_is_stored_too(server: OrlopServer, station: Station, single: Path) -> None:
    target = f"docker://{server.address}/skopeo/docker:2"
    station.run("skopeo", "copy", "--quiet", "--format=v2s2", _IN, f"oci:{single}:one", target)
    raw = json.loads(station.run("skopeo", "inspect", "--raw", "--tls-verify=false", target))
    assert raw["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json"
    stored = served(server, "skopeo/docker", "2")
    layers = {layer["digest"] for layer in raw["layers"]}
    assert layers <= stored.sizes.keys() & in_layout(single).sizes.keys()


def test_tags_are_listed_inspected_synchronised_and_deleted(
    server: OrlopServer, station: Station, single: Path
) -> None:
    at = f"{server.address}/skopeo/tags"
    for tag in ("a", "b", "C.1"):
        station.run("skopeo", *_COPY, _IN, f"oci:{single}:one", f"docker://{at}:{tag}")
    listed = json.loads(station.run("skopeo", "list-tags", "--tls-verify=false", f"docker://{at}"))
    assert listed["Tags"] == ["C.1", "a", "b"]
    inspected = json.loads(station.run("skopeo", "inspect", "--tls-verify=false", f"docker://{at}:a"))
    assert inspected["Digest"] == in_layout(single).digest

    synchronised = station.folder / "synchronised"
    station.run("skopeo", "sync", "--src", "docker", "--dest", "dir", _OUT, at, synchronised)
    assert len(list(synchronised.rglob("manifest.json"))) == 3

    station.run("skopeo", "delete", "--tls-verify=false", f"docker://{at}:a")
    assert "manifest unknown" in station.refused("skopeo", "inspect", "--tls-verify=false", f"docker://{at}:a")
